// The identity of plans, and those that may still be approved by their id. In memory only: after a restart a plan is
// approved by sending it whole, or made again; nothing that protects data depends on it.
import { createHash } from 'node:crypto';
import type { PruneItem, PruneResult } from '../options';

/** What identifies an item of a plan: the name too, so that a renamed snapshot makes the plan stale. */
export type PlanItem = Pick<PruneItem, 'dataset' | 'name' | 'guid'>;

export interface StoredPlan {
  readonly planId: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly destroy: readonly PlanItem[];
}

const MOST_PLANS = 100;
const plans = new Map<string, StoredPlan>();

export const itemKey = ({ dataset, name, guid }: PlanItem): string => `${dataset}@${name} ${guid}`;

/** Equal for plans that destroy the same snapshots on the same host. */
export function planId(connection: string, items: readonly PlanItem[]): string {
  // One by one: a plan may have a hundred thousand items, whose whole text would be large for a moment.
  const hash = createHash('sha256').update(JSON.stringify(connection));
  for (const key of items.map(itemKey).toSorted()) hash.update(JSON.stringify(key));
  return hash.digest('hex').slice(0, 24);
}

/** Keeps a plan for a later approval; the one made longest ago goes when there are too many. */
export function rememberPlan(plan: Pick<PruneResult, 'planId' | 'createdAt' | 'destroy'>): void {
  const destroy = plan.destroy.map(({ dataset, name, guid }) => ({ dataset, name, guid }));
  plans.delete(plan.planId);
  plans.set(plan.planId, { planId: plan.planId, createdAt: Date.parse(plan.createdAt), destroy });
  for (const id of plans.keys()) {
    if (plans.size <= MOST_PLANS) break;
    plans.delete(id);
  }
}

export function recallPlan(id: string): StoredPlan | undefined {
  return plans.get(id);
}
