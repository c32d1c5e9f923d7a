// Sends a whole tree in one `send -R` stream, as the plans of its datasets say (`streams.ts`). What a stream that is cut has
// delivered stays, and its partial receive is resumed: the next attempt goes on dataset by dataset.
import { toZfsFlowError, ZfsFlowError } from '../../base/errors';
import type { SendProgress } from '../../stream/send-progress';
import { receiveArgv } from '../../zfs/receive';
import { treeArgv } from '../../zfs/send';
import { AttemptFailure } from './attempt-failure';
import { limitedTransfer } from './limited-transfer';
import { markCopies } from '../marks/mark-copies';
import { receiveProperties } from './receive-properties';
import { sentSnapshots } from '../marks/protect';
import { processTag } from './process-tag';
import { streamFlags, type DatasetRun } from './send-dataset';
import { SMALL_STREAM } from '../discover/sizes';
import { causeOfFailure } from './cause-of-failure';

/** Notes what has been moved with the dataset that it was of. */
function meter(root: DatasetRun, runs: readonly DatasetRun[]): (bytes: number, snapshot: string) => void {
  const bySource = new Map(runs.map((run) => [run.plan.source, run]));
  let seen = 0;
  return (bytes, snapshot) => {
    if (bytes <= seen) return;
    const [dataset = '', name = ''] = snapshot.split('@');
    const { book, entry, plan, progress } = bySource.get(dataset) ?? root;
    const snapshots = sentSnapshots(plan);
    const place = snapshots.findIndex((one) => one.name === name);
    book.addBytes(entry, bytes - seen);
    progress.moved(bytes - seen, {
      dataset: plan.source,
      snapshot: name,
      snapshotIndex: Math.max(place, 0) + 1,
      snapshotCount: snapshots.length,
    });
    seen = bytes;
  };
}

/** `root` and what is below it; see the head of this file. Throws TRANSFER_FAILED or what else has caused it, retryable. */
export async function sendTree(root: DatasetRun, runs: readonly DatasetRun[]): Promise<void> {
  const { setup, plan, ctx, book } = root;
  const last = plan.steps.at(-1)?.to.name ?? '';
  const receive = receiveArgv({
    target: plan.target,
    type: plan.type,
    resumable: setup.options.resumable,
    force: false,
    ...receiveProperties({ ...root, creates: true, newRoot: {} }),
  });
  const moved = meter(root, runs);
  const estimated = runs.reduce((sum, run) => sum + run.estimated, 0);
  try {
    const request = {
      sendArgv: treeArgv(plan.source, last, streamFlags(plan)),
      receiveArgv: receive,
      lanes: estimated <= SMALL_STREAM && runs.every(({ lanes }) => lanes !== null) ? root.lanes : null,
      bytes: estimated,
      tag: `${processTag(plan.dstId)}.${ctx.jobId}`,
      onProgress: ({ bytes, snapshot }: SendProgress) => moved(bytes, snapshot),
    };
    const { bytes } = await limitedTransfer(setup, root, request, ctx);
    moved(bytes, `${plan.source}@${last}`);
  } catch (thrown) {
    for (const run of runs) book.mayHaveArrived(run.plan.source, sentSnapshots(run.plan));
    const failure = causeOfFailure(thrown, plan, setup.options.whenDiverged);
    const { retryable, message, details = {} } = failure.error;
    if (ctx.signal.aborted || retryable) throw failure;
    // Which dataset it is about, and what can be done in spite of it, is found by going dataset by dataset.
    const error = new ZfsFlowError('TRANSFER_FAILED', `the stream of the whole tree failed: ${message}`, {
      dataset: plan.source,
      cause: toZfsFlowError(thrown),
      retryable: true,
      details,
    });
    throw new AttemptFailure(error, 'again');
  }
  const children = runs.filter((run) => run.plan !== plan);
  const warning = await markCopies(setup, children, ctx);
  if (warning !== null) book.warnRun([warning]);
  for (const run of runs) {
    book.arrived(
      run.entry,
      sentSnapshots(run.plan).map(({ name }) => name),
    );
  }
}
