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
