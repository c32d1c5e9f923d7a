// What the endpoints answer that a tree of datasets and the count of snapshots ask. Types alone: the browser knows them too.
import type { DatasetEntry, LevelEntry, PoolEntry } from '../../src/zfs/dataset-entries';

export type { DatasetEntry, LevelEntry, PoolEntry };

/** The machine keeps it for itself. */
interface Marked {
  system: boolean;
}

export type ShownPool = PoolEntry & Marked;
export type ShownDataset = LevelEntry & Marked;

/** `dataset-level` without `parent`. */
export interface PoolsAnswer extends Record<string, unknown> {
  ok: true;
  pools: ShownPool[];
}

/** `dataset-level` */
export interface LevelAnswer extends Record<string, unknown> {
  ok: true;
  parent: DatasetEntry & Marked;
  datasets: ShownDataset[];
}

/** `dataset-search`; `found` counts those too that are left out. */
export interface SearchAnswer extends Record<string, unknown> {
  ok: true;
  found: number;
  datasets: (DatasetEntry & Marked)[];
}

export interface ShownCount {
  dataset: string;
  total: number;
  selected: number;
  /** ISO 8601 */
  oldest: string | null;
  newest: string | null;
  problem?: { code: string; message: string };
}

/** `count-snapshots` */
export interface CountAnswer extends Record<string, unknown> {
  ok: true;
  counts: ShownCount[];
  /** A snapshot that a run would take now would be selected too. */
  selectsNew: boolean;
}
