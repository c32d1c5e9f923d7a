// Reads both sides of a verification: with the listings, the mapping and the selection of a replication, and when the newest
// common snapshots were taken.
import type { RunContext } from '../../base/run-context';
import { ZfsFlowError } from '../../base/errors';
import { lookInside } from '../../replication/discover/empty-targets';
import { listBoth } from '../../replication/discover/listings';
import { listedPairs } from '../../replication/discover/pairs';
import type { PairFacts } from '../../replication/plan/target-state';
import type { Setup } from '../../replication/setup/setup';
import type { Host } from '../../host/host';
import { groupNames } from '../../zfs/batch';
import { getProperties } from '../../zfs/get';
import { requireAll } from '../../zfs/list';

/** Without a policy of the target's own the clock decides nothing. */
const NO_CLOCK = { now: 0, hosts: new Map(), jump: 0 };
/** In one command. */
const NAMES_PER_COMMAND = 500;

/** Source and target datasets, parents before children. Throws DATASET_NOT_FOUND for a source, or a target that goes meanwhile, and what a listing fails with. */
export async function lookAtBoth(setup: Setup, ctx: RunContext): Promise<PairFacts[]> {
  const { source, target } = await listBoth(setup, ctx);
  requireAll(setup.source, source.missing);
  const pairs = listedPairs(setup, source, target, NO_CLOCK);
  const inside = await lookInside(setup, pairs, ctx);
  return pairs.map((pair) => ({ ...pair, inside: inside.get(pair.target) ?? null }));
}

/** Seconds since the epoch, by full name of a snapshot. Throws the classified error; DATASET_BUSY where one has gone. */
export async function creationsOf(
  host: Host,
  snapshots: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const of of groupNames(snapshots, NAMES_PER_COMMAND)) {
    const values = await getProperties(host, { of, properties: ['creation'] }, { signal, missingOk: true });
    for (const { name, value } of values) found.set(name, Number(value));
  }
  const gone = snapshots.find((name) => !Number.isSafeInteger(found.get(name)));
  if (gone === undefined) return found;
  const message = `the snapshot "${gone}" went on ${host.label} while it was looked at`;
  throw new ZfsFlowError('DATASET_BUSY', message, { host: host.label, dataset: gone });
}
