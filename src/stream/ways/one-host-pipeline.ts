// `send | receive` on one remote machine, as one script over a control channel: no byte of the stream leaves it.
// Gives the same results as `local-pipeline.ts` does for processes of this machine.
import type { Channels, Session } from '../../host/channels';
import { LineReader, Tail } from '../../host/lines';
import { newMarker } from '../../host/shell/marked-output';
import { displayCommand } from '../../host/shell/quote';
import { sendReceiveScript } from '../../host/shell/send-receive-script';
import type { PipelineOptions, StageResult } from './local-pipeline';

/** As in local-pipeline.ts: how long the other stage gets to end by itself after one has failed. Milliseconds. */
const GRACE_MS = 3_000;

/**
 * Resolves when both commands have ended (or were ended), whatever their exit codes: [sender, receiver]. Throws the
 * connection codes, CONNECTION_LOST when the connection breaks on the way.
 */
export async function runRemotePipeline(
  channels: Channels,
  sendArgv: readonly string[],
  receiveArgv: readonly string[],
  options: PipelineOptions & { tag: string },
): Promise<StageResult[]> {
  const marker = newMarker();
  const script = sendReceiveScript(sendArgv, receiveArgv, marker, channels.setup);
  const shown = [sendArgv, receiveArgv].map(displayCommand).join(' | ');
  channels.note(shown);
  const session = await channels.open(script, options.tag, options.signal);
  try {
    return await new RemotePipeline(session, marker, options).result();
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
    private readonly options: PipelineOptions,
  ) {
    const { channel } = session;
    this.stages = [channel, channel.stderr].map((stream, index) => {
      return new RemoteStage(
        stream,
        marker,
        (line) => this.hand(index, line),
        () => this.onEnd(),
      );
    });
  }

  async result(): Promise<StageResult[]> {
    const { session, options, stages } = this;
    const abort = (): void => this.end();
    options.signal?.addEventListener('abort', abort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        this.settle = (error) => (error ? reject(error) : resolve());
        session.onLost((error) => this.settle(error));
        session.channel.on('error', () => undefined);
        session.channel.on('close', () => this.settle());
        if (options.signal?.aborted) this.end();
      });
    } finally {
      clearTimeout(this.grace);
      options.signal?.removeEventListener('abort', abort);
    }
    return stages.map((stage) => stage.toResult());
  }

  private hand(index: number, line: string): boolean {
    try {
      return this.options.onLine?.(index, line) ?? false;
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
    stream: NodeJS.ReadableStream,
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
