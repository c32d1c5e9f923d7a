// Space as ZFS accounts for it: what pools have free and what the snapshots of datasets hold. For triggers and reports.
import { ZfsFlowError } from '../base/errors';
import type { Host } from '../host/host';
import { fields, zfs, zpool } from './command';

function count(text: string, what: string, host: Host): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new ZfsFlowError('ZFS_ERROR', `${what} is not known on ${host.label}: ${JSON.stringify(text)}`, {
    host: host.label,
  });
}

/**
 * Bytes that pools have free, and their size, as their root datasets see them: parity and slop space are taken off, so
 * `free` is what can really be written.
 */
export async function poolSpace(
  host: Host,
  pools: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, { free: number; size: number }>> {
  const argv = ['list', '-Hp', '-d', '0', '-o', 'name,available,used', ...pools];
  const text = await zfs(host, argv, { signal });
  const space = new Map<string, { free: number; size: number }>();
  for (const line of text.split('\n').filter(Boolean)) {
    const [name = '', available = '', used = ''] = fields(line, 3, host);
    const free = count(available, 'free space', host);
    space.set(name, { free, size: free + count(used, 'used space', host) });
  }
  return space;
}

/** Bytes that can still be written below a dataset (`available`): quotas and reservations count. */
export async function availableIn(host: Host, dataset: string, signal?: AbortSignal): Promise<number> {
  const text = await zfs(host, ['list', '-Hp', '-o', 'available', dataset], { signal });
  return count(text.trim(), `space in "${dataset}"`, host);
}

/** Waits until what was destroyed on a pool has been freed, at most `timeoutMs`. A pool that cannot wait (< 2.0) does not. */
export async function waitForFreeing(host: Host, pool: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  try {
    await zpool(host, ['wait', '-t', 'free', pool], { timeoutMs, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    // Only a courtesy: whoever reads the free space too early destroys a little less than it might, never more.
  }
}

/** Bytes held by the snapshots of each dataset of the trees together (`usedbysnapshots`). */
export async function spaceOfSnapshots(
  host: Host,
  roots: readonly string[],
  recursive: boolean,
  signal?: AbortSignal,
): Promise<Map<string, number>> {
  const argv = [
    'list',
    '-Hp',
    ...(recursive ? ['-r'] : []),
    '-t',
    'filesystem,volume',
    '-o',
    'name,usedbysnapshots',
    ...roots,
  ];
  const text = await zfs(host, argv, { signal });
  return new Map(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [name = '', bytes = ''] = fields(line, 2, host);
        return [name, count(bytes, 'space of snapshots', host)] as const;
      }),
  );
}
