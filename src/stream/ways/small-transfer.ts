// Small streams (about 1 MiB at most): over channels of the hosts' control connections instead of processes with
// connections of their own, which cost 0.2 s each before the first byte. Only here do bytes of a stream pass through this
// process; the judgment is the same as for a pipeline.
import { spawn } from 'node:child_process';
import { finished, type Readable } from 'node:stream';
import { LineReader, Tail } from '../../host/lines';
import { signalGroup } from '../../host/local/local-process';
import type { Host } from '../../host/host';
import type { Endpoint, Status } from './lane';
import type { Lanes } from './lanes';
import type { PipelineOptions, StageResult } from './local-pipeline';

/** As in local-pipeline.ts: how long the other end gets to end by itself after one has failed. Milliseconds. */
const GRACE_MS = 3_000;
/** As in local-pipeline.ts: between TERM and KILL. Milliseconds. */
const KILL_AFTER_MS = 1_500;

async function openLocal(host: Host, argv: readonly string[], tag: string): Promise<Endpoint> {
  const spec = await host.pipeCommand(argv, { tag });
  const child = spawn(spec.file, spec.args, { cwd: '/', env: spec.env, stdio: 'pipe', detached: true });
  let killer: NodeJS.Timeout | undefined;
  let done = false;
  const ended = new Promise<Status>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      done = true;
      clearTimeout(killer);
      resolve({ code, signal });
    });
  });
  void ended.finally(() => spec.release()).catch(() => undefined);
  const { stdin, stdout, stderr } = child;
  const endInput = (): void => void stdin.end();
  // The whole process group: TERM ends the wrapper shell at once and would leave its child, which may read nothing.
  const end = (): void => {
    if (done) return;
    signalGroup(child, 'SIGTERM');
    killer ??= setTimeout(() => signalGroup(child, 'SIGKILL'), KILL_AFTER_MS);
  };
  return { stdin, stdout, stderr, ended, endInput, end, release: () => undefined };
}

async function open(
  host: Host,
  argv: readonly string[],
  reads: boolean,
  { lanes, tag, signal }: SmallOptions,
): Promise<Endpoint> {
  const { channels } = host;
  const end = await (channels ? lanes.start(channels, argv, { tag, reads, signal }) : openLocal(host, argv, tag));
  // A broken pipe shows in the exit codes; here it must only not be an unhandled error.
  for (const stream of [end.stdin, end.stdout, end.stderr]) stream.on('error', () => undefined);
  return end;
}

/** Both at the same time: each costs a round trip. Neither is left behind when the other cannot be had. */
async function openBoth(...opening: [Promise<Endpoint>, Promise<Endpoint>]): Promise<[Endpoint, Endpoint]> {
  try {
    return await Promise.all(opening);
  } catch (error) {
    for (const result of await Promise.allSettled(opening)) if (result.status === 'fulfilled') result.value.end();
    throw error;
  }
}

export interface SmallTransfer {
  source: Host;
  sendArgv: readonly string[];
  target: Host;
  receiveArgv: readonly string[];
}

type SmallOptions = PipelineOptions & { lanes: Lanes; tag: string; onBytes: (bytes: number) => void };

/**
 * Runs both commands and pipes one into the other, with back-pressure. Resolves with [sender, receiver] when both have
 * ended, whatever their exit codes; throws the connection codes. `onBytes` gets the count so far.
 */
export async function runSmallTransfer(
  { source, sendArgv, target, receiveArgv }: SmallTransfer,
  options: SmallOptions,
): Promise<StageResult[]> {
  const [sender, receiver] = await openBoth(
    open(source, sendArgv, false, options),
    open(target, receiveArgv, true, options),
  );
  const ends = [sender, receiver];
  const tails = ends.map((end, index) => watchMessages(end, index, options));
  const stopped = [false, false];
  const done = [false, false];
  const stop = (): void => {
    for (const [index, end] of ends.entries()) {
      stopped[index] ||= !done[index];
      end.end();
    }
  };
  options.signal?.addEventListener('abort', stop, { once: true });
  let grace: NodeJS.Timeout | undefined;
  let bytes = 0;
  sender.stdout.on('data', (chunk: Buffer) => options.onBytes((bytes += chunk.length)));
  sender.endInput(true);
  sender.stdout.pipe(receiver.stdin, { end: false });
  const sent = ended(sender.stdout);
  if (options.signal?.aborted) stop();
  try {
    const statuses = await Promise.all(
      ends.map(async (end, index) => {
        const status = await end.ended;
        done[index] = true;
        if (status.code !== 0) grace ??= setTimeout(stop, GRACE_MS);
        // A receiver that has gone takes nothing any more: the sender must not wait for it.
        if (index === 1) sender.stdout.resume();
        if (index === 0) {
          await sent;
          receiver.endInput(status.code === 0);
        }
        return status;
      }),
    );
    await Promise.all(tails.map(({ read }) => read));
    return statuses.map((status, index) => {
      return { ...status, stderr: tails[index]?.tail.toString() ?? '', ended: stopped[index] === true };
    });
  } catch (error) {
    stop();
    throw error;
  } finally {
    clearTimeout(grace);
    options.signal?.removeEventListener('abort', stop);
    for (const end of ends) end.release();
  }
}

/** Resolves when everything of it was read, or never will be. */
async function ended(stream: Readable): Promise<void> {
  return new Promise((resolve) => finished(stream, { writable: false }, () => resolve()));
}

/** Reads what an end says: standard error, and the receiver's standard output (`zfs receive -v`). */
function watchMessages(end: Endpoint, index: number, options: PipelineOptions): { tail: Tail; read: Promise<unknown> } {
  const tail = new Tail();
  const take = (line: string): void => {
    if (options.onLine?.(index, line) !== true) tail.add(line);
  };
  const streams = index === 1 ? [end.stderr, end.stdout] : [end.stderr];
  for (const stream of streams) {
    const reader = new LineReader(take);
    stream.on('data', (chunk: Buffer) => reader.push(chunk));
    stream.on('end', () => reader.end());
  }
  return { tail, read: Promise.all(streams.map(ended)) };
}
