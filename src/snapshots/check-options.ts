// Reads the properties of `zfs-snapshot` and `zfs-list-snapshots` as flows give them. What is wrong with one is said by
// its field (options.ts); there are no two here that concern each other.
import { readOptions } from '../options/field';
import type { RawOptions } from '../options/read';
import { LIST, SNAPSHOT, type ListOptions, type SnapshotOptions } from './options';

/** The options of a snapshot run. Throws INVALID_OPTIONS with the property's name in `field`. */
export function parseSnapshotOptions(raw: RawOptions): SnapshotOptions {
  return readOptions(SNAPSHOT, raw);
}

/** The options of a listing. Throws INVALID_OPTIONS with the property's name in `field`. */
export function parseListOptions(raw: RawOptions): ListOptions {
  return readOptions(LIST, raw);
}
