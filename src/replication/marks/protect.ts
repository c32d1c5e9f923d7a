// Protection around the sends (replication.md §2, step 5): before the first byte of a run, holds on every snapshot it sends,
// and tentative bookmarks of where it begins and ends; a crash at any point leaves more protected than needed.
// Turning them into final marks once something has arrived is `finish.ts`.
import type { ZfsFlowError } from '../../base/errors';
import { groupBy } from '../../base/group-by';
import { createBookmarks, type BookmarkRequest } from '../../zfs/bookmark';
import { addMarks, unheld } from '../../zfs/set-marks';
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

/** A snapshot, or bookmark as base, that a target may have as its newest when the run is cut. */
interface Candidate extends BookmarkRequest {
  /** Name of the bookmark alone. */
  name: string;
  source: string;
  /** It is bookmarked in any case; others only where they cannot be held. */
  isJournal: boolean;
}

/**
 * What has no bookmark of ours yet. A stream that is cut may end at any of them, and without a mark the source's retention
 * could destroy what is the base of the next run by then. A bookmark takes a command and a transaction group to make,
 * and as many to remove, a hold takes a share of one: so only the ends are bookmarked. They are the journal of the run.
 */
function unmarked(plan: DatasetPlan, records: readonly SnapshotRecord[]): Candidate[] {
  const own = bookmarksFor(plan.dstId, records).filter(({ isTrue }) => isTrue);
  const marked = new Set(own.map(({ guid }) => guid));
  const tentative = new Set(own.filter((mark) => mark.tentative).map(({ guid }) => guid));
  // A bookmark of somebody else's as base: they may remove it while this run lasts.
  const base = plan.base?.kind === 'bookmark' ? [{ ...plan.base, sign: '#' }] : [];
  const all = [...base, ...sentSnapshots(plan).map((snapshot) => ({ ...snapshot, sign: '@' }))];
  const [first, last] = [all[0]?.guid, all.at(-1)?.guid];
  return all
    .map(({ name, guid, sign }) => ({
      guid,
      source: plan.source,
      from: `${plan.source}${sign}${name}`,
      name: bookmarkName(plan.dstId, guid, true),
      bookmark: `${plan.source}#${bookmarkName(plan.dstId, guid, true)}`,
      isJournal: guid === first || guid === last,
    }))
    .filter(({ guid }) => (guid === last ? !tentative.has(guid) : !marked.has(guid)));
}

/** What protects a run. */
export interface Protection {
  /** By source dataset: names of the tentative bookmarks that were made. */
  bookmarks: ReadonlyMap<string, readonly string[]>;
  warnings: string[];
}

/**
 * Bookmarks and holds for everything that these plans send. `records` gives the source records of a dataset.
 * Missing rights are warnings: the run goes on less protected, and says so. Throws only when the host cannot be reached.
 */
export async function protect(
  run: Run,
  plans: readonly DatasetPlan[],
  records: (source: string) => readonly SnapshotRecord[],
): Promise<Protection> {
  const sending = plans.filter(sends);
  const { source, options, ctx } = run;
  if (!options.holdPending || sending.length === 0) return { bookmarks: new Map(), warnings: [] };
  const candidates = sending.flatMap((plan) => unmarked(plan, records(plan.source)));
  const journal = candidates.filter(({ isJournal }) => isJournal);
  const holds = sending.flatMap((plan) =>
    heldSnapshots(plan, records(plan.source)).map((name) => `${plan.source}@${name}`),
  );
  const tag = runHoldTag(run);
  const may = await holdable(source, holds, ctx.signal);
  const errors = await addMarks(source, { bookmarks: journal, tag, holds: may.snapshots }, ctx.signal);
  const failed = new Set(await unheld(source, tag, errors.holds, ctx.signal));
  const held = new Set(may.snapshots.filter((name) => !failed.has(name)));
  const instead = candidates.filter(({ isJournal, from }) => !isJournal && !held.has(from));
  const more = await createBookmarks(source, instead, ctx.signal);
  const made = groupBy([...journal, ...instead], (one) => one.source);
  // What is gone by now needs no protection: the send, or the look at what has arrived, will tell.
  const there = ({ code }: ZfsFlowError): boolean => code !== 'DATASET_NOT_FOUND';
  return {
    bookmarks: new Map([...made].map(([dataset, all]) => [dataset, all.map(({ name }) => name)])),
    warnings: [
      may.warning,
      markWarning('bookmark', source.label, [...errors.bookmarks, ...more].filter(there)),
      markWarning('hold', source.label, errors.holds.filter(there)),
    ].filter((warning) => warning !== null),
  };
}
