// `send | receive` on one remote machine, as one script over a control channel: no byte of the stream leaves it.
import type { Readable } from 'node:stream';
import type { Channels, Session } from '../../host/channels';
import { followed } from '../../host/command-log';
import { LineReader, Tail } from '../../host/lines';
import { newMarker } from '../../host/shell/marked-output';
import { displayCommand } from '../../host/shell/quote';
import { sendReceiveScript } from '../../host/shell/send-receive-script';
import { GRACE_MS } from './grace';
import type { End, Move, StageResult, Watch, Way } from './way';

/** For the same machine, and the same account's rights on both sides. */
export const oneHostPipeline: Way = (move) => {
  const { source, target, sameHost, rateLimit } = move;
  const [here, there] = [source.channels, target.channels];
  // The limiter is a process of this machine.
  if (!here || !there || rateLimit?.limited === true) return null;
  if (source !== target && !(sameHost && here.account === there.account)) return null;
  return async (watch) => {
    const ended = here.note([move.sendArgv, move.receiveArgv].map(displayCommand).join(' | '));
    return followed([ended], runOn(here, move, watch), (results) => [
      results.find(({ code }) => code !== 0) ?? results[0],
    ]);
  };
};

/** Throws CONNECTION_LOST when the connection breaks on the way. */
async function runOn(channels: Channels, { sendArgv, receiveArgv, tag }: Move, watch: Watch): Promise<StageResult[]> {
  const marker = newMarker();
  const script = sendReceiveScript(sendArgv, receiveArgv, marker, channels.setup);
  const session = await channels.open(script, tag, watch.signal);
  try {
    return await new RemotePipeline(session, marker, watch).result();
  } finally {
    session.channel.close();
    session.release();
  }
}

class RemotePipeline {
  private readonly stages: RemoteStage[];
  private settle: (error?: Error) => void = () => undefined;
  private grace: NodeJS.Timeout | undefined;

  constructor(
    private readonly session: Session,
    marker: string,
    private readonly watch: Watch,
  ) {
    const { channel } = session;
    const stage = (end: End, stream: Readable): RemoteStage =>
      new RemoteStage(
        stream,
        marker,
        (line) => this.hand(end, line),
        () => this.onEnd(),
      );
    this.stages = [stage('send', channel), stage('receive', channel.stderr)];
  }

  async result(): Promise<StageResult[]> {
    const { session, stages } = this;
    const { signal } = this.watch;
    const abort = (): void => this.end();
    signal.addEventListener('abort', abort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        this.settle = (error) => (error ? reject(error) : resolve());
        session.onLost((error) => this.settle(error));
        session.channel.on('error', () => undefined);
        session.channel.on('close', () => this.settle());
        if (signal.aborted) this.end();
      });
    } finally {
      clearTimeout(this.grace);
      signal.removeEventListener('abort', abort);
    }
    return stages.map((stage) => stage.toResult());
  }

  private hand(end: End, line: string): boolean {
    try {
      return this.watch.onLine(end, line);
    } catch (error) {
      // In a stream's event handler it would end the whole process.
      this.settle(error as Error);
      return false;
    }
  }

  private onEnd(): void {
    const { stages } = this;
    if (stages.every((stage) => stage.code !== null)) this.settle();
    else if (stages.some((stage) => stage.code !== null && stage.code !== 0)) {
      this.grace ??= setTimeout(() => this.end(), GRACE_MS);
    }
  }

  /** Closing the channel ends the watchdog's input; it ends the rest. */
  private end(): void {
    for (const stage of this.stages) stage.ended ||= stage.code === null;
    this.session.channel.close();
    this.settle();
  }
}

class RemoteStage {
  code: number | null = null;
  ended = false;
  private readonly tail = new Tail();
  private begun = false;

  constructor(
    stream: Readable,
    private readonly marker: string,
    private readonly onLine: (line: string) => boolean,
    private readonly onEnd: () => void,
  ) {
    const reader = new LineReader((line) => this.line(line));
    stream.on('data', (chunk: Buffer) => reader.push(chunk));
    stream.on('error', () => undefined);
  }

  toResult(): StageResult {
    return { code: this.code, signal: null, stderr: this.tail.toString(), ended: this.ended };
  }

  private line(line: string): void {
    const at = line.indexOf(this.marker);
    if (at < 0) {
      if (this.begun) this.say(line);
      return;
    }
    const rest = line.slice(at + this.marker.length + 1);
    if (this.begun && at > 0) this.say(line.slice(0, at));
    if (!this.begun) {
      this.begun = true;
      return;
    }
    this.code = Number(rest);
    this.onEnd();
  }

  private say(line: string): void {
    if (!this.onLine(line)) this.tail.add(line);
  }
}
