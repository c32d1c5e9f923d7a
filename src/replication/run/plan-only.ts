// `mode: plan`: what a run would do, with sizes, changing nothing.
import { midRunFailure } from '../execute/attempt-failure';
import { askedTransport, DataPaths } from '../execute/data-paths';
import { announceSnapshots } from '../execute/take-snapshots';
import { sends } from '../plan/plan-facts';
import type { Run } from '../setup/run';
import { largest } from '../discover/sizes';
import { announce, look, planAttempt, runWarnings, type PlannedAttempt } from './plan-attempt';
import type { RunState } from './run-state';

/** What is planned, from listings between which nothing has changed. */
async function planned(run: Run, state: RunState): Promise<PlannedAttempt> {
  for (;;) {
    try {
      const plan = await planAttempt(run, state, await look(run));
      announce(run, plan);
      return plan;
    } catch (thrown) {
      const { next, error } = state.looks.judge(midRunFailure(thrown), null);
      run.ctx.signal.throwIfAborted();
      if (next !== 'lookAgain') throw error;
    }
  }
}

/** Fills the book. Throws what makes a listing fail, NO_SNAPSHOTS, and INVALID_OPTIONS of `createSnapshot`. */
export async function planOnly(run: Run, state: RunState): Promise<void> {
  const { book } = state;
  const seen = await planned(run, state);
  book.result.transport = askedTransport(run) ?? run.transport;
  book.warnRun(runWarnings(run, seen));
  if (seen.plan.datasets.some(sends)) book.warnRun(await new DataPaths(run).warnings(largest(seen.sizes)));
  book.warnRun(announceSnapshots(run, seen.discovery));
  for (const plan of seen.plan.datasets) {
    const entry = book.planned(plan, seen.sizes.estimates.get(plan.source) ?? 0);
    entry.action = plan.action;
    entry.snapshots = [
      ...(plan.resume ? [plan.resume.to.name] : []),
      ...plan.steps.flatMap(({ snapshots }) => snapshots.map(({ name }) => name)),
    ];
    book.warn(entry, plan.reasons);
    book.result.snapshots += entry.snapshots.length;
    if (plan.refusal) entry.error = { code: plan.refusal.code, message: plan.refusal.message };
  }
}
