// Which trees travel as one `send -R` stream (pure): with `fullFilesystem`, the first copy of a whole tree of which nothing
// is on the target yet. Everything else goes dataset by dataset, clones from their origins, which keeps the same: the
// receiver of an incremental `-R` stream renames datasets of the target by itself, with `-F` it destroys some (seen on 2.1
// and 2.4), and neither could be planned, refused or resumed. What a stream that was cut had begun is resumed as well.
import { isWithin } from '../../zfs/records';
import type { DatasetPlan, PairInput, PlanInput } from './plan-types';

type Options = PlanInput['options'];

/** `send -R` sends all snapshots up to one that every dataset has; without it, it leaves the dataset out (exit code 0). */
function sendsAll({ steps }: DatasetPlan, { sourceRecords }: PairInput, last: string | undefined): boolean {
  const sent = steps.flatMap(({ snapshots }) => snapshots);
  const there = sourceRecords.filter(({ kind }) => kind === 'snapshot');
  return sent.length > 0 && sent.length === there.length && sent.at(-1)?.name === last;
}

/** The receiver finds the origin among what came before, or fails. */
function findsOrigin({ origin }: DatasetPlan, { source }: PairInput, tree: readonly DatasetPlan[]): boolean {
  return source.origin === '' || tree.some(({ target }) => target === origin?.dataset);
}

function isFirst(plan: DatasetPlan, { source }: PairInput): boolean {
  const nothingThere = plan.state === 'INITIAL' && plan.prepare.length === 0 && plan.resume === null;
  // ZFS does not send properties with a decrypted stream; a stream has one encryption root at most; marks of ours that the
  // source has as a copy of something else can be kept out of a single dataset only (`-x`, before 2.2).
  const asItIs = plan.properties && plan.encryption === 'none' && Object.keys(source.userProperties).length === 0;
  return plan.refusal === null && nothingThere && asItIs;
}

function travelsWhole(tree: readonly DatasetPlan[], pairs: ReadonlyMap<string, PairInput>): boolean {
  const [root, second] = tree;
  if (!root || !second) return false;
  const last = root.steps.at(-1)?.to.name;
  return tree.every((plan) => {
    const pair = pairs.get(plan.source);
    const alike = plan.raw === root.raw && plan.embeddedBlocks === root.embeddedBlocks;
    return pair && alike && isFirst(plan, pair) && sendsAll(plan, pair, last) && findsOrigin(plan, pair, tree);
  });
}

/** The plans, with those that travel together marked. */
export function planStreams(
  datasets: readonly DatasetPlan[],
  { pairs, options, wholeTrees }: Pick<PlanInput, 'pairs' | 'wholeTrees'> & { options: Options },
): DatasetPlan[] {
  // `-o` of a `-R` stream is for its root, and inherited below; ours are for every dataset.
  const overrides = Object.keys(options.propertiesOverride).length > 0;
  if (!options.fullFilesystem || wholeTrees === false || overrides) return [...datasets];
  const bySource = new Map(pairs.map((pair) => [pair.source.name, pair]));
  const roots = options.sourceDatasets.filter((root) => {
    const inTree = datasets.filter(({ source }) => isWithin(source, root));
    return inTree[0]?.source === root && travelsWhole(inTree, bySource);
  });
  return datasets.map((plan) => {
    const stream = roots.find((root) => isWithin(plan.source, root));
    if (stream === undefined) return plan;
    return { ...plan, stream, reasons: [...plan.reasons, `travels in one stream of the whole tree "${stream}"`] };
  });
}
