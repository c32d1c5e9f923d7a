// What would stop a rollback or a recreate half-way, found before the first destructive step of any dataset: no room for a
// copy beside the old one, and holds of others and clones of what is to go. ZFS itself would say so only when its turn comes.
import type { RunContext } from '../../base/run-context';
import { listHolds, type Hold } from '../../zfs/hold';
import { listSnapshots, listTrees } from '../../zfs/list';
import { TARGET_HOLD_TAG } from '../../zfs/marks';
import { availableIn } from '../../zfs/space';
import { fullName, type SnapshotRecord } from '../../zfs/records';
import { replacesCopy } from '../plan/plan-facts';
import type { DatasetPlan, PairInput, Refusal, ReplacedCopy, ReplicationPlan } from '../plan/plan-types';
import { presentName } from '../plan/follow-renames';
import type { Setup } from '../setup/setup';
import type { Sizes } from './sizes';

/** What a rollback discards. */
export interface Loss {
  source: string;
  target: string;
  /** Where the target is now: a copy that follows its renamed source has its new name only when its turn comes. */
  at: string;
  /** Full names of snapshots, as they are now. */
  snapshots: Set<string>;
}

export function losses(datasets: readonly DatasetPlan[], pairs: readonly PairInput[]): Loss[] {
  return datasets.flatMap(({ source, target, refusal, prepare }) => {
    if (refusal !== null) return [];
    const names = prepare.flatMap((step) => (step.do === 'rollback' ? step.destroys : []));
    if (names.length === 0) return [];
    const at = presentName(pairs, target);
    return [{ source, target, at, snapshots: new Set(names.map((name) => `${at}@${name}`)) }];
  });
}

function refusalFor(target: string, clones: readonly string[], holds: readonly Hold[]): Refusal {
  const what = [
    ...clones.map((clone) => `the clone "${clone}" depends on one of its snapshots`),
    ...holds.map(({ snapshot, tag }) => `${snapshot} is held (${tag})`),
  ];
  const release = holds.map(({ snapshot, tag }) => `zfs release ${tag} ${snapshot}`);
  return {
    code: 'DATASET_BUSY',
    message: `"${target}" cannot be rolled back: ${what.join(', ')}${holds.length > 0 ? '; a rollback never crosses a hold' : ''}`,
    hint: [...release, 'or choose whenDiverged "rotate", which destroys nothing'].join('; '),
    details: { clones, holds },
  };
}

/** What is gone between two listings: that nothing is known of it does not mean that nothing depends on it. */
function unseen(dataset: string): Refusal {
  return {
    code: 'DATASET_NOT_FOUND',
    message: `"${dataset}" is gone since it was listed, so that nothing is known of what depends on its snapshots`,
    hint: 'Start the replication again when nobody renames or destroys its copies.',
    details: {},
  };
}

/** Refusals by source dataset; `listed` is of where the targets are now, `holds` are those on `listed`. */
export function judgeLosses(
  going: readonly Loss[],
  listed: { snapshots: readonly SnapshotRecord[]; missing: readonly string[] },
  holds: readonly Hold[],
): Map<string, Refusal> {
  const found = new Map<string, Refusal>();
  for (const { source, target, at, snapshots } of going) {
    const clones = listed.snapshots
      .filter((snapshot) => snapshots.has(fullName(snapshot)))
      .flatMap((snapshot) => snapshot.clones ?? [])
      // A partial receive shows up as a clone; it has a step of its own.
      .filter((clone) => !clone.includes('%'));
    const others = holds.filter(({ snapshot, tag }) => snapshots.has(snapshot) && tag !== TARGET_HOLD_TAG);
    if (listed.missing.includes(at)) found.set(source, unseen(at));
    else if (clones.length > 0 || others.length > 0) found.set(source, refusalFor(target, clones, others));
  }
  return found;
}

/** Refusals by source dataset; one listing for all rollbacks of the plan. */
async function rollbackObjections(
  setup: Setup,
  datasets: readonly DatasetPlan[],
  pairs: readonly PairInput[],
  ctx: RunContext,
): Promise<Map<string, Refusal>> {
  const going = losses(datasets, pairs);
  if (going.length === 0) return new Map();
  const listed = await listSnapshots(setup.target, {
    roots: going.map(({ at }) => at),
    recursive: false,
    kinds: ['snapshot'],
    columns: ['userrefs', 'clones'],
    signal: ctx.signal,
  });
  const held = listed.snapshots.filter(({ userrefs = 0 }) => userrefs > 0).map(fullName);
  const relevant = held.filter((name) => going.some(({ snapshots }) => snapshots.has(name)));
  return judgeLosses(going, listed, await listHolds(setup.target, relevant, ctx.signal));
}

const setsAside = ({ refusal, prepare }: DatasetPlan): boolean =>
  refusal === null && prepare.some((step) => step.do === 'setAside');

/** A new copy beside the old one. */
const isAnew = (plan: DatasetPlan): boolean => plan.refusal === null && plan.initial && replacesCopy(plan);

const megabytes = (bytes: number): string => `${(bytes / (1 << 20)).toFixed(1)} MiB`;

/** Room for everything that is sent anew while the old copies still exist. */
async function checkRoom(
  setup: Setup,
  plan: ReplicationPlan,
  sizes: Sizes,
  ctx: RunContext,
): Promise<Map<string, Refusal>> {
  const anew = plan.datasets.filter(isAnew);
  const roots = plan.datasets.filter((dataset) => setsAside(dataset) && dataset.initial);
  const [root] = roots;
  if (!root) return new Map();
  const parent = root.target.slice(0, root.target.lastIndexOf('/'));
  const available = await availableIn(setup.target, parent, ctx.signal);
  const needed = anew.reduce((sum, { source }) => sum + (sizes.estimates.get(source) ?? 0), 0);
  if (needed <= available) return new Map();
  const refusal: Refusal = {
    code: 'OUT_OF_SPACE',
    message: `a new copy beside the old one needs ${megabytes(needed)}, and "${parent}" has ${megabytes(available)}`,
    hint: 'Make room on the target, or remove the old copy by hand first.',
    details: { neededBytes: needed, availableBytes: available },
  };
  return new Map(roots.map(({ source }) => [source, refusal]));
}

/** Where a dataset of the old copy is before it is set aside. */
const before = (copy: ReplacedCopy, name: string): string => copy.target + name.slice(copy.dataset.length);

/** What would keep the old copy from being destroyed in the end. */
async function entangled(
  setup: Setup,
  copy: ReplacedCopy,
  pairs: readonly PairInput[],
  ctx: RunContext,
): Promise<Refusal | null> {
  const root = presentName(pairs, copy.target);
  const { snapshots, missing } = await listTrees(setup.target, {
    roots: [root],
    recursive: true,
    kinds: ['snapshot'],
    columns: ['userrefs', 'clones'],
    signal: ctx.signal,
  });
  if (missing.length > 0) return unseen(root);
  const going = new Set(copy.datasets.map(({ name }) => presentName(pairs, before(copy, name))));
  const theirs = snapshots.filter(({ dataset }) => going.has(dataset));
  const clones = theirs.flatMap(({ clones = [] }) =>
    clones.filter((clone) => !going.has(clone) && !clone.includes('%')),
  );
  const held = theirs.filter(({ userrefs = 0 }) => userrefs > 0).map(fullName);
  const holds = (await listHolds(setup.target, held, ctx.signal)).filter(({ tag }) => tag !== TARGET_HOLD_TAG);
  if (clones.length === 0 && holds.length === 0) return null;
  const what = [
    ...clones.map((clone) => `the clone "${clone}" depends on it`),
    ...holds.map(({ snapshot, tag }) => `${snapshot} is held (${tag})`),
  ];
  return {
    code: 'DATASET_BUSY',
    message: `the old copy "${copy.target}" could not be destroyed in the end: ${what.join(', ')}`,
    hint: 'Destroy or promote the clones, release the holds, or choose whenDiverged "rotate".',
    details: { clones, holds },
  };
}

/** Refusals that only a closer look at the target finds, by source dataset; empty for most plans. */
export async function objections(
  setup: Setup,
  plan: ReplicationPlan,
  sizes: Sizes,
  pairs: readonly PairInput[],
  ctx: RunContext,
): Promise<Map<string, Refusal>> {
  const found = new Map([
    ...(await checkRoom(setup, plan, sizes, ctx)),
    ...(await rollbackObjections(setup, plan.datasets, pairs, ctx)),
  ]);
  for (const copy of plan.replaced) {
    const root = plan.datasets.find(({ target }) => target === copy.target);
    if (!root || !setsAside(root)) continue;
    const refusal = await entangled(setup, copy, pairs, ctx);
    if (refusal) found.set(root.source, refusal);
  }
  return found;
}
