// What there is nothing to do for: nothing is sent, and nothing is marked wrongly.
import { hasTraces, isMarked, type MarksOnTheWay } from '../marks/finish';
import { replacesCopy, sends } from '../plan/plan-facts';
import type { DatasetPlan, PairInput, PlannedPair } from '../plan/plan-types';
import { inOrder } from '../plan/target-state';
import type { Run } from '../setup/run';

/** Such a dataset costs no further command. */
export function isSettled(
  { options }: Run,
  { plan, pair }: PlannedPair,
  unended: MarksOnTheWay['unended'] = new Map(),
): boolean {
  if (sends(plan) || plan.prepare.length > 0 || replacesCopy(plan)) return false;
  if (unended.has(pair.source.guid)) return false;
  if (options.readonly === 'set' && pair.targetDataset?.readonly === false) return false;
  return !options.holdPending || isMarked({ plan, pair });
}

/** The listing says all that there is to be said: up to date from a snapshot that both have, or nothing to send and no copy. */
function isPlain(
  { action, state, base, refusal, warnings }: DatasetPlan,
  { targetDataset, located, partial }: PairInput,
) {
  if (refusal !== null || warnings.length > 0 || located !== undefined || partial !== null) return false;
  if (targetDataset === null) return action === 'skip';
  return action === 'current' && state === 'FORWARD' && base?.kind === 'snapshot';
}

/** What is newer than the newest of the copy, which both sides have, is sent; there is nothing else to be done or said. */
export function isPlainIncrement({ options }: Pick<Run, 'options'>, { plan, pair }: PlannedPair): boolean {
  const { action, state, base, refusal, warnings, prepare, resume } = plan;
  if (refusal !== null || warnings.length > 0 || prepare.length > 0 || resume !== null) return false;
  if (pair.located !== undefined || pair.partial !== null) return false;
  if (options.holdPending && hasTraces({ plan, pair })) return false;
  const newest = inOrder(pair.targetSnapshots).at(-1)?.guid;
  return action === 'incremental' && state === 'FORWARD' && base?.kind === 'snapshot' && base.guid === newest;
}

/** Of the pairs of an attempt that ended well, those that a plan for the same listing would not do anything for. */
export function settledPairs(run: Run, plans: readonly DatasetPlan[], pairs: readonly PairInput[]): PairInput[] {
  const bySource = new Map(plans.map((plan) => [plan.source, plan]));
  return pairs.filter((pair) => {
    const plan = bySource.get(pair.source.name);
    return plan !== undefined && isPlain(plan, pair) && isSettled(run, { plan, pair });
  });
}
