// What would stop a rollback half-way, found before the first destructive step of any dataset: holds of others and clones
// of the snapshots that it discards. ZFS itself would say so only when its turn comes.
import type { RunContext } from '../context';
import { listHolds, type Hold } from '../zfs/hold';
import { listSnapshots } from '../zfs/list';
import { TARGET_HOLD_TAG } from '../zfs/marks';
import { fullName } from '../zfs/records';
import type { DatasetPlan, Refusal } from './plan-types';
import type { Setup } from './setup';

function discarded({ target, refusal, prepare }: DatasetPlan): string[] {
  if (refusal !== null) return [];
  return prepare.flatMap((step) => (step.do === 'rollback' ? step.destroys.map((name) => `${target}@${name}`) : []));
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

/** Refusals by source dataset; one listing for all rollbacks of the plan. */
export async function rollbackObjections(
  setup: Setup,
  datasets: readonly DatasetPlan[],
  ctx: RunContext,
): Promise<Map<string, Refusal>> {
  const going = new Map(datasets.map((plan) => [plan, new Set(discarded(plan))]));
  const roots = datasets.filter((plan) => going.get(plan)?.size).map(({ target }) => target);
  const found = new Map<string, Refusal>();
  if (roots.length === 0) return found;
  const { snapshots } = await listSnapshots(setup.target, {
    roots,
    recursive: false,
    kinds: ['snapshot'],
    columns: ['userrefs', 'clones'],
    signal: ctx.signal,
  });
  const held = snapshots.filter(({ userrefs = 0 }) => userrefs > 0).map(fullName);
  const relevant = new Set([...going.values()].flatMap((names) => [...names]));
  const holds = await listHolds(
    setup.target,
    held.filter((name) => relevant.has(name)),
    ctx.signal,
  );
  for (const [plan, names] of going) {
    const clones = snapshots
      .filter((snapshot) => names.has(fullName(snapshot)))
      .flatMap((snapshot) => snapshot.clones ?? [])
      // A partial receive shows up as a clone; it has a step of its own.
      .filter((clone) => !clone.includes('%'));
    const others = holds.filter(({ snapshot, tag }) => names.has(snapshot) && tag !== TARGET_HOLD_TAG);
    if (clones.length > 0 || others.length > 0) found.set(plan.source, refusalFor(plan.target, clones, others));
  }
  return found;
}
