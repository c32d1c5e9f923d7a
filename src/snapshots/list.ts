// Lists snapshots and bookmarks with filters. Keeps only what the result needs, works in slices so that 100,000 of them
// do not stop the event loop, and asks ZFS only for the columns that are wanted: each costs time per snapshot.
import type { DatasetUse, HostResolver, RunContext } from '../context';
import type { Host } from '../host/host';
import { groupNames } from '../zfs/batch';
import { parseNamingSchema, parseSnapshotName } from '../naming/schema';
import { readRegExp } from '../raw-options';
import { forEachInSlices, SlicedQueue, sortInSlices } from '../slices';
import { eachSnapshot } from '../zfs/each-snapshot';
import { listHolds } from '../zfs/hold';
import { requireAll, type SnapshotColumn } from '../zfs/list';
import { fullName, type SnapshotRecord } from '../zfs/records';
import { missingDatasets } from '../zfs/classify';
import { commandError } from '../zfs/run';
import type { ListedSnapshot, ListOptions } from './options';
import { timeLimit } from './time-limit';

export interface SnapshotListing {
  /** By dataset as ZFS orders them, then by creation. Empty for the output `count`. */
  items: ListedSnapshot[];
  /** Number of snapshots and bookmarks that the options select; that of `items` otherwise. */
  eligible: number;
  /** Number of all that were looked at: of these kinds, in these datasets. */
  total: number;
}

/** What a listing touches; without datasets nothing in particular: it waits for nobody. */
export function listUses(options: ListOptions): DatasetUse[] {
  return options.datasets.map((dataset) => ({ connection: options.connection, dataset, access: 'read' }));
}

/** Selected by name and time, not yet by number. */
interface Hit {
  record: SnapshotRecord;
  parsedDate: Date | null;
}

/**
 * Throws INVALID_OPTIONS, DATASET_NOT_FOUND and what hosts throw. One remote command; with the columns `full` one for
 * the user properties besides and, where there are any, one for the holds.
 */
export async function listSnapshots(
  options: ListOptions,
  hosts: HostResolver,
  ctx: RunContext,
): Promise<SnapshotListing> {
  const host = hosts(options.connection);
  const select = selector(options, ctx.now());
  const groups = new Map<string, DatasetHits>();
  let total = 0;
  const { missing } = await eachSnapshot(host, request(options, ctx.signal), (record) => {
    total += 1;
    const hit = select(record);
    if (hit === null) return;
    let group = groups.get(record.dataset);
    if (group === undefined) groups.set(record.dataset, (group = new DatasetHits(options)));
    group.add(hit);
  });
  requireAll(host, missing);
  const hits: Hit[] = [];
  let eligible = 0;
  for (const group of groups.values()) {
    eligible += group.size;
    for (const hit of await group.result()) hits.push(hit);
  }
  return { items: await toItems(host, hits, options, ctx.signal), eligible, total };
}

function request(options: ListOptions, signal: AbortSignal): Parameters<typeof eachSnapshot>[1] {
  const { datasets, exclude, kinds } = options;
  const recursive = options.recursive || datasets.length === 0;
  return { roots: datasets, recursive, exclude, kinds, columns: columnsOf(options), signal };
}

/** OpenZFS ≥ 2.2 answers a listing without further columns from the directory alone, many times faster. */
function columnsOf(options: ListOptions): SnapshotColumn[] {
  const columns: SnapshotColumn[] = [];
  const byCreation = options.namingSchema === '' && (options.newerThan !== '' || options.olderThan !== '');
  const shown = options.output === 'count' ? 'identity' : options.columns;
  if (shown !== 'identity' || byCreation) columns.push('creation');
  if (shown !== 'identity') columns.push('used', 'referenced', 'written');
  if (shown === 'full') columns.push('userrefs', 'clones');
  return columns;
}

/** What a snapshot must be to be in the result, whatever the others are. */
function selector(options: ListOptions, now: Date): (record: SnapshotRecord) => Hit | null {
  const { timeZone } = options;
  const schema = options.namingSchema === '' ? null : parseNamingSchema(options.namingSchema);
  const regex = readRegExp(options.nameRegex, 'nameRegex');
  const after = timeLimit(options.newerThan, 'newerThan', timeZone, now) ?? -Infinity;
  const before = timeLimit(options.olderThan, 'olderThan', timeZone, now) ?? Infinity;
  const limited = after !== -Infinity || before !== Infinity;
  return (record) => {
    if (regex !== null && !regex.test(record.name)) return null;
    const parsedDate = schema === null ? null : (parseSnapshotName(schema, record.name, timeZone)?.date ?? null);
    if (schema !== null && parsedDate === null) return null;
    if (!limited) return { record, parsedDate };
    // Without a creation time nothing can be said of its age, so it is not selected by age.
    const time = parsedDate?.getTime() ?? (record.creation ?? NaN) * 1000;
    return time > after && time < before ? { record, parsedDate } : null;
  };
}

/** createtxg is a decimal number without leading zeros; a bookmark comes before the snapshot of the same moment. */
function byCreation(a: Hit, b: Hit): number {
  const [x, y] = [a.record.createtxg, b.record.createtxg];
  if (x !== y) return x.length - y.length || (x < y ? -1 : 1);
  return a.record.kind === b.record.kind ? 0 : a.record.kind === 'bookmark' ? -1 : 1;
}

/** The hits of one dataset: all of them, or only as many of the newest and oldest as are wanted. */
class DatasetHits {
  private hits: Hit[] = [];
  private count = 0;
  private readonly limit: number;

  constructor(private readonly options: Pick<ListOptions, 'newest' | 'oldest' | 'output'>) {
    const { newest, oldest } = options;
    this.limit = newest + oldest === 0 ? Infinity : newest + oldest;
  }

  add(hit: Hit): void {
    this.count += 1;
    if (this.options.output === 'count') return;
    this.hits.push(hit);
    if (this.hits.length > 2 * this.limit + 1000) this.trim();
  }

  get size(): number {
    return Math.min(this.count, this.limit);
  }

  async result(): Promise<readonly Hit[]> {
    if (this.hits.length > this.limit) this.trim();
    return sortInSlices(this.hits, byCreation);
  }

  private trim(): void {
    const { newest, oldest } = this.options;
    const sorted = this.hits.toSorted(byCreation);
    this.hits = [...sorted.slice(0, oldest), ...sorted.slice(sorted.length - newest)];
  }
}

const time = (seconds: number): string => new Date(seconds * 1000).toISOString();

function toItem({ record, parsedDate }: Hit, columns: ListOptions['columns']): ListedSnapshot {
  const { dataset, name, kind, guid, createtxg } = record;
  const item: ListedSnapshot = { dataset, name, snapshot: fullName(record), kind, guid, createtxg };
  if (columns !== 'identity') {
    const { creation, used, referenced, written } = record;
    if (creation !== undefined) item.creation = time(creation);
    if (used !== undefined) item.used = used;
    if (referenced !== undefined) item.referenced = referenced;
    if (written !== undefined) item.written = written;
  }
  if (columns === 'full') Object.assign(item, { holds: [], clones: [...(record.clones ?? [])], properties: {} });
  if (parsedDate !== null) item.parsedDate = parsedDate.toISOString();
  return item;
}

async function toItems(
  host: Host,
  hits: readonly Hit[],
  options: ListOptions,
  signal: AbortSignal,
): Promise<ListedSnapshot[]> {
  const items: ListedSnapshot[] = [];
  const held: string[] = [];
  await forEachInSlices(hits, (hit) => {
    items.push(toItem(hit, options.columns));
    if ((hit.record.userrefs ?? 0) > 0) held.push(fullName(hit.record));
  });
  if (options.columns !== 'full' || items.length === 0) return items;
  const byName = new Map(items.filter(({ kind }) => kind === 'snapshot').map((item) => [item.snapshot, item]));
  for (const { snapshot, tag } of await listHolds(host, held, signal)) byName.get(snapshot)?.holds?.push(tag);
  await addProperties(host, byName, options, signal);
  return items;
}

/** Beyond this many, asking for whole trees is cheaper than naming the snapshots. */
const MAX_NAMED = 1000;

/** User properties that are set on the snapshots themselves. */
async function addProperties(
  host: Host,
  items: ReadonlyMap<string, ListedSnapshot>,
  options: ListOptions,
  signal: AbortSignal,
): Promise<void> {
  const queue = new SlicedQueue<string>((line) => {
    // A value may hold tabs.
    const [, snapshot = '', key = '', value = ''] = /^([^\t]*)\t([^\t]*)\t(.*)$/s.exec(line) ?? [];
    const properties = items.get(snapshot)?.properties;
    if (properties !== undefined && key.includes(':')) properties[key] = value;
  });
  const get = ['zfs', 'get', '-Hp', '-s', 'local,received', '-t', 'snapshot', '-o', 'name,property,value'];
  const depth = options.recursive || options.datasets.length === 0 ? ['-r'] : ['-d', '1'];
  const argvs =
    items.size <= MAX_NAMED
      ? groupNames([...items.keys()], MAX_NAMED).map((group) => [...get, 'all', ...group])
      : [[...get, ...depth, 'all', ...options.datasets]];
  const results = await host.runAll(argvs, { signal, onLine: (line) => queue.push(line) });
  await queue.drained();
  for (const [index, result] of results.entries()) {
    // One that was destroyed since the listing has no properties any more; that is no failure of a listing.
    if (result.code !== 0 && !missingDatasets(result.stderr)?.length) {
      throw commandError(host, argvs[index] ?? [], result);
    }
  }
}
