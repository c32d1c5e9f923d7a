// What the target's own policy would delete as soon as it has arrived is not sent (pure): the policy is applied to what the
// target has and will have. The newest wanted snapshot is always sent (retention.md, rule 16).
import type { ClockEvidence } from '../../retention/plan/guards';
import { planRetention } from '../../retention/plan/plan';
import type { SnapshotRecord } from '../../zfs/records';
import type { TargetPolicy } from '../setup/target-policy';
import type { ListedPair } from './listed-pair';
import { inOrder } from './target-state';

const UNLIMITED = { maxDestroyFraction: 1, maxDestroyCount: Number.MAX_SAFE_INTEGER };

/** As if it were on the target already, with nothing that protects it: only the policy's rules count here. */
function onTarget(record: SnapshotRecord, target: string): SnapshotRecord {
  return { ...record, dataset: target, userrefs: 0, clones: [] };
}

function goes(
  pair: ListedPair,
  coming: readonly SnapshotRecord[],
  policy: TargetPolicy,
  clock: ClockEvidence,
): Set<string> {
  // Target first, source after: createtxg orders within each side only, so the virtual order is made by position.
  const there = inOrder(pair.targetSnapshots).filter(({ guid }) => !coming.some((record) => record.guid === guid));
  const snapshots = [...there, ...coming].map((record, index) => ({
    ...onTarget(record, pair.target),
    createtxg: String(index + 1),
  }));
  const plan = planRetention({
    snapshots,
    ...policy,
    ageFrom: 'creation',
    scheduleByName: true,
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
 * The wanted GUIDs without those that would go at once. Needs `creation` on both sides' records; without it, and without a
 * policy, everything stays wanted.
 */
export function withoutShortLived(
  pair: ListedPair,
  policy: TargetPolicy | null,
  clock: ClockEvidence,
): ReadonlySet<string> {
  if (policy === null) return pair.wanted;
  const there = new Set(pair.targetSnapshots.map(({ guid }) => guid));
  const snapshots = inOrder(pair.sourceRecords.filter(({ kind }) => kind === 'snapshot'));
  const coming = snapshots.filter(({ guid }) => pair.wanted.has(guid) && !there.has(guid));
  const newest = coming.at(-1)?.guid;
  const drop = goes(pair, coming, policy, clock);
  return new Set([...pair.wanted].filter((guid) => guid === newest || there.has(guid) || !drop.has(guid)));
}
