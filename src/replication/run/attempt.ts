// One attempt of a run: look, take the snapshots that are wanted first, plan, make room, carry the plan out.
import { ZfsFlowError } from '../../base/errors';
import { discover, type Discovery } from '../discover/discover';
import { AttemptFailure, midRunFailure } from '../execute/attempt-failure';
import type { ReplicationPlan } from '../plan/plan-types';
import type { Run } from '../setup/run';
import { confirmPool } from '../setup/setup';
import { executePlan } from './execute-plan';
import { announce, look, missing, planAttempt } from './plan-attempt';
import type { RunState } from './run-state';

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

async function attempt(
  run: Run,
  state: RunState,
  makeRoom: (plan: ReplicationPlan) => Promise<void>,
): Promise<Map<string, AttemptFailure>> {
  if (!state.isFirstAttempt) await confirmPool(run, run.ctx.signal);
  const sight = await look(run);
  if (await state.snapshots.take(run, sight.discovery)) sight.discovery = await discover(run, run.ctx);
  const planned = await planAttempt(run, state, sight);
  state.sees(planned.discovery);
  announce(run, planned);
  giveUpMissing(run, state, planned.discovery);
  await makeRoom(planned.plan);
  const failures = await executePlan(run, state, planned);
  return state.ended(planned.plan.datasets, planned.discovery.pairs, failures);
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
