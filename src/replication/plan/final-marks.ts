// Which bookmarks of ours a source dataset should carry once its target was seen (pure): at most 16 for each destination, of
// the newest snapshots that it has, and of a few that it has not; no tentative one.
import { bookmarkName, bookmarksFor } from '../../zfs/marks';
import { compareDecimal, type SnapshotRecord } from '../../zfs/records';

/** Bookmarks kept for each destination; the newest is the marker that protects it while it is offline. */
export const BOOKMARKS_KEPT = 16;

/** So many of them may be of snapshots that the target has not (any more). */
const OTHERS_KEPT = 8;

export interface FinalMarksInput {
  source: string;
  dstId: string;
  /** Snapshots and bookmarks of the source dataset as listed before the run. */
  records: readonly SnapshotRecord[];
  /** GUIDs of what this run sent, and of the base that it began at. */
  sent: ReadonlySet<string>;
  /** Names of the tentative bookmarks that were made for it (protect.ts), after `records` were listed. */
  made: readonly string[];
  /** What the target has now. */
  targetGuids: ReadonlySet<string>;
  /** GUID of the newest replicated snapshot; '' when there is none. */
  newest: string;
}

export interface FinalMarks {
  create: { from: string; bookmark: string }[];
  /** Full names of bookmarks that go once the new ones exist. */
  destroy: string[];
}

/**
 * Bookmarks of what this target does not have stay for a while: another target, on a pool of the same GUID (cloned disks),
 * has the same destination id, and one of them may be the base of its chain.
 */
function newestOthers(
  records: readonly SnapshotRecord[],
  existing: ReadonlySet<string>,
  targetGuids: ReadonlySet<string>,
): Set<string> {
  const others = records.filter(({ kind, name, guid }) => {
    return kind === 'bookmark' && existing.has(name) && !targetGuids.has(guid);
  });
  return new Set(newestFirst(others, OTHERS_KEPT).map(({ name }) => name));
}

function newestFirst(records: readonly SnapshotRecord[], most: number): SnapshotRecord[] {
  return records.toSorted((a, b) => compareDecimal(b.createtxg, a.createtxg)).slice(0, most);
}

/** What has to be made and what may then go. */
export function finalMarks(input: FinalMarksInput): FinalMarks {
  const { source, dstId, records, targetGuids, newest } = input;
  const own = bookmarksFor(dstId, records);
  // A bookmark of another snapshot under a name of ours goes; until it has gone, the tentative one has to do.
  const clashes = new Map(own.filter(({ isTrue }) => !isTrue).map(({ name, guid }) => [name, guid]));
  const before = new Set(own.map(({ guid }) => guid));
  const marked = new Set([...before, ...input.sent, newest]);
  const candidates = new Map<string, SnapshotRecord>();
  for (const record of records) {
    if (!marked.has(record.guid) || !targetGuids.has(record.guid)) continue;
    if (record.kind === 'snapshot' || !candidates.has(record.guid)) candidates.set(record.guid, record);
  }
  const existing = new Set(own.filter(({ tentative, isTrue }) => !tentative && isTrue).map(({ name }) => name));
  const others = newestOthers(records, existing, targetGuids);
  const kept = newestFirst([...candidates.values()], BOOKMARKS_KEPT - others.size);
  const wanted = new Set(kept.map(({ guid }) => bookmarkName(dstId, guid, false)));
  const create = kept
    .filter(({ guid }) => !existing.has(bookmarkName(dstId, guid, false)))
    .filter(({ guid }) => !clashes.has(bookmarkName(dstId, guid, false)))
    .map(({ guid, kind, name }) => ({
      from: `${source}${kind === 'snapshot' ? '@' : '#'}${name}`,
      bookmark: `${source}#${bookmarkName(dstId, guid, false)}`,
    }));
  const tentative = new Set([...own.filter((mark) => mark.tentative).map(({ name }) => name), ...input.made]);
  for (const guid of clashes.values()) tentative.delete(bookmarkName(dstId, guid, true));
  const surplus = [...existing].filter((name) => !wanted.has(name) && !others.has(name));
  const goes = new Set([...tentative, ...surplus, ...clashes.keys()]);
  return { create, destroy: [...goes].map((name) => `${source}#${name}`) };
}
