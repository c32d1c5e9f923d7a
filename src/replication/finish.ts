// After the sends: looks at what the target really has, and only then moves the protection on. Order (replication.md §2,
// steps d to g): verify, final bookmarks, target hold (new before old), release of the step holds, removal of what is
// superseded. For several datasets at once, in a handful of round trips.
import type { RunContext } from '../context';
import { ZfsFlowError } from '../errors';
import { groupBy } from '../group-by';
import { createBookmarks, destroyBookmarks } from '../zfs/bookmark';
import { listHolds, releaseSnapshots } from '../zfs/hold';
import { listSnapshots } from '../zfs/list';
import { parseBookmarkName, PLACEHOLDER_PROPERTY, targetHoldTag } from '../zfs/marks';
import type { SnapshotRecord } from '../zfs/records';
import { runBatch } from '../zfs/batch';
import { finalMarks, type FinalMarks } from './final-marks';
import type { DatasetPlan, PairInput } from './plan-types';
import { markWarning, runHoldTag, sends, sentSnapshots } from './protect';
import type { Setup } from './setup';
import { inOrder } from './state';

export interface Finished {
  plan: DatasetPlan;
  pair: PairInput;
}

export interface FinishOutcome {
  /** By source dataset: the target does not have what was sent. */
  failures: Map<string, ZfsFlowError>;
  warnings: string[];
}

/** The snapshot that the target must now have as its newest. */
export function expectedNewest(plan: DatasetPlan): { name: string; guid: string } | null {
  return plan.steps.at(-1)?.to ?? plan.resume?.to ?? plan.base;
}

function verify({ plan }: Finished, onTarget: readonly SnapshotRecord[], host: string): ZfsFlowError | null {
  const expected = expectedNewest(plan);
  if (!expected) return null;
  const newest = inOrder(onTarget).at(-1);
  const guids = new Set(onTarget.map(({ guid }) => guid));
  const lacking = plan.steps.flatMap((step) => step.snapshots).filter(({ guid }) => !guids.has(guid));
  if (newest?.guid === expected.guid && lacking.length === 0) return null;
  const what = lacking[0] ?? expected;
  return new ZfsFlowError(
    'VERIFICATION_FAILED',
    `every process succeeded, but the target "${plan.target}" does not have @${what.name} (GUID ${what.guid}) ${lacking[0] ? '' : 'as its newest snapshot'}`.trim(),
    {
      dataset: plan.source,
      host,
      retryable: true,
      details: { expected: expected.guid, newest: newest?.guid ?? null, lacking: lacking.map(({ name }) => name) },
    },
  );
}

/** Traces of an earlier run that did not come to its end: then nothing is assumed about holds. */
function isDirty({ pair }: Finished): boolean {
  return pair.sourceRecords.some(({ kind, name }) => {
    const own = kind === 'bookmark' ? parseBookmarkName(name) : null;
    return own !== null && own.dstId === pair.dstId && own.tentative;
  });
}

function hasFinalMark({ pair }: Finished, guid: string): boolean {
  return pair.sourceRecords.some(({ kind, name }) => {
    const own = kind === 'bookmark' ? parseBookmarkName(name) : null;
    return own !== null && own.dstId === pair.dstId && own.guid === guid && !own.tentative;
  });
}

async function moveTargetHolds(
  setup: Setup,
  finished: readonly Finished[],
  targetSnapshots: ReadonlyMap<string, SnapshotRecord[]>,
  ctx: RunContext,
): Promise<(string | null)[]> {
  const errors: ZfsFlowError[] = [];
  const releases: { tag: string; names: string[] }[] = [];
  const argvs: string[][] = [];
  for (const one of finished) {
    const newest = expectedNewest(one.plan);
    if (!newest || (hasFinalMark(one, newest.guid) && !isDirty(one))) continue;
    const tag = targetHoldTag(one.plan.dstId);
    const snapshots = targetSnapshots.get(one.plan.target) ?? [];
    const held = snapshots.find(({ guid }) => guid === newest.guid);
    if (!held) continue;
    const name = `${one.plan.target}@${held.name}`;
    argvs.push(['zfs', 'hold', tag, name]);
    // After an unfinished run the hold may be anywhere; otherwise it is on the base.
    const old = isDirty(one)
      ? (
          await listHolds(
            setup.target,
            snapshots.map((s) => `${s.dataset}@${s.name}`),
            ctx.signal,
          )
        )
          .filter((hold) => hold.tag === tag && hold.snapshot !== name)
          .map(({ snapshot }) => snapshot)
      : snapshots
          .filter(({ guid }) => guid === one.plan.base?.guid && guid !== newest.guid)
          .map((s) => `${s.dataset}@${s.name}`);
    if (old.length > 0) releases.push({ tag, names: old });
  }
  errors.push(
    ...(await runBatch(setup.target, argvs, {
      signal: ctx.signal,
      ignore: ({ stderr }) => /tag already exists/.test(stderr),
    })),
  );
  const releaseErrors = await runBatch(
    setup.target,
    releases.map(({ tag, names }) => ['zfs', 'release', tag, ...names]),
    { signal: ctx.signal, ignore: ({ stderr }) => /no such tag|does not exist/.test(stderr) },
  );
  return [markWarning('hold', setup.target.label, errors), markWarning('release', setup.target.label, releaseErrors)];
}

async function releaseStepHolds(setup: Setup, finished: readonly Finished[], ctx: RunContext): Promise<string | null> {
  const tag = runHoldTag(setup);
  const names = new Set(
    finished
      .filter(({ plan }) => sends(plan))
      .flatMap(({ plan }) => sentSnapshots(plan).map((s) => `${plan.source}@${s.name}`)),
  );
  const dirty = finished
    .filter(isDirty)
    .flatMap(({ pair }) =>
      pair.sourceRecords.filter(({ kind }) => kind === 'snapshot').map((s) => `${s.dataset}@${s.name}`),
    );
  for (const hold of await listHolds(setup.source, dirty, ctx.signal)) if (hold.tag === tag) names.add(hold.snapshot);
  return markWarning('release', setup.source.label, await releaseSnapshots(setup.source, tag, [...names], ctx.signal));
}

function marksOf({ plan, pair }: Finished, onTarget: readonly SnapshotRecord[]): FinalMarks {
  const made = sends(plan) ? sentSnapshots(plan).map(({ guid }) => guid) : [];
  return finalMarks({
    source: plan.source,
    dstId: plan.dstId,
    records: pair.sourceRecords,
    tentative: new Set(made),
    targetGuids: new Set(onTarget.map(({ guid }) => guid)),
    newest: expectedNewest(plan)?.guid ?? '',
  });
}

/** A placeholder that has become a copy loses the mark and the `canmount=off` that we gave it. */
async function unmarkPlaceholders(
  setup: Setup,
  finished: readonly Finished[],
  ctx: RunContext,
): Promise<string | null> {
  const were = finished.filter(({ plan }) => plan.wasPlaceholder && sends(plan)).map(({ plan }) => plan.target);
  const argvs = were.flatMap((name) => [
    ['zfs', 'inherit', PLACEHOLDER_PROPERTY, name],
    ['zfs', 'inherit', '-S', 'canmount', name],
  ]);
  const errors = await runBatch(setup.target, argvs, { signal: ctx.signal });
  return markWarning('unmark placeholders', setup.target.label, errors);
}

/** Verifies these datasets and moves their marks on. Throws only when a host cannot be reached or a listing fails. */
export async function finish(setup: Setup, finished: readonly Finished[], ctx: RunContext): Promise<FinishOutcome> {
  const failures = new Map<string, ZfsFlowError>();
  const roots = finished.filter(({ plan }) => expectedNewest(plan) !== null).map(({ plan }) => plan.target);
  const listing = await listSnapshots(setup.target, {
    roots,
    recursive: false,
    kinds: ['snapshot'],
    signal: ctx.signal,
  });
  const bySet = groupBy(listing.snapshots, ({ dataset }) => dataset);
  const good = finished.filter((one) => {
    const failure = verify(one, bySet.get(one.plan.target) ?? [], setup.target.label);
    if (failure) failures.set(one.plan.source, failure);
    return failure === null;
  });
  const warnings = [await unmarkPlaceholders(setup, good, ctx)];
  if (setup.options.holdPending) {
    const marks = good.map((one) => marksOf(one, bySet.get(one.plan.target) ?? []));
    const created = await createBookmarks(
      setup.source,
      marks.flatMap(({ create }) => create),
      ctx.signal,
    );
    warnings.push(markWarning('bookmark', setup.source.label, created));
    warnings.push(...(await moveTargetHolds(setup, good, bySet, ctx)));
    warnings.push(await releaseStepHolds(setup, good, ctx));
    // Where a final bookmark could not be made, the tentative one is what saves the chain: it stays.
    const removable = created.length > 0 ? [] : marks.flatMap(({ destroy }) => destroy);
    const destroyed = await destroyBookmarks(setup.source, removable, ctx.signal);
    warnings.push(markWarning('destroy bookmarks', setup.source.label, destroyed));
  }
  return { failures, warnings: warnings.filter((warning) => warning !== null) };
}
