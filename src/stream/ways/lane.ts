// One shell on a remote host, over one exec channel, that runs command after command of many small streams: opening a
// channel means a process of sshd and two shells for each command, which costs more than many a stream itself.
// A lane ends with the first command that fails, so nothing is ever left over for the next one to read.
import { randomBytes } from 'node:crypto';
import { PassThrough, Writable, type Readable } from 'node:stream';
import { ZfsFlowError } from '../../base/errors';
import type { Channel, Channels, Session } from '../../host/channels';
import { laneLine, laneScript, OUT_OF_STEP } from '../../host/shell/lane-script';
import { displayCommand } from '../../host/shell/quote';
import { checkTag } from '../../host/tagged-processes';

export interface Status {
  code: number | null;
  signal: string | null;
}

/** A command with its three streams, on whatever host it runs. */
export interface Endpoint {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /** How it ended; rejects with the connection codes when the connection broke. */
  ended: Promise<Status>;
  /** Nothing more is written to `stdin`. `whole`: who wrote it says that this was all. */
  endInput(whole: boolean): void;
  /** Ends it by closing its streams, or with TERM where it is a process of this machine. */
  end(): void;
  /** Call when nothing more is wanted of it. */
  release(): void;
}

/** Not the beginning of a dataset's tag: a lane that waits is nobody's transfer (replication/execute/leftovers.ts). */
const LANE_TAG = 'zfsflow-lane';
/** A receiver that has not ended so long after a whole stream is shown the end of its input. Milliseconds. */
const END_OF_INPUT_MS = 2_000;
/** What sees its streams closed ends by itself, unless it neither reads nor writes. Milliseconds. */
const CLOSED_MS = 1_000;

/** Everything up to the key belongs to the command; what follows the key is its exit code. */
class UntilKey {
  /** More came after the code. */
  excess = false;
  private rest: Buffer = Buffer.alloc(0);
  private found = false;
  private known = false;

  constructor(
    private readonly key: Buffer,
    private readonly give: (chunk: Buffer) => void,
    private readonly onCode: (code: number) => void,
  ) {}

  push(chunk: Buffer): void {
    if (this.known) {
      this.excess = true;
      return;
    }
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    if (!this.found) {
      const at = this.rest.indexOf(this.key);
      this.found = at >= 0;
      const end = this.found ? at : this.rest.length - this.overlap();
      if (end > 0) this.give(this.rest.subarray(0, end));
      this.rest = this.rest.subarray(this.found ? at + this.key.length : end);
    }
    const newline = this.found ? this.rest.indexOf(0x0a) : -1;
    if (newline < 0) return;
    this.known = true;
    this.excess = newline + 1 < this.rest.length;
    this.onCode(Number(this.rest.subarray(0, newline).toString('latin1')));
  }

  /** What came before the lane was closed. */
  flush(): void {
    if (!this.found && this.rest.length > 0) this.give(this.rest);
  }

  /** How many bytes at the end may be the beginning of the key. */
  private overlap(): number {
    for (let length = Math.min(this.key.length - 1, this.rest.length); length > 0; length--) {
      if (this.rest.subarray(-length).equals(this.key.subarray(0, length))) return length;
    }
    return 0;
  }
}

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
    this.channels.note(displayCommand(argv));
    this.idle = false;
    const on = { free: () => this.freed(), hung: () => this.session.release() };
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

/** One command of a lane, as if it had a channel of its own. */
class LaneCommand implements Endpoint {
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly ended: Promise<Status>;
  readonly stdin: Writable;
  private readonly outputs: readonly [UntilKey, UntilKey];
  private readonly codes: (number | undefined)[] = [undefined, undefined];
  private settle: (result: Status | Error) => void = () => undefined;
  private status: Status | undefined;
  private over = false;
  /** Closed by us, so nothing that is still to come says how the command would have ended. */
  private stopped = false;
  /** Something was written to it after it had ended. */
  private late = false;
  private whole = false;
  private patience: NodeJS.Timeout | undefined;
  private closing: NodeJS.Timeout | undefined;
  /** The end of its input was shown to it, and with it the lane's. */
  private shown = false;
  /** A write that waits until the other side takes more. */
  private waiting: (() => void) | undefined;

  constructor(
    private readonly channel: Channel,
    key: string,
    /** Its standard input is the lane's. */
    private readonly reads: boolean,
    /** `hung`: it does not end although its streams were closed. */
    private readonly on: { free: () => void; hung: () => void },
  ) {
    this.ended = new Promise((resolve, reject) => {
      this.settle = (result) => (result instanceof Error ? reject(result) : resolve(result));
    });
    // Whoever waits for it gets the error; while nobody does yet it is no unhandled one.
    this.ended.catch(() => undefined);
    const output = (stream: PassThrough, index: number, source: Readable): UntilKey =>
      new UntilKey(
        Buffer.from(`${key} `),
        (chunk) => this.forward(chunk, stream, source),
        (code) => this.marked(index, code),
      );
    this.outputs = [output(this.stdout, 0, channel), output(this.stderr, 1, channel.stderr)];
    this.stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => this.write(chunk, done),
      final: (done) => this.finishInput(done),
    });
  }

  get isSpotless(): boolean {
    const excess = this.outputs.some((output) => output.excess);
    return this.status?.code === 0 && !this.stopped && !this.late && !this.shown && !excess;
  }

  stdoutData(chunk: Buffer): void {
    this.outputs[0].push(chunk);
  }

  stderrData(chunk: Buffer): void {
    this.outputs[1].push(chunk);
  }

  endInput(whole: boolean): void {
    this.whole = whole;
    this.stdin.end();
  }

  end(): void {
    this.stopped = true;
    this.channel.close();
    letFlow(this.channel);
    if (this.over) return;
    // sshd answers only when the command has ended. What is left is found by its tag (transfer.ts), for which a slot is
    // needed, so the lane's is given back already.
    this.closing ??= setTimeout(() => {
      this.finish({ code: null, signal: null });
      this.on.hung();
    }, CLOSED_MS);
  }

  release(): void {
    this.on.free();
  }

  /** The lane's shell has gone, so there is no exit code of the command's own any more. */
  closed(exit: Status): void {
    if (this.stopped) this.finish({ code: null, signal: exit.signal });
    else if (exit.code === OUT_OF_STEP) this.fail(unfinished('a stream before this one had not been read to its end'));
    // It saw the end of its input before it had read the command, or somebody else ended it.
    else if (exit.code === 0) this.fail(unfinished('the shell for it ended before the command'));
    else this.finish(exit);
  }

  fail(error: Error): void {
    this.finish(error);
  }

  /** With back-pressure, until it is closed: then it comes only until the host has seen that. */
  private forward(chunk: Buffer, to: PassThrough, from: Readable): void {
    if (this.over || to.write(chunk) || this.stopped) return;
    from.pause();
    // The channel is the next command's when this one is over.
    to.once('drain', () => {
      if (!this.over) from.resume();
    });
  }

  private marked(index: number, code: number): void {
    this.codes[index] = code;
    const [first, second] = this.codes;
    if (first !== undefined && second !== undefined) this.finish({ code: first, signal: null });
  }

  private finish(result: Status | Error): void {
    if (this.over) return;
    this.over = true;
    if (!(result instanceof Error)) this.status = result;
    for (const timer of [this.patience, this.closing]) clearTimeout(timer);
    for (const output of this.outputs) output.flush();
    this.stdout.end();
    this.stderr.end();
    // A stream that was ended emits no `drain` any more. What it holds is still there for its reader.
    letFlow(this.channel);
    if (this.waiting) this.late = true;
    this.waiting?.();
    this.settle(result);
  }

  private write(chunk: Buffer, done: () => void): void {
    if (this.over) {
      this.late = true;
      done();
      return;
    }
    const proceed = (): void => {
      if (this.waiting !== proceed) return;
      this.waiting = undefined;
      done();
    };
    this.waiting = proceed;
    this.channel.write(chunk, proceed);
  }

  private finishInput(done: () => void): void {
    const show = (): void => {
      this.shown = true;
      this.channel.end();
    };
    if (this.reads && !this.whole) show();
    // A receiver knows the end of its stream by itself. One that still waits was sent less than it was told.
    else if (this.reads && !this.over) this.patience = setTimeout(show, END_OF_INPUT_MS);
    done();
  }
}

/** Nothing keeps it back any more: ssh2 emits `close` only after everything was read. */
function letFlow(channel: Channel): void {
  channel.resume();
  channel.stderr.resume();
}

function unfinished(message: string): ZfsFlowError {
  return new ZfsFlowError('TRANSFER_FAILED', message, { retryable: true });
}
