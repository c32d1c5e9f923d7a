// All checks of all datasets come before the first destructive step (pure): where anything of a run is refused, nothing
// is rolled back, set aside or recreated in it, and what needed that is refused with the reason.
import type { DatasetPlan, PlanInput, Refusal, ReplicationPlan } from './plan-types';

/** Steps that must not run beside a refusal. Bringing back what an interrupted run had set aside is not one of them. */
function isDrastic({ prepare, refusal }: DatasetPlan): boolean {
  return refusal === null && prepare.some((step) => step.do === 'rollback' || step.do === 'setAside');
}

function heldBack(refusal: Refusal, mode: string, why: string): Refusal {
  return {
    ...refusal,
    hint: `whenDiverged "${mode}" was not carried out, because nothing drastic is done in a run in which something else fails: ${why}`,
    heldBackFor: why,
  };
}

/**
 * Plans with `plan`, and once more without `whenDiverged` when something drastic was planned beside a refusal, an
 * objection to it, or what the input says has failed.
 */
export function holdBack(input: PlanInput, plan: (input: PlanInput) => ReplicationPlan): ReplicationPlan {
  const bold = plan(input);
  const { objections = new Map<string, Refusal>(), heldBackFor } = input;
  const first = bold.datasets.find(({ refusal }) => refusal !== null);
  const objected = bold.datasets.find(({ source }) => objections.has(source));
  const why =
    heldBackFor ??
    (objected ? `${objected.source}: ${objections.get(objected.source)?.message ?? ''}` : undefined) ??
    (first ? `${first.source}: ${first.refusal?.message ?? ''}` : undefined);
  const drastic = bold.datasets.some(isDrastic);
  if (why === undefined) return bold;
  if (!drastic) return { ...bold, replaced: [] };
  const mode = input.options.whenDiverged;
  const careful = plan({ ...input, careful: true, options: { ...input.options, whenDiverged: 'refuse' } });
  const allowed = new Set(bold.datasets.filter(({ refusal }) => refusal === null).map(({ source }) => source));
  const refusals = new Map(bold.datasets.map(({ source, refusal }) => [source, refusal]));
  const datasets = careful.datasets.map((dataset): DatasetPlan => {
    const objection = objections.get(dataset.source);
    if (dataset.refusal === null) return dataset;
    if (objection) return { ...dataset, refusal: objection };
    if (!allowed.has(dataset.source)) return { ...dataset, refusal: refusals.get(dataset.source) ?? dataset.refusal };
    return { ...dataset, refusal: heldBack(dataset.refusal, mode, why) };
  });
  return { ...careful, datasets };
}
