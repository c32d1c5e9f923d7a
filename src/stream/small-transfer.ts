// Small streams (about 1 MiB at most): over channels of the hosts' control connections instead of processes with
// connections of their own, which cost 0.2 s each before the first byte. Only here do bytes of a stream pass through this
// process; the judgment is the same as for a pipeline.
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { LineReader, Tail } from '../host/lines';
import { commandWords } from '../host/marked-output';
import { displayCommand, ScriptWriter, writeEnvironment } from '../host/quote';
import type { Host } from '../host/host';
import { SshHost } from '../host/ssh-host';
import type { PipelineOptions, StageResult } from './pipeline';

/** As in pipeline.ts: how long the other end gets to end by itself after one has failed. Milliseconds. */
const GRACE_MS = 3_000;

/** A command with its three streams, on whatever host it runs. */
interface Endpoint {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /** How it ended; rejects with the connection codes when the connection broke. */
  ended: Promise<{ code: number | null; signal: string | null }>;
  /** Ends it by closing its streams, or with TERM where it is a process of this machine. */
  end(): void;
}

async function openRemote(
  host: SshHost,
  argv: readonly string[],
  tag: string,
  signal?: AbortSignal,
): Promise<Endpoint> {
  const script = writeEnvironment(new ScriptWriter(), host.commandSetup.zfsPath);
  const words = commandWords(script, argv, host.commandSetup);
  const session = await host.openScript(script.add(words).add('exit $?').toString(), tag, displayCommand(argv), signal);
  const { channel } = session;
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    let status: { code: number | null; signal: string | null } = { code: null, signal: null };
    channel.on('exit', (code: number | null, name?: string) => {
      status = { code, signal: name ?? null };
    });
    channel.on('close', () => resolve(status));
    session.onLost(reject);
  });
  void ended.finally(() => session.release()).catch(() => undefined);
  return { stdin: channel, stdout: channel, stderr: channel.stderr, ended, end: () => channel.close() };
}

async function openLocal(host: Host, argv: readonly string[], tag: string): Promise<Endpoint> {
  const spec = await host.pipeCommand(argv, { tag });
  const child = spawn(spec.file, spec.args, { env: spec.env, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  void ended.finally(() => spec.release()).catch(() => undefined);
  return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, ended, end: () => void child.kill() };
}

async function open(host: Host, argv: readonly string[], tag: string, signal?: AbortSignal): Promise<Endpoint> {
  const end = await (host instanceof SshHost ? openRemote(host, argv, tag, signal) : openLocal(host, argv, tag));
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

/**
 * Runs both commands and pipes one into the other, with back-pressure. Resolves with [sender, receiver] when both have
 * ended, whatever their exit codes; throws the connection codes. `onBytes` gets the count so far.
 */
export async function runSmallTransfer(
  { source, sendArgv, target, receiveArgv }: SmallTransfer,
  options: PipelineOptions & { tag: string; onBytes: (bytes: number) => void },
): Promise<StageResult[]> {
  const { tag, signal } = options;
  const [sender, receiver] = await openBoth(
    open(source, sendArgv, tag, signal),
    open(target, receiveArgv, tag, signal),
  );
  const ends = [sender, receiver];
  const tails = ends.map((end, index) => watchMessages(end, index, options));
  const stop = (): void => ends.forEach((end) => end.end());
  options.signal?.addEventListener('abort', stop, { once: true });
  let grace: NodeJS.Timeout | undefined;
  let bytes = 0;
  sender.stdout.on('data', (chunk: Buffer) => options.onBytes((bytes += chunk.length)));
  sender.stdin.end();
  sender.stdout.pipe(receiver.stdin);
  if (options.signal?.aborted) stop();
  try {
    const statuses = await Promise.all(
      ends.map(async (end, index) => {
        const status = await end.ended;
        if (status.code !== 0) grace ??= setTimeout(stop, GRACE_MS);
        // A receiver that has gone takes nothing any more: the sender must not wait for it.
        if (index === 1) sender.stdout.resume();
        return status;
      }),
    );
    const stopped = options.signal?.aborted === true;
    return statuses.map((status, index) => ({ ...status, stderr: tails[index]?.toString() ?? '', ended: stopped }));
  } catch (error) {
    stop();
    throw error;
  } finally {
    clearTimeout(grace);
    options.signal?.removeEventListener('abort', stop);
  }
}

/** Reads what an end says: standard error, and the receiver's standard output (`zfs receive -v`). */
function watchMessages(end: Endpoint, index: number, options: PipelineOptions): Tail {
  const tail = new Tail();
  const take = (line: string): void => {
    if (options.onLine?.(index, line) !== true) tail.add(line);
  };
  for (const stream of index === 1 ? [end.stderr, end.stdout] : [end.stderr]) {
    const reader = new LineReader(take);
    stream.on('data', (chunk: Buffer) => reader.push(chunk));
    stream.on('end', () => reader.end());
  }
  return tail;
}
