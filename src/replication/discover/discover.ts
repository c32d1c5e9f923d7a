// Reads both sides: one listing of each, at the same time, and only where something unusual was found (a missing
// target, a partial receive, an unknown chain) one more question. Deciding is `plan.ts`.
import type { RunContext } from '../../base/run-context';
import { ZfsFlowError } from '../../base/errors';
import { groupBy } from '../../base/group-by';
import type { Host } from '../../host/host';
import { clockEvidence } from '../../retention/discover/clocks';
import type { ClockEvidence } from '../../retention/plan/guards';
import { getProperties, getPropertyOfEach } from '../../zfs/get';
import { listDatasets, listTrees, requireAll, type SnapshotColumn, type TreeListing } from '../../zfs/list';
import {
  DESTINATION_PROPERTY,
  destinationId,
  parseBookmarkName,
  parseRawMark,
  parseReplacedMark,
  RAW_PROPERTY,
  REPLACED_PROPERTY,
} from '../../zfs/marks';
import { fullName, isWithin, type DatasetRecord, type SnapshotRecord } from '../../zfs/records';
import { poolOf } from '../../zfs/names';
import { decodeTokens } from '../../zfs/send';
import { syncPools } from '../../zfs/snapshot-facts';
import { countObjects } from '../../zfs/usage';
import { mapDataset } from '../../zfs/mapping';
import type { ListedPair } from '../plan/listed-pair';
import type { PairInput, PartialReceive, TargetOther } from '../plan/plan-types';
import { locateAside } from '../plan/locate-aside';
import { abandoned, followRenames, renameCandidates } from '../plan/follow-renames';
import type { Setup } from '../setup/setup';
import { withoutShortLived } from '../plan/short-lived';
import type { TargetInside } from '../plan/target-state';

export interface Discovery {
  /** Parents before children. */
  pairs: PairInput[];
  ancestors: DatasetRecord[];
  /** Names of all target datasets listed. */
  existing: Set<string>;
  /** Target datasets that no source dataset maps to, and what earlier runs set aside. */
  others: TargetOther[];
  /** Copies below the target whose sources are gone. */
  abandoned: string[];
  /** Source datasets that were asked for and do not exist. */
  missingSources: string[];
  target: TreeListing;
}

/** The path from the pool down to the parent of `dataset`. */
function ancestorNames(dataset: string): string[] {
  const parts = dataset.split('/');
  return parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

async function listSource(setup: Setup, ctx: RunContext): Promise<TreeListing> {
  const { options, source, selection, excluded } = setup;
  return listTrees(source, {
    roots: options.sourceDatasets,
    recursive: options.recursive,
    exclude: excluded,
    columns: selection.needsCreation || options.targetRetention === 'custom' ? ['creation'] : [],
    signal: ctx.signal,
  });
}

async function listTarget(setup: Setup, ctx: RunContext): Promise<TreeListing> {
  const { options, target } = setup;
  // What is set aside takes everything below it along, so all of it has to be known.
  const recursive = options.recursive || options.sourceDatasets.length > 1 || displaces(setup);
  const columns: SnapshotColumn[] = options.targetRetention === 'custom' ? ['creation'] : [];
  const roots = [options.targetDataset];
  return listTrees(target, { roots, recursive, kinds: ['snapshot'], columns, signal: ctx.signal });
}

const displaces = ({ options }: Setup): boolean =>
  options.whenDiverged === 'rotate' || options.whenDiverged === 'recreate';

/** What earlier runs set aside beside the target itself; such copies of datasets below it are in its own listing. */
async function listAsides(setup: Setup, ctx: RunContext): Promise<TreeListing> {
  const { targetDataset } = setup.options;
  const parent = ancestorNames(targetDataset).at(-1);
  if (!displaces(setup) || parent === undefined) return { datasets: [], snapshots: [], missing: [] };
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

function unmapped(pairs: readonly ListedPair[], listings: readonly TreeListing[]): TargetOther[] {
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

/** Those of these target datasets that were received by replications to this destination. */
async function ownCopies(setup: Setup, names: readonly string[], ctx: RunContext): Promise<Set<string>> {
  const request = { of: names, properties: [DESTINATION_PROPERTY], sources: ['local'] };
  const marks = await getProperties(setup.target, request, { signal: ctx.signal });
  const dstId = destinationId(setup.targetPoolGuid, setup.options.targetDataset);
  return new Set(marks.filter(({ value }) => value === dstId).map(({ name }) => name));
}

/** Where each copy really is: under a renamed source's former name, or set aside by a run that was interrupted. */
async function locate(
  setup: Setup,
  pairs: readonly ListedPair[],
  others: readonly TargetOther[],
  ctx: RunContext,
): Promise<ListedPair[]> {
  const { targetFacts, targetPoolGuid, options } = setup;
  const own = await ownCopies(setup, renameCandidates(pairs, others), ctx);
  const canRename = targetFacts.platform !== 'Linux' || targetFacts.isRoot;
  const followed = followRenames({ pairs, others, canRename, targetPoolGuid, own });
  return locateAside(followed, others, options.whenDiverged);
}

/** Where the target does not exist yet: which of its ancestors do, for their encryption and for the parents to make. */
async function listAncestors(setup: Setup, listing: TreeListing, ctx: RunContext): Promise<DatasetRecord[]> {
  const names = ancestorNames(setup.options.targetDataset);
  // A recreated target is made anew below them too.
  const needed = listing.missing.length > 0 || displaces(setup);
  if (!needed || names.length === 0) return [];
  return (await listDatasets(setup.target, { roots: names, recursive: false, signal: ctx.signal })).datasets;
}

/** Only a retention that goes by dates needs to know whether they can be relied on. */
async function judgeClock({ options, source, target }: Setup, ctx: RunContext): Promise<ClockEvidence> {
  const now = ctx.now().getTime();
  if (options.targetRetention !== 'custom') return { now, hosts: new Map(), jump: 0 };
  return clockEvidence(now, [source, target], ctx.signal);
}

function listedPairs(setup: Setup, source: TreeListing, target: TreeListing, clock: ClockEvidence): ListedPair[] {
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
  return pairs.toSorted((a, b) => (a.target < b.target ? -1 : a.target > b.target ? 1 : 0));
}

/** Looks closer at targets that exist without a snapshot: do they hold anything that could be lost? By target dataset. */
async function lookInside(
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

/** Has the source decode the resume tokens that the target's partial receives gave. By target dataset. */
async function readTokens(
  setup: Setup,
  pairs: readonly ListedPair[],
  ctx: RunContext,
): Promise<Map<string, PartialReceive>> {
  const partial = pairs.filter(({ targetDataset }) => (targetDataset?.receiveResumeToken ?? '') !== '');
  const tokens = partial.map(({ targetDataset }) => targetDataset?.receiveResumeToken ?? '');
  const contents = await decodeTokens(setup.source, tokens, ctx.signal);
  return new Map(
    partial.map(({ target, sourceRecords, dstId, located }, index) => {
      const token = contents[index] ?? null;
      const isOwn = sourceRecords.some((record) => {
        const own = record.kind === 'bookmark' ? parseBookmarkName(record.name) : null;
        return own !== null && [dstId, located?.formerDstId].includes(own.dstId) && own.guid === token?.toGuid;
      });
      return [target, { token, isOwn }];
    }),
  );
}

function newestCommon(pair: ListedPair): SnapshotRecord | undefined {
  // Bookmarks have the ivset GUID of their snapshot too (shown on 2.1 and 2.4).
  const source = new Set(pair.sourceRecords.map(({ guid }) => guid));
  return pair.targetSnapshots.findLast(({ guid }) => source.has(guid));
}

/**
 * Encrypted chains that carry no mark of ours: the ivset GUID survives only a raw send (replication.md §6). Whether it is
 * the same on both sides, by target dataset.
 */
async function compareIvsets(
  setup: Setup,
  pairs: readonly ListedPair[],
  ctx: RunContext,
): Promise<Map<string, boolean>> {
  const unknown = pairs.flatMap((pair) => {
    const { targetDataset } = pair;
    const mark = targetDataset && parseRawMark(targetDataset.userProperties[RAW_PROPERTY], targetDataset.name);
    if (pair.source.encryption === 'off' || mark !== null) return [];
    const common = newestCommon(pair);
    const onSource = pair.sourceRecords.find(({ guid }) => guid === common?.guid);
    return common && onSource ? [{ target: pair.target, common, onSource }] : [];
  });
  if (unknown.length === 0) return new Map();
  const options = { signal: ctx.signal };
  const ivsets = (host: Host, snapshots: readonly SnapshotRecord[]): Promise<string[]> =>
    getPropertyOfEach(host, snapshots.map(fullName), 'ivsetguid', options);
  const [onSource, onTarget] = await Promise.all([
    ivsets(
      setup.source,
      unknown.map((one) => one.onSource),
    ),
    ivsets(
      setup.target,
      unknown.map(({ common }) => common),
    ),
  ]);
  return new Map(
    unknown.map(({ target }, index) => [target, onSource[index] !== '-' && onSource[index] === onTarget[index]]),
  );
}

/** What only some pairs call for one more question about, and the pairs with the answers. */
async function lookCloser(setup: Setup, pairs: readonly ListedPair[], ctx: RunContext): Promise<PairInput[]> {
  const inside = await lookInside(setup, pairs, ctx);
  const partials = await readTokens(setup, pairs, ctx);
  const sameIvsets = await compareIvsets(setup, pairs, ctx);
  return pairs.map((pair) => ({
    ...pair,
    inside: inside.get(pair.target) ?? null,
    partial: partials.get(pair.target) ?? null,
    sameIvset: sameIvsets.get(pair.target) ?? null,
  }));
}

/** The source of this target dataset would be one that `exclude` leaves out. */
function isExcluded({ options, common, excluded }: Setup, target: string): boolean {
  const rest = target.slice(options.targetDataset.length + 1);
  return excluded([common, rest].filter((part) => part !== '').join('/'));
}

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

/** Reads both sides. Throws DATASET_NOT_FOUND when no source dataset exists, and whatever a listing fails with. */
export async function discover(setup: Setup, ctx: RunContext): Promise<Discovery> {
  const [source, target, clock] = await Promise.all([
    listSource(setup, ctx),
    listTarget(setup, ctx),
    judgeClock(setup, ctx),
  ]);
  if (source.datasets.length === 0) requireAll(setup.source, source.missing);
  const mapped = listedPairs(setup, source, target, clock);
  refuseCollisions(mapped);
  const others = unmapped(mapped, [target, await listAsides(setup, ctx)]);
  const located = await locate(setup, mapped, others, ctx);
  const ancestors = await listAncestors(setup, target, ctx);
  const pairs = await lookCloser(setup, located, ctx);
  const existing = new Set([...target.datasets, ...ancestors].map(({ name }) => name));
  const left = setup.options.recursive ? abandoned(pairs, others).filter((name) => !isExcluded(setup, name)) : [];
  return { pairs, ancestors, existing, others, abandoned: left, missingSources: source.missing, target };
}
