// What a tree of datasets shows of them (browse.ts asks). Plain data, which the browser gets as it is.

/** A dataset as a tree shows it. */
export interface DatasetEntry {
  name: string;
  type: 'filesystem' | 'volume';
  /** Bytes. */
  used: number;
  encrypted: boolean;
  /** Its key is its own. */
  encryptionRoot: boolean;
  /** '' where there is none. */
  keyStatus: '' | 'available' | 'unavailable';
}

export interface LevelEntry extends DatasetEntry {
  /** Something lies below it, or nobody knows yet. */
  expandable: boolean;
}

export interface PoolEntry {
  name: string;
  /** '' where only ZFS, and not the pool, could be asked. */
  health: string;
  /** Bytes; null for what a pool that is not there does not tell. */
  size: number | null;
  alloc: number | null;
  free: number | null;
  /** Its root dataset; null where that could not be read. */
  root: DatasetEntry | null;
}
