// Which state a target dataset is in, compared with its source (pure): the table of replication.md §2. Deciding what
// follows from it is `plan.ts`.
import { parseBookmarkName, PLACEHOLDER_PROPERTY } from '../../zfs/marks';
import { compareCreation, compareDecimal, type DatasetRecord, type SnapshotRecord } from '../../zfs/records';
import type { ListedPair } from './listed-pair';

/** What a target dataset without snapshots holds. */
export interface TargetInside {
  /** Datasets below it that no source dataset maps to. */
  foreignChildren: readonly string[];
  /** It is a file system that was seen to hold nothing but its root directory, mounted or not; null: cannot be seen. */
  isEmpty: boolean | null;
  /** Why the user cannot see that it is empty, or cannot receive onto it although it is. */
  obstacle?: Obstacle;
}

/** In words, and what somebody with more rights can do about it. */
export interface Obstacle {
  why: string;
  hint: string;
}

export interface PairFacts extends ListedPair {
  /** Null: not looked at, since there is no target dataset or it has snapshots. */
  inside: TargetInside | null;
}

export type TargetState =
  | { kind: 'INITIAL' }
  | { kind: 'INITIAL_PLACEHOLDER' }
  | { kind: 'EMPTY_TARGET' }
  | { kind: 'FOREIGN'; why: string; obstacle?: Obstacle }
  | { kind: 'UNRELATED'; sameNames: string[] }
  | { kind: 'FORWARD'; base: SnapshotRecord; targetBase: SnapshotRecord }
  | { kind: 'MODIFIED'; base: SnapshotRecord; targetBase: SnapshotRecord; written: number }
  | {
      kind: 'DIVERGED';
      base: SnapshotRecord;
      targetBase: SnapshotRecord;
      targetOnly: SnapshotRecord[];
      written: number;
    };

/** Creation order within one dataset. */
export function inOrder(records: readonly SnapshotRecord[]): SnapshotRecord[] {
  return records.toSorted(compareCreation);
}

function isOwn({ name }: SnapshotRecord, dstId: string): boolean {
  return parseBookmarkName(name)?.dstId === dstId;
}

/**
 * The snapshot was destroyed on the source and another one of its name taken, which is wanted: with the old one as the
 * base, the new one could not arrive.
 */
function isNameReused(facts: PairFacts, base: SnapshotRecord, targetBase: SnapshotRecord): boolean {
  if (base.kind === 'snapshot') return false;
  return facts.sourceRecords.some(
    ({ kind, name, guid, createtxg }) =>
      kind === 'snapshot' &&
      name === targetBase.name &&
      facts.wanted.has(guid) &&
      compareDecimal(createtxg, base.createtxg) > 0,
  );
}

/**
 * The base: the newest target snapshot whose GUID the source still has, as a snapshot or else as a bookmark. Filters are
 * not looked at: what a filter leaves out can still be a base.
 */
function findBase(facts: PairFacts): { base: SnapshotRecord; targetBase: SnapshotRecord } | null {
  const bySource = new Map<string, SnapshotRecord>();
  for (const record of facts.sourceRecords) {
    // The snapshot itself is preferred to a bookmark of it: only a snapshot allows -I. A bookmark of ours is preferred to
    // others, which somebody else (a replication to another target, say) may remove at any moment.
    const known = bySource.get(record.guid);
    const better = record.kind === 'snapshot' || (known?.kind === 'bookmark' && isOwn(record, facts.dstId));
    if (known === undefined || better) bySource.set(record.guid, record);
  }
  let replaced: { base: SnapshotRecord; targetBase: SnapshotRecord } | null = null;
  for (const targetBase of inOrder(facts.targetSnapshots).toReversed()) {
    const base = bySource.get(targetBase.guid);
    if (!base) continue;
    if (!isNameReused(facts, base, targetBase)) return { base, targetBase };
    replaced ??= { base, targetBase };
  }
  return replaced;
}

/** Target snapshots created after `base` on the target's own pool. */
function newerOnTarget(targetSnapshots: readonly SnapshotRecord[], base: SnapshotRecord): SnapshotRecord[] {
  return inOrder(targetSnapshots).filter((snapshot) => compareDecimal(snapshot.createtxg, base.createtxg) > 0);
}

function foreignReason({ source, inside }: PairFacts, dataset: DatasetRecord): string | null {
  if (dataset.encryption !== 'off') return 'it is encrypted';
  const children = inside?.foreignChildren ?? [];
  if (children.length > 0) return `it has datasets of its own below it (${children.join(', ')})`;
  if (dataset.type !== source.type) return `it is a ${dataset.type}, the source is a ${source.type}`;
  if (dataset.type === 'volume') return 'it is a volume without a snapshot, and what it holds cannot be seen';
  if (inside?.obstacle !== undefined) return inside.obstacle.why;
  const { isEmpty = null } = inside ?? {};
  if (isEmpty === null) return `it has no snapshot, and what it holds (${dataset.referenced} bytes) cannot be seen`;
  return isEmpty ? null : `it holds data (${dataset.referenced} bytes) and has no snapshot`;
}

function withoutSnapshots(facts: PairFacts, dataset: DatasetRecord): TargetState {
  const isPlaceholder = dataset.userProperties[PLACEHOLDER_PROPERTY] === dataset.name;
  // Somebody may have mounted it and put files into it since. Of an encrypted one ZFS does not say what it holds: it is set
  // aside when its copy comes, never received onto (`set-aside.ts`).
  const isEmpty = facts.inside?.isEmpty === true || dataset.encryption !== 'off';
  if (isPlaceholder && isEmpty) return { kind: 'INITIAL_PLACEHOLDER' };
  const why = foreignReason(facts, dataset);
  // An interrupted first receive leaves a dataset without snapshots that only the token's stream can complete. Where the
  // dataset was there before, ZFS completes it with -F alone, which is for one that was seen to be empty.
  if (dataset.receiveResumeToken !== '' && why !== null) return { kind: 'INITIAL' };
  if (why === null) return { kind: 'EMPTY_TARGET' };
  const obstacle = facts.inside?.obstacle;
  return { kind: 'FOREIGN', why, ...(obstacle?.why === why ? { obstacle } : {}) };
}

/** The state of `facts.target`. */
export function classifyTarget(facts: PairFacts): TargetState {
  const { targetDataset, targetSnapshots } = facts;
  if (targetDataset === null) return { kind: 'INITIAL' };
  if (targetSnapshots.length === 0) return withoutSnapshots(facts, targetDataset);
  const found = findBase(facts);
  if (found === null) {
    const names = new Set(facts.sourceRecords.filter(({ kind }) => kind === 'snapshot').map(({ name }) => name));
    return { kind: 'UNRELATED', sameNames: targetSnapshots.map(({ name }) => name).filter((name) => names.has(name)) };
  }
  const targetOnly = newerOnTarget(targetSnapshots, found.targetBase);
  if (targetOnly.length > 0) return { kind: 'DIVERGED', ...found, targetOnly, written: targetDataset.written };
  if (targetDataset.written > 0) return { kind: 'MODIFIED', ...found, written: targetDataset.written };
  return { kind: 'FORWARD', ...found };
}
