// Gathers what a plan needs, by reading only: the datasets' snapshots with holds and clones, the marks and partial
// receives on them, the destinations, the clocks, the free space. A failed listing stops the run; it is never a list.
import type { RunContext } from '../../base/run-context';
import type { Host, HostResolver } from '../../host/host';
import { groupBy } from '../../base/group-by';
import { listTrees, requireAll, type TreeListing } from '../../zfs/list';
import { fullName, type SnapshotRecord } from '../../zfs/records';
import { poolSpace } from '../../zfs/space';
import { snapshotUserProperties } from '../../zfs/user-properties';
import { clockEvidence } from './clocks';
import { compileRules, compileScope } from '../plan/compile';
import { askDestinations, askSources, partialGuids, type DestinationEvidence } from './destinations';
import { EXPIRY_PREFIX, type Reasons } from '../plan/guards';
import type { PruneRequest } from '../options';
import type { MinFree } from '../plan/min-free';
import type { RetentionPlanInput } from '../plan/plan';
import { neededElsewhere } from '../plan/needed-elsewhere';
import { poolOf } from '../../zfs/names';

export interface Discovery {
  readonly host: Host;
  readonly input: RetentionPlanInput;
  readonly warnings: string[];
}

type Needed = Pick<RetentionPlanInput, 'neededElsewhere' | 'keepAll'>;

function merge(...all: Reasons[]): Reasons {
  const merged = new Map<string, readonly string[]>();
  for (const reasons of all) {
    for (const [guid, texts] of reasons) merged.set(guid, [...(merged.get(guid) ?? []), ...texts]);
  }
  return merged;
}

/** What of each dataset somebody needs: its destinations, a partial receive into it. */
function needed(
  datasets: readonly string[],
  records: readonly SnapshotRecord[],
  destinations: readonly DestinationEvidence[],
  partial: ReadonlyMap<string, readonly string[]>,
): Needed {
  const groups = groupBy(records, ({ dataset }) => dataset);
  const byGuid = new Map<string, Reasons>();
  const keepAll = new Map<string, string>();
  for (const dataset of datasets) {
    const own = groups.get(dataset) ?? [];
    const snapshots = own.filter(({ kind }) => kind === 'snapshot');
    const bookmarks = own.filter(({ kind }) => kind === 'bookmark');
    const found = neededElsewhere(
      snapshots,
      bookmarks,
      destinations.map((destination) => destination.of(dataset)),
    );
    const receiving = new Map((partial.get(dataset) ?? []).map((guid) => [guid, ['a partial receive here needs it']]));
    byGuid.set(dataset, merge(found.reasons, receiving));
    if (found.keepAll !== null) keepAll.set(dataset, found.keepAll);
  }
  return { neededElsewhere: byGuid, keepAll };
}

/** One that is told twice would count twice among the newest, in whatever way that came about: the last one counts. */
function onceEach(snapshots: readonly SnapshotRecord[]): SnapshotRecord[] {
  const byDataset = groupBy(snapshots, ({ dataset }) => dataset);
  return [...byDataset.values()].flatMap((own) => {
    const byName = new Map(own.map((record) => [record.kind === 'bookmark' ? `#${record.name}` : record.name, record]));
    return byName.size === own.length ? own : [...byName.values()];
  });
}

/** Overlapping roots may list a dataset twice. `tokens`: resume tokens of partial receives, by dataset. */
function withoutRepeats(listing: TreeListing): {
  records: SnapshotRecord[];
  datasets: string[];
  tokens: Map<string, string>;
} {
  const { datasets, snapshots } = listing;
  const receiving = datasets.filter(({ receiveResumeToken }) => receiveResumeToken !== '');
  return {
    records: onceEach(snapshots),
    datasets: [...new Set(datasets.map(({ name }) => name))],
    tokens: new Map(receiving.map(({ name, receiveResumeToken }) => [name, receiveResumeToken])),
  };
}

function warningsOf(destinations: readonly DestinationEvidence[]): string[] {
  return destinations
    .filter(({ host }) => host === null)
    .map(({ label, problem }) => `${label} cannot be reached (${problem}); what its bookmarks say it needs is kept`);
}

/**
 * Reads everything. `minFree`: what the request's text of that name says. Throws DATASET_NOT_FOUND for a dataset that is
 * not there, and every failed listing.
 */
export async function discover(
  request: PruneRequest,
  minFree: MinFree | null,
  hosts: HostResolver,
  ctx: RunContext,
): Promise<Discovery> {
  const host = hosts(request.connection);
  const { signal } = ctx;
  const { datasets: roots, recursive, exclude } = request;
  const [listing, destinations] = await Promise.all([
    listTrees(host, { roots, recursive, exclude, columns: ['creation', 'userrefs', 'clones', 'used'], signal }),
    askDestinations(request, host, hosts, ctx),
  ]);
  requireAll(host, listing.missing);
  const { records, datasets, tokens } = withoutRepeats(listing);
  const reachable = destinations.flatMap((destination) => destination.host ?? []);
  const partial = await partialGuids(host, tokens, ctx);
  const sources = await askSources(request, datasets, hosts, ctx);
  const clock = await clockEvidence(ctx.now().getTime(), [host, ...reachable], signal);
  const pools = minFree ? await poolSpace(host, [...new Set(datasets.map(poolOf))], signal) : new Map();
  const input: RetentionPlanInput = {
    snapshots: records,
    scope: compileScope(request.scope, request.timeZone),
    rules: compileRules(request.policy, request.timeZone, sources),
    ageFrom: request.ageFrom,
    scheduleByName: request.scheduleByName ?? false,
    timeZone: request.timeZone,
    clock,
    keepAtLeast: request.keepAtLeast,
    ...needed(datasets, records, destinations, partial),
    limits: request,
    minFree,
    pools,
  };
  return { host, input, warnings: warningsOf(destinations) };
}

/**
 * The input with the properties of `candidates` that put off their end, `org.truenas:destroy_at_*`. Asked for only where
 * something would go, since ZFS has no quick way to list them.
 */
export async function withExpiries(
  { host, input }: Discovery,
  candidates: readonly SnapshotRecord[],
  mayLeaveTrace: boolean,
  ctx: RunContext,
): Promise<RetentionPlanInput> {
  const options = { mayLeaveTrace, signal: ctx.signal };
  const properties = await snapshotUserProperties(host, candidates, EXPIRY_PREFIX, options);
  if (properties.size === 0) return input;
  const snapshots = input.snapshots.map((record): SnapshotRecord => {
    const own = properties.get(fullName(record));
    return own ? { ...record, userProperties: own } : record;
  });
  return { ...input, snapshots };
}
