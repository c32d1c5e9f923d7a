// Carries out the plan of one dataset: preparation, resumed send, further sends; each step's outcome is judged by exit
// codes here and by a listing in `finish.ts`.
import type { RunContext } from '../../base/run-context';
import { ZfsFlowError } from '../../base/errors';
import type { Lanes } from '../../stream/ways/lanes';
import type { SendProgress } from '../../stream/send-progress';
import { listNamedSnapshots } from '../../zfs/list';
import { receiveArgv } from '../../zfs/receive';
import { inheritProperty, setProperties } from '../../zfs/change';
import { resumeArgv, sendArgv, type SendStep, type StreamFlags } from '../../zfs/send';
import { limitedTransfer } from './limited-transfer';
import type { DatasetResult } from '../setup/options';
import type { DatasetPlan, PlannedPair } from '../plan/plan-types';
import { restore } from './displace';
import { runPrepare } from './prepare';
import type { Preparation } from './preparation';
import { processTag } from './process-tag';
import type { RunProgress } from '../report/run-progress';
import { receiveProperties, type CarriedProperties } from './receive-properties';
import type { ResultBook } from '../report/result-book';
import type { Setup } from '../setup/setup';
import type { TargetKeys } from './target-key';
import { causeOfFailure } from './cause-of-failure';

export interface DatasetRun extends PlannedPair {
  setup: Setup;
  /** For a dataset all of whose streams are small enough for the control connections; else null. */
  lanes: Lanes | null;
  /** Estimated bytes of all its streams. */
  estimated: number;
  book: ResultBook;
  entry: DatasetResult;
  progress: RunProgress;
  /** Properties that the stream cannot bring. */
  carried: CarriedProperties;
  keys: TargetKeys;
  ctx: RunContext;
}

export function streamFlags(plan: DatasetPlan): StreamFlags {
  const { raw, properties, largeBlocks, compressedBlocks, embeddedBlocks } = plan;
  return { raw, properties, largeBlocks, compressedBlocks, embeddedBlocks };
}

/** The `zfs send` command of a step; also what its estimate is made of. */
export function stepArgv(plan: DatasetPlan, step: SendStep): string[] {
  return sendArgv(step, streamFlags(plan));
}

/** Milliseconds that putting properties back may take after a failure. */
const RESTORE_MS = 4_000;

interface OneSend {
  send: string[];
  snapshots: readonly { name: string; guid: string }[];
  force: boolean;
  /** Makes the target dataset. */
  creates: boolean;
  /** Index of the first snapshot among all of this dataset's. */
  offset: number;
}

async function sendOne(run: DatasetRun, one: OneSend, count: number): Promise<void> {
  const { setup, plan, ctx, progress, book, entry } = run;
  const receive = receiveArgv({
    target: plan.target,
    type: plan.type,
    resumable: setup.options.resumable,
    force: one.force,
    ...(plan.origin && one.creates ? { origin: plan.origin.snapshot } : {}),
    ...receiveProperties({ ...run, creates: one.creates, newRoot: run.keys.newRoot }),
  });
  let seen = 0;
  const position = (snapshot: string): number => {
    const index = one.snapshots.findIndex(({ name }) => name === snapshot);
    return one.offset + Math.max(index, 0) + 1;
  };
  const first = one.snapshots[0]?.name ?? '';
  const moved = (bytes: number, name: string): void => {
    if (bytes <= seen) return;
    book.addBytes(entry, bytes - seen);
    progress.moved(bytes - seen, {
      dataset: plan.source,
      snapshot: name,
      snapshotIndex: position(name),
      snapshotCount: count,
    });
    seen = bytes;
  };
  try {
    const request = {
      sendArgv: one.send,
      receiveArgv: receive,
      lanes: run.lanes,
      bytes: run.estimated,
      tag: `${processTag(plan.dstId)}.${ctx.jobId}`,
      onProgress: (report: SendProgress) => moved(report.bytes, report.snapshot.split('@')[1] ?? first),
    };
    const { bytes } = await limitedTransfer(setup, run, request, ctx);
    moved(bytes, one.snapshots.at(-1)?.name ?? first);
  } catch (thrown) {
    throw causeOfFailure(thrown, plan, setup.options.whenDiverged);
  }
  book.arrived(
    entry,
    one.snapshots.map(({ name }) => name),
  );
}

/** Reads back the GUID of what a step delivered, before the next step builds on it. */
async function verifyStep(run: DatasetRun, to: { name: string; guid: string }): Promise<void> {
  const { setup, plan, ctx } = run;
  const [there] = await listNamedSnapshots(setup.target, new Map([[plan.target, [to.name]]]), ctx.signal);
  if (there?.guid === to.guid) return;
  const found = there
    ? `has GUID ${there.guid}, sent was ${to.guid}`
    : 'is not there, although every process succeeded';
  throw new ZfsFlowError('VERIFICATION_FAILED', `${plan.target}@${to.name} ${found}`, {
    dataset: plan.source,
    host: setup.target.label,
    retryable: true,
  });
}

/** A receive that failed or was cancelled has removed properties all the same, and its continuation knows of none. */
async function restoreAnyhow(preparation: Preparation): Promise<void> {
  if (preparation.afterwards.length === 0) return;
  const ctx = { ...preparation.ctx, signal: AbortSignal.timeout(RESTORE_MS) };
  // Where the host cannot be reached there is nothing that could be done; the failure itself is reported.
  await restore({ ...preparation, ctx }, preparation.afterwards).catch(() => undefined);
}

/** Sends what the plan says to one dataset. Throws the classified error of the first step that fails. */
export async function sendDataset(run: DatasetRun): Promise<void> {
  const { plan, setup } = run;
  const warn = (warnings: readonly string[]): void => run.book.warn(run.entry, warnings);
  const preparation: Preparation = { setup, plan, ctx: run.ctx, warn, afterwards: [] };
  for (const step of plan.prepare) await runPrepare(preparation, step);
  const sends: OneSend[] = [];
  let offset = 0;
  if (plan.resume) {
    sends.push({
      send: resumeArgv(plan.resume.token),
      snapshots: [plan.resume.to],
      force: plan.force,
      creates: false,
      offset,
    });
    offset = 1;
  }
  for (const step of plan.steps) {
    const force = plan.force && sends.length === 0;
    sends.push({
      send: stepArgv(plan, step),
      snapshots: step.snapshots,
      force,
      creates: sends.length === 0,
      offset,
    });
    offset += step.snapshots.length;
  }
  try {
    for (const [index, one] of sends.entries()) {
      await sendOne(run, one, offset);
      const to = one.snapshots.at(-1);
      if (to && index < sends.length - 1) await verifyStep(run, to);
    }
  } catch (error) {
    await restoreAnyhow(preparation);
    throw error;
  }
  if (sends.length > 0) await restore(preparation, preparation.afterwards);
  if (setup.options.readonly === 'set' && sends.length === 0 && run.pair.targetDataset?.readonly === false) {
    const options = { dataset: plan.source, signal: run.ctx.signal };
    if (plan.isRoot) await setProperties(setup.target, plan.target, { readonly: 'on' }, options);
    else await inheritProperty(setup.target, plan.target, 'readonly', options);
  }
}
