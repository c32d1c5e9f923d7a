// Lists snapshots and bookmarks with filters. Keeps only what the result needs, works in slices so that 100,000 of them
// do not stop the event loop, and asks ZFS only for the columns that are wanted: each costs time per snapshot.
import type { DatasetUse, RunContext } from '../base/run-context';
import type { Host, HostResolver } from '../host/host';
import { parseNamingSchema, parseSnapshotName } from '../naming/schema';
import { readRegExp } from '../options/read';
import { timeLimit } from '../time/time-limit';
import { eachSnapshot, listDatasets, requireAll } from '../zfs/list';
import type { SnapshotColumn } from '../zfs/list-parts';
import { fullName, isWithin, type SnapshotRecord } from '../zfs/records';
import { DatasetItems } from './dataset-items';
import { addDetails } from './details';
import type { ListedSnapshot, ListOptions } from './options';

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
 * found; with the columns `full` one for the names of user properties besides and, where there are any, one for their
 * values and one for the holds.
 */
export async function listSnapshots(
  options: ListOptions,
  hosts: HostResolver,
  ctx: RunContext,
): Promise<SnapshotListing> {
  const host = hosts(options.connection);
  const { groups, held, seen, total } = await gather(host, options, ctx);
  await requireSilent(host, options, seen, ctx.signal);
  const items: ListedSnapshot[] = [];
  let eligible = 0;
  for (const group of groups) {
    eligible += group.size;
    for (const item of await group.result()) items.push(item);
  }
  if (options.columns === 'full' && items.length > 0) {
    await addDetails(host, items, held, { ...options, total }, ctx.signal);
  }
  return { items, eligible, total };
}

interface Gathered {
  /** One for each dataset with a selected snapshot, in the order of the listing. */
  groups: Iterable<DatasetItems>;
  /** Full names of the selected snapshots that have holds. */
  held: ReadonlySet<string>;
  /** Datasets of which the listing named anything. */
  seen: ReadonlySet<string>;
  total: number;
}

/** One listing, of which each line is judged and forgotten unless it is wanted. Throws DATASET_NOT_FOUND. */
async function gather(host: Host, options: ListOptions, ctx: RunContext): Promise<Gathered> {
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
  return { groups: groups.values(), held, seen, total };
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
