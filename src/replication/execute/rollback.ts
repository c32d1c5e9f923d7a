// Rolls a target back as the plan says, and not a snapshot further: looks once more at what would go, never crosses
// anybody else's hold, and sees afterwards that it has really gone.
import { ZfsFlowError } from '../../base/errors';
import { listHolds, releaseSnapshots } from '../../zfs/hold';
import { listSnapshots, listTrees } from '../../zfs/list';
import { TARGET_HOLD_TAG } from '../../zfs/marks';
import { rollback } from '../../zfs/receive';
import { compareCreation } from '../../zfs/records';
import type { Preparation, Step } from './preparation';

/**
 * `zfs rollback -r` takes whatever is newer by then, and the turn of a dataset may come hours after the listing: what
 * the plan did not announce is not destroyed, but planned again.
 */
async function refuseUnannounced({ run, plan }: Preparation, step: Step<'rollback'>): Promise<void> {
  const { target, ctx } = run;
  const request = { roots: [plan.target], recursive: false, kinds: ['snapshot' as const], signal: ctx.signal };
  const { snapshots } = await listSnapshots(target, request);
  const base = snapshots.find(({ name, guid }) => name === step.to && guid === plan.base?.guid);
  const announced = new Set(step.destroys);
  const late = base && snapshots.find((one) => compareCreation(one, base) > 0 && !announced.has(one.name));
  if (base && !late) return;
  throw new ZfsFlowError(
    'TARGET_DIVERGED',
    late
      ? `${plan.target}@${late.name} came after the rollback was planned`
      : `${plan.target}@${step.to}, to which a rollback was planned, is gone`,
    { dataset: plan.source, host: target.label, retryable: true },
  );
}

/** Where nothing is sent afterwards, nothing else would show that it did not happen. */
async function verifyRollback({ run, plan }: Preparation, step: Step<'rollback'>): Promise<void> {
  const { target, ctx } = run;
  const request = { roots: [plan.target], recursive: false, kinds: ['snapshot' as const], signal: ctx.signal };
  const { datasets, snapshots } = await listTrees(target, request);
  const announced = new Set(step.destroys);
  const left = snapshots.filter(({ name }) => announced.has(name)).map(({ name }) => `@${name}`);
  // Somebody may write there again at once.
  const written = datasets[0]?.written ?? 0;
  if (step.writtenBytes > 0 && written >= step.writtenBytes) left.push(`${written} bytes`);
  if (left.length === 0) return;
  throw new ZfsFlowError(
    'VERIFICATION_FAILED',
    `ZFS said that "${plan.target}" is rolled back to @${step.to}, but what it should have discarded is still there: ${left.join(', ')}`,
    { dataset: plan.source, host: target.label, retryable: true },
  );
}

/** Throws TARGET_DIVERGED, DATASET_BUSY, VERIFICATION_FAILED (see above) and what the command fails with. */
export async function rollBack(preparation: Preparation, step: Step<'rollback'>): Promise<void> {
  const { run, plan } = preparation;
  const { target, ctx } = run;
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
  const others = (await listHolds(target, gone, ctx.signal)).filter((hold) => hold.tag !== TARGET_HOLD_TAG);
  if (others[0]) {
    throw new ZfsFlowError(
      'DATASET_BUSY',
      `${others[0].snapshot} is held (${others[0].tag}); a rollback never crosses a hold`,
      {
        dataset: plan.source,
        host: target.label,
        retryable: false,
        hint: `zfs release ${others[0].tag} ${others[0].snapshot}`,
      },
    );
  }
  await releaseSnapshots(target, TARGET_HOLD_TAG, gone, ctx.signal);
  await rollback(target, plan.target, step.to, ctx.signal);
  await verifyRollback(preparation, step);
}
