// Signs of two targets under one destination id (pure): machines made from one image have pools of one GUID, and a dataset of
// one path in each. Their bookmarks on the source cannot be told apart then (docs/decisions/0002-marks.md).
import { bookmarksFor } from '../../zfs/marks';
import { compareDecimal, type SnapshotRecord } from '../../zfs/records';
import type { ListedPair } from './listed-pair';

/** A warning where bookmarks say that the target has had something newer than its `base`, which is its newest. */
export function twinWarning({ dstId, sourceRecords, target }: ListedPair, base: SnapshotRecord | null): string[] {
  if (base === null) return [];
  const named = new Set(
    bookmarksFor(dstId, sourceRecords).flatMap((own) => (own.tentative || !own.isTrue ? [] : own.name)),
  );
  const ahead = sourceRecords.find(({ kind, name, createtxg }) => {
    return kind === 'bookmark' && named.has(name) && compareDecimal(createtxg, base.createtxg) > 0;
  });
  if (!ahead) return [];
  const snapshot = sourceRecords.find(({ kind, guid }) => kind === 'snapshot' && guid === ahead.guid);
  const what = snapshot ? `@${snapshot.name}` : `the snapshot with GUID ${ahead.guid}`;
  return [
    `by its bookmarks "${target}" has had ${what}, which is not there: it was rolled back, or another machine has a pool of ` +
      'the same GUID (cloned disks) and is a target of this source too; then give one of the pools a GUID of its own ' +
      '(zpool reguid), since it cannot be told until then what each of the two still needs',
  ];
}
