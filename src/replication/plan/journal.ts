// What tentative bookmarks tell of a run that did not come to its end (pure): protect.ts makes them before the first byte, of
// where the sends of a dataset begin and of the last snapshot that they were to deliver. Those in between are only held.
import { bookmarksFor, parseBookmarkName } from '../../zfs/marks';
import { compareDecimal, type SnapshotRecord } from '../../zfs/records';
import type { TokenContents } from '../../zfs/send';

/** createtxg up to which an unended run was to bring `dstId`; null where no run is unended. */
function reach(dstId: string, records: readonly SnapshotRecord[]): string | null {
  const own = new Set(bookmarksFor(dstId, records).flatMap(({ name, tentative }) => (tentative ? [name] : [])));
  const [last] = records
    .filter(({ kind, name }) => kind === 'bookmark' && own.has(name))
    .map(({ createtxg }) => createtxg)
    .toSorted((a, b) => compareDecimal(b, a));
  return last ?? null;
}

/** A run of ours that did not end was to deliver the snapshot with this GUID to `dstId`. `records`: of the source dataset. */
export function wasUnderWay(dstId: string, records: readonly SnapshotRecord[], guid: string): boolean {
  const last = reach(dstId, records);
  const at = records.find((record) => record.guid === guid)?.createtxg;
  return last !== null && at !== undefined && compareDecimal(at, last) <= 0;
}

/** A partial receive of these contents at `dstId` is what a run of ours has left there. */
export function isOwnReceive(
  dstId: string,
  records: readonly SnapshotRecord[],
  { toGuid, fromGuid }: Pick<TokenContents, 'toGuid' | 'fromGuid'>,
): boolean {
  const marked = records.some(({ kind, name }) => {
    const own = kind === 'bookmark' ? parseBookmarkName(name) : null;
    return own?.dstId === dstId && own.guid === toGuid;
  });
  if (marked || wasUnderWay(dstId, records, toGuid)) return true;
  // Its snapshot has gone although it was held: what it was to follow is known, unless that is where the run was to end.
  const last = reach(dstId, records);
  const isGone = records.every(({ guid }) => guid !== toGuid);
  const from = records.find(({ guid }) => guid === fromGuid)?.createtxg;
  return isGone && last !== null && from !== undefined && compareDecimal(from, last) < 0;
}
