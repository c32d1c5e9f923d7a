// Bookmarks: made and removed in batches. They cost next to nothing and keep a base alive when its snapshot goes;
// which ones there should be is decided in `replication/`.
import { poolOf } from './names';
import type { ZfsFlowError } from '../base/errors';
import { groupBy } from '../base/group-by';
import type { CommandResult, Host } from '../host/host';
import { runBatch } from './batch';
import { saysOnly } from './stderr';

export interface BookmarkRequest {
  /** `dataset@name`, or `dataset#name` to copy a bookmark (OpenZFS ≥ 2.0). */
  from: string;
  /** `dataset#name` */
  bookmark: string;
}

/** Pairs of arguments in one channel program; its memory limit (10 MiB) and instruction limit are far away. */
const PAIRS_PER_PROGRAM = 250;

/**
 * zfs-program(8): makes each bookmark that is not there yet, all in one transaction group instead of one command each
 * (25 to 90 ms). Returns the indices of those that failed; EEXIST (17) is success, since our names carry the GUID.
 */
const CREATE_PROGRAM = `
args = ...
argv = args["argv"]
failed = {}
n = 0
for i = 1, #argv, 2 do
  err = zfs.sync.bookmark(argv[i], argv[i + 1])
  if err ~= 0 and err ~= 17 then
    n = n + 1
    failed[n] = i
  end
end
return failed
`;

/** Makes bookmarks of one pool with a channel program; returns those that it did not make (all, where it cannot run). */
async function createByProgram(
  host: Host,
  pool: string,
  requests: readonly BookmarkRequest[],
  signal?: AbortSignal,
): Promise<BookmarkRequest[]> {
  const left: BookmarkRequest[] = [];
  for (let start = 0; start < requests.length; start += PAIRS_PER_PROGRAM) {
    const slice = requests.slice(start, start + PAIRS_PER_PROGRAM);
    const args = slice.flatMap(({ from, bookmark }) => [from, bookmark]);
    const result = await host.run(['zfs', 'program', '-j', pool, '-', ...args], {
      stdin: CREATE_PROGRAM,
      signal,
    });
    const failed = result.code === 0 ? failedIndices(result.stdout) : null;
    if (failed === null) left.push(...slice);
    else left.push(...slice.filter((_, index) => failed.has(index)));
  }
  return left;
}

/** Positions in the slice that the program named; null when its answer cannot be read. */
function failedIndices(json: string): Set<number> | null {
  try {
    const { return: failed } = JSON.parse(json) as { return?: Record<string, number> | number[] };
    return new Set(Object.values(failed ?? {}).map((argument) => (argument - 1) / 2));
  } catch {
    return null;
  }
}

export const bookmarkArgv = ({ from, bookmark }: BookmarkRequest): string[] => ['zfs', 'bookmark', from, bookmark];

/** `zfs bookmark` failed, but there it is. */
export const isBookmarked = ({ stderr }: CommandResult): boolean => saysOnly(stderr, /bookmark exists|already exists/);

export function destroyBookmarkArgv(name: string): string[] {
  // A name without '#' would destroy a dataset.
  if (!name.includes('#')) throw new TypeError(`not a bookmark: ${name}`);
  return ['zfs', 'destroy', name];
}

/** `zfs destroy` failed, but it is gone. */
export const isBookmarkGone = ({ stderr }: CommandResult): boolean => saysOnly(stderr, /does not exist|could not find/);

/**
 * Creates bookmarks; one that exists already is fine. Returns the errors of those that could not be made (missing
 * rights, pool without the feature …).
 */
export async function createBookmarks(
  host: Host,
  requests: readonly BookmarkRequest[],
  signal?: AbortSignal,
): Promise<ZfsFlowError[]> {
  let left: readonly BookmarkRequest[] = requests;
  if (requests.length > 1) {
    const byPool = groupBy(requests, ({ bookmark }) => poolOf(bookmark));
    const rest: BookmarkRequest[] = [];
    for (const [pool, group] of byPool) rest.push(...(await createByProgram(host, pool, group, signal)));
    left = rest;
  }
  return runBatch(host, left.map(bookmarkArgv), { signal, ignore: isBookmarked });
}

/** Destroys bookmarks (full names), one command each as ZFS wants it; one that is gone already is fine. */
export async function destroyBookmarks(
  host: Host,
  bookmarks: readonly string[],
  signal?: AbortSignal,
): Promise<ZfsFlowError[]> {
  return runBatch(host, bookmarks.map(destroyBookmarkArgv), {
    signal,
    ignore: isBookmarkGone,
  });
}
