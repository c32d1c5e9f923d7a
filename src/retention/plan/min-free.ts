// The trigger by free space: prune only while the pool has less than asked for, and only as much as is needed, oldest
// first (retention.md, rule 14). Pure: it works on estimates, and the executor looks at the pool again as it goes.
import { poolOf } from '../../zfs/names';

/** Space of one pool as its root dataset sees it, bytes. */
export interface PoolSpace {
  readonly free: number;
  readonly size: number;
}

export type MinFree = { readonly percent: number } | { readonly bytes: number };

/** Bytes that must be free on a pool of this size. */
export function wantedBytes(minFree: MinFree, space: PoolSpace): number {
  return 'percent' in minFree ? (space.size * minFree.percent) / 100 : minFree.bytes;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** Bytes for a person: `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

/**
 * For each item (oldest first) null when it goes, or why it stays for now. `reclaim` is what ZFS counts as unique to a
 * snapshot; neighbours share more than that, so a plan may list more than the executor will need to destroy.
 */
export function minFreeReasons(
  items: readonly { readonly dataset: string; readonly reclaim: number }[],
  minFree: MinFree,
  pools: ReadonlyMap<string, PoolSpace>,
): (string | null)[] {
  const freed = new Map<string, number>();
  return items.map(({ dataset, reclaim }) => {
    const pool = poolOf(dataset);
    const space = pools.get(pool);
    if (!space) return `the free space of pool ${pool} is not known`;
    const wanted = wantedBytes(minFree, space);
    const already = freed.get(pool) ?? 0;
    if (space.free >= wanted) {
      return `pool ${pool} has ${formatBytes(space.free)} free, not less than ${formatBytes(wanted)}`;
    }
    if (space.free + already >= wanted) {
      return `destroying older ones is expected to leave ${formatBytes(wanted)} free on pool ${pool}`;
    }
    freed.set(pool, already + reclaim);
    return null;
  });
}
