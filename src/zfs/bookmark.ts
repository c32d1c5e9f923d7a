// Bookmarks: made and removed in batches. They cost next to nothing and keep a base alive when its snapshot goes;
// which ones there should be is decided in `replication/`.
import type { ZfsFlowError } from '../errors';
import type { Host } from '../host/host';
import { runBatch } from './batch';

export interface BookmarkRequest {
  /** `dataset@name`, or `dataset#name` to copy a bookmark (OpenZFS ≥ 2.0). */
  from: string;
  /** `dataset#name` */
  bookmark: string;
}

/**
 * Creates bookmarks; one that exists already is fine, since our names carry the GUID. Returns the errors of those that
 * could not be made (missing rights, pool without the feature …).
 */
export async function createBookmarks(
  host: Host,
  requests: readonly BookmarkRequest[],
  signal?: AbortSignal,
): Promise<ZfsFlowError[]> {
  return runBatch(
    host,
    requests.map(({ from, bookmark }) => ['zfs', 'bookmark', from, bookmark]),
    { ...(signal ? { signal } : {}), ignore: ({ stderr }) => /bookmark exists|already exists/.test(stderr) },
  );
}

/** Destroys bookmarks (full names), one command each as ZFS wants it; one that is gone already is fine. */
export async function destroyBookmarks(
  host: Host,
  bookmarks: readonly string[],
  signal?: AbortSignal,
): Promise<ZfsFlowError[]> {
  for (const name of bookmarks) {
    // A name without '#' would destroy a dataset.
    if (!name.includes('#')) throw new TypeError(`not a bookmark: ${name}`);
  }
  return runBatch(
    host,
    bookmarks.map((name) => ['zfs', 'destroy', name]),
    { ...(signal ? { signal } : {}), ignore: ({ stderr }) => /does not exist|could not find/.test(stderr) },
  );
}
