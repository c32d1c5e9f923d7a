// One attempt of a run: look, take the snapshots that are wanted first, plan, make room, carry the plan out.
import { ZfsFlowError } from '../../base/errors';
import { discover, type Discovery, type Lister } from '../discover/discover';
import { listBoth } from '../discover/listings';
import { AttemptFailure, midRunFailure } from '../execute/attempt-failure';
import type { KeptCopy } from '../discover/memory';
import { deliveries, sends } from '../plan/plan-facts';
import type { DatasetPlan, ReplicationPlan } from '../plan/plan-types';
import type { Run } from '../setup/run';
import { confirmPool } from '../setup/setup';
import { executePlan } from './execute-plan';
import { announce, look, missing, planAttempt, type PlannedAttempt } from './plan-attempt';
import type { RunState } from './run-state';
import { isPlainIncrement, settledPairs } from './settled';

/**
 * Notes source datasets that are not there, since they were asked for or were there when the run began; the others are
 * replicated all the same.
 */
function giveUpMissing({ source }: Run, { given, book }: RunState, discovery: Discovery): void {
  const { pairs, missingSources } = discovery;
  const host = source.label;
  const sources = new Map(pairs.map((pair) => [pair.source.name, pair.source.guid]));
  const gone = book.gone(sources, new Set([...missingSources, ...given.keys()]));
  for (const dataset of [...missingSources, ...gone]) {
    const message = `dataset "${dataset}" is gone from ${host}: it was destroyed while the run went on`;
    const error = gone.includes(dataset)
      ? new ZfsFlowError('DATASET_NOT_FOUND', message, { dataset, host })
      : missing(dataset, host);
    given.set(dataset, new AttemptFailure(error, 'giveUp'));
    book.failed(book.entry(dataset, ''), error);
  }
}

/** What an attempt has failed with may be something that no fingerprint tells: after it, everything is listed. */
function lister({ unchanged, isFirstAttempt }: RunState): Lister | undefined {
  if (!unchanged) return undefined;
  return (setup, ctx) => (isFirstAttempt ? unchanged.list(setup, ctx) : unchanged.listInFull(setup, ctx));
}

/** More than a plain increment would be done, or something refused, on the strength of what is only remembered. */
function isDoubtful(run: Run, { unchanged }: RunState, { plan, discovery }: PlannedAttempt): boolean {
  if (unchanged?.isPartial !== true) return false;
  const kept = unchanged.kept();
  const settled = new Set(settledPairs(run, plan.datasets, discovery.pairs).map(({ source }) => source.name));
  const plans = new Map(plan.datasets.map((one) => [one.source, one]));
  return discovery.pairs.some((pair) => {
    const { name } = pair.source;
    if (settled.has(name)) return false;
    const planned = plans.get(name);
    if (kept.has(name) || planned === undefined) return true;
    const copy = unchanged.keptCopy(pair.target);
    // Where it comes from or goes to another place, other copies count too.
    const isElsewhere = pair.targetDataset === null || pair.located !== undefined;
    if (copy === null) return isElsewhere && (sends(planned) || planned.prepare.length > 0);
    return isElsewhere || !isPlainIncrement(run, { plan: planned, pair }) || mayClash(planned, copy);
  });
}

/** Another snapshot of the copy may have one of the names. */
function mayClash(plan: DatasetPlan, { names }: KeptCopy): boolean {
  return deliveries(plan).some(({ name }) => names.mayHave(name));
}

async function attempt(
  run: Run,
  state: RunState,
  makeRoom: (plan: ReplicationPlan) => Promise<void>,
): Promise<Map<string, AttemptFailure>> {
  if (!state.isFirstAttempt) await confirmPool(run, run.ctx.signal);
  const list = lister(state);
  const sight = await look(run, list);
  if (await state.snapshots.take(run, sight.discovery)) sight.discovery = await discover(run, run.ctx, list);
  let planned = await planAttempt(run, state, sight);
  if (isDoubtful(run, state, planned)) {
    const full: Lister = (setup, ctx) => state.unchanged?.listInFull(setup, ctx) ?? listBoth(setup, ctx);
    planned = await planAttempt(run, state, { ...sight, discovery: await discover(run, run.ctx, full) });
  }
  state.sees(planned.discovery);
  announce(run, planned);
  giveUpMissing(run, state, planned.discovery);
  await makeRoom(planned.plan);
  const failures = await executePlan(run, state, planned);
  const { pairs } = planned.discovery;
  state.unchanged?.found(pairs, settledPairs(run, planned.plan.datasets, pairs));
  return state.ended(planned.plan.datasets, pairs, failures);
}

/**
 * Returns what failed, by source dataset; the rest is in the book. `makeRoom` is called before anything of the plan is
 * done. Throws what makes a listing fail, NO_SNAPSHOTS, and what a host fails with before anything is sent.
 */
export async function runAttempt(
  run: Run,
  state: RunState,
  makeRoom: (plan: ReplicationPlan) => Promise<void>,
): Promise<Map<string, AttemptFailure>> {
  try {
    return await attempt(run, state, makeRoom);
  } catch (thrown) {
    throw state.looks.judge(midRunFailure(thrown), null);
  }
}
