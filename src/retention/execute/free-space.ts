// A prune by free space stops when there is enough: before each round the pools are asked once more (retention.md, rule 14).
import { poolOf } from '../../zfs/names';
import { poolSpace, waitForFreeing } from '../../zfs/space';
import { formatBytes, wantedBytes } from '../plan/min-free';
import type { Execution, Round } from './execution';

const FREEING_TIMEOUT_MS = 30_000;

/** Those whose pool still has less free space than asked for; the others are spared. All, when nothing was asked for. */
export async function stillNeeded(round: Round, { minFree, host, ledger, ctx }: Execution): Promise<Round> {
  if (minFree === null) return round;
  const pools = [...new Set(round.map(({ dataset }) => poolOf(dataset)))];
  if (pools.length === 0) return [];
  for (const pool of pools) await waitForFreeing(host, pool, FREEING_TIMEOUT_MS, ctx.signal);
  const space = await poolSpace(host, pools, ctx.signal);
  return round.filter((item) => {
    const pool = space.get(poolOf(item.dataset));
    if (pool && pool.free < wantedBytes(minFree, pool)) return true;
    ledger.spare(item, `pool ${poolOf(item.dataset)} has ${formatBytes(pool?.free ?? 0)} free by now, which is enough`);
    return false;
  });
}
