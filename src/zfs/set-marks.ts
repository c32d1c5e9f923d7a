// Bookmarks and holds of one host together, in as few round trips as their order allows: a bookmark is made before the
// hold that goes with it, and goes after it. So a dataset on which a crash left a hold has a tentative bookmark too, and
// the next run knows where to look.
import type { ZfsFlowError } from '../base/errors';
import type { CommandResult, Host } from '../host/host';
import { AT_ONCE, groupNames, runInOrder } from './batch';
import {
  bookmarkArgv,
  createBookmarks,
  destroyBookmarkArgv,
  isBookmarked,
  isBookmarkGone,
  type BookmarkRequest,
} from './bookmark';
import {
  holdArgv,
  holdSnapshots,
  ignoreReleased,
  isHeld,
  listHolds,
  NAMES_PER_COMMAND,
  NAMES_PER_SHARE,
  releaseArgv,
  releaseSnapshots,
  type OnGone,
} from './hold';

/** The errors of what could not be made or removed. */
export interface MarkErrors {
  bookmarks: ZfsFlowError[];
  holds: ZfsFlowError[];
}

/** More bookmarks than this are quicker made by a channel program than one by one. */
const FEW_BOOKMARKS = 2;

const isHoldCommand = (argv: readonly string[] | undefined): boolean => argv?.[1] === 'hold' || argv?.[1] === 'release';

function sortErrors(errors: readonly ZfsFlowError[]): MarkErrors {
  return {
    bookmarks: errors.filter(({ command }) => !isHoldCommand(command)),
    holds: errors.filter(({ command }) => isHoldCommand(command)),
  };
}

/**
 * Makes the bookmarks, then holds the snapshots (full names) with `tag`, then sees to it that the bookmarks are there still:
 * another controller that has just ended with the same snapshots may have removed them in between, and a hold without one
 * would never be found. What is there already is fine. Each snapshot that needs a mark and could not be held (the right is
 * missing, the pool is too old) must be bookmarked: see {@link unheld}.
 */
export async function addMarks(
  host: Host,
  marks: { bookmarks: readonly BookmarkRequest[]; tag: string; holds: readonly string[] },
  signal: AbortSignal,
): Promise<MarkErrors> {
  const { bookmarks, tag, holds } = marks;
  if (bookmarks.length > FEW_BOOKMARKS || holds.length > NAMES_PER_SHARE) {
    const errors = {
      bookmarks: await createBookmarks(host, bookmarks, signal),
      holds: await holdSnapshots(host, tag, holds, signal),
    };
    await createBookmarks(host, bookmarks, signal);
    return errors;
  }
  const signs = bookmarks.map(bookmarkArgv);
  const argvs = [...signs, ...(holds.length > 0 ? [holdArgv(tag, holds), ...signs] : [])];
  const ignore = (result: CommandResult, argv: readonly string[]): boolean =>
    isHoldCommand(argv) ? isHeld(result) : isBookmarked(result);
  const { bookmarks: failed, holds: unheld } = sortErrors(await runInOrder(host, argvs, { signal, ignore }));
  const once = new Map(failed.map((error) => [error.command?.join(' '), error]));
  return { bookmarks: [...once.values()], holds: unheld };
}

/**
 * Of the snapshots (full names) that these failed commands were to hold with `tag`, those that do not have it: `zfs hold`
 * goes on after a name that fails. Where nobody can tell, none of them has it.
 */
export async function unheld(
  host: Host,
  tag: string,
  errors: readonly ZfsFlowError[],
  signal: AbortSignal,
): Promise<string[]> {
  const names = errors.flatMap(({ command = [] }) => command.slice(holdArgv(tag, []).length));
  const holds = await listHolds(host, names, signal).catch(() => []);
  const held = new Set(holds.filter((hold) => hold.tag === tag).map(({ snapshot }) => snapshot));
  return names.filter((name) => !held.has(name));
}

/** Marks of one dataset that are to go. */
export interface OldMarks {
  /** Full names of held snapshots. */
  holds: readonly string[];
  /** Full names. */
  bookmarks: readonly string[];
}

/** Releases `tag` and destroys bookmarks, of each dataset in this order. What is gone already is fine; `onGone` is told of holds. */
export async function removeMarks(
  host: Host,
  tag: string,
  datasets: readonly OldMarks[],
  signal: AbortSignal,
  onGone: OnGone,
): Promise<MarkErrors> {
  // The very many of one dataset are shared out first; below, a dataset is one share's.
  const isMany = ({ holds }: OldMarks): boolean => holds.length > NAMES_PER_COMMAND;
  const many = datasets.filter(isMany).flatMap(({ holds }) => holds);
  const left = datasets.map((one) => (isMany(one) ? { ...one, holds: [] } : one));
  const first = await releaseSnapshots(host, tag, many, signal, onGone);
  const { holds, bookmarks } = await removeInShares(host, tag, left, signal, onGone);
  return { holds: [...first, ...holds], bookmarks };
}

/** In one round trip, unless there are too many for that. */
async function removeInShares(
  host: Host,
  tag: string,
  datasets: readonly OldMarks[],
  signal: AbortSignal,
  onGone: OnGone,
): Promise<MarkErrors> {
  const isReleased = ignoreReleased(onGone);
  const count = datasets.reduce((sum, { holds, bookmarks }) => sum + holds.length + bookmarks.length, 0);
  const length = Math.min(AT_ONCE, Math.ceil(count / NAMES_PER_SHARE));
  const ignore = (result: CommandResult, argv: readonly string[]): boolean =>
    isHoldCommand(argv) ? isReleased(result, argv) : isBookmarkGone(result);
  const shares = Array.from({ length }, async (_, number) => {
    const share = datasets.filter((__, index) => index % length === number);
    const held = share.flatMap(({ holds }) => holds);
    const argvs = [
      ...groupNames(held, NAMES_PER_COMMAND).map((names) => releaseArgv(tag, names)),
      ...share.flatMap(({ bookmarks }) => bookmarks.map(destroyBookmarkArgv)),
    ];
    return runInOrder(host, argvs, { signal, ignore });
  });
  return sortErrors((await Promise.all(shares)).flat());
}
