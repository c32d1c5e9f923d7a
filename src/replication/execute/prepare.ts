// Carries out what a plan does to a target before anything is sent to it: discarding a partial receive, rollback, and
// (in `displace.ts`) setting aside, cloning back and renaming.
import type { RunContext } from '../../base/run-context';
import { ZfsFlowError } from '../../base/errors';
import { listHolds, releaseSnapshots } from '../../zfs/hold';
import { listSnapshots, listTrees } from '../../zfs/list';
import { TARGET_HOLD_TAG } from '../../zfs/marks';
import { abortReceive, rollback } from '../../zfs/receive';
import { compareCreation } from '../../zfs/records';
import { cloneBack, promote, renameTarget, setAside } from './displace';
import type { DatasetPlan, PrepareStep } from '../plan/plan-types';
import type { Setup } from '../setup/setup';

export interface Preparation {
  setup: Setup;
  plan: DatasetPlan;
  ctx: RunContext;
  /** What did not go as it should, without being a failure. */
  warn: (warnings: readonly string[]) => void;
  /** Commands to run on the target once everything was sent; steps add to it. */
  afterwards: string[][];
}

type Rollback = Extract<PrepareStep, { do: 'rollback' }>;

/**
 * `zfs rollback -r` takes whatever is newer by then, and the turn of a dataset may come hours after the listing: what
 * the plan did not announce is not destroyed, but planned again.
 */
async function refuseUnannounced({ setup, plan, ctx }: Preparation, step: Rollback): Promise<void> {
  const request = { roots: [plan.target], recursive: false, kinds: ['snapshot' as const], signal: ctx.signal };
  const { snapshots } = await listSnapshots(setup.target, request);
  const base = snapshots.find(({ name, guid }) => name === step.to && guid === plan.base?.guid);
  const announced = new Set(step.destroys);
  const late = base && snapshots.find((one) => compareCreation(one, base) > 0 && !announced.has(one.name));
  if (base && !late) return;
  throw new ZfsFlowError(
    'TARGET_DIVERGED',
    late
      ? `${plan.target}@${late.name} came after the rollback was planned`
      : `${plan.target}@${step.to}, to which a rollback was planned, is gone`,
    { dataset: plan.source, host: setup.target.label, retryable: true },
  );
}

/** Where nothing is sent afterwards, nothing else would show that it did not happen. */
async function verifyRollback({ setup, plan, ctx }: Preparation, step: Rollback): Promise<void> {
  const request = { roots: [plan.target], recursive: false, kinds: ['snapshot' as const], signal: ctx.signal };
  const { datasets, snapshots } = await listTrees(setup.target, request);
  const announced = new Set(step.destroys);
  const left = snapshots.filter(({ name }) => announced.has(name)).map(({ name }) => `@${name}`);
  // Somebody may write there again at once.
  const written = datasets[0]?.written ?? 0;
  if (step.writtenBytes > 0 && written >= step.writtenBytes) left.push(`${written} bytes`);
  if (left.length === 0) return;
  throw new ZfsFlowError(
    'VERIFICATION_FAILED',
    `ZFS said that "${plan.target}" is rolled back to @${step.to}, but what it should have discarded is still there: ${left.join(', ')}`,
    { dataset: plan.source, host: setup.target.label, retryable: true },
  );
}

async function rollBack(preparation: Preparation, step: Rollback): Promise<void> {
  const { setup, plan, ctx } = preparation;
  await refuseUnannounced(preparation, step);
  const lost = [
    ...step.destroys.map((name) => `@${name}`),
    ...(step.writtenBytes > 0 ? [`${step.writtenBytes} bytes`] : []),
  ];
  ctx.emit({
    event: 'warning',
    level: 'warn',
    dataset: plan.source,
    message: `rolls "${plan.target}" back to @${step.to}, which discards ${lost.join(', ')}`,
    destroys: step.destroys,
    writtenBytes: step.writtenBytes,
  });
  const gone = step.destroys.map((name) => `${plan.target}@${name}`);
  // Our own hold may be on a snapshot that the source no longer has; anybody else's stops the rollback.
  const others = (await listHolds(setup.target, gone, ctx.signal)).filter((hold) => hold.tag !== TARGET_HOLD_TAG);
  if (others[0]) {
    throw new ZfsFlowError(
      'DATASET_BUSY',
      `${others[0].snapshot} is held (${others[0].tag}); a rollback never crosses a hold`,
      {
        dataset: plan.source,
        host: setup.target.label,
        retryable: false,
        hint: `zfs release ${others[0].tag} ${others[0].snapshot}`,
      },
    );
  }
  await releaseSnapshots(setup.target, TARGET_HOLD_TAG, gone, ctx.signal);
  await rollback(setup.target, plan.target, step.to, ctx.signal);
  await verifyRollback(preparation, step);
}

/** One step. Throws the classified error of the command that failed. */
export async function runPrepare(preparation: Preparation, step: PrepareStep): Promise<void> {
  const { setup, plan, ctx } = preparation;
  switch (step.do) {
    case 'abortReceive':
      ctx.emit({ event: 'warning', level: 'warn', dataset: plan.source, message: `${plan.target}: ${step.why}` });
      await abortReceive(setup.target, plan.target, ctx.signal);
      return;
    case 'rollback':
      await rollBack(preparation, step);
      return;
    case 'setAside':
      await setAside(preparation, step);
      return;
    case 'cloneBack':
      await cloneBack(preparation, step);
      return;
    case 'promote':
      await promote(preparation);
      return;
    case 'rename':
      await renameTarget(preparation, step.from, step.why);
      return;
    default:
      step satisfies never;
  }
}
