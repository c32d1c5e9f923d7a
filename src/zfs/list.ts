// Listings: datasets and snapshots of whole trees, one remote command for each host and call. A dataset that does not
// exist is a fact that ZFS states itself (`missing`); anything else that is not exit code 0 is an error, never an
// empty list (architecture.md, principle 6).
import { ZfsFlowError } from '../base/errors';
import { SlicedQueue } from '../base/slices';
import type { Host } from '../host/host';
import { groupNames } from './batch';
import {
  CameOrWent,
  cameOrWent,
  datasetParts,
  listParts,
  namedPart,
  parseSnapshot,
  snapshotPart,
  snapshotsArgv,
  type ListRequest,
  type Part,
  type SnapshotListRequest,
} from './list-parts';
import { compileExcludes } from './names';
import type { DatasetRecord, SnapshotRecord } from './records';

/** The listings do not belong together: they are made again, at once. */
const MOST_LISTINGS = 4;

export interface TreeListing {
  datasets: DatasetRecord[];
  snapshots: SnapshotRecord[];
  /** Roots that do not exist, as ZFS itself says. */
  missing: string[];
}

/**
 * Datasets and snapshots of the trees in one remote command. Throws classified errors. The snapshots come first: a dataset
 * that is renamed or destroyed while they are listed is then missing behind them, and is seen to be. The other way round it
 * would be a dataset without snapshots.
 */
export async function listTrees(host: Host, request: SnapshotListRequest): Promise<TreeListing> {
  if (request.roots.length === 0) return { datasets: [], snapshots: [], missing: [] };
  const both = { ...request, exclude: compileExcludes(request.exclude ?? []) };
  for (let tries = 1; ; tries++) {
    const [datasets, snapshots]: [DatasetRecord[], SnapshotRecord[]] = [[], []];
    try {
      const { parts, join } = datasetParts(host, both, datasets);
      const missing = await listParts(host, request.signal, [snapshotPart(host, both, snapshots), ...parts]);
      join();
      const names = new Set(datasets.map(({ name }) => name));
      if (snapshots.some(({ dataset }) => !names.has(dataset))) throw cameOrWent(host);
      return { datasets, snapshots, missing };
    } catch (thrown) {
      if (!(thrown instanceof CameOrWent) || tries >= MOST_LISTINGS) throw thrown;
    }
  }
}

/** File systems and volumes of the trees. */
export async function listDatasets(
  host: Host,
  request: ListRequest,
): Promise<{ datasets: DatasetRecord[]; missing: string[] }> {
  const datasets: DatasetRecord[] = [];
  if (request.roots.length === 0) return { datasets, missing: [] };
  const { parts, join } = datasetParts(host, request, datasets);
  const missing = await listParts(host, request.signal, parts);
  join();
  return { datasets, missing };
}

/** Snapshots and bookmarks of the trees, in the order of `zfs list`. */
export async function listSnapshots(
  host: Host,
  request: SnapshotListRequest,
): Promise<{ snapshots: SnapshotRecord[]; missing: string[] }> {
  const snapshots: SnapshotRecord[] = [];
  if (request.roots.length === 0) return { snapshots, missing: [] };
  const missing = await listParts(host, request.signal, [snapshotPart(host, request, snapshots)]);
  return { snapshots, missing };
}

/**
 * For listings too long to be kept or to be read at one go: calls `take` for each snapshot and bookmark of the trees, in the order of `zfs list`; without roots (and recursive)
 * for those of all pools. One remote command; the event loop stays free. Returns the roots that do not exist.
 */
export async function eachSnapshot(
  host: Host,
  request: SnapshotListRequest,
  take: (record: SnapshotRecord) => void,
): Promise<{ missing: string[] }> {
  const excluded = compileExcludes(request.exclude ?? []);
  const columns = request.columns ?? [];
  const queue = new SlicedQueue<string>((line) => {
    const record = parseSnapshot(line, columns, host);
    if (!excluded(record.dataset)) take(record);
  });
  const part = { argv: snapshotsArgv(request), take: (line: string) => queue.push(line) };
  const missing = await listParts(host, request.signal, [part]);
  await queue.drained();
  return { missing };
}

/** Beyond so many names of one dataset, listing all its snapshots is cheaper than asking for each. */
const MOST_NAMES = 200;

/**
 * The snapshots with these names, where they exist, without looking at any others of their datasets. `names` are the
 * parts after `@` by dataset.
 */
export async function listNamedSnapshots(
  host: Host,
  names: ReadonlyMap<string, readonly string[]>,
  signal?: AbortSignal,
): Promise<SnapshotRecord[]> {
  const found: SnapshotRecord[] = [];
  const parts: Part[] = [];
  const few = [...names].filter(([, wanted]) => wanted.length <= MOST_NAMES);
  const all = few.flatMap(([dataset, wanted]) => wanted.map((name) => `${dataset}@${name}`));
  for (const group of groupNames(all, 1000)) parts.push(namedPart(host, group, found));
  for (const [dataset, wanted] of names) {
    const request = { roots: [dataset], recursive: false, kinds: ['snapshot'] as const };
    if (wanted.length > MOST_NAMES) parts.push(snapshotPart(host, request, found));
  }
  for (const part of parts) await listParts(host, signal, [part]);
  return found;
}

/** DATASET_NOT_FOUND for the first of `missing`, for callers to whom a missing dataset is an error. */
export function requireAll(host: Host, missing: readonly string[]): void {
  const dataset = missing[0];
  if (dataset === undefined) return;
  throw new ZfsFlowError('DATASET_NOT_FOUND', `dataset "${dataset}" does not exist on ${host.label}`, {
    dataset,
    host: host.label,
  });
}
