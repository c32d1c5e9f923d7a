// One source dataset and the target dataset that it maps to, as the listings of both sides have them.
import type { DatasetRecord, SnapshotRecord } from '../../zfs/records';

export interface ListedPair {
  source: DatasetRecord;
  /** Snapshots and bookmarks of the source dataset. */
  sourceRecords: readonly SnapshotRecord[];
  /** Full name of the target dataset. */
  target: string;
  /** Null when it does not exist. */
  targetDataset: DatasetRecord | null;
  targetSnapshots: readonly SnapshotRecord[];
  /** Destination id of `target`. */
  dstId: string;
  /** GUIDs of the source snapshots that the selection wants. */
  wanted: ReadonlySet<string>;
  /** Set where the copy was found under another name; `targetDataset` and `targetSnapshots` are then of that one. */
  located?: Located;
  /** What discovery has to say about this pair. */
  notes?: readonly string[];
}

/** A copy that is not (yet) where it belongs. */
export interface Located {
  /** Where it is now. */
  at: string;
  /**
   * `renamed`: under the name that the source had before. `withParent`: the same, and its parent takes it along.
   * `aside`: an interrupted rotation had set it aside. `below`: it went along with a placeholder that was set aside. `unpromoted`: it had been cloned back, but not promoted.
   */
  as: 'renamed' | 'withParent' | 'aside' | 'below' | 'unpromoted';
  /** Destination id under the former name, where it was another. */
  formerDstId?: string;
}
