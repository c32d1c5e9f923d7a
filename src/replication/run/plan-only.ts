// `mode: plan`: what a run would do, with sizes, changing nothing.
import { announceSnapshots } from '../execute/take-snapshots';
import type { Run } from '../setup/run';
import { announce, look, planAttempt, runWarnings } from './plan-attempt';
import type { RunState } from './run-state';

/** Fills the book. Throws what makes a listing fail, and NO_SNAPSHOTS. */
export async function planOnly(run: Run, state: RunState): Promise<void> {
  const { book } = state;
  const planned = await planAttempt(run, state, await look(run));
  announce(run, planned);
  book.warnRun(runWarnings(run, planned));
  book.warnRun(announceSnapshots(run, planned.discovery));
  for (const plan of planned.plan.datasets) {
    const entry = book.planned(plan, planned.sizes.estimates.get(plan.source) ?? 0);
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
