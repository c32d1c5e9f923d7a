// Many small commands of one kind in few round trips, each one's outcome kept apart. For marks (bookmarks, holds),
// where one failure must not stop the others and is reported, not thrown.
import type { CommandResult, Host } from '../host/host';
import type { ZfsFlowError } from '../base/errors';
import { commandError, NO_RESULT } from './command';

/** Remote commands at once, of the host's `maxSessions`. */
export const AT_ONCE = 4;
/** Fewer than this are not worth a share of their own. */
const COMMANDS_PER_SHARE = 25;
/** Commands in one remote command; keeps the command line well below what `execve` takes. */
const COMMANDS_PER_ROUND_TRIP = 200;
/** Characters of arguments in one `zfs` command; Linux takes 128 KiB in one argument list word, FreeBSD 256 KiB in all. */
const ARGUMENT_CHARACTERS = 60_000;

export interface BatchOptions {
  signal?: AbortSignal | undefined;
  /** Judges a failed command to be fine after all (already done, nothing to do). */
  ignore?: (result: CommandResult, argv: readonly string[]) => boolean;
  /** How many commands are worth a share of their own, which runs beside the others. */
  commandsPerShare?: number;
}

/**
 * Runs every command; returns the errors of those that failed. Connection errors are thrown. Each command may wait for a
 * transaction group of its pool to be written, so several shares of them run side by side.
 */
export async function runBatch(
  host: Host,
  argvs: readonly (readonly string[])[],
  options: BatchOptions = {},
): Promise<ZfsFlowError[]> {
  const length = Math.min(AT_ONCE, Math.ceil(argvs.length / (options.commandsPerShare ?? COMMANDS_PER_SHARE)));
  const shares = Array.from({ length }, (_, share) => argvs.filter((__, index) => index % length === share));
  return (await Promise.all(shares.map((share) => runInOrder(host, share, options)))).flat();
}

/** Like {@link runBatch}, each command after the one before it has ended, however that ended. */
export async function runInOrder(
  host: Host,
  argvs: readonly (readonly string[])[],
  options: BatchOptions,
): Promise<ZfsFlowError[]> {
  const errors: ZfsFlowError[] = [];
  for (let start = 0; start < argvs.length; start += COMMANDS_PER_ROUND_TRIP) {
    const slice = argvs.slice(start, start + COMMANDS_PER_ROUND_TRIP);
    const results = await host.runAll(slice, { signal: options.signal });
    for (const [index, argv] of slice.entries()) {
      const result = results[index] ?? NO_RESULT;
      if (result.code === 0 || options.ignore?.(result, argv)) continue;
      errors.push(commandError(host, argv, result));
    }
  }
  return errors;
}

/** Splits names into groups that fit into one command. */
export function groupNames(names: readonly string[], most: number): string[][] {
  const groups: string[][] = [];
  let characters = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const last = groups.at(-1);
    if (!last || last.length >= most || characters + name.length > ARGUMENT_CHARACTERS) {
      groups.push([name]);
      characters = name.length;
    } else {
      last.push(name);
      characters += name.length + 1;
    }
  }
  return groups;
}
