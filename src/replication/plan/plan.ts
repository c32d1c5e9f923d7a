// What a replication does to each dataset, decided from listings alone (pure). Everything that can be refused is
// refused here, before the first step of any dataset; the same plan is what `mode: plan` shows and what runs.
import { isWithin, type DatasetRecord } from '../../zfs/records';
import { originOf, planClones } from './clones';
import { encryptionOf, type ParentEncryption } from './encryption';
import { holdBack } from './hold-back';
import { sends } from './plan-facts';
import { planPair, type Surroundings } from './plan-pair';
import type { DatasetPlan, PairInput, PlanInput, ReplicationPlan } from './plan-types';
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

/** Who has a key from whom, and what is below a target. */
function keysAround(
  { source, target, targetDataset }: PairInput,
  planned: readonly DatasetPlan[],
  { pairs, others = [], existing }: PlanInput,
): Pick<Surroundings, 'keyRoot' | 'heirs' | 'hasChildren'> {
  const root = pairs.find((pair) => pair.source.name === source.encryptionRoot);
  const plan = planned.find((dataset) => dataset.source === source.encryptionRoot);
  const inherits = (dataset: DatasetRecord): boolean =>
    dataset.encryptionRoot === targetDataset?.name && dataset.name !== dataset.encryptionRoot;
  const names = (datasets: readonly (DatasetRecord | null)[]): string[] =>
    datasets.flatMap((dataset) => (dataset && inherits(dataset) ? dataset.name : []));
  return {
    keyRoot: root
      ? { source: root.source.name, at: root.targetDataset?.name ?? '', isSent: plan?.raw === true && sends(plan) }
      : null,
    heirs: {
      own: names(pairs.map((pair) => pair.targetDataset)),
      foreign: names(others.map(({ dataset }) => dataset)),
    },
    hasChildren: [...existing].some((name) => name !== target && isWithin(name, target)),
  };
}

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
    const planned = planPair(turn, { isRoot, parent, originGuid, input, ...keysAround(pair, datasets, input) });
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
