// The plain data that listings give and planners take. Identity is GUID, order is createtxg within one dataset on one
// pool, age is creation. GUIDs and txgs are decimal strings: they exceed what a number can hold.

export type SnapshotKind = 'snapshot' | 'bookmark';

export interface SnapshotRecord {
  /** Full dataset name, without `@` or `#`. */
  dataset: string;
  kind: SnapshotKind;
  /** The part after `@` or `#`. */
  name: string;
  guid: string;
  createtxg: string;
  /** Seconds since the epoch; only where the listing asked for it. */
  creation?: number;
  /** Number of user holds; only where asked for. */
  userrefs?: number;
  /** Full names of clones; only where asked for. */
  clones?: readonly string[];
  /** Bytes; only where asked for. */
  used?: number;
  referenced?: number;
  written?: number;
  /** User properties (those with a colon); only where asked for. */
  userProperties?: Readonly<Record<string, string>>;
}

export interface DatasetRecord {
  name: string;
  type: 'filesystem' | 'volume';
  guid: string;
  /** Bytes. */
  used: number;
  /** Bytes used by the dataset itself, without children and snapshots. */
  usedByDataset: number;
  referenced: number;
  /** Bytes written since the newest snapshot. */
  written: number;
  /** Resume token of a partial receive, '' when there is none. */
  receiveResumeToken: string;
  readonly: boolean;
  /** 'off', or the cipher. */
  encryption: string;
  /** '' when not encrypted. */
  encryptionRoot: string;
  /** 'available', 'unavailable', '' when not encrypted. */
  keyStatus: string;
  /** Snapshot this is a clone of, '' when none. */
  origin: string;
  /** As set: 'off', 'lz4', … */
  compression: string;
  mounted: boolean;
  /** Salt of the key that wraps its own, decimal: alike where a passphrase and what is derived from it are; '' for other keys. */
  keySalt: string;
  /**
   * Seconds since the epoch, decimal, of the last change of its snapshots, '' for none; only where the listing asked for it
   * (`fingerprint.ts`).
   */
  snapshotsChanged?: string;
  /** Name after `@` of its newest snapshot, '' for none; with `snapshotsChanged`. */
  newestSnapshot?: string;
  /** User properties of ours (`zfsflow:…`) set on it. */
  userProperties: Readonly<Record<string, string>>;
}

/** Numeric order of two decimal strings. */
export function compareDecimal(a: string, b: string): number {
  const x = BigInt(a);
  const y = BigInt(b);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Creation order within one dataset: by createtxg, a bookmark before the snapshot of the same txg (as zrepl sorts). */
export function compareCreation(a: SnapshotRecord, b: SnapshotRecord): number {
  return compareDecimal(a.createtxg, b.createtxg) || (a.kind === b.kind ? 0 : a.kind === 'bookmark' ? -1 : 1);
}

/** Full name: `dataset@name` or `dataset#name`. */
export function fullName(record: Pick<SnapshotRecord, 'dataset' | 'kind' | 'name'>): string {
  return `${record.dataset}${record.kind === 'bookmark' ? '#' : '@'}${record.name}`;
}

/** What is above a dataset, the nearest first, the pool's root dataset last. */
export function* above(dataset: string): Generator<string, void> {
  for (let end = dataset.lastIndexOf('/'); end > 0; end = dataset.lastIndexOf('/', end - 1))
    yield dataset.slice(0, end);
}

/** True when `dataset` is `root` or below it; `tank/aa` is not below `tank/a`. */
export function isWithin(dataset: string, root: string): boolean {
  return dataset === root || dataset.startsWith(`${root}/`);
}
