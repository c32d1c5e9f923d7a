// What would stop a rollback half-way, found before the first destructive step of any dataset: holds of others and clones
// of the snapshots that it discards. ZFS itself would say so only when its turn comes.
import type { RunContext } from '../../base/run-context';
import { listHolds, type Hold } from '../../zfs/hold';
import { listSnapshots } from '../../zfs/list';
import { TARGET_HOLD_TAG } from '../../zfs/marks';
import { fullName, type SnapshotRecord } from '../../zfs/records';
import type { DatasetPlan, PairInput, Refusal } from '../plan/plan-types';
import { presentName } from '../plan/follow-renames';
import type { Setup } from '../setup/setup';

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
    const at = presentName(pairs, target);
    return names.length > 0 ? [{ source, target, at, snapshots: new Set(names.map((name) => `${at}@${name}`)) }] : [];
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
export function unseen(dataset: string): Refusal {
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
export async function rollbackObjections(
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
