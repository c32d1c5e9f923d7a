// Which target dataset each source dataset maps to, and what the listings have of both.
import { ZfsFlowError } from '../../base/errors';
import { groupBy } from '../../base/group-by';
import type { ClockEvidence } from '../../retention/plan/guards';
import type { TreeListing } from '../../zfs/list';
import { mapDataset } from '../../zfs/mapping';
import { destinationId } from '../../zfs/marks';
import type { ListedPair } from '../plan/listed-pair';
import type { TargetOther } from '../plan/plan-types';
import { withoutShortLived } from '../plan/short-lived';
import type { Setup } from '../setup/setup';

function refuseCollisions(pairs: readonly ListedPair[]): void {
  const taken = new Map<string, string>();
  for (const { source, target } of pairs) {
    const other = taken.get(target);
    if (other !== undefined) {
      throw new ZfsFlowError('INVALID_OPTIONS', `"${other}" and "${source.name}" would both be copied to "${target}"`, {
        field: 'sourceDatasets',
      });
    }
    taken.set(target, source.name);
  }
}

/** Parents before children. Throws INVALID_OPTIONS where two sources would have one target. */
export function listedPairs(
  setup: Setup,
  source: TreeListing,
  target: TreeListing,
  clock: ClockEvidence,
): ListedPair[] {
  const sourceRecords = groupBy(source.snapshots, ({ dataset }) => dataset);
  const targetRecords = groupBy(target.snapshots, ({ dataset }) => dataset);
  const targetDatasets = new Map(target.datasets.map((record) => [record.name, record]));
  const pairs = source.datasets.map((dataset): ListedPair => {
    const name = mapDataset(dataset.name, setup.common, setup.options.targetDataset);
    const records = sourceRecords.get(dataset.name) ?? [];
    const pair: ListedPair = {
      source: dataset,
      sourceRecords: records,
      target: name,
      targetDataset: targetDatasets.get(name) ?? null,
      targetSnapshots: targetRecords.get(name) ?? [],
      dstId: destinationId(setup.targetPoolGuid, name),
      wanted: new Set(records.filter((record) => setup.selection.wants(record)).map(({ guid }) => guid)),
    };
    return { ...pair, wanted: withoutShortLived(pair, setup.targetPolicy, clock) };
  });
  const ordered = pairs.toSorted((a, b) => (a.target < b.target ? -1 : a.target > b.target ? 1 : 0));
  refuseCollisions(ordered);
  return ordered;
}

/** Target datasets that no source dataset maps to. */
export function unmapped(pairs: readonly ListedPair[], listings: readonly TreeListing[]): TargetOther[] {
  const mapped = new Set(pairs.map(({ target }) => target));
  const snapshots = groupBy(
    listings.flatMap((listing) => listing.snapshots),
    ({ dataset }) => dataset,
  );
  return listings
    .flatMap(({ datasets }) => datasets)
    .filter(({ name }) => !mapped.has(name))
    .map((dataset) => ({ dataset, snapshots: snapshots.get(dataset.name) ?? [] }));
}
