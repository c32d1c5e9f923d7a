// Whether sudo or doas really runs the commands of ZFS: without a password, and with the rules that somebody wrote for it.
import { ZfsFlowError } from '../base/errors';
import type { Host } from '../host/host';

/** `version` needs no rights of ZFS's own, so that only who lets it through decides. */
const COMMANDS = ['zfs', 'zpool'] as const;

/** By command, what was said where it was not let through. Empty for a host that elevates nothing. */
export async function refusedByPrivilege(host: Host, signal?: AbortSignal): Promise<Map<string, string>> {
  const refused = new Map<string, string>();
  if (host.elevates !== true) return refused;
  for (const command of COMMANDS) {
    const said = await refusal(host, command, signal);
    if (said !== null) refused.set(command, said);
  }
  return refused;
}

async function refusal(host: Host, command: string, signal?: AbortSignal): Promise<string | null> {
  try {
    const { code, stderr } = await host.run([command, 'version'], { signal });
    return code === 0 ? null : (stderr.trim().split('\n').at(-1) ?? '');
  } catch (error) {
    // sudo and doas look for it on a PATH of their own.
    if (error instanceof ZfsFlowError && error.code === 'COMMAND_NOT_FOUND') return error.message;
    throw error;
  }
}

const PROGRAMS = ['sudo', 'doas'] as const;

/**
 * Which of them runs both commands without a password, asked by an account that does not use it yet; undefined for none. Two
 * remote commands at most for each, none where it is not in `programs`; one more for each of `directories` (those of `zfsPath`)
 * beyond the first. Throws as `Host.run` does.
 */
export async function whatElevates(
  host: Host,
  { programs, directories }: { programs: ReadonlySet<string>; directories: readonly string[] },
  signal?: AbortSignal,
): Promise<(typeof PROGRAMS)[number] | undefined> {
  for (const program of PROGRAMS) {
    if (!programs.has(program)) continue;
    let isRun = true;
    for (const command of COMMANDS) isRun &&= await runs(host, program, placesOf(command, directories), signal);
    if (isRun) return program;
  }
  return undefined;
}

/** With directories of its own it is the program there that is run, whatever sudo's PATH says. */
const placesOf = (command: string, directories: readonly string[]): string[] =>
  directories.length === 0 ? [command] : directories.map((directory) => `${directory}/${command}`);

async function runs(host: Host, program: string, places: readonly string[], signal?: AbortSignal): Promise<boolean> {
  for (const place of places) {
    try {
      const { code } = await host.run([program, '-n', place, 'version'], { signal });
      if (code === 0) return true;
    } catch (error) {
      if (!(error instanceof ZfsFlowError && error.code === 'COMMAND_NOT_FOUND')) throw error;
    }
  }
  return false;
}
