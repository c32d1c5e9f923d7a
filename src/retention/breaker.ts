// The circuit breaker: a plan that would destroy suspiciously much is not executed without somebody's approval
// (retention.md, rule 19). It looks at the plan alone, so a change of policy by itself does not trip it. Pure.

/** With so many snapshots in scope or fewer a share says nothing, unless whoever asks for the prune knows better. */
const FEW = 10;

export interface BreakerLimits {
  /** Share (0 to 1) of one dataset's snapshots in scope. */
  readonly maxDestroyFraction: number;
  readonly maxDestroyCount: number;
  readonly fractionAbove?: number;
}

/** Sentences about what is suspicious; none when the plan may be executed. `counts`: of each dataset. */
export function breakerReasons(
  counts: ReadonlyMap<string, { readonly inScope: number; readonly destroy: number }>,
  limits: BreakerLimits,
): string[] {
  const reasons: string[] = [];
  let total = 0;
  for (const [dataset, { inScope, destroy }] of counts) {
    total += destroy;
    if (inScope > (limits.fractionAbove ?? FEW) && destroy > inScope * limits.maxDestroyFraction) {
      const percent = Math.round(limits.maxDestroyFraction * 1000) / 10;
      reasons.push(`${destroy} of the ${inScope} snapshots in scope of ${dataset} would go, more than ${percent} %`);
    }
  }
  if (total > limits.maxDestroyCount) {
    reasons.push(`${total} snapshots would go in all, more than ${limits.maxDestroyCount}`);
  }
  return reasons;
}
