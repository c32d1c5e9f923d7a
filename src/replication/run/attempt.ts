// One attempt of a run: look, take the snapshots that are wanted first, plan, make room, carry the plan out.
import { ZfsFlowError } from '../../base/errors';
import { discover } from '../discover/discover';
import { AttemptFailure, midRunFailure } from '../execute/attempt-failure';
import type { ReplicationPlan } from '../plan/plan-types';
import type { Run } from '../setup/run';
import { confirmPool } from '../setup/setup';
import { executePlan } from './execute-plan';
import { announce, look, planAttempt } from './plan-attempt';
import type { RunState } from './run-state';

/** Notes source datasets that were asked for and are not there; the others are replicated all the same. */
function giveUpMissing({ source }: Run, { given, book }: RunState, missing: readonly string[]): void {
  const host = source.label;
  for (const dataset of missing) {
    const message = `dataset "${dataset}" does not exist on ${host}`;
    const error = new ZfsFlowError('DATASET_NOT_FOUND', message, { dataset, host });
    given.set(dataset, new AttemptFailure(error, 'giveUp'));
    book.failed(book.entry(dataset, ''), error);
  }
}

async function attempt(
  run: Run,
  state: RunState,
  makeRoom: (plan: ReplicationPlan) => Promise<void>,
): Promise<Map<string, AttemptFailure>> {
  if (!state.isFirstAttempt) await confirmPool(run, run.ctx.signal);
  const sight = await look(run);
  if (await state.snapshots.take(run, sight.discovery)) sight.discovery = await discover(run, run.ctx);
  const planned = await planAttempt(run, state, sight);
  const { pairs, missingSources } = planned.discovery;
  state.sees(planned.discovery);
  announce(run, planned);
  state.book.gone(new Set([...pairs.map(({ source }) => source.name), ...missingSources, ...state.given.keys()]));
  giveUpMissing(run, state, missingSources);
  await makeRoom(planned.plan);
  const failures = await executePlan(run, state, planned);
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
