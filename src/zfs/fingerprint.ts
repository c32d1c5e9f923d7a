// What tells, without listing any snapshot, whether those of a dataset are still the ones that were listed before: when ZFS
// noted the last change of them (zfsprops(7), `snapshots_changed`, OpenZFS ≥ 2.2), and its bookmarks, of which that says
// nothing. What each operation does to it is docs/decisions/0010-nothing-changed.md; who remembers and compares is
// `replication/discover/unchanged.ts`.
import type { Host, HostFacts } from '../host/host';
import { groupNames } from './batch';
import {
  cameOrWent,
  listParts,
  lookArgv,
  namedPart,
  ownPart,
  parseLook,
  snapshotPart,
  type ListRequest,
  type SnapshotColumn,
} from './list-parts';
import { compileExcludes, poolOf } from './names';
import type { DatasetRecord, SnapshotRecord } from './records';

export interface TreeLook {
  /** With `snapshotsChanged`. */
  datasets: DatasetRecord[];
  /** Empty unless they were asked for. */
  bookmarks: SnapshotRecord[];
  /** Of those datasets for which they were asked for. */
  snapshots: SnapshotRecord[];
  /** Those that were asked for by their names. */
  named: SnapshotRecord[];
  /** Roots that do not exist, as ZFS itself says. */
  missing: string[];
  /** It was made as for trees without properties of ours. */
  plain: boolean;
}

export interface LookRequest extends Omit<ListRequest, 'changes'> {
  bookmarks: boolean;
  /** No property of ours is likely to be set on any of them, nor above them. */
  plain: boolean;
  /** Datasets whose snapshots are listed too, before anything else (`listTrees` tells why). */
  snapshotsOf?: readonly string[];
  columns?: readonly SnapshotColumn[];
  /** Full names of snapshots of these trees, which have to be there. */
  named?: readonly string[];
}

/** In one command. */
const NAMES_AT_ONCE = 1000;

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = (/^(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  return major > 2 || (major === 2 && minor >= 2);
}

type Versions = Pick<HostFacts, 'zfsVersion' | 'zfsKernelVersion'>;

/** ZFS notes when the snapshots of a dataset change. */
export function hasNotes({ zfsVersion, zfsKernelVersion }: Versions): boolean {
  return isNewEnough(zfsVersion) && isNewEnough(zfsKernelVersion);
}

/**
 * What the notes of these datasets' pools hold good for: another text after each import, since nobody knows what an older ZFS
 * has done to a pool in between without noting it. Null where ZFS notes nothing, or does not tell.
 */
export function notesOf(facts: Versions & Pick<HostFacts, 'pools'>, datasets: readonly string[]): string | null {
  if (!hasNotes(facts)) return null;
  const names = [...new Set(datasets.map(poolOf))].toSorted();
  const loads = names.map((name) => {
    const pool = facts.pools.find((one) => one.name === name);
    return pool?.keepsNotes === true && pool.loadGuid !== undefined ? `${name} ${pool.guid} ${pool.loadGuid}` : null;
  });
  return loads.includes(null) ? null : loads.join('\n');
}

/**
 * File systems and volumes of the trees, and their bookmarks, in one remote command whose cost does not grow with the number
 * of snapshots that are not asked for; in two where a property of ours is set although `plain` says that there is none. Throws
 * what a listing throws.
 */
export async function lookAtTrees(host: Host, request: LookRequest): Promise<TreeLook> {
  return (request.plain ? await look(host, request, true) : null) ?? (await lookWithOwn(host, request));
}

async function lookWithOwn(host: Host, request: LookRequest): Promise<TreeLook> {
  const seen = await look(host, request, false);
  if (!seen) throw new TypeError('properties of ours were not looked for');
  return seen;
}

/** `plain`: whether there are properties of ours is seen by the way, and null returned where there are; else they are asked for. */
async function look(host: Host, request: LookRequest, plain: boolean): Promise<TreeLook | null> {
  const { roots, recursive, signal } = request;
  const datasets: DatasetRecord[] = [];
  const [bookmarks, snapshots]: [SnapshotRecord[], SnapshotRecord[]] = [[], []];
  const own = new Map<string, Record<string, string>>();
  const excluded = compileExcludes(request.exclude ?? []);
  const seen = new Set<string>();
  const asked = new Set(roots);
  let isPlain = true;
  // The bookmarks of a dataset are one level below it, as the datasets are that were not asked for.
  const isAsked = (name: string): boolean => (recursive || asked.has(name)) && !excluded(name);
  const take = (line: string): void => {
    const found = parseLook(line, plain, host);
    if ('bookmark' in found) {
      if (isAsked(found.bookmark.dataset)) bookmarks.push(found.bookmark);
      return;
    }
    isPlain &&= found.isPlain;
    seen.add(found.dataset.name);
    if (isAsked(found.dataset.name)) datasets.push(found.dataset);
  };
  const list = { argv: lookArgv(request, { bookmarks: request.bookmarks, own: plain }), take, named: { roots, seen } };
  const some = groupNames(request.snapshotsOf ?? [], NAMES_AT_ONCE).map((names) => {
    const one = { roots: names, recursive: false, kinds: ['snapshot'] as const, columns: request.columns ?? [] };
    return snapshotPart(host, one, snapshots);
  });
  const named: SnapshotRecord[] = [];
  const byName = groupNames(request.named ?? [], NAMES_AT_ONCE).map((names) => namedPart(host, names, named));
  const ours = plain ? [] : [ownPart(host, request, own)];
  const missing = await listParts(host, signal, [...some, ...byName, ...ours, list]);
  if (!isPlain) return null;
  for (const record of datasets) record.userProperties = own.get(record.name) ?? {};
  const names = new Set(datasets.map(({ name }) => name));
  if ([...snapshots, ...bookmarks].some(({ dataset }) => !names.has(dataset))) throw cameOrWent(host);
  return { datasets, bookmarks, snapshots, named, missing, plain };
}
