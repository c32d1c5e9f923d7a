// A step of very many snapshots without the dataset's properties, but for its last. `zfs send -p` repeats them with each
// snapshot, and `zfs receive` sets them each time: for small snapshots that is about as much work as receiving them. What
// counts in the end is what comes last, so only the last snapshot brings them; unless some snapshot has properties of its
// own, which no other stream would bring.
import { snapshotsHaveProperties } from '../../zfs/get';
import { sendArgv, type SendStep } from '../../zfs/send';
import type { DatasetPlan } from '../plan/plan-types';
import { stepArgv, streamFlags } from '../plan/send-argv';
import type { Run } from '../setup/run';

/** From so many snapshots on it pays to ask for their properties, and for a stream more. */
const LONG = 100;

export interface StepSend {
  argv: string[];
  snapshots: SendStep['snapshots'];
  /** Brings the properties that the plan says; else the receive must set none. */
  properties: boolean;
}

/** Not what makes a dataset (a clone of another one, from its origin on): that needs its properties, encryption above all. */
const isLong = (plan: DatasetPlan, step: SendStep): boolean => {
  const makes = step.from === null || step.from.dataset !== undefined || (plan.initial && step === plan.steps[0]);
  return plan.properties && !plan.raw && !makes && step.intermediates && step.snapshots.length >= LONG;
};

function halves(plan: DatasetPlan, step: SendStep): StepSend[] {
  const before = step.snapshots.slice(0, -1);
  const last = before.at(-1);
  if (last === undefined) return [{ argv: stepArgv(plan, step), snapshots: step.snapshots, properties: true }];
  const bare = sendArgv({ ...step, to: last, snapshots: before }, { ...streamFlags(plan), properties: false });
  const from = { kind: 'snapshot' as const, ...last };
  const rest = { ...step, from, intermediates: false, snapshots: [step.to] };
  return [
    { argv: bare, snapshots: before, properties: false },
    { argv: stepArgv(plan, rest), snapshots: rest.snapshots, properties: true },
  ];
}

/**
 * Source datasets with long steps none of whose snapshots has properties of its own. Never rejects: of which it cannot be
 * said, all properties are sent with all.
 */
export async function withoutOwnProperties(run: Run, plans: readonly DatasetPlan[]): Promise<ReadonlySet<string>> {
  const long = plans.filter((plan) => plan.refusal === null && plan.steps.some((step) => isLong(plan, step)));
  const answers = await Promise.allSettled(
    long.map(({ source }) => snapshotsHaveProperties(run.source, source, run.ctx.signal)),
  );
  const none = long.filter((_, index) => {
    const answer = answers[index];
    return answer?.status === 'fulfilled' && !answer.value;
  });
  return new Set(none.map(({ source }) => source));
}

/** The streams of the planned steps, in order. `none`: no snapshot has properties of its own. */
export function stepSends(plan: DatasetPlan, none: boolean): StepSend[] {
  return plan.steps.flatMap((step) =>
    none && isLong(plan, step)
      ? halves(plan, step)
      : [{ argv: stepArgv(plan, step), snapshots: step.snapshots, properties: true }],
  );
}
