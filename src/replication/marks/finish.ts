// After the sends: looks at what the target really has, and only then moves the protection on. Order (replication.md §2,
// steps d to g): verify, final bookmarks, target hold (new before old), release of the step holds, removal of what is
// superseded. For several datasets at once, in a handful of round trips.
import { ZfsFlowError } from '../../base/errors';
import { groupBy } from '../../base/group-by';
import { createBookmarks } from '../../zfs/bookmark';
import { inheritArgv } from '../../zfs/change';
import { holdSnapshots, listHolds, releaseSnapshots } from '../../zfs/hold';
import { listNamedSnapshots } from '../../zfs/list';
import { removeMarks } from '../../zfs/set-marks';
import { bookmarksFor, destinationId, PLACEHOLDER_PROPERTY, stepHoldTag, TARGET_HOLD_TAG } from '../../zfs/marks';
import type { SnapshotRecord } from '../../zfs/records';
import { runBatch } from '../../zfs/batch';
import { finalMarks, type FinalMarks } from '../plan/final-marks';
import { wasUnderWay } from '../plan/journal';
import { holdable } from './holdable';
import { markCopies } from './mark-copies';
import type { DatasetPlan, PlannedPair } from '../plan/plan-types';
import { markWarning } from '../report/mark-warning';
import { heldSnapshots, runHoldTag, type Protection } from './protect';
import { RenamedHolds } from './renamed-holds';
import type { Run } from '../setup/run';
import { sends, expectedNewest, replacesCopy, sentSnapshots } from '../plan/plan-facts';

/** Marks of this run that its plans and listings do not tell of. */
export interface MarksOnTheWay {
  /**
   * Source datasets, by GUID, on which an earlier attempt of this run has left marks, whatever others have done to them, and
   * for which destinations.
   */
  unended: ReadonlyMap<string, ReadonlySet<string>>;
  /** Names of the tentative bookmarks of this attempt, by source dataset. */
  made: Protection['bookmarks'];
}

export interface FinishOutcome {
  /** By source dataset: the target does not have what was sent. */
  failures: Map<string, ZfsFlowError>;
  /** By source dataset: what it was sent, as far as its target has it. */
  seen: Map<string, readonly SnapshotRecord[]>;
  warnings: string[];
}

/** Everything that this plan sent, or the base where it sent nothing: the names that the target must have now. */
function expectedNames(plan: DatasetPlan): { name: string; guid: string }[] {
  const sent = [...(plan.resume ? [plan.resume.to] : []), ...plan.steps.flatMap(({ snapshots }) => snapshots)];
  if (sent.length > 0 || !plan.base) return sent;
  return [{ name: plan.targetBaseName, guid: plan.base.guid }];
}

/** `receive` makes what it receives the newest; that each is there under its name with its GUID is what has to be seen. */
function verify({ plan }: PlannedPair, onTarget: readonly SnapshotRecord[], host: string): ZfsFlowError | null {
  const guids = new Map(onTarget.map(({ name, guid }) => [name, guid]));
  const lacking = expectedNames(plan).filter(({ name, guid }) => guids.get(name) !== guid);
  const [first] = lacking;
  if (!first) return null;
  return new ZfsFlowError(
    'VERIFICATION_FAILED',
    `every process succeeded, but the target "${plan.target}" does not have @${first.name} with GUID ${first.guid}`,
    {
      dataset: plan.source,
      host,
      retryable: true,
      details: { lacking: lacking.map(({ name, guid }) => ({ name, guid, found: guids.get(name) ?? null })) },
    },
  );
}

/** What the target has after the run, as far as our marks are concerned: what was listed before, and what was just seen. */
function targetGuids({ plan, pair }: PlannedPair, seen: readonly SnapshotRecord[]): Set<string> {
  const gone = new Set(
    plan.prepare.flatMap((step) => {
      if (step.do === 'cloneBack') return step.leaves;
      return step.do === 'rollback' ? step.destroys : [];
    }),
  );
  const before = plan.initial ? [] : pair.targetSnapshots.filter(({ name }) => !gone.has(name));
  return new Set([...before, ...seen].map(({ guid }) => guid));
}

/** What is known of the copy that was there before says nothing about this one. */
const isNewCopy = (plan: DatasetPlan): boolean => plan.initial || replacesCopy(plan);

/**
 * Traces of an earlier run that did not come to its end, or of one that could not make bookmarks: then nothing is assumed
 * about holds.
 */
export function hasTraces(one: PlannedPair): boolean {
  const { plan, pair } = one;
  if (plan.base && !hasFinalMark(one, plan.base.guid)) return true;
  return bookmarksFor(pair.dstId, pair.sourceRecords).some(({ tentative }) => tentative);
}

type Judge = (one: PlannedPair) => boolean;

function hasFinalMark({ pair }: PlannedPair, guid: string): boolean {
  return bookmarksFor(pair.dstId, pair.sourceRecords).some((own) => own.guid === guid && !own.tentative);
}

/** One hold on the newest replicated snapshot of each target; the new one before the old one goes. */
async function moveTargetHolds(run: Run, finished: readonly PlannedPair[], isDirty: Judge): Promise<(string | null)[]> {
  const { target, ctx } = run;
  const hold: string[] = [];
  const release: string[] = [];
  for (const one of finished) {
    const { plan, pair } = one;
    const newest = expectedNames(plan).at(-1);
    const dirty = isDirty(one);
    if (!newest || (hasFinalMark(one, newest.guid) && !dirty && !isNewCopy(plan))) continue;
    hold.push(`${plan.target}@${newest.name}`);
    // After an unfinished run the hold may be on any of them; otherwise it is on the base.
    const old = pair.targetSnapshots.filter(({ guid }) => guid !== newest.guid && (dirty || guid === plan.base?.guid));
    release.push(...old.map(({ name }) => `${plan.target}@${name}`));
  }
  const may = await holdable(target, hold, ctx.signal);
  const held = await holdSnapshots(target, TARGET_HOLD_TAG, may.snapshots, ctx.signal);
  if (held.length > 0) return [may.warning, markWarning('hold', target.label, held)];
  const renamed = new RenamedHolds(
    target,
    finished.flatMap(({ pair }) => pair.targetSnapshots),
  );
  const noting = renamed.noting(TARGET_HOLD_TAG);
  const released = await releaseSnapshots(target, TARGET_HOLD_TAG, release, ctx.signal, noting);
  const left = [...released, ...(await renamed.release(ctx.signal))];
  return [may.warning, markWarning('release', target.label, left)];
}

interface StepHolds {
  /** Of each dataset, in their order: full names of what this run, or one before it, holds. */
  own: string[][];
  /** The same by tag, where another job of ours that covers more or less than this one has sent to the same target. */
  others: Map<string, string[]>;
}

/** Tags of jobs to this target: theirs is that of the whole target, which is this dataset or above it. */
function tagsFor({ targetPoolGuid }: Run, target: string): Set<string> {
  const parts = target.split('/');
  const above = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  return new Set(above.map((name) => stepHoldTag(destinationId(targetPoolGuid, name))));
}

/** What this run holds of these datasets, and what is left of runs that did not come to their end. */
async function stepHolds(run: Run, finished: readonly PlannedPair[], isDirty: Judge): Promise<StepHolds> {
  const names = ({ pair }: PlannedPair): string[] =>
    pair.sourceRecords.filter(({ kind }) => kind === 'snapshot').map((one) => `${one.dataset}@${one.name}`);
  const found = await listHolds(run.source, finished.filter(isDirty).flatMap(names), run.ctx.signal);
  const bySnapshot = groupBy(found, ({ snapshot }) => snapshot);
  const others = new Map<string, string[]>();
  const own = finished.map((one) => {
    const { plan, pair } = one;
    const held = sends(plan) ? heldSnapshots(plan, pair.sourceRecords).map((name) => `${plan.source}@${name}`) : [];
    const tags = tagsFor(run, plan.target);
    for (const { snapshot, tag } of names(one).flatMap((name) => bySnapshot.get(name) ?? [])) {
      if (tag === runHoldTag(run)) held.push(snapshot);
      else if (tags.has(tag)) others.set(tag, [...(others.get(tag) ?? []), snapshot]);
    }
    return [...new Set(held)];
  });
  return { own, others };
}

function marksOf(one: PlannedPair, seen: readonly SnapshotRecord[], made: readonly string[]): FinalMarks {
  const { plan, pair } = one;
  const bookmarkBase = plan.base?.kind === 'bookmark' ? [plan.base] : [];
  return finalMarks({
    source: plan.source,
    dstId: plan.dstId,
    records: pair.sourceRecords,
    sent: new Set(sends(plan) ? [...bookmarkBase, ...sentSnapshots(plan)].map(({ guid }) => guid) : []),
    made,
    targetGuids: targetGuids(one, seen),
    newest: expectedNewest(plan)?.guid ?? '',
  });
}

/** Nothing would be changed on the source for one of which nothing was sent. */
export function isMarked(one: PlannedPair): boolean {
  const { create, destroy } = marksOf(one, [], []);
  return create.length === 0 && destroy.length === 0;
}

/**
 * Bookmarks for the name that the target had before it followed its renamed source, and the tentative ones of an attempt of
 * this run that sent the source, under another name, to another target.
 */
function formerMarks({ plan, pair }: PlannedPair, unended: MarksOnTheWay['unended']): string[] {
  const former = plan.formerDstId === '' ? [] : bookmarksFor(plan.formerDstId, pair.sourceRecords);
  const others = [...(unended.get(pair.source.guid) ?? [])].filter((dstId) => dstId !== plan.dstId);
  const tentative = others.flatMap((dstId) => bookmarksFor(dstId, pair.sourceRecords).filter((one) => one.tentative));
  return [...new Set([...former, ...tentative].map(({ name }) => `${plan.source}#${name}`))];
}

/**
 * Copies that came with a stream of a whole tree that was cut: only after such a stream are its children marked. That an
 * earlier attempt was to deliver what is there now, its journal says.
 */
async function markDelivered(run: Run, finished: readonly PlannedPair[]): Promise<string | null> {
  const delivered = finished.filter(({ plan, pair }) => {
    if (plan.initial || replacesCopy(plan) || !plan.base) return false;
    return wasUnderWay(pair.dstId, pair.sourceRecords, plan.base.guid) && !hasFinalMark({ plan, pair }, plan.base.guid);
  });
  return markCopies(run, delivered);
}

/** A placeholder that has become a copy loses the mark and the `canmount=off` that we gave it. */
async function unmarkPlaceholders(run: Run, finished: readonly PlannedPair[]): Promise<string | null> {
  const { target, ctx } = run;
  const were = finished.filter(({ plan }) => plan.wasPlaceholder && sends(plan)).map(({ plan }) => plan.target);
  const argvs = were.flatMap((name) => [
    inheritArgv(name, PLACEHOLDER_PROPERTY),
    inheritArgv(name, 'canmount', { received: true }),
  ]);
  const errors = await runBatch(target, argvs, { signal: ctx.signal });
  return markWarning('unmark placeholders', target.label, errors);
}

/** Returns warnings. `seen`: what the target of one was seen to have of what it was sent. */
async function moveMarks(
  run: Run,
  good: readonly PlannedPair[],
  { unended, made }: MarksOnTheWay,
  seen: (one: PlannedPair) => readonly SnapshotRecord[],
): Promise<(string | null)[]> {
  const { source, ctx } = run;
  const isDirty: Judge = (one) => unended.has(one.pair.source.guid) || hasTraces(one);
  const marks = good.map((one) => marksOf(one, seen(one), made.get(one.plan.source) ?? []));
  const create = marks.flatMap((mark) => mark.create);
  const [created, moved] = await Promise.all([
    createBookmarks(source, create, ctx.signal),
    moveTargetHolds(run, good, isDirty),
  ]);

  const holds = await stepHolds(run, good, isDirty);
  // Where a final bookmark could not be made, the tentative one is what saves the chain: it stays.
  const failed = new Set(created.map(({ command }) => command?.at(-1)));
  const old = good.map((one, index) => {
    const { create: made, destroy } = marks[index] ?? { create: [], destroy: [] };
    const stays = made.some(({ bookmark }) => failed.has(bookmark));
    return { holds: holds.own[index] ?? [], bookmarks: stays ? [] : [...destroy, ...formerMarks(one, unended)] };
  });
  const renamed = new RenamedHolds(
    source,
    good.flatMap(({ pair }) => pair.sourceRecords),
  );
  const unreleased: ZfsFlowError[] = [];
  for (const [tag, held] of holds.others) {
    unreleased.push(...(await releaseSnapshots(source, tag, held, ctx.signal, renamed.noting(tag))));
  }
  const left = await removeMarks(source, runHoldTag(run), old, ctx.signal, renamed.noting(runHoldTag(run)));
  unreleased.push(...left.holds, ...(await renamed.release(ctx.signal)));
  return [
    markWarning('bookmark', source.label, created),
    ...moved,
    markWarning('release', source.label, unreleased),
    markWarning('destroy bookmarks', source.label, left.bookmarks),
  ];
}

/**
 * Verifies these datasets and moves their marks on. Throws only when a host cannot be reached or a listing fails.
 */
export async function finish(run: Run, finished: readonly PlannedPair[], marks: MarksOnTheWay): Promise<FinishOutcome> {
  const { target, options, ctx } = run;
  const failures = new Map<string, ZfsFlowError>();
  const names = new Map(finished.map(({ plan }) => [plan.target, expectedNames(plan).map(({ name }) => name)]));
  const seen = groupBy(await listNamedSnapshots(target, names, ctx.signal), ({ dataset }) => dataset);
  const good = finished.filter((one) => {
    const failure = verify(one, seen.get(one.plan.target) ?? [], target.label);
    if (failure) failures.set(one.plan.source, failure);
    return failure === null;
  });
  const warnings = [await unmarkPlaceholders(run, good), await markDelivered(run, good)];
  if (options.holdPending)
    warnings.push(...(await moveMarks(run, good, marks, (one) => seen.get(one.plan.target) ?? [])));
  const bySource = finished.map(({ plan }) => [plan.source, seen.get(plan.target) ?? []] as const);
  return { failures, seen: new Map(bySource), warnings: warnings.filter((warning) => warning !== null) };
}
