// The end of a recreate on the target: when the new copy is complete and verified, the old one is destroyed. Only what
// carries our mark is, and only what the plan listed; what could be in the way was looked for before (`objections.ts`).
import { toZfsFlowError, ZfsFlowError } from '../../base/errors';
import { getProperties } from '../../zfs/get';
import { destroyAndLook, destroyDataset } from '../../zfs/destroy';
import { releaseSnapshots } from '../../zfs/hold';
import { listDatasets, listTrees } from '../../zfs/list';
import { REPLACED_PROPERTY, TARGET_HOLD_TAG } from '../../zfs/marks';
import { fullName, isWithin } from '../../zfs/records';
import type { ReplacedCopy, ReplicationPlan } from '../plan/plan-types';
import type { Run } from '../setup/run';

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
