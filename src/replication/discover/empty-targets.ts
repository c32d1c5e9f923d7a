// Targets that exist without a snapshot: do they hold anything that could be lost?
import type { RunContext } from '../../base/run-context';
import { listDatasets } from '../../zfs/list';
import { poolOf } from '../../zfs/names';
import { isWithin } from '../../zfs/records';
import { syncPools } from '../../zfs/snapshot-facts';
import { countObjects } from '../../zfs/usage';
import type { ListedPair } from '../plan/listed-pair';
import type { TargetInside } from '../plan/target-state';
import type { Setup } from '../setup/setup';

/** By target dataset; only of those that exist without a snapshot. */
export async function lookInside(
  setup: Setup,
  pairs: readonly ListedPair[],
  ctx: RunContext,
): Promise<Map<string, TargetInside>> {
  const unclear = pairs.filter(
    ({ targetDataset, targetSnapshots }) => targetDataset !== null && targetSnapshots.length === 0,
  );
  if (unclear.length === 0) return new Map();
  // Objects are counted with each transaction group: what was written in the last seconds would not be seen.
  const pools = new Set(unclear.map(({ target }) => poolOf(target)));
  await syncPools(setup.target, [...pools], ctx.signal);
  const roots = unclear.map(({ target }) => target);
  const below = await listDatasets(setup.target, { roots, recursive: true, signal: ctx.signal });
  const mapped = new Set(pairs.map(({ target }) => target));
  const counts = await countObjects(setup.target, roots, ctx.signal);
  return new Map(
    unclear.map(({ target }, index) => {
      const foreignChildren = below.datasets
        .map(({ name }) => name)
        .filter((name) => name !== target && isWithin(name, target) && !mapped.has(name));
      const isEmpty = (counts[index] ?? Infinity) <= 1;
      return [target, { foreignChildren, isEmpty }];
    }),
  );
}
