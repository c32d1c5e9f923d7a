// The two ends of a recreate on the target: before the plan is final, is there room for both copies and nothing that would
// keep the old one from going; and when the new copy is complete and verified, destroying the old one. Only what carries
// our mark is destroyed, and only what the plan listed.
import type { RunContext } from '../../base/run-context';
import { toZfsFlowError, ZfsFlowError } from '../../base/errors';
import { getProperties } from '../../zfs/get';
import { destroyAndLook, destroyDataset } from '../../zfs/destroy';
import { listHolds, releaseSnapshots } from '../../zfs/hold';
import { listDatasets, listTrees } from '../../zfs/list';
import { REPLACED_PROPERTY, TARGET_HOLD_TAG } from '../../zfs/marks';
import { fullName, isWithin } from '../../zfs/records';
import { zfs } from '../../zfs/command';
import type { DatasetPlan, PairInput, Refusal, ReplacedCopy, ReplicationPlan } from '../plan/plan-types';
import { presentName } from '../plan/follow-renames';
import { rollbackObjections, unseen } from '../discover/objections';
import type { Run } from '../setup/run';
import type { Setup } from '../setup/setup';
import type { Sizes } from '../discover/sizes';

const setsAside = ({ refusal, prepare }: DatasetPlan): boolean =>
  refusal === null && prepare.some((step) => step.do === 'setAside');

/** A new copy beside the old one. */
const isAnew = ({ refusal, action, initial }: DatasetPlan): boolean =>
  refusal === null && initial && (action === 'rotate' || action === 'recreate');

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
  const text = await zfs(setup.target, ['list', '-Hp', '-o', 'available', parent], { signal: ctx.signal });
  const available = Number(text.trim());
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

/** Why this is not what the plan listed, or null. */
async function surprise({ target, ctx }: Run, copy: ReplacedCopy): Promise<string | null> {
  const options = { signal: ctx.signal };
  const asked = { of: [copy.dataset], properties: [REPLACED_PROPERTY], sources: ['local'] };
  const [mark] = await getProperties(target, asked, options);
  if (mark?.value !== copy.mark) return 'it does not carry the mark of this replication';
  const request = { roots: [copy.dataset], recursive: true, kinds: ['snapshot' as const], ...options };
  const { datasets, snapshots } = await listTrees(target, request);
  const listed = new Map(copy.datasets.map((dataset) => [dataset.name, dataset]));
  const foreign = datasets.find(({ name, guid }) => listed.get(name)?.guid !== guid);
  if (foreign) return `"${foreign.name}" was not there when it was planned`;
  const written = datasets.find((dataset) => dataset.written > (listed.get(dataset.name)?.written ?? 0));
  if (written) return `something was written to "${written.name}" since it was planned`;
  const newer = snapshots.find(({ dataset, name }) => !listed.get(dataset)?.snapshots.includes(name));
  return newer ? `${fullName(newer)} was not there when it was planned` : null;
}

async function destroyCopy({ target, ctx }: Run, copy: ReplacedCopy): Promise<void> {
  const options = { signal: ctx.signal };
  // Children first, never recursively: what somebody creates meanwhile makes a command fail.
  for (const { name, snapshots } of copy.datasets.toReversed()) {
    const full = snapshots.map((snapshot) => `${name}@${snapshot}`);
    await releaseSnapshots(target, TARGET_HOLD_TAG, full, ctx.signal);
    const now = snapshots.map((snapshot) => ({ dataset: name, name: snapshot }));
    const { outcome } = await destroyAndLook(target, now, [], ctx.signal);
    if (outcome.failed[0]) throw outcome.failed[0].error;
    await destroyDataset(target, name, ctx.signal);
  }
  const { missing } = await listDatasets(target, { roots: [copy.dataset], recursive: false, ...options });
  if (missing.includes(copy.dataset)) return;
  throw new ZfsFlowError('VERIFICATION_FAILED', 'ZFS said that it is destroyed, but it is still there');
}

/**
 * Destroys the old copies of a run in which everything is complete and verified. What cannot be destroyed, or is not what
 * the plan listed, stays and is a warning; it keeps its mark, so that the next run tries again.
 */
export async function destroyReplaced(run: Run, plan: ReplicationPlan): Promise<string[]> {
  const { ctx } = run;
  const host = run.target.label;
  const warnings: string[] = [];
  const targets = plan.datasets.map(({ target }) => target);
  for (const copy of plan.replaced) {
    try {
      const inUse = targets.some((target) => isWithin(target, copy.dataset));
      const why = inUse ? 'it is a target of this replication' : await surprise(run, copy);
      if (why !== null) {
        warnings.push(`the old copy "${copy.dataset}" was not destroyed: ${why}`);
        continue;
      }
      await destroyCopy(run, copy);
      ctx.emit({
        event: 'destroyed',
        level: 'info',
        host,
        message: `destroyed the old copy "${copy.dataset}"`,
        datasets: copy.datasets,
      });
    } catch (thrown) {
      ctx.signal.throwIfAborted();
      warnings.push(`the old copy "${copy.dataset}" was not destroyed: ${toZfsFlowError(thrown).message}`);
    }
  }
  for (const message of warnings) ctx.emit({ event: 'warning', level: 'warn', message, host });
  return warnings;
}
