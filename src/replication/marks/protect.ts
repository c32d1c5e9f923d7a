// Protection around the sends (replication.md §2, step 5): before the first byte of a run, tentative bookmarks of the
// base and of every snapshot it sends, and holds on them; a crash at any point leaves more protected than needed.
// Turning them into final marks once something has arrived is `finish.ts`.
import type { ZfsFlowError } from '../../base/errors';
import type { BookmarkRequest } from '../../zfs/bookmark';
import { addMarks } from '../../zfs/set-marks';
import { bookmarkName, bookmarksFor, destinationId, stepHoldTag } from '../../zfs/marks';
import type { SnapshotRecord } from '../../zfs/records';
import { sends, sentSnapshots } from '../plan/plan-facts';
import type { DatasetPlan } from '../plan/plan-types';
import { markWarning } from '../report/mark-warning';
import { holdable } from './holdable';
import type { Run } from '../setup/run';
import type { Setup } from '../setup/setup';

/**
 * What gets a step hold, names on the source. A base that has a final bookmark of ours needs none: without the snapshot
 * its bookmark is the base, and each hold and its release cost a transaction group.
 */
export function heldSnapshots(plan: DatasetPlan, records: readonly SnapshotRecord[]): string[] {
  const bookmarked = bookmarksFor(plan.dstId, records).some(
    ({ guid, tentative, isTrue }) => guid === plan.base?.guid && isTrue && !tentative,
  );
  return sentSnapshots(plan)
    .filter(({ guid }) => guid !== plan.base?.guid || !bookmarked)
    .map(({ name }) => name);
}

/** Tag of this run's step holds: one for all its datasets, so that one `zfs hold` covers many snapshots. */
export function runHoldTag({ targetPoolGuid, options }: Setup): string {
  return stepHoldTag(destinationId(targetPoolGuid, options.targetDataset));
}

function tentativeBookmarks(plan: DatasetPlan, records: readonly SnapshotRecord[]): BookmarkRequest[] {
  const marked = new Set(bookmarksFor(plan.dstId, records).map(({ guid }) => guid));
  // A bookmark of somebody else's as base: they may remove it while this run lasts.
  const base = plan.base?.kind === 'bookmark' ? [{ ...plan.base, sign: '#' }] : [];
  return [...base, ...sentSnapshots(plan).map((snapshot) => ({ ...snapshot, sign: '@' }))]
    .filter(({ guid }) => !marked.has(guid))
    .map(({ name, guid, sign }) => ({
      from: `${plan.source}${sign}${name}`,
      bookmark: `${plan.source}#${bookmarkName(plan.dstId, guid, true)}`,
    }));
}

/**
 * Bookmarks and holds for everything that these plans send. `records` gives the source records of a dataset.
 * Missing rights are warnings: the run goes on less protected, and says so. Throws only when the host cannot be reached.
 */
export async function protect(
  run: Run,
  plans: readonly DatasetPlan[],
  records: (source: string) => readonly SnapshotRecord[],
): Promise<string[]> {
  const sending = plans.filter(sends);
  const { source, options, ctx } = run;
  if (!options.holdPending || sending.length === 0) return [];
  const bookmarks = sending.flatMap((plan) => tentativeBookmarks(plan, records(plan.source)));
  const holds = sending.flatMap((plan) =>
    heldSnapshots(plan, records(plan.source)).map((name) => `${plan.source}@${name}`),
  );
  const may = await holdable(source, holds, ctx.signal);
  const errors = await addMarks(source, { bookmarks, tag: runHoldTag(run), holds: may.snapshots }, ctx.signal);
  // What is gone by now needs no protection: the send, or the look at what has arrived, will tell.
  const there = ({ code }: ZfsFlowError): boolean => code !== 'DATASET_NOT_FOUND';
  return [
    may.warning,
    markWarning('bookmark', source.label, errors.bookmarks.filter(there)),
    markWarning('hold', source.label, errors.holds.filter(there)),
  ].filter((warning) => warning !== null);
}
