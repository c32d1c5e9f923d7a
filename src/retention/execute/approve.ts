// Judges an approval: what was approved, whether it is still valid, and whether every item of it would still be
// destroyed by this node's own policy right now (retention.md, rule 18). Pure but for the plans remembered.
import { invalidOption, ZfsFlowError } from '../../base/errors';
import { CLOCK_TOLERANCE_MS } from '../plan/guards';
import type { PruneItem } from '../options';
import { itemKey, recallPlan, type PlanItem, type StoredPlan } from './plan-store';

/** Differences named in the error. */
const MOST_DIFFERENCES = 100;

/** `destroyed`: how many had gone already when it turned out. */
export function stale(message: string, details?: Record<string, unknown>, destroyed = 0): ZfsFlowError {
  const far =
    destroyed === 0 ? 'Nothing was destroyed by this.' : `${destroyed} snapshots of it were destroyed before.`;
  return new ZfsFlowError('PLAN_STALE', message, {
    hint: `${far} Make a new plan and approve that one.`,
    ...(details ? { details } : {}),
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readItem(value: unknown): PlanItem {
  if (isObject(value)) {
    const { dataset, name, guid } = value;
    if (typeof dataset === 'string' && typeof name === 'string' && typeof guid === 'string')
      return { dataset, name, guid };
  }
  throw invalidOption('payload', 'an item of the approved plan is not {dataset, name, guid} of texts');
}

/** The plan that a message approves: a plan's id, or a plan. Throws INVALID_OPTIONS or PLAN_STALE. */
export function readApproval(approved: unknown): StoredPlan {
  const given = isObject(approved) ? approved : { planId: approved };
  const { planId, destroy, createdAt } = given;
  if (typeof planId !== 'string' || planId === '') {
    throw invalidOption('payload', 'mode approve needs an earlier plan or its planId in the payload');
  }
  const known = recallPlan(planId);
  if (destroy === undefined) {
    if (known) return known;
    throw stale(`the plan ${planId} is not known here; it is from before a restart, or too many were made since`);
  }
  if (!Array.isArray(destroy)) throw invalidOption('payload', 'destroy of the approved plan must be a list');
  const made = known?.createdAt ?? (typeof createdAt === 'string' ? Date.parse(createdAt) : NaN);
  // One that is named twice is one: destroyed once, it would be found to be gone the second time.
  const items = new Map(destroy.map(readItem).map((item) => [itemKey(item), item]));
  return { planId, createdAt: made, destroy: [...items.values()] };
}

/**
 * The items of `fresh` (what this node's policy would destroy now) that were approved. Throws PLAN_STALE when the plan
 * is too old or has an item that is not among them.
 */
export function approvedItems(
  plan: StoredPlan,
  fresh: { destroy: readonly PruneItem[]; keep: readonly PruneItem[] },
  now: number,
  planLifetime: number,
): PruneItem[] {
  const age = now - plan.createdAt;
  if (!Number.isFinite(age)) throw stale(`it is not known when the plan ${plan.planId} was made`);
  if (age < -CLOCK_TOLERANCE_MS) throw stale(`the plan ${plan.planId} is from the future; the clock was changed`);
  if (age > planLifetime) {
    throw stale(`the plan ${plan.planId} is ${Math.round(age / 60_000)} minutes old, more than it may be`);
  }
  const going = new Map(fresh.destroy.map((item) => [itemKey(item), item]));
  const items = plan.destroy.map((item) => going.get(itemKey(item)));
  const present = items.filter((item) => item !== undefined);
  if (present.length === items.length) return present;
  const keeping = new Map(fresh.keep.map((item) => [itemKey(item), item.reasons.join('; ')]));
  const differences = plan.destroy
    .filter((item) => !going.has(itemKey(item)))
    .map((item) => ({ ...item, why: keeping.get(itemKey(item)) ?? 'gone, renamed, replaced, or not in scope' }));
  const first = differences[0];
  throw stale(
    `the plan ${plan.planId} is no longer true for ${differences.length} of its ${plan.destroy.length} snapshots` +
      (first ? `, for instance ${first.dataset}@${first.name} (${first.why})` : ''),
    { differences: differences.slice(0, MOST_DIFFERENCES) },
  );
}
