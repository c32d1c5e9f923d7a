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
 * Which of them runs both commands without a password, asked by an account that does not use it yet; undefined for none. One
 * remote command. Throws as `Host.runScript` does.
 */
export async function whatElevates(
  host: Host,
  { programs, zfsPath }: { programs: ReadonlySet<string>; zfsPath: string },
  signal?: AbortSignal,
): Promise<(typeof PROGRAMS)[number] | undefined> {
  // With a directory of its own it is the program there that is run, whatever sudo's PATH says.
  const word = (command: string): string =>
    zfsPath === '' ? command : `"$(command -v ${command} || echo ${command})"`;
  const tries = PROGRAMS.filter((program) => programs.has(program)).map((program) => {
    const runs = COMMANDS.map((command) => `${program} -n ${word(command)} version >/dev/null 2>&1`);
    return [...runs, `echo ${program}`, 'exit 0'].join(' && ');
  });
  if (tries.length === 0) return undefined;
  const { stdout } = await host.runScript(['exec </dev/null', ...tries, 'exit 0'].join('\n'), { signal });
  return PROGRAMS.find((program) => program === stdout.trim());
}
