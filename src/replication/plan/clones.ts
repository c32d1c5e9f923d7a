// Clones stay clones (pure): the first copy of a source that is a clone is sent as an incremental from its origin, where
// the target has, or gets in this run, the origin's snapshot. Dataset by dataset, so that it can be resumed.
import { above, isWithin, type SnapshotRecord } from '../../zfs/records';
import { deliveries } from './plan-facts';
import type { DatasetPlan, PairInput, PlanInput } from './plan-types';

type Options = PlanInput['options'];

export interface Origin {
  /** Pair of the dataset that it is a clone of. */
  pair: PairInput;
  /** The snapshot that both have in common. */
  snapshot: SnapshotRecord;
}

/** What a source dataset was cloned from (`sources`: pairs by source dataset), where that is replicated by the same job. */
export function originOf(pair: PairInput, sources: ReadonlyMap<string, PairInput>): Origin | null {
  if (pair.source.origin === '') return null;
  const [dataset = '', name] = pair.source.origin.split('@');
  const origin = sources.get(dataset);
  const snapshot = origin?.sourceRecords.find((record) => record.kind === 'snapshot' && record.name === name);
  return origin && snapshot ? { pair: origin, snapshot } : null;
}

/** Name of the origin's snapshot on the target once its own plan was carried out; null when it will not be there. */
function nameThere(plan: DatasetPlan, { pair, snapshot }: Origin): string | null {
  if (plan.refusal) return null;
  const kept = plan.initial ? [] : pair.targetSnapshots;
  return [...deliveries(plan), ...kept].find(({ guid }) => guid === snapshot.guid)?.name ?? null;
}

/** True when `from` waits, by way of parents and origins, for `target`. */
function waitsFor(from: string, target: string, plans: ReadonlyMap<string, DatasetPlan>): boolean {
  const seen = new Set<string>();
  const visit = (name: string): boolean => {
    if (isWithin(name, target)) return true;
    if (seen.has(name)) return false;
    seen.add(name);
    return [name, ...above(name)].some((one) => {
      const origin = plans.get(one)?.origin ?? null;
      return origin !== null && visit(origin.dataset);
    });
  };
  return visit(from);
}

/** Whether the copy of the origin is, or will be, encrypted at the target. */
function isEncryptedThere(of: DatasetPlan, { targetDataset }: PairInput): boolean {
  return of.raw || of.encryption !== 'none' || (targetDataset?.encryption ?? 'off') !== 'off';
}

/**
 * A clone has its origin's encryption and key, raw or not (shown on 2.1 and 2.4). Gives the encryption root to load first,
 * '' for none; null where the copy of the origin is not encrypted as this one is to be, or its key is not to be had.
 */
function keyFor(plan: DatasetPlan, of: DatasetPlan, origin: PairInput, options: Options): string | null {
  if (plan.raw !== of.raw) return null;
  if (plan.raw) return '';
  const encrypts = plan.encryption !== 'none';
  if (encrypts !== isEncryptedThere(of, origin)) return null;
  const { encryptionRoot = '', keyStatus = '' } = origin.targetDataset ?? {};
  if (!encrypts || keyStatus !== 'unavailable') return plan.loadKey;
  return options.encryption === 'key' && isWithin(encryptionRoot, options.targetDataset) ? encryptionRoot : null;
}

/** The plan as a clone of what `origin` names on the target; unchanged where that is not possible. */
function asClone(
  plan: DatasetPlan,
  origin: Origin,
  plans: ReadonlyMap<string, DatasetPlan>,
  options: Options,
): DatasetPlan {
  const [first, ...rest] = plan.steps;
  const of = plans.get(origin.pair.target);
  const isFirstCopy = plan.initial && plan.state === 'INITIAL' && !plan.resume && plan.prepare.length === 0;
  if (!isFirstCopy || !first || first.from !== null || !of) return plan;
  const name = nameThere(of, origin);
  const loadKey = keyFor(plan, of, origin.pair, options);
  if (name === null || loadKey === null) return plan;
  if (waitsFor(of.target, plan.target, plans)) return plan;
  const { dataset, guid, name: onSource } = origin.snapshot;
  const from = { kind: 'snapshot' as const, dataset, name: onSource, guid };
  return {
    ...plan,
    loadKey,
    origin: { dataset: of.target, snapshot: `${of.target}@${name}` },
    steps: [{ ...first, from }, ...rest],
    reasons: [...plan.reasons, `stays a clone: sent from its origin ${dataset}@${onSource}`],
  };
}

/** Makes clones of the first copies that can be; `sources`: pairs by source dataset. */
export function planClones(
  datasets: readonly DatasetPlan[],
  sources: ReadonlyMap<string, PairInput>,
  options: Options,
): DatasetPlan[] {
  const plans = new Map(datasets.map((plan) => [plan.target, plan]));
  for (const pair of sources.values()) {
    const plan = plans.get(pair.target);
    const origin = originOf(pair, sources);
    if (plan && origin) plans.set(pair.target, asClone(plan, origin, plans, options));
  }
  return [...plans.values()];
}
