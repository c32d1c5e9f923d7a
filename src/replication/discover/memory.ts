// What is kept of both sides after a run, and how a look at them is held against it (pure). Whose memory it is, and when it
// may be used, is `unchanged.ts`; why this is enough: docs/decisions/0010-nothing-changed.md.
import { groupBy } from '../../base/group-by';
import { stableHash } from '../../base/stable-hash';
import type { TreeLook } from '../../zfs/fingerprint';
import type { TreeListing } from '../../zfs/list';
import { compareDecimal, fullName, type DatasetRecord, type SnapshotRecord } from '../../zfs/records';
import type { PairInput } from '../plan/plan-types';
import type { Listings } from './listings';

/** Snapshots that a plan goes by, with the fingerprint that goes with them. */
export interface Kept {
  mark: string;
  snapshots: readonly SnapshotRecord[];
}

/**
 * A copy as a run has left it, or found it a moment after a change: too young for a fingerprint of whole seconds, but known by the
 * name and the GUID of its newest snapshot. What else may have happened to it in the second or two after `at` is no matter for a
 * plan that needs nothing or sends an increment; or its name is taken, `zfs receive` refuses, and everything is listed then.
 */
export interface Young {
  /** Second of its machine's clock: what ZFS notes later was not seen. */
  at: number;
}

/** Of a target dataset. */
export interface KeptCopy {
  as: { mark: string } | Young;
  snapshots: readonly SnapshotRecord[];
  /** Of the names of all its snapshots: nothing may arrive under another's. */
  names: NameHashes;
}

export interface Memory {
  /** What ZFS noted holds good for, on both sides (`notesOf`). */
  notes: string;
  /** Sides that are to be looked at as trees without properties of ours. */
  plain: Plain;
  /** The datasets of both sides, and how they hang together. */
  structure: string;
  /** Until when, and by which clocks, it may be used. */
  fullAt: number;
  clocks: readonly Reading[];
  /** Sources of which nothing is kept: they are listed at once. */
  unsettled: ReadonlySet<string>;
  /** By name. */
  sources: ReadonlyMap<string, Kept>;
  targets: ReadonlyMap<string, KeptCopy>;
}

/** A machine's clock in seconds, when ours was at `own` ms. */
export interface Reading {
  clock: number;
  own: number;
}

export interface Looks {
  source: TreeLook;
  target: TreeLook;
}

export type Plain = Readonly<Record<keyof Looks, boolean>>;

/** Names of the datasets whose snapshots are to be listed. */
export interface Changed {
  sources: ReadonlySet<string>;
  targets: ReadonlySet<string>;
}

/** What may change without any consequence for a plan, or is compared otherwise. */
const VOLATILE = new Set<keyof DatasetRecord>(['used', 'usedByDataset', 'referenced']);
/** The source is written to all the time, its copy is not. */
const VOLATILE_SOURCE = new Set<keyof DatasetRecord>([...VOLATILE, 'written']);

function markOf(
  record: DatasetRecord,
  skipped: ReadonlySet<keyof DatasetRecord>,
  bookmarks: readonly SnapshotRecord[],
) {
  const fields = Object.entries(record).filter(([key]) => !skipped.has(key as keyof DatasetRecord));
  const marks = bookmarks.map(({ name, guid, createtxg }) => `${name} ${guid} ${createtxg}`).toSorted();
  return stableHash([Object.fromEntries(fields), marks]);
}

/** By name: the fingerprints of all datasets of one side; of the target's without bookmarks. */
export function marksOf(
  datasets: readonly DatasetRecord[],
  bookmarks: readonly SnapshotRecord[] | null,
): Map<string, string> {
  const byDataset = groupBy(bookmarks ?? [], ({ dataset }) => dataset);
  const skipped = bookmarks === null ? VOLATILE : VOLATILE_SOURCE;
  return new Map(datasets.map((one) => [one.name, markOf(one, skipped, byDataset.get(one.name) ?? [])]));
}

interface Datasets {
  source: Pick<TreeListing, 'datasets' | 'missing'>;
  target: Pick<TreeListing, 'datasets' | 'missing'>;
}

/** A clone that is promoted gains snapshots without a note of ZFS, but not without another origin. */
export function structureOf({ source, target }: Datasets): string {
  return stableHash(
    [source, target].map(({ datasets, missing }) => [
      datasets.map(({ name, guid, type, origin }) => [name, guid, type, origin]),
      missing,
    ]),
  );
}

export const isPlain = (datasets: readonly DatasetRecord[]): boolean =>
  datasets.every(({ userProperties }) => Object.keys(userProperties).length === 0);

const isSnapshot = ({ kind }: SnapshotRecord): boolean => kind === 'snapshot';
export const isBookmark = ({ kind }: SnapshotRecord): boolean => kind === 'bookmark';

/** What a pair's plan goes by where nothing is to be done: the base, and what bookmarks, selection and clones refer to. */
export function trimmed(
  pair: PairInput,
  origins: ReadonlySet<string>,
): { source: SnapshotRecord[]; target: SnapshotRecord[] } {
  const { sourceRecords, targetSnapshots, wanted } = pair;
  const marked = new Set(sourceRecords.filter(isBookmark).map(({ guid }) => guid));
  const snapshots = sourceRecords.filter(isSnapshot);
  const onSource = new Set(snapshots.map(({ guid }) => guid));
  const base = targetSnapshots.findLast(({ guid }) => onSource.has(guid))?.guid;
  const newestWanted = snapshots.findLast(({ guid }) => wanted.has(guid))?.guid;
  const newest = snapshots.at(-1)?.guid;
  const named = new Set([base, newestWanted, newest]);
  return {
    source: snapshots.filter((one) => named.has(one.guid) || marked.has(one.guid) || origins.has(fullName(one))),
    target: targetSnapshots.filter(({ guid }, index) => {
      return guid === base || marked.has(guid) || index === targetSnapshots.length - 1;
    }),
  };
}

const NEWEST_KEPT = 24;

/** The newest, and those that are `marked` by GUID, oldest first. */
export function newestOf(snapshots: readonly SnapshotRecord[], marked: ReadonlySet<string>): SnapshotRecord[] {
  const byGuid = new Map(snapshots.map((one) => [one.guid, one]));
  const all = [...byGuid.values()].toSorted((a, b) => compareDecimal(a.createtxg, b.createtxg));
  return all.filter(({ guid }, index) => index >= all.length - NEWEST_KEPT || marked.has(guid));
}

/** A few bytes for each name, however many snapshots there are. One that is not there may seem to be, never the reverse. */
export class NameHashes {
  private constructor(private readonly hashes: Uint32Array) {}

  static of(snapshots: readonly Pick<SnapshotRecord, 'name'>[]): NameHashes {
    return new NameHashes(Uint32Array.from(snapshots, ({ name }) => hashOf(name)));
  }

  with(snapshots: readonly Pick<SnapshotRecord, 'name'>[]): NameHashes {
    return new NameHashes(Uint32Array.from([...this.hashes, ...snapshots.map(({ name }) => hashOf(name))]));
  }

  mayHave(name: string): boolean {
    return this.hashes.includes(hashOf(name));
  }
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** Of the copies that are too young for a fingerprint, the newest snapshots, which a look has to ask for. */
export function newestOfYoung({ targets }: Pick<Memory, 'targets'>): string[] {
  return [...targets.values()].flatMap(({ as, snapshots }) => {
    const newest = snapshots.at(-1);
    return 'at' in as && newest !== undefined ? [fullName(newest)] : [];
  });
}

function isAsKept(
  kept: KeptCopy | undefined,
  record: DatasetRecord,
  { mark, guids }: { mark: string; guids: ReadonlyMap<string, string> },
): boolean {
  if (!kept) return false;
  if ('mark' in kept.as) return kept.as.mark === mark;
  const { snapshotsChanged = '', newestSnapshot, receiveResumeToken, written } = record;
  const newest = kept.snapshots.at(-1);
  if (newest === undefined || newestSnapshot !== newest.name || guids.get(fullName(newest)) !== newest.guid)
    return false;
  const isAsSeen = snapshotsChanged !== '' && Number(snapshotsChanged) <= kept.as.at;
  return isAsSeen && receiveResumeToken === '' && written === 0;
}

/**
 * What is not as it is kept. A source that has changed is listed, its copy only where that has changed too. `copyOf` maps names.
 * Null: datasets have come, gone or moved.
 */
export function changedSince(memory: Memory, looks: Looks, copyOf: (source: string) => string): Changed | null {
  if (structureOf(looks) !== memory.structure) return null;
  const { source, target } = looks;
  const marks = { source: marksOf(source.datasets, source.bookmarks), target: marksOf(target.datasets, null) };
  const guids = new Map(target.named.map((one) => [fullName(one), one.guid]));
  const changed = target.datasets.filter((one) => {
    return !isAsKept(memory.targets.get(one.name), one, { mark: marks.target.get(one.name) ?? '', guids });
  });
  const targets = new Set(changed.map(({ name }) => name));
  const sources = new Set<string>();
  for (const [name, mark] of marks.source) {
    if (memory.sources.get(name)?.mark !== mark || targets.has(copyOf(name))) sources.add(name);
  }
  return { sources, targets };
}

/** The listings, with what is kept in the place of what was not listed. */
export function filled(memory: Memory, { source, target }: Looks, changed: Changed): Listings {
  const kept = (known: Memory['sources' | 'targets'], without: ReadonlySet<string>): SnapshotRecord[] =>
    [...known].flatMap(([name, { snapshots }]) => (without.has(name) ? [] : snapshots));
  const { datasets, missing, snapshots, bookmarks } = source;
  return {
    source: { datasets, missing, snapshots: [...kept(memory.sources, changed.sources), ...snapshots, ...bookmarks] },
    target: {
      datasets: target.datasets,
      missing: target.missing,
      snapshots: [...kept(memory.targets, changed.targets), ...target.snapshots],
    },
  };
}
