// What all hosts do alike with the options of a run: limits, and the errors for "stopped" and "no such program".
import { ZfsFlowError } from '../base/errors';
import { displayCommand } from './shell/quote';
import type { CommandResult, RunOptions } from './host';

export const DEFAULT_TIMEOUT_MS = 600_000;
export const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const MAX_STDIN = 1024 * 1024;

export function cancelled(what = 'the command'): ZfsFlowError {
  return new ZfsFlowError('CANCELLED', `${what} was cancelled`);
}

export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled();
}

export function checkStdin(stdin: string | Buffer | undefined): void {
  if (stdin !== undefined && Buffer.byteLength(stdin) > MAX_STDIN) {
    throw new RangeError(`standard input is limited to ${MAX_STDIN} bytes; bulk data goes through stream/`);
  }
}

export function timedOut(argv: readonly string[], host: string, timeoutMs: number): ZfsFlowError {
  return new ZfsFlowError('TIMEOUT', `"${displayCommand(argv)}" on ${host} did not end within ${timeoutMs / 1000} s`, {
    host,
    command: argv,
  });
}

/**
 * `stop` runs once, when the signal is aborted or the time is over; `clear` must be called when the work has ended.
 */
export function watchForStop(
  options: Pick<RunOptions, 'signal' | 'timeoutMs'>,
  stop: (reason: 'cancelled' | 'timeout') => void,
): { timeoutMs: number; clear: () => void } {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const onAbort = (): void => stop('cancelled');
  options.signal?.addEventListener('abort', onAbort, { once: true });
  // setTimeout takes no more than 2^31 - 1 ms and would fire at once.
  const timer = timeoutMs > 0 ? setTimeout(() => stop('timeout'), Math.min(timeoutMs, 2 ** 31 - 1)) : undefined;
  return {
    timeoutMs,
    clear: () => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
    },
  };
}

/** Throws COMMAND_NOT_FOUND when a shell, sudo or doas reports that the program itself is missing. */
export function requireProgram(argv: readonly string[], result: CommandResult, host: string): CommandResult {
  const program = argv[0] ?? '';
  const missing =
    result.code === 127
      ? /not found|No such (?:file|command)/i.test(result.stderr)
      : result.code === 1 && new RegExp(`^(sudo|doas): \\S*: command not found`, 'm').test(result.stderr);
  if (!missing) return result;
  throw commandNotFound(program, argv, host, result.stderr);
}

export function commandNotFound(program: string, argv: readonly string[], host: string, stderr = ''): ZfsFlowError {
  return new ZfsFlowError('COMMAND_NOT_FOUND', `the program "${program}" was not found on ${host}`, {
    host,
    command: argv,
    exitCode: 127,
    stderr,
    hint: `Install it, or add its directory to the connection's "zfsPath".`,
  });
}

/** `promise`, or CANCELLED as soon as the signal is aborted; the promise itself goes on. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  // Whoever has left does not hear of a later failure; unheard, it would end the process.
  promise.catch(() => undefined);
  if (!signal) return promise;
  if (signal.aborted) throw cancelled();
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(cancelled());
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
