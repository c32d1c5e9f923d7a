// Clones stay clones (pure): the first copy of a source that is a clone is sent as an incremental from its origin, where
// the target has, or gets in this run, the origin's snapshot. Dataset by dataset, so that it can be resumed.
import { isWithin, type SnapshotRecord } from '../zfs/records';
import type { DatasetPlan, PairInput } from './plan-types';

export interface Origin {
  /** Pair of the dataset that it is a clone of. */
  pair: PairInput;
  /** The snapshot that both have in common. */
  snapshot: SnapshotRecord;
}

/** What a source dataset was cloned from, where that is replicated by the same job. */
export function originOf(pair: PairInput, pairs: readonly PairInput[]): Origin | null {
  const [dataset, name] = pair.source.origin.split('@');
  const origin = pairs.find(({ source }) => source.name === dataset);
  const snapshot = origin?.sourceRecords.find((record) => record.kind === 'snapshot' && record.name === name);
  return origin && snapshot ? { pair: origin, snapshot } : null;
}

/** Name of the origin's snapshot on the target once its own plan was carried out; null when it will not be there. */
function nameThere(plan: DatasetPlan, { pair, snapshot }: Origin): string | null {
  if (plan.refusal) return null;
  const sent = [...(plan.resume ? [plan.resume.to] : []), ...plan.steps.flatMap(({ snapshots }) => snapshots)];
  const kept = plan.initial ? [] : pair.targetSnapshots;
  return [...sent, ...kept].find(({ guid }) => guid === snapshot.guid)?.name ?? null;
}

/** True when `from` waits, by way of parents and origins, for `target`. */
function waitsFor(from: string, target: string, plans: ReadonlyMap<string, DatasetPlan>): boolean {
  const seen = new Set<string>();
  const visit = (name: string): boolean => {
    if (isWithin(name, target)) return true;
    if (seen.has(name)) return false;
    seen.add(name);
    return [...plans.values()].some(({ target: above, origin }) => {
      return origin !== null && isWithin(name, above) && visit(origin.dataset);
    });
  };
  return visit(from);
}

/** The plan as a clone of what `origin` names on the target; unchanged where that is not possible. */
function asClone(plan: DatasetPlan, origin: Origin, plans: ReadonlyMap<string, DatasetPlan>): DatasetPlan {
  const [first, ...rest] = plan.steps;
  const of = plans.get(origin.pair.target);
  const isFirstCopy = plan.initial && plan.state === 'INITIAL' && !plan.resume && plan.prepare.length === 0;
  if (!isFirstCopy || !first || first.from !== null || !of) return plan;
  // Encrypted clones share the key of their origin: what is encrypted at the target, or travels raw, is sent in full.
  const isPlain = ({ raw, encryption }: DatasetPlan): boolean => !raw && encryption === 'none';
  const name = nameThere(of, origin);
  if (name === null || !isPlain(plan) || !isPlain(of)) return plan;
  if (waitsFor(of.target, plan.target, plans)) return plan;
  const { dataset, guid, name: onSource } = origin.snapshot;
  const from = { kind: 'snapshot' as const, dataset, name: onSource, guid };
  return {
    ...plan,
    origin: { dataset: of.target, snapshot: `${of.target}@${name}` },
    steps: [{ ...first, from }, ...rest],
    reasons: [...plan.reasons, `stays a clone: sent from its origin ${dataset}@${onSource}`],
  };
}

/** Makes clones of the first copies that can be. */
export function planClones(datasets: readonly DatasetPlan[], pairs: readonly PairInput[]): DatasetPlan[] {
  const plans = new Map(datasets.map((plan) => [plan.target, plan]));
  for (const pair of pairs) {
    const plan = plans.get(pair.target);
    const origin = pair.source.origin !== '' && pair.source.encryption === 'off' ? originOf(pair, pairs) : null;
    if (plan && origin) plans.set(pair.target, asClone(plan, origin, plans));
  }
  return [...plans.values()];
}
