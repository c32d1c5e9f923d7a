// Which datasets a run takes snapshots of: the given ones, their children, less the excluded and those that have no
// state; and which of them nothing was written to. Decided before anything is taken, so that what is taken stays atomic.
import type { RunContext } from '../base/run-context';
import { invalidOption, ZfsFlowError } from '../base/errors';
import type { Host } from '../host/host';
import { parseNamingSchema, parseSnapshotName } from '../naming/schema';
import { eachSnapshot } from '../zfs/list';
import { compileExcludes, poolOf } from '../zfs/names';
import { compareDecimal, isWithin } from '../zfs/records';
import { listDatasetFacts, syncPools, writtenSince, type DatasetFacts } from '../zfs/snapshot-facts';
import type { SnapshotOptions } from './options';

export interface Skipped {
  dataset: string;
  reason: string;
}

/** What one command on one pool takes. */
export interface PoolCommand {
  pool: string;
  /** What to name in the command. */
  roots: readonly string[];
  /** `-r`: the roots and everything below; otherwise exactly the roots. */
  recursive: boolean;
  /** Every dataset that gets a snapshot. */
  datasets: readonly string[];
}

export interface FoundDatasets {
  /** Those that get a snapshot. */
  datasets: readonly DatasetFacts[];
  /** The given datasets, less those that lie below another of them in a recursive run. */
  roots: readonly string[];
  /** Pools on which something in the trees of `roots` gets no snapshot although it could. */
  partial: ReadonlySet<string>;
  skipped: Skipped[];
}

function topmost(datasets: readonly string[]): string[] {
  return datasets.filter((dataset) => !datasets.some((other) => other !== dataset && isWithin(dataset, other)));
}

/** Lists the datasets. Throws DATASET_NOT_FOUND, DATASET_BUSY, and INVALID_OPTIONS when all of them are excluded. */
export async function findDatasets(host: Host, options: SnapshotOptions, ctx: RunContext): Promise<FoundDatasets> {
  const given = [...new Set(options.datasets)];
  const roots = options.recursive ? topmost(given) : given;
  const all = await listDatasetFacts(host, roots, options.recursive, ctx.signal);
  const excluded = compileExcludes(options.exclude);
  const included = all.filter(({ dataset }) => !excluded(dataset));
  if (included.length === 0) throw invalidOption('exclude', 'exclude leaves no dataset to take a snapshot of');
  const unfinished = included.filter(({ inconsistent }) => inconsistent);
  const named = unfinished.find(({ dataset }) => roots.includes(dataset));
  if (named !== undefined) {
    throw new ZfsFlowError('DATASET_BUSY', `a receive into "${named.dataset}" is not complete; it has no state yet`, {
      dataset: named.dataset,
      host: host.label,
    });
  }
  return {
    datasets: included.filter(({ inconsistent }) => !inconsistent),
    roots,
    // `zfs snapshot -r` leaves the unfinished ones out by itself.
    partial: new Set(all.filter(({ dataset }) => excluded(dataset)).map(({ dataset }) => poolOf(dataset))),
    skipped: unfinished.map(({ dataset }) => ({ dataset, reason: 'a receive into it is not complete' })),
  };
}

interface Newest {
  /** createtxg of the newest snapshot of any name. */
  txg: string;
  /** The newest one that the schema names. */
  matching: { name: string; txg: string } | null;
}

async function newestSnapshots(
  host: Host,
  { roots }: FoundDatasets,
  options: SnapshotOptions,
  signal: AbortSignal,
): Promise<Map<string, Newest>> {
  const schema = parseNamingSchema(options.namingSchema);
  const newest = new Map<string, Newest>();
  const request = { roots, recursive: options.recursive, exclude: options.exclude, signal };
  await eachSnapshot(host, { ...request, kinds: ['snapshot'] }, ({ dataset, name, createtxg }) => {
    const known = newest.get(dataset) ?? { txg: '0', matching: null };
    if (compareDecimal(createtxg, known.txg) > 0) known.txg = createtxg;
    const newer = known.matching === null || compareDecimal(createtxg, known.matching.txg) > 0;
    if (newer && parseSnapshotName(schema, name, options.timeZone) !== null) known.matching = { name, txg: createtxg };
    newest.set(dataset, known);
  });
  return newest;
}

/** Brings `written` up to date, or warns that it may lag behind. */
async function countEverything(host: Host, { roots }: FoundDatasets, ctx: RunContext): Promise<void> {
  if (await syncPools(host, [...new Set(roots.map(poolOf))], ctx.signal)) return;
  const message = `${host.label} does not run "zpool sync": what was written in the last seconds may not be seen yet`;
  ctx.emit({ event: 'warning', level: 'warn', message, host: host.label });
}

/** Of datasets whose newest snapshot is not of the schema: bytes since their newest one that is. */
async function writtenSinceOlder(
  host: Host,
  { datasets }: FoundDatasets,
  newest: ReadonlyMap<string, Newest>,
  signal: AbortSignal,
): Promise<Map<string, number | undefined>> {
  const older = new Map<string, string>();
  for (const { dataset } of datasets) {
    const known = newest.get(dataset);
    if (known?.matching && known.matching.txg !== known.txg) older.set(dataset, known.matching.name);
  }
  const bytes = await writtenSince(host, older, signal);
  return new Map([...older.keys()].map((dataset) => [dataset, bytes.get(dataset)]));
}

/**
 * The datasets to which something was written since their newest snapshot that the naming schema names; one without such
 * a snapshot always counts. The others are added to `skipped`.
 */
export async function withoutUnchanged(
  host: Host,
  found: FoundDatasets,
  options: SnapshotOptions,
  ctx: RunContext,
): Promise<FoundDatasets> {
  await countEverything(host, found, ctx);
  // Again, now that everything written is counted, and after the hook; before the snapshots are listed, since one that
  // somebody takes in between must not hide what was written before it.
  const fresh = await listDatasetFacts(host, found.roots, options.recursive, ctx.signal);
  const newest = await newestSnapshots(host, found, options, ctx.signal);
  const sinceOlder = await writtenSinceOlder(host, found, newest, ctx.signal);
  const written = new Map<string, number | undefined>([
    ...fresh.map((facts) => [facts.dataset, facts.written] as const),
    ...sinceOlder,
  ]);
  const isChanged = ({ dataset }: DatasetFacts): boolean =>
    !newest.get(dataset)?.matching || written.get(dataset) !== 0;
  const unchanged = found.datasets.filter((facts) => !isChanged(facts));
  const reason = (dataset: string): string => `nothing was written since ${newest.get(dataset)?.matching?.name ?? ''}`;
  return {
    ...found,
    datasets: found.datasets.filter(isChanged),
    partial: new Set([...found.partial, ...unchanged.map(({ dataset }) => poolOf(dataset))]),
    skipped: [...found.skipped, ...unchanged.map(({ dataset }) => ({ dataset, reason: reason(dataset) }))],
  };
}

/** One command for each pool, in the order in which the datasets were given. */
export function groupByPool({ datasets: found, roots, partial }: FoundDatasets, recursive: boolean): PoolCommand[] {
  const pools = [...new Set(roots.map(poolOf))];
  return pools
    .map((pool) => {
      const datasets = found.map(({ dataset }) => dataset).filter((dataset) => poolOf(dataset) === pool);
      const whole = recursive && !partial.has(pool);
      return {
        pool,
        datasets,
        recursive: whole,
        roots: whole ? roots.filter((root) => poolOf(root) === pool) : datasets,
      };
    })
    .filter(({ datasets }) => datasets.length > 0);
}
