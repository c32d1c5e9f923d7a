// One command of a lane (lane.ts), as if it had a channel of its own: its streams are cut out of the lane's.
import { PassThrough, Writable, type Readable } from 'node:stream';
import { ZfsFlowError } from '../../base/errors';
import type { Channel } from '../../host/channels';
import type { Ended } from '../../host/command-log';
import { OUT_OF_STEP } from '../../host/shell/lane-script';
import type { Endpoint, Status } from './endpoint';
import { UntilKey } from './until-key';

/** A receiver that has not ended so long after a whole stream is shown the end of its input. Milliseconds. */
const END_OF_INPUT_MS = 2_000;
/** What sees its streams closed ends by itself, unless it neither reads nor writes. Milliseconds. */
const CLOSED_MS = 1_000;

export class LaneCommand implements Endpoint {
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
    private readonly on: { ended: Ended; free: () => void; hung: () => void },
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
    this.on.ended(result);
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
export function letFlow(channel: Channel): void {
  channel.resume();
  channel.stderr.resume();
}

function unfinished(message: string): ZfsFlowError {
  return new ZfsFlowError('TRANSFER_FAILED', message, { retryable: true });
}
