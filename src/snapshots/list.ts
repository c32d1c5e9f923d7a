// Lists snapshots and bookmarks with filters. Keeps only what the result needs, works in slices so that 100,000 of them
// do not stop the event loop, and asks ZFS only for the columns that are wanted: each costs time per snapshot.
import type { DatasetUse, RunContext } from '../base/run-context';
import type { Host, HostResolver } from '../host/host';
import { groupNames } from '../zfs/batch';
import { parseNamingSchema, parseSnapshotName } from '../naming/schema';
import { readRegExp } from '../options/read';
import { forEachInSlices, SlicedQueue, sortInSlices } from '../base/slices';
import { listHolds } from '../zfs/hold';
import { eachSnapshot, listDatasets, requireAll, type SnapshotColumn } from '../zfs/list';
import { fullName, isWithin, type SnapshotRecord } from '../zfs/records';
import { missingDatasets } from '../zfs/classify';
import { commandError } from '../zfs/command';
import type { ListedSnapshot, ListOptions } from './options';
import { timeLimit } from '../time/time-limit';

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

/**
 * Throws INVALID_OPTIONS, DATASET_NOT_FOUND and what hosts throw. One remote command, and one more where nothing was
 * found; with the columns `full` one for the user properties besides and, where there are any, one for the holds.
 */
export async function listSnapshots(
  options: ListOptions,
  hosts: HostResolver,
  ctx: RunContext,
): Promise<SnapshotListing> {
  const host = hosts(options.connection);
  const select = selector(options, ctx.now());
  const groups = new Map<string, DatasetItems>();
  const held = new Set<string>();
  const seen = new Set<string>();
  let total = 0;
  const { missing } = await eachSnapshot(host, request(options, ctx.signal), (record) => {
    total += 1;
    seen.add(record.dataset);
    const parsedDate = select(record);
    if (parsedDate === undefined) return;
    let group = groups.get(record.dataset);
    if (group === undefined) groups.set(record.dataset, (group = new DatasetItems(options)));
    group.add(record, parsedDate);
    if ((record.userrefs ?? 0) > 0) held.add(fullName(record));
  });
  requireAll(host, missing);
  await requireSilent(host, options, seen, ctx.signal);
  const items: ListedSnapshot[] = [];
  let eligible = 0;
  for (const group of groups.values()) {
    eligible += group.size;
    for (const item of await group.result()) items.push(item);
  }
  if (options.columns === 'full' && items.length > 0) {
    await addDetails(host, items, held, { ...options, total }, ctx.signal);
  }
  return { items, eligible, total };
}

/**
 * Nothing printed and exit code 0 proves nothing by itself: of datasets without a single snapshot the host must at least
 * say that they exist. Throws ZFS_ERROR where it does not.
 */
async function requireSilent(
  host: Host,
  { datasets, recursive }: ListOptions,
  seen: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  let silent: readonly string[] = datasets.filter((root) => !seen.has(root));
  if (recursive) silent = silent.filter((root) => ![...seen].some((dataset) => isWithin(dataset, root)));
  if (datasets.length === 0 && seen.size === 0) {
    const { pools } = await host.facts({ refresh: true, signal });
    silent = pools.map(({ name }) => name);
  }
  const { missing } = await listDatasets(host, { roots: silent, recursive: false, signal });
  requireAll(host, missing);
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

/**
 * What a snapshot must be to be in the result, whatever the others are. Answers the date in its name, null where no
 * schema asks for one, and undefined for a snapshot that is not selected.
 */
function selector(options: ListOptions, now: Date): (record: SnapshotRecord) => Date | null | undefined {
  const { timeZone } = options;
  const schema = options.namingSchema === '' ? null : parseNamingSchema(options.namingSchema);
  const regex = readRegExp(options.nameRegex, 'nameRegex');
  const after = timeLimit(options.newerThan, 'newerThan', timeZone, now) ?? -Infinity;
  const before = timeLimit(options.olderThan, 'olderThan', timeZone, now) ?? Infinity;
  const limited = after !== -Infinity || before !== Infinity;
  return (record) => {
    if (regex !== null && !regex.test(record.name)) return undefined;
    const parsedDate = schema === null ? null : (parseSnapshotName(schema, record.name, timeZone)?.date ?? null);
    if (schema !== null && parsedDate === null) return undefined;
    if (!limited) return parsedDate;
    // Without a creation time nothing can be said of its age, so it is not selected by age.
    const time = parsedDate?.getTime() ?? (record.creation ?? NaN) * 1000;
    return time > after && time < before ? parsedDate : undefined;
  };
}

/** createtxg is a decimal number without leading zeros; a bookmark comes before the snapshot of the same moment. */
function byCreation(a: ListedSnapshot, b: ListedSnapshot): number {
  const [x, y] = [a.createtxg, b.createtxg];
  if (x !== y) return x.length - y.length || (x < y ? -1 : 1);
  return a.kind === b.kind ? 0 : a.kind === 'bookmark' ? -1 : 1;
}

/** The selected snapshots of one dataset: all of them, or only as many of the newest and oldest as are wanted. */
class DatasetItems {
  private items: ListedSnapshot[] = [];
  private count = 0;
  private readonly limit: number;

  constructor(private readonly options: Pick<ListOptions, 'newest' | 'oldest' | 'output' | 'columns'>) {
    const { newest, oldest } = options;
    this.limit = newest + oldest === 0 ? Infinity : newest + oldest;
  }

  add(record: SnapshotRecord, parsedDate: Date | null): void {
    this.count += 1;
    if (this.options.output === 'count') return;
    this.items.push(toItem(record, parsedDate, this.options.columns));
    if (this.items.length > 2 * this.limit + 1000) this.trim();
  }

  get size(): number {
    return Math.min(this.count, this.limit);
  }

  async result(): Promise<readonly ListedSnapshot[]> {
    if (this.items.length > this.limit) this.trim();
    return sortInSlices(this.items, byCreation);
  }

  private trim(): void {
    const { newest, oldest } = this.options;
    const sorted = this.items.toSorted(byCreation);
    this.items = [...sorted.slice(0, oldest), ...sorted.slice(sorted.length - newest)];
  }
}

const time = (seconds: number): string => new Date(seconds * 1000).toISOString();

function toItem(record: SnapshotRecord, parsedDate: Date | null, columns: ListOptions['columns']): ListedSnapshot {
  const { dataset, name, kind, guid, createtxg } = record;
  const item: ListedSnapshot = { dataset, name, snapshot: fullName(record), kind, guid, createtxg };
  if (columns !== 'identity') {
    const { creation, used, referenced, written } = record;
    if (creation !== undefined) item.creation = time(creation);
    if (used !== undefined) item.used = used;
    if (referenced !== undefined) item.referenced = referenced;
    if (written !== undefined) item.written = written;
  }
  if (columns === 'full') {
    item.holds = [];
    item.clones = [...(record.clones ?? [])];
    item.properties = {};
  }
  if (parsedDate !== null) item.parsedDate = parsedDate.toISOString();
  return item;
}

/** Holds and user properties, which a listing of snapshots does not give. */
async function addDetails(
  host: Host,
  items: readonly ListedSnapshot[],
  held: ReadonlySet<string>,
  options: ListOptions & { total: number },
  signal: AbortSignal,
): Promise<void> {
  const byName = new Map<string, ListedSnapshot>();
  await forEachInSlices(items, (item) => {
    if (item.kind === 'snapshot') byName.set(item.snapshot, item);
  });
  const names = [...held].filter((name) => byName.has(name));
  for (const { snapshot, tag } of await listHolds(host, names, signal)) byName.get(snapshot)?.holds?.push(tag);
  if (byName.size > 0) await addProperties(host, byName, options, signal);
}

/** Most snapshots that are asked for by name, in one remote command of some 100 KB for each thousand. */
const MAX_NAMED = 5000;
const NAMES_PER_COMMAND = 500;

/**
 * User properties that are set on the snapshots themselves. ZFS tells which there are only by reading all properties of a
 * snapshot, which takes many times as long as listing it, so whole trees are asked for only where most of them is wanted.
 */
async function addProperties(
  host: Host,
  items: ReadonlyMap<string, ListedSnapshot>,
  options: ListOptions & { total: number },
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
    items.size <= Math.min(MAX_NAMED, options.total / 2)
      ? groupNames([...items.keys()], NAMES_PER_COMMAND).map((group) => [...get, 'all', ...group])
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
