// Runs one process of this machine to its end and collects what it prints. Pipelines are
// `stream/ways/local-pipeline.ts`.
import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { ZfsFlowError } from '../../base/errors';
import { LineReader } from '../lines';
import { cancelled, checkStdin, commandNotFound, DEFAULT_MAX_BYTES, timedOut, watchForStop } from '../run-options';
import type { CommandResult, RunOptions } from '../host';

/** Milliseconds between asking a process to end and killing it. */
export const KILL_AFTER_MS = 2_000;

/** Sends a signal to a child that leads a process group (spawned `detached`), and to its descendants. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // ESRCH: it has ended. EPERM: it runs under another user (sudo); its pipes closing will end it.
  }
}

/** Where a process runs. */
export interface Surroundings {
  env: NodeJS.ProcessEnv;
  /** The machine's name in messages. */
  host: string;
  /** The command's place among others, for `RunOptions.onLine`. */
  index: number;
}

/** Runs `argv` and resolves whatever its exit code is. Throws CANCELLED, TIMEOUT, COMMAND_NOT_FOUND. */
export async function runProcess(
  argv: readonly string[],
  { env, host, index }: Surroundings,
  options: RunOptions = {},
): Promise<CommandResult> {
  checkStdin(options.stdin);
  if (options.signal?.aborted) throw cancelled();
  const [file = '', ...args] = argv;
  return new Promise<CommandResult>((resolve, reject) => {
    // A process group of its own, so that ending it ends its children too.
    const child = spawn(file, args, { cwd: '/', env, detached: true, stdio: 'pipe' });
    const stopper = new Stopper(child);
    const watch = watchForStop(options, (reason) =>
      stopper.stop(reason === 'cancelled' ? cancelled() : timedOut(argv, host, options.timeoutMs ?? 0)),
    );
    const output = collect(child, options, index, (error) => stopper.stop(error));
    const over = (): void => {
      watch.clear();
      stopper.clear();
    };
    child.on('error', (error: NodeJS.ErrnoException) => {
      over();
      const missing = error.code === 'ENOENT' || error.code === 'EACCES' || error.code === 'ENOTDIR';
      reject(
        missing ? commandNotFound(file, argv, host) : new ZfsFlowError('ZFS_ERROR', error.message, { cause: error }),
      );
    });
    child.on('close', (code, signal) => {
      over();
      if (stopper.failure) return reject(stopper.failure);
      try {
        resolve({ code, signal, ...output() });
      } catch (error) {
        // The caller's `onLine` threw at the unterminated last line.
        reject(error);
      }
    });
    // EPIPE when the program does not read its input; its exit code tells what that means.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.stdin ?? '');
  });
}

/** Ends a process before its time. */
class Stopper {
  /** Why, once it was asked to. */
  failure: Error | undefined;
  private killer: NodeJS.Timeout | undefined;

  constructor(private readonly child: ChildProcessWithoutNullStreams) {}

  stop(error: Error): void {
    if (this.failure) return;
    this.failure = error;
    const { child } = this;
    signalGroup(child, 'SIGTERM');
    this.killer = setTimeout(() => {
      signalGroup(child, 'SIGKILL');
      // A grandchild that escaped may hold the pipes open: do not wait for it.
      child.stdout.destroy();
      child.stderr.destroy();
    }, KILL_AFTER_MS);
  }

  clear(): void {
    clearTimeout(this.killer);
  }
}

function collect(
  child: ChildProcessWithoutNullStreams,
  options: RunOptions,
  index: number,
  stop: (error: Error) => void,
): () => { stdout: string; stderr: string } {
  const limit = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const gather = (stream: NodeJS.ReadableStream): Buffer[] => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= limit) chunks.push(chunk);
      else stop(new ZfsFlowError('ZFS_ERROR', `the command printed more than ${limit} bytes`));
    });
    return chunks;
  };
  const stderr = gather(child.stderr);
  const { onLine } = options;
  if (!onLine) {
    const stdout = gather(child.stdout);
    return () => ({ stdout: text(stdout), stderr: text(stderr) });
  }
  const reader = new LineReader((line, whole) => onLine(line, index, whole));
  child.stdout.on('data', (chunk: Buffer) => {
    try {
      reader.push(chunk);
      // Lines go as they come; one that never ends does not.
      if (reader.rest.length > limit) throw new ZfsFlowError('ZFS_ERROR', `a line is longer than ${limit} bytes`);
    } catch (error) {
      stop(error as Error);
    }
  });
  return () => {
    reader.end();
    return { stdout: '', stderr: text(stderr) };
  };
}

function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8');
}
