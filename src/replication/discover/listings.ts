// The listings of both sides: the sources, the target with what is below it, and what the options make necessary beside them.
import type { RunContext } from '../../base/run-context';
import { getProperties } from '../../zfs/get';
import { listDatasets, listTrees, type TreeListing } from '../../zfs/list';
import type { SnapshotListRequest } from '../../zfs/list-parts';
import { destinationId, parseReplacedMark, PLACEHOLDER_PROPERTY, REPLACED_PROPERTY } from '../../zfs/marks';
import { above, type DatasetRecord } from '../../zfs/records';
import type { ListedPair } from '../plan/listed-pair';
import { hasNotes } from '../../zfs/fingerprint';
import type { Setup } from '../setup/setup';

/** Of both sides. */
export interface Listings {
  source: TreeListing;
  target: TreeListing;
}

export const displaces = ({ options }: Pick<Setup, 'options'>): boolean =>
  options.whenDiverged === 'rotate' || options.whenDiverged === 'recreate';

/** What of the source is listed. */
export function sourceTrees({
  options,
  selection,
  excluded,
}: Pick<Setup, 'options' | 'selection' | 'excluded'>): TreeRequest {
  return {
    roots: options.sourceDatasets,
    recursive: options.recursive,
    exclude: excluded,
    columns: selection.needsCreation || options.targetRetention === 'custom' ? ['creation'] : [],
  };
}

/** What of the target is listed. */
export function targetTrees(setup: Pick<Setup, 'options'>): TreeRequest {
  const { options } = setup;
  return {
    roots: [options.targetDataset],
    // What is set aside takes everything below it along, so all of it has to be known.
    recursive: options.recursive || options.sourceDatasets.length > 1 || displaces(setup),
    columns: options.targetRetention === 'custom' ? ['creation'] : [],
  };
}

type TreeRequest = Required<Pick<SnapshotListRequest, 'roots' | 'recursive' | 'columns'>> &
  Pick<SnapshotListRequest, 'exclude'>;

/** Both sides at the same time, with all their snapshots. */
export async function listBoth(setup: Setup, { signal }: RunContext): Promise<Listings> {
  const { source: from, target: to, sourceFacts, targetFacts } = setup;
  const [source, target] = await Promise.all([
    listTrees(from, { ...sourceTrees(setup), changes: hasNotes(sourceFacts), signal }),
    listTrees(to, { ...targetTrees(setup), changes: hasNotes(targetFacts), kinds: ['snapshot'], signal }),
  ]);
  return { source, target };
}

/** What earlier runs set aside beside the target itself; such copies of datasets below it are in its own listing. */
export async function listAsides(setup: Setup, pairs: readonly ListedPair[], ctx: RunContext): Promise<TreeListing> {
  const { targetDataset } = setup.options;
  const [parent] = above(targetDataset);
  // A placeholder gives way to an encrypted copy (`plan/set-aside.ts`); what was below it may be waiting there.
  const mayWait = pairs.some(
    ({ source, target, targetSnapshots }) =>
      target !== setup.options.targetDataset && source.encryption !== 'off' && targetSnapshots.length === 0,
  );
  if (!(displaces(setup) || mayWait) || parent === undefined) return { datasets: [], snapshots: [], missing: [] };
  const request = {
    of: [parent],
    properties: [REPLACED_PROPERTY],
    sources: ['local'],
    depth: 1,
    types: ['filesystem', 'volume'],
  };
  const marked = await getProperties(setup.target, request, { missingOk: true, signal: ctx.signal });
  const dstId = destinationId(setup.targetPoolGuid, targetDataset);
  const roots = marked
    .filter(({ name, value }) => name !== targetDataset && parseReplacedMark(value, name)?.dstId === dstId)
    .map(({ name }) => name);
  return listTrees(setup.target, { roots, recursive: true, kinds: ['snapshot'], signal: ctx.signal });
}

/** Where the target does not exist yet: which of its ancestors do, for their encryption and for the parents to make. */
export async function listAncestors(setup: Setup, listing: TreeListing, ctx: RunContext): Promise<DatasetRecord[]> {
  const names = [...above(setup.options.targetDataset)].toReversed();
  // What is recreated, or takes the place of a placeholder, is made anew below them too.
  const isPlaceholder = listing.datasets.some(
    ({ name, userProperties }) =>
      name === setup.options.targetDataset && userProperties[PLACEHOLDER_PROPERTY] !== undefined,
  );
  const needed = listing.missing.length > 0 || displaces(setup) || isPlaceholder;
  if (!needed || names.length === 0) return [];
  return (await listDatasets(setup.target, { roots: names, recursive: false, signal: ctx.signal })).datasets;
}
