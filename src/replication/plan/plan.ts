// What a replication does to each dataset, decided from listings alone (pure). Everything that can be refused is
// refused here, before the first step of any dataset; the same plan is what `mode: plan` shows and what runs.
import { isWithin } from '../../zfs/records';
import { originOf, planClones } from './clones';
import { encryptionOf, type ParentEncryption } from './encryption';
import { holdBack } from './hold-back';
import { sends } from './plan-facts';
import { planPair } from './plan-pair';
import type { DatasetPlan, PlanInput, ReplicationPlan } from './plan-types';
import { answerState } from './refusals';
import { planTurns } from './set-aside';
import { planStreams } from './whole-trees';

/** Target datasets that have to exist so that `needed` can be received, and neither do nor will: outermost first. */
function missingParents(needed: readonly string[], existing: ReadonlySet<string>): string[] {
  const will = new Set(needed);
  const missing = new Set<string>();
  for (const dataset of needed) {
    const parts = dataset.split('/');
    for (let length = 1; length < parts.length; length++) {
      const parent = parts.slice(0, length).join('/');
      if (!existing.has(parent) && !will.has(parent)) missing.add(parent);
    }
  }
  return [...missing].toSorted((a, b) => a.split('/').length - b.split('/').length || (a < b ? -1 : 1));
}

/** A dataset that exists has parents that exist, listed or not. */
function withParents(dataset: string): string[] {
  const parts = dataset.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

const UNENCRYPTED: ParentEncryption = { encrypted: false, locked: false, encryptionRoot: '' };

const REFUSE = { whenDiverged: 'refuse' } as const;

function planAll(input: PlanInput): ReplicationPlan {
  const { pairs, ancestors, existing, options } = input;
  const known = new Map(ancestors.map((dataset) => [dataset.name, encryptionOf(dataset)]));
  for (const { targetDataset } of pairs) if (targetDataset) known.set(targetDataset.name, encryptionOf(targetDataset));
  const { turns, replaced } = planTurns(input, (pair, state) => answerState(pair, state, REFUSE).refusal);
  const datasets: DatasetPlan[] = [];
  for (const pair of pairs) {
    const turn = turns.get(pair.target);
    if (!turn) continue;
    const above = [...known].filter(([name]) => name !== pair.target && isWithin(pair.target, name));
    const parent = above.toSorted(([a], [b]) => b.length - a.length)[0]?.[1] ?? UNENCRYPTED;
    const isRoot = !pairs.some((other) => other !== pair && isWithin(pair.target, other.target));
    const originGuid = originOf(pair, pairs)?.snapshot.guid ?? null;
    const planned = planPair(turn, { isRoot, parent, originGuid, input });
    known.set(pair.target, planned.above);
    datasets.push(planned.plan);
  }
  const there = new Set([...existing, ...ancestors.map(({ name }) => name)].flatMap(withParents));
  const needed = datasets.filter((plan) => plan.refusal === null && (sends(plan) || plan.prepare.length > 0));
  return {
    placeholders: missingParents(
      needed.map(({ target }) => target),
      there,
    ),
    datasets: planStreams(planClones(datasets, pairs, options), input),
    replaced,
  };
}

/** The plan for everything that discovery found; see `hold-back.ts` for what one refusal means for the others. */
export function planReplication(input: PlanInput): ReplicationPlan {
  return holdBack(input, planAll);
}
