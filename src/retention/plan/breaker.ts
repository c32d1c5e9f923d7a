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

const HOUR_MS = 3_600_000;

/** What is suspicious about a clock that was set by `jump` ms meanwhile. */
function jumpReason(jump: number): string {
  const hours = Math.abs(jump) / HOUR_MS;
  const much = hours < 48 ? `${Math.round(hours)} hours` : `${Math.round(hours / 24)} days`;
  return `this machine's clock was set ${jump > 0 ? 'ahead' : 'back'} by about ${much} while Node-RED was running, and no other machine confirms it`;
}

/** Sentences about what is suspicious; none when the plan may be executed. `counts`: of each dataset; `jump`: as in `ClockEvidence`. */
export function breakerReasons(
  counts: ReadonlyMap<string, { readonly inScope: number; readonly destroy: number }>,
  limits: BreakerLimits,
  jump = 0,
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
  if (total > 0 && jump !== 0) reasons.push(jumpReason(jump));
  return reasons;
}
