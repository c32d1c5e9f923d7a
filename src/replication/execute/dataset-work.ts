// What carrying out the plan of one dataset has to do with.
import type { Lanes } from '../../stream/ways/lanes';
import type { PlannedPair } from '../plan/plan-types';
import type { ResultBook } from '../report/result-book';
import type { RunProgress } from '../report/run-progress';
import type { DatasetResult } from '../setup/options';
import type { Run } from '../setup/run';
import type { DataPaths } from './data-paths';
import type { CarriedProperties } from './receive-properties';
import type { TargetKeys } from './target-key';

export interface DatasetWork extends PlannedPair {
  run: Run;
  /** For a dataset all of whose streams are small enough for the control connections; else null. */
  lanes: Lanes | null;
  /** Estimated bytes of all its streams. */
  estimated: number;
  book: ResultBook;
  /** Its own in the book. */
  entry: DatasetResult;
  progress: RunProgress;
  /** Properties that the stream cannot bring. */
  carried: CarriedProperties;
  keys: TargetKeys;
  /** Source datasets whose snapshots have no properties of their own, as far as it was asked for (`long-steps.ts`). */
  plain: ReadonlySet<string>;
  paths: DataPaths;
}

/** Where a stream is: at a snapshot (its name) of a dataset, the `index`th (from 1) of `count`. */
export interface Place {
  work: DatasetWork;
  name: string;
  index: number;
  count: number;
}

/**
 * Notes what a stream has moved. The function that it returns takes how far the stream has come, in bytes, and the full name
 * of the snapshot that is being sent, of which `locate` tells the place.
 */
export function countMoved(locate: (snapshot: string) => Place): (bytes: number, snapshot: string) => void {
  let seen = 0;
  return (bytes, snapshot) => {
    if (bytes <= seen) return;
    const { work, name, index, count } = locate(snapshot);
    work.book.addBytes(work.entry, bytes - seen);
    work.progress.moved(bytes - seen, {
      dataset: work.plan.source,
      snapshot: name,
      snapshotIndex: index,
      snapshotCount: count,
    });
    seen = bytes;
  };
}
