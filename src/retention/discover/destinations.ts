// Asks the other sides: what each `protectFor` destination has, and what the source of a `source` rule still has. One
// listing for each of them in this run, never a remembered one (retention.md, rule 9). Judging it is `needed-elsewhere.ts`.
import type { RunContext } from '../../base/run-context';
import type { Host, HostResolver } from '../../host/host';
import { toZfsFlowError, type ErrorCode } from '../../base/errors';
import { groupBy } from '../../base/group-by';
import { commonPath, mapDataset } from '../../zfs/mapping';
import { listTrees } from '../../zfs/list';
import { decodeTokens } from '../../zfs/send';
import type { SourceEvidence } from '../plan/compile';
import type { PruneRequest } from '../options';
import type { KeepRule } from '../plan/policy';
import type { Destination } from '../plan/needed-elsewhere';
import { poolOf } from '../../zfs/names';

/** The host could not be asked at all: its markers speak for it. Anything else that fails stops the run. */
const OFFLINE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'HOST_NOT_FOUND',
  'HOST_UNREACHABLE',
  'CONNECTION_REFUSED',
  'CONNECTION_TIMEOUT',
  'CONNECTION_LOST',
  'TIMEOUT',
]);

export interface DestinationEvidence {
  label: string;
  /** Null when it could not be reached. */
  host: Host | null;
  /** For messages, when it could not be reached. */
  problem: string;
  /** Local dataset → what this destination is for it. */
  of(dataset: string): Destination;
}

interface Listing {
  guids: ReadonlyMap<string, ReadonlySet<string>>;
  datasets: ReadonlySet<string>;
  tokens: ReadonlyMap<string, string>;
  pools: ReadonlyMap<string, string>;
}

async function listDestination(
  host: Host,
  roots: readonly string[],
  recursive: boolean,
  ctx: RunContext,
): Promise<Listing> {
  const { signal } = ctx;
  const listing = await listTrees(host, { roots, recursive, kinds: ['snapshot'], signal });
  const { pools } = await host.facts({ signal });
  const groups = groupBy(listing.snapshots, ({ dataset }) => dataset);
  return {
    guids: new Map([...groups].map(([dataset, records]) => [dataset, new Set(records.map(({ guid }) => guid))])),
    datasets: new Set(listing.datasets.map(({ name }) => name)),
    tokens: new Map(
      listing.datasets.flatMap(({ name, receiveResumeToken: token }) => (token === '' ? [] : [[name, token] as const])),
    ),
    pools: new Map(pools.map(({ name, guid }) => [name, guid])),
  };
}

/** GUIDs that the partial receives begin at and lead to, by dataset. Throws when a token cannot be read: nothing is known then. */
export async function partialGuids(
  host: Host,
  tokens: ReadonlyMap<string, string>,
  ctx: RunContext,
): Promise<Map<string, string[]>> {
  const decoded = await decodeTokens(host, [...tokens.values()], ctx.signal);
  return new Map(
    [...tokens.keys()].map((dataset, index) => {
      const token = decoded[index];
      // Decoded on this side, where the snapshots are; a text that is no token says nothing about what it needs.
      if (!token) throw toZfsFlowError(new Error(`the resume token of ${dataset} cannot be read`));
      return [dataset, [token.fromGuid, token.toGuid].filter((guid) => guid !== '')];
    }),
  );
}

/** What a destination is, apart from its name. */
type Seen = Omit<Destination, 'label' | 'dataset'>;

const NOT_SEEN: Seen = { state: 'offline', poolGuid: '', guids: new Set(), partial: [] };

function seenIn(listing: Listing, partial: ReadonlyMap<string, readonly string[]>, dataset: string): Seen {
  return {
    state: listing.datasets.has(dataset) ? 'live' : 'missing',
    poolGuid: listing.pools.get(poolOf(dataset)) ?? '',
    guids: listing.guids.get(dataset) ?? new Set(),
    partial: partial.get(dataset) ?? [],
  };
}

/** Looks at one destination. Throws whatever is not a host that is away. */
async function askDestination(
  entry: { connection: string; dataset: string },
  request: PruneRequest,
  own: Host,
  hosts: HostResolver,
  ctx: RunContext,
): Promise<DestinationEvidence> {
  const host = hosts(entry.connection);
  const common = commonPath(request.datasets);
  const there = (dataset: string): string => mapDataset(dataset, common, entry.dataset);
  const placed = (dataset: string, seen: Seen): Destination => {
    const name = there(dataset);
    return { label: `${host.label}:${name}`, dataset: name, ...seen };
  };
  const label = `${host.label}:${entry.dataset}`;
  let listing: Listing;
  try {
    listing = await listDestination(host, request.datasets.map(there), request.recursive, ctx);
  } catch (thrown) {
    const error = toZfsFlowError(thrown);
    if (ctx.signal.aborted || !OFFLINE.has(error.code)) throw error;
    return { label, host: null, problem: error.message, of: (dataset) => placed(dataset, NOT_SEEN) };
  }
  const partial = await partialGuids(own, listing.tokens, ctx);
  return { label, host, problem: '', of: (dataset) => placed(dataset, seenIn(listing, partial, there(dataset))) };
}

/** All destinations, at the same time. Those of one host are listed one after the other by its session limit. */
export async function askDestinations(
  request: PruneRequest,
  own: Host,
  hosts: HostResolver,
  ctx: RunContext,
): Promise<DestinationEvidence[]> {
  return Promise.all(request.protectFor.map(async (entry) => askDestination(entry, request, own, hosts, ctx)));
}

async function askSource(
  rule: KeepRule & { type: 'source' },
  request: PruneRequest,
  datasets: readonly string[],
  hosts: HostResolver,
  ctx: RunContext,
): Promise<SourceEvidence> {
  const host = hosts(rule.connection);
  const common = commonPath(request.datasets);
  const roots = request.datasets.map((dataset) => mapDataset(dataset, common, rule.dataset));
  const { snapshots } = await listTrees(host, {
    roots,
    recursive: request.recursive && rule.recursive !== false,
    exclude: rule.exclude ?? [],
    kinds: ['snapshot'],
    signal: ctx.signal,
  });
  const groups = groupBy(snapshots, ({ dataset }) => dataset);
  const guids = datasets.map((dataset) => {
    const records = groups.get(mapDataset(dataset, common, rule.dataset));
    // Missing or without a single snapshot: that is an accident to be looked at, not an order to delete (rule 15).
    return [dataset, records ? new Set(records.map(({ guid }) => guid)) : null] as const;
  });
  return { label: `${host.label}:${rule.dataset}`, guids: new Map(guids) };
}

/** What the source of each `source` rule has, by the rule's place in the policy. A source that cannot be listed stops the run. */
export async function askSources(
  request: PruneRequest,
  datasets: readonly string[],
  hosts: HostResolver,
  ctx: RunContext,
): Promise<Map<number, SourceEvidence>> {
  const found = new Map<number, SourceEvidence>();
  for (const [index, rule] of request.policy.keep.entries()) {
    if (rule.type === 'source') found.set(index, await askSource(rule, request, datasets, hosts, ctx));
  }
  return found;
}
