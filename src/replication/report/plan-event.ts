// The `plan` event: what an attempt is about to do, or what `mode: plan` would have it do.
import type { RunContext } from '../../base/run-context';
import type { ReplicationPlan } from '../plan/plan-types';

/** Sentence for the event and the log. */
function describe({ datasets }: ReplicationPlan): string {
  const counts = new Map<string, number>();
  for (const { action, refusal } of datasets) {
    const key = refusal ? 'refused' : action;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([action, count]) => `${count} ${action}`).join(', ');
}

/** `estimates`: bytes by source dataset. */
export function tellPlan(plan: ReplicationPlan, estimates: ReadonlyMap<string, number>, ctx: RunContext): void {
  ctx.emit({
    event: 'plan',
    level: 'info',
    message: describe(plan),
    placeholders: plan.placeholders,
    replaced: plan.replaced,
    datasets: plan.datasets.map((dataset) => ({
      source: dataset.source,
      target: dataset.target,
      state: dataset.state,
      action: dataset.action,
      base: dataset.base,
      prepare: dataset.prepare,
      resume: dataset.resume ? { to: dataset.resume.to.name, bytesThere: dataset.resume.bytesThere } : null,
      steps: dataset.steps.map(({ from, to, intermediates, snapshots }) => ({
        from: from ? `${from.dataset ?? ''}${from.kind === 'bookmark' ? '#' : '@'}${from.name}` : null,
        to: `@${to.name}`,
        intermediates,
        snapshots: snapshots.length,
      })),
      estimatedBytes: estimates.get(dataset.source) ?? 0,
      ...(dataset.stream === '' ? {} : { stream: dataset.stream }),
      reasons: dataset.reasons,
      ...(dataset.refusal ? { refusal: dataset.refusal } : {}),
    })),
  });
}
