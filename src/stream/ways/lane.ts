// One shell on a remote host, over one exec channel, that runs command after command of many small streams: opening a
// channel means a process of sshd and two shells for each command, which costs more than many a stream itself.
// A lane ends with the first command that fails, so nothing is ever left over for the next one to read.
import { randomBytes } from 'node:crypto';
import type { Channels, Session } from '../../host/channels';
import { laneLine, laneScript } from '../../host/shell/lane-script';
import { displayCommand } from '../../host/shell/quote';
import { checkTag } from '../../host/tagged-processes';
import type { Endpoint, Status } from './endpoint';
import { LaneCommand, letFlow } from './lane-command';

/** Not the beginning of a dataset's tag: a lane that waits is nobody's transfer (replication/execute/leftovers.ts). */
const LANE_TAG = 'zfsflow-lane';

export class Lane {
  /** Takes commands: nothing runs, and all that ran exited with 0 and read its input to the end. */
  idle = true;
  private readonly exit: Status = { code: null, signal: null };
  private running: LaneCommand | undefined;
  private lost: Error | undefined;
  private gone = false;

  private constructor(
    private readonly channels: Channels,
    private readonly session: Session,
    private readonly key: string,
    /** Called when it is to be had again. */
    private readonly onFree: (lane: Lane) => void,
  ) {
    const { channel } = session;
    channel.on('data', (chunk: Buffer) => this.running?.stdoutData(chunk));
    channel.stderr.on('data', (chunk: Buffer) => this.running?.stderrData(chunk));
    // A broken pipe shows in the exit codes; here it must only not be an unhandled error.
    for (const stream of [channel, channel.stderr]) stream.on('error', () => undefined);
    channel.on('exit', (code: number | null, name?: string) =>
      Object.assign(this.exit, { code, signal: name ?? null }),
    );
    channel.on('close', () => this.over());
    session.onLost((error) => {
      this.lost = error;
      this.over();
    });
  }

  /** Throws the connection codes. */
  static async open(channels: Channels, onFree: (lane: Lane) => void, signal?: AbortSignal): Promise<Lane> {
    const key = randomBytes(12).toString('hex');
    const session = await channels.open(laneScript(key, channels.setup.zfsPath), LANE_TAG, signal);
    return new Lane(channels, session, key, onFree);
  }

  /**
   * Starts a command under a wrapper shell of its own, so that `tag` finds and ends it as it does everywhere.
   * `reads`: standard input is what is written to the endpoint, else it is empty.
   */
  start(argv: readonly string[], tag: string, reads: boolean): Endpoint {
    if (!this.idle) throw new TypeError('the lane is taken');
    checkTag(tag);
    const ended = this.channels.note(displayCommand(argv));
    this.idle = false;
    const on = { ended, free: () => this.freed(), hung: () => this.session.release() };
    this.running = new LaneCommand(this.session.channel, this.key, reads, on);
    this.session.channel.write(laneLine(this.key, argv, tag, { setup: this.channels.setup, reads }));
    return this.running;
  }

  /** Ends it when it is not wanted any more. */
  close(): void {
    this.idle = false;
    this.session.channel.end();
    letFlow(this.session.channel);
  }

  private freed(): void {
    const { running } = this;
    this.running = undefined;
    this.idle = running?.isSpotless === true && !this.gone;
    if (this.idle) this.onFree(this);
    else this.session.channel.close();
  }

  private over(): void {
    this.idle = false;
    this.gone = true;
    this.session.release();
    // `close` waits until standard output was read to its end, but not for standard error. Reading gives it as `data`.
    const { stderr } = this.session.channel;
    while (stderr.read() !== null);
    if (this.lost) this.running?.fail(this.lost);
    else this.running?.closed(this.exit);
  }
}
