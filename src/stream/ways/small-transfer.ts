// Small streams (about 1 MiB at most): over channels of the hosts' control connections instead of processes with
// connections of their own, which cost 0.2 s each before the first byte. Only here do bytes of a stream pass through this
// process.
import { finished, type Readable } from 'node:stream';
import type { Host } from '../../host/host';
import { LineReader, Tail } from '../../host/lines';
import { startLocal, type Endpoint, type Status } from './endpoint';
import type { Lanes } from './lanes';
import { GRACE_MS } from './grace';
import type { End, Move, StageResult, Watch, Way } from './way';

/** A login shell that prints would put its words into the stream; only a pipeline can skip them. Local ends gain nothing. */
export const smallTransfer: Way = async (move, signal) => {
  const { lanes, source, target } = move;
  const ends = [source, target];
  if (lanes === null || !ends.some(({ channels }) => channels)) return null;
  const facts = await Promise.all(ends.map(async (host) => host.facts({ signal })));
  if (facts.some(({ noisyShell }) => noisyShell)) return null;
  return async (watch) => runSmallTransfer(move, lanes, watch);
};

async function start(host: Host, argv: readonly string[], lanes: Lanes, given: LaneUse): Promise<Endpoint> {
  const { channels } = host;
  const end = await (channels ? lanes.start(channels, argv, given) : startLocal(host, argv, given.tag));
  // A broken pipe shows in the exit codes; here it must only not be an unhandled error.
  for (const stream of [end.stdin, end.stdout, end.stderr]) stream.on('error', () => undefined);
  return end;
}

type LaneUse = Parameters<Lanes['start']>[2];

/** Both at the same time: each costs a round trip. Neither is left behind when the other cannot be had. */
async function openBoth(...opening: [Promise<Endpoint>, Promise<Endpoint>]): Promise<[Endpoint, Endpoint]> {
  try {
    return await Promise.all(opening);
  } catch (error) {
    for (const result of await Promise.allSettled(opening)) if (result.status === 'fulfilled') result.value.end();
    throw error;
  }
}

/** Runs both commands and pipes one into the other, with back-pressure. Results and errors as of every way. */
export async function runSmallTransfer(
  { source, sendArgv, target, receiveArgv, tag }: Pick<Move, 'source' | 'sendArgv' | 'target' | 'receiveArgv' | 'tag'>,
  lanes: Lanes,
  watch: Watch,
): Promise<StageResult[]> {
  const { signal } = watch;
  const [sender, receiver] = await openBoth(
    start(source, sendArgv, lanes, { tag, reads: false, signal }),
    start(target, receiveArgv, lanes, { tag, reads: true, signal }),
  );
  return new SmallTransfer(sender, receiver, watch).results();
}

class SmallTransfer {
  private readonly sender: OpenEnd;
  private readonly receiver: OpenEnd;
  private grace: NodeJS.Timeout | undefined;
  private thrown: { error: unknown } | undefined;

  constructor(
    sender: Endpoint,
    receiver: Endpoint,
    private readonly watch: Watch,
  ) {
    this.sender = new OpenEnd(sender, [sender.stderr], (line) => this.hand('send', line));
    // `zfs receive -v` says what it has to say on standard output.
    const said = [receiver.stderr, receiver.stdout];
    this.receiver = new OpenEnd(receiver, said, (line) => this.hand('receive', line));
  }

  async results(): Promise<StageResult[]> {
    const { sender, receiver } = this;
    const { signal } = this.watch;
    const stop = (): void => this.stop();
    signal.addEventListener('abort', stop, { once: true });
    const sent = this.pipe();
    if (signal.aborted) stop();
    try {
      const [first, last] = await Promise.all([this.untilSent(sent), this.untilReceived()]);
      const results = await Promise.all([sender.result(first), receiver.result(last)]);
      if (this.thrown) throw this.thrown.error;
      return results;
    } catch (error) {
      stop();
      throw error;
    } finally {
      clearTimeout(this.grace);
      signal.removeEventListener('abort', stop);
      for (const { endpoint } of [sender, receiver]) endpoint.release();
    }
  }

  /** Resolves when everything was read of the sender, or never will be. */
  private async pipe(): Promise<void> {
    const { endpoint: from } = this.sender;
    let bytes = 0;
    from.stdout.on('data', (chunk: Buffer) => this.watch.onBytes((bytes += chunk.length)));
    from.endInput(true);
    from.stdout.pipe(this.receiver.endpoint.stdin, { end: false });
    return ended(from.stdout);
  }

  private async untilSent(sent: Promise<void>): Promise<Status> {
    const status = await this.untilEnded(this.sender);
    await sent;
    this.receiver.endpoint.endInput(status.code === 0);
    return status;
  }

  private async untilReceived(): Promise<Status> {
    const status = await this.untilEnded(this.receiver);
    // A receiver that has gone takes nothing any more: the sender must not wait for it.
    this.sender.endpoint.stdout.resume();
    return status;
  }

  private async untilEnded(end: OpenEnd): Promise<Status> {
    const status = await end.endpoint.ended;
    end.done = true;
    if (status.code !== 0) this.grace ??= setTimeout(() => this.stop(), GRACE_MS);
    return status;
  }

  private hand(end: End, line: string): boolean {
    try {
      return this.watch.onLine(end, line);
    } catch (error) {
      // In a stream's event handler it would end the whole process.
      this.thrown ??= { error };
      this.stop();
      return false;
    }
  }

  private stop(): void {
    this.sender.stop();
    this.receiver.stop();
  }
}

/** An end, and what it says. */
class OpenEnd {
  done = false;
  private stopped = false;
  private readonly tail = new Tail();
  private readonly read: Promise<unknown>;

  constructor(
    readonly endpoint: Endpoint,
    said: readonly Readable[],
    onLine: (line: string) => boolean,
  ) {
    for (const stream of said) {
      const reader = new LineReader((line) => {
        if (!onLine(line)) this.tail.add(line);
      });
      stream.on('data', (chunk: Buffer) => reader.push(chunk));
      stream.on('end', () => reader.end());
    }
    this.read = Promise.all(said.map(ended));
  }

  stop(): void {
    this.stopped ||= !this.done;
    this.endpoint.end();
  }

  async result(status: Status): Promise<StageResult> {
    await this.read;
    return { ...status, stderr: this.tail.toString(), ended: this.stopped };
  }
}

/** Resolves when everything of it was read, or never will be. */
async function ended(stream: Readable): Promise<void> {
  return new Promise((resolve) => finished(stream, { writable: false }, () => resolve()));
}
