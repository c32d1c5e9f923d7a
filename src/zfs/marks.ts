// The names of what we leave in ZFS: bookmarks and holds begin with `zfsflow`, user properties with `zfsflow:`.
// A mark carries the destination it protects (pool GUID + dataset path), so that replications of one source to
// different targets never touch each other's marks, and renaming a node or a pool orphans nothing.
import { createHash } from 'node:crypto';
import type { SnapshotRecord } from './records';

/** Begins the name of every bookmark and hold of ours. */
export const MARK_PREFIX = 'zfsflow';

/**
 * User property of a placeholder that was created only to hold children. Its value is the dataset's own name: user
 * properties are inherited, and what somebody creates below a placeholder is not one.
 */
export const PLACEHOLDER_PROPERTY = 'zfsflow:placeholder';
/** User property of a target dataset: whether its chain was received raw, see `rawMark`. */
export const RAW_PROPERTY = 'zfsflow:raw';
/**
 * User property of a copy: the destination (that of the whole run) of the replication that made it. Only where it is set on
 * the dataset itself, since what others make below a copy inherits it.
 */
export const DESTINATION_PROPERTY = 'zfsflow:destination';
/** User property of a copy that was set aside: the destination it was, and why. Only what carries it is ever destroyed. */
export const REPLACED_PROPERTY = 'zfsflow:replaced';

/** User property of the clone that a restore drill looks into: the job. Only where it is set on the clone itself. */
export const DRILL_PROPERTY = 'zfsflow:drill';
/** User property of the same: the process whose job it is, so that what a crash has left is told from a drill that goes on. */
export const DRILL_OWNER_PROPERTY = 'zfsflow:drill-owner';

const DRILL_NAME = 'zfsflow-drill-';

/** Name of a drill's clone: directly below its pool, where nothing but clones of drills is called so. */
export function drillCloneName(pool: string, id: string): string {
  return `${pool}/${DRILL_NAME}${id}`;
}

/** It is called as the clone of a drill is: nobody's data, and gone in a moment. */
export function isDrillClone(dataset: string): boolean {
  return dataset.split('/', 2)[1]?.startsWith(DRILL_NAME) === true;
}

const belowPool = (dataset: string): string => dataset.slice(dataset.indexOf('/') + 1);

/**
 * Value of `zfsflow:raw` of the copy at `target`. It says the name (without the pool, which may be renamed), because
 * children inherit the property: a chain that another tool began below a copy of ours is not taken for one of the same kind.
 */
export function rawMark(raw: boolean, target: string): string {
  return `${raw ? 'on' : 'off'},${belowPool(target)}`;
}

/** Whether the chain of `target` was received raw; null unless we wrote the mark for the dataset of this name. */
export function parseRawMark(value: string | undefined, target: string): boolean | null {
  return value === rawMark(true, target) ? true : value === rawMark(false, target) ? false : null;
}

const hex16 = (decimal: string): string => BigInt(decimal).toString(16).padStart(16, '0');

/**
 * Identity of a destination: GUID of its pool and a hash of the dataset's path below the pool (`''` for the root
 * dataset), so that the pool may be renamed. `datasetOnTarget` is the full name.
 */
export function destinationId(poolGuid: string, datasetOnTarget: string): string {
  const slash = datasetOnTarget.indexOf('/');
  const path = slash < 0 ? '' : datasetOnTarget.slice(slash + 1);
  return `${hex16(poolGuid)}-${createHash('sha256').update(path).digest('hex').slice(0, 12)}`;
}

/** Name of the bookmark that says: `dstId` has the snapshot with this GUID (or, tentative, may get it right now). */
export function bookmarkName(dstId: string, guid: string, tentative: boolean): string {
  return `zfsflow_${tentative ? 'tmp_' : ''}${dstId}_${hex16(guid)}`;
}

export interface OwnBookmark {
  dstId: string;
  /** Decimal. */
  guid: string;
  tentative: boolean;
}

const OWN_BOOKMARK = /^zfsflow_(tmp_)?([0-9a-f]{16}-[0-9a-f]{12})_([0-9a-f]{16})$/;

/** Reads a bookmark name of ours; null for anybody else's. */
export function parseBookmarkName(name: string): OwnBookmark | null {
  const match = OWN_BOOKMARK.exec(name);
  if (!match?.[2] || !match[3]) return null;
  return { dstId: match[2], guid: BigInt(`0x${match[3]}`).toString(), tentative: match[1] !== undefined };
}

/** The bookmarks for one destination among the records of a dataset. `isTrue`: it is of the snapshot that its name tells. */
export function bookmarksFor(
  dstId: string,
  records: readonly SnapshotRecord[],
): (OwnBookmark & { name: string; isTrue: boolean })[] {
  return records.flatMap(({ kind, name, guid }) => {
    const own = kind === 'bookmark' ? parseBookmarkName(name) : null;
    return own?.dstId === dstId ? [{ ...own, name, isTrue: own.guid === guid }] : [];
  });
}

/** Tag of the hold on the snapshots that a running step sends. */
export function stepHoldTag(dstId: string): string {
  return `zfsflow_step_${dstId}`;
}

/**
 * Tag of the hold on a target dataset's newest replicated snapshot. One for all: a dataset is the target of one
 * replication, and with one tag a single `zfs hold` covers the datasets of a whole run.
 */
export const TARGET_HOLD_TAG = 'zfsflow_last';

export interface ReplacedMark {
  dstId: string;
  /** `placeholder`: nothing but a placeholder of ours, which was in the way of what is received. */
  mode: 'rotate' | 'recreate' | 'placeholder';
}

/**
 * Value of `zfsflow:replaced` for a copy that is set aside as `name`. It says the name (without the pool, which may be
 * renamed): what is below it inherits the property, and what somebody renames, to keep it, is ours no longer.
 */
export function replacedMark({ dstId, mode }: ReplacedMark, name: string): string {
  return `${dstId},${mode},${belowPool(name)}`;
}

/** Reads the mark of a dataset; null unless we wrote it for the dataset of this name. */
export function parseReplacedMark(value: string | undefined, name: string): ReplacedMark | null {
  const match = /^([0-9a-f]{16}-[0-9a-f]{12}),(rotate|recreate|placeholder),(.+)$/.exec(value ?? '');
  if (!match?.[1] || match[3] !== belowPool(name)) return null;
  return { dstId: match[1], mode: match[2] as ReplacedMark['mode'] };
}
