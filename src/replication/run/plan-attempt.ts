// Looks at both sides, plans an attempt and tells the plan, changing nothing. Every retry begins here again, so that nothing is ever done
// on the strength of an old listing.
import { ZfsFlowError } from '../../base/errors';
import { discover, type Discovery, type Lister } from '../discover/discover';
import { lackingFeatures } from '../discover/pool-features';
import { measure, type Sizes } from '../discover/sizes';
import { AttemptFailure } from '../execute/attempt-failure';
import { limitWarning } from '../execute/limited-transfer';
import { planReplication } from '../plan/plan';
import type { PlanInput, ReplicationPlan } from '../plan/plan-types';
import { tellPlan } from '../report/plan-event';
import { twinPoolWarning } from '../setup/meeting';
import type { Run } from '../setup/run';
import { isWithin } from '../../zfs/records';
import type { RunState } from './run-state';
import { objections } from '../discover/objections';

/** What is there. */
export interface Sight extends Required<Pick<PlanInput, 'lacking'>> {
  discovery: Discovery;
}

/** What is there, and what is to be done about it. */
export interface PlannedAttempt {
  discovery: Discovery;
  plan: ReplicationPlan;
  sizes: Sizes;
}

/**
 * Throws whatever a listing fails with, and, never to be looked at again, DATASET_NOT_FOUND when no source dataset exists.
 */
export async function look(run: Run, list?: Lister): Promise<Sight> {
  const [discovery, lacking] = await Promise.all([discover(run, run.ctx, list), lackingFeatures(run, run.ctx)]);
  if (discovery.missingSources.length === run.options.sourceDatasets.length) {
    const [dataset = ''] = discovery.missingSources;
    throw new AttemptFailure(missing(dataset, run.source.label), 'giveUp');
  }
  return { discovery, lacking };
}

/** A source dataset that was asked for. */
export function missing(dataset: string, host: string): ZfsFlowError {
  return new ZfsFlowError('DATASET_NOT_FOUND', `dataset "${dataset}" does not exist on ${host}`, { dataset, host });
}

/** What was seen, as the plan is made from it. */
export function planInput(
  { options }: Run,
  { stuck, given, keepLargeBlocks, isFirstAttempt }: RunState,
  { discovery, lacking }: Sight,
): PlanInput {
  const lost = [...given.keys()];
  const pairs = stuck
    .mark(discovery.pairs)
    .filter(({ source }) => !lost.some((failed) => isWithin(source.name, failed)));
  const failed = [...lost, ...discovery.missingSources][0];
  return {
    pairs,
    ancestors: discovery.ancestors,
    existing: discovery.existing,
    others: discovery.others,
    options,
    lacking,
    keepLargeBlocks,
    wholeTrees: isFirstAttempt,
    ...(failed === undefined ? {} : { heldBackFor: `"${failed}" failed` }),
  };
}

/** The plan for what was seen, after a closer look at what it would destroy or displace. */
export async function planAttempt(run: Run, state: RunState, sight: Sight): Promise<PlannedAttempt> {
  const { ctx } = run;
  const { discovery } = sight;
  const input = planInput(run, state, sight);
  const plan = planReplication(input);
  const sizes = await measure(run, plan.datasets, ctx);
  const found = await objections(run, plan, sizes, input.pairs, ctx);
  if (found.size === 0) return { discovery, plan, sizes };
  const careful = planReplication({ ...input, objections: found });
  return { discovery, plan: careful, sizes: await measure(run, careful.datasets, ctx) };
}

/**
 * Tells the plan. Throws NO_SNAPSHOTS where nothing is to be sent and nothing is there, unless a run would take a snapshot
 * first: a mistake, not a success.
 */
export function announce(run: Run, { plan, sizes, discovery }: PlannedAttempt, takesFirst = false): void {
  const { options, source, ctx } = run;
  tellPlan(plan, sizes.estimates, ctx);
  const { datasets } = plan;
  if (takesFirst || datasets.length === 0) return;
  if (datasets.some(({ action, refusal }) => action !== 'skip' || refusal !== null)) return;
  const any = discovery.pairs.some(({ sourceRecords }) => sourceRecords.some(({ kind }) => kind === 'snapshot'));
  const check = 'Check the selection';
  throw new ZfsFlowError(
    'NO_SNAPSHOTS',
    any ? 'none of the source snapshots is selected' : `"${options.sourceDatasets.join('", "')}" has no snapshots`,
    {
      host: source.label,
      hint:
        options.createSnapshot === 'never'
          ? `${check}, or let createSnapshot take one.`
          : `${check}; createSnapshot takes none that would not be selected.`,
    },
  );
}

/** What is on the target and not, or no more, on the source. */
function abandonedWarning({ abandoned }: Discovery): string[] {
  if (abandoned.length === 0) return [];
  const shown = abandoned.slice(0, 5).join('", "');
  const more = abandoned.length > 5 ? ` and ${abandoned.length - 5} more` : '';
  return [`not on the source (any more), left alone on the target: "${shown}"${more}`];
}

/** What is to be said of a run as a whole, before it begins. */
export function runWarnings(run: Run, { discovery }: PlannedAttempt): string[] {
  return [...abandonedWarning(discovery), ...limitWarning(run), ...twinPoolWarning(run, run.targetPoolGuid)];
}
