// What the target's own policy would delete as soon as it has arrived is not sent (pure): the policy is applied to what the
// target has and will have. The newest wanted snapshot is always sent (retention.md, rule 16).
import { compileRules, compileScope } from '../../retention/plan/compile';
import type { ClockEvidence } from '../../retention/plan/guards';
import { planRetention } from '../../retention/plan/plan';
import type { SnapshotRecord } from '../../zfs/records';
import type { ReplicateOptions } from '../setup/options';
import type { PairInput } from './plan-types';
import { inOrder } from './target-state';
import { selectionScope } from '../retention/target-retention';

const UNLIMITED = { maxDestroyFraction: 1, maxDestroyCount: Number.MAX_SAFE_INTEGER };

/** As if it were on the target already, with nothing that protects it: only the policy's rules count here. */
function onTarget(record: SnapshotRecord, target: string): SnapshotRecord {
  return { ...record, dataset: target, userrefs: 0, clones: [] };
}

function goes(
  pair: PairInput,
  coming: readonly SnapshotRecord[],
  options: ReplicateOptions,
  clock: ClockEvidence,
): Set<string> {
  const { targetRetentionPolicy: policy, timeZone } = options;
  if (policy === null) return new Set();
  // Target first, source after: createtxg orders within each side only, so the virtual order is made by position.
  const there = inOrder(pair.targetSnapshots).filter(({ guid }) => !coming.some((record) => record.guid === guid));
  const snapshots = [...there, ...coming].map((record, index) => ({
    ...onTarget(record, pair.target),
    createtxg: String(index + 1),
  }));
  const plan = planRetention({
    snapshots,
    scope: compileScope(selectionScope(options), timeZone),
    rules: compileRules(policy, timeZone),
    ageFrom: 'creation',
    timeZone,
    clock,
    keepAtLeast: 1,
    neededElsewhere: new Map(),
    keepAll: new Map(),
    limits: UNLIMITED,
    minFree: null,
    pools: new Map(),
  });
  // Without limits only a clock that was set is in the breaker, and by a wrong date nothing is left out.
  if (plan.breaker.length > 0) return new Set();
  return new Set(plan.destroy.map(({ record }) => record.guid));
}

/**
 * The wanted GUIDs without those that would go at once. Needs `creation` on both sides' records; without it, and for other
 * retentions than `custom`, everything stays wanted.
 */
export function withoutShortLived(
  pair: PairInput,
  options: ReplicateOptions,
  clock: ClockEvidence,
): ReadonlySet<string> {
  if (options.targetRetention !== 'custom') return pair.wanted;
  const there = new Set(pair.targetSnapshots.map(({ guid }) => guid));
  const snapshots = inOrder(pair.sourceRecords.filter(({ kind }) => kind === 'snapshot'));
  const coming = snapshots.filter(({ guid }) => pair.wanted.has(guid) && !there.has(guid));
  const newest = coming.at(-1)?.guid;
  const drop = goes(pair, coming, options, clock);
  return new Set([...pair.wanted].filter((guid) => guid === newest || there.has(guid) || !drop.has(guid)));
}
