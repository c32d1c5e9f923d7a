// What is in file systems, counted by ZFS itself: `zfs userspace` (zfs-userspace(8)), which needs no mount.
import type { Host } from '../host/host';

/** What a user without root needs for it (zfs-allow(8)): the command asks for all four, whatever it is asked for. */
export const USERSPACE_RIGHTS = ['userused', 'userobjused', 'userquota', 'userobjquota'] as const;

/**
 * Objects (files, directories, …) in each of these datasets, in their order, in one remote command; an empty file system
 * has one, its root directory. Null where ZFS does not say, as for a volume.
 */
export async function countObjects(
  host: Host,
  datasets: readonly string[],
  signal?: AbortSignal,
): Promise<(number | null)[]> {
  if (datasets.length === 0) return [];
  const argvs = datasets.map((dataset) => ['zfs', 'userspace', '-Hp', '-o', 'objused', dataset]);
  const results = await host.runAll(argvs, { signal });
  return argvs.map((_, index) => {
    const { code, stdout } = results[index] ?? { code: null, stdout: '' };
    // One line for each owner; the root directory has one too.
    const counts = stdout.split('\n').filter((line) => line !== '');
    if (code !== 0 || counts.length === 0 || !counts.every((count) => /^\d+$/.test(count))) return null;
    return counts.reduce((sum, count) => sum + Number(count), 0);
  });
}
