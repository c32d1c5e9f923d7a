// What a replication does to each dataset, decided from listings alone (pure). Everything that can be refused is
// refused here, before the first step of any dataset; the same plan is what `mode: plan` shows and what runs.
import { groupBy } from '../../base/group-by';
import { above, type DatasetRecord } from '../../zfs/records';
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
    for (const parent of above(dataset)) if (!existing.has(parent) && !will.has(parent)) missing.add(parent);
  }
  return [...missing].toSorted((a, b) => a.split('/').length - b.split('/').length || (a < b ? -1 : 1));
}

const UNENCRYPTED: ParentEncryption = { encrypted: false, locked: false, encryptionRoot: '' };

const REFUSE = { whenDiverged: 'refuse' } as const;

/** Datasets that have their key from another one, by the name of that. */
type Heirs = ReadonlyMap<string, readonly string[]>;

function heirsIn(datasets: readonly DatasetRecord[]): Heirs {
  const heirs = datasets.filter(({ name, encryptionRoot }) => name !== encryptionRoot);
  const groups = groupBy(heirs, ({ encryptionRoot }) => encryptionRoot);
  return new Map([...groups].map(([root, of]) => [root, of.map(({ name }) => name)]));
}

/** Who has a key from whom, and what is below a target: by name, since there may be thousands to be asked about. */
class Around {
  private readonly plans = new Map<string, DatasetPlan>();
  private readonly parents: ReadonlySet<string>;
  private readonly own: Heirs;
  private readonly foreign: Heirs;

  constructor(
    private readonly sources: ReadonlyMap<string, PairInput>,
    { pairs, others = [], existing }: PlanInput,
  ) {
    this.parents = new Set([...existing].flatMap((name) => [...above(name)]));
    this.own = heirsIn(pairs.flatMap(({ targetDataset }) => targetDataset ?? []));
    this.foreign = heirsIn(others.map(({ dataset }) => dataset));
  }

  planned(plan: DatasetPlan): void {
    this.plans.set(plan.source, plan);
  }

  of({ source, target, targetDataset }: PairInput): Pick<Surroundings, 'keyRoot' | 'heirs' | 'hasChildren'> {
    const root = this.sources.get(source.encryptionRoot);
    const plan = this.plans.get(source.encryptionRoot);
    return {
      keyRoot: root
        ? { source: root.source.name, at: root.targetDataset?.name ?? '', isSent: plan?.raw === true && sends(plan) }
        : null,
      heirs: {
        own: (targetDataset && this.own.get(targetDataset.name)) ?? [],
        foreign: (targetDataset && this.foreign.get(targetDataset.name)) ?? [],
      },
      hasChildren: this.parents.has(target),
    };
  }
}

function planAll(input: PlanInput): ReplicationPlan {
  const { pairs, ancestors, existing, options } = input;
  const known = new Map(ancestors.map((dataset) => [dataset.name, encryptionOf(dataset)]));
  for (const { targetDataset } of pairs) if (targetDataset) known.set(targetDataset.name, encryptionOf(targetDataset));
  const { turns, replaced } = planTurns(input, (pair, state) => answerState(pair, state, REFUSE).refusal);
  const datasets: DatasetPlan[] = [];
  const sources = new Map(pairs.map((pair) => [pair.source.name, pair]));
  const targets = new Set(pairs.map(({ target }) => target));
  const around = new Around(sources, input);
  for (const pair of pairs) {
    const turn = turns.get(pair.target);
    if (!turn) continue;
    const higher = [...above(pair.target)];
    const parent = known.get(higher.find((name) => known.has(name)) ?? '') ?? UNENCRYPTED;
    const isRoot = !higher.some((name) => targets.has(name));
    const originGuid = originOf(pair, sources)?.snapshot.guid ?? null;
    const planned = planPair(turn, { isRoot, parent, originGuid, input, ...around.of(pair) });
    known.set(pair.target, planned.above);
    datasets.push(planned.plan);
    around.planned(planned.plan);
  }
  // A dataset that exists has parents that exist, listed or not.
  const there = new Set([...existing, ...ancestors.map(({ name }) => name)].flatMap((name) => [name, ...above(name)]));
  const needed = datasets.filter((plan) => plan.refusal === null && (sends(plan) || plan.prepare.length > 0));
  return {
    placeholders: missingParents(
      needed.map(({ target }) => target),
      there,
    ),
    datasets: planStreams(planClones(datasets, sources, options), input),
    replaced,
  };
}

/** The plan for everything that discovery found; see `hold-back.ts` for what one refusal means for the others. */
export function planReplication(input: PlanInput): ReplicationPlan {
  return holdBack(input, planAll);
}
