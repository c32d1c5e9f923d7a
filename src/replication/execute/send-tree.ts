// Sends a whole tree in one `send -R` stream, as the plans of its datasets say (`plan/whole-trees.ts`). What a stream that is cut has
// delivered stays, and its partial receive is resumed: the next attempt goes on dataset by dataset.
import { toZfsFlowError, ZfsFlowError } from '../../base/errors';
import type { SendProgress } from '../../stream/send-progress';
import type { DataPath } from '../../stream/wire/wire-plan';
import { receiveArgv } from '../../zfs/receive';
import { treeArgv } from '../../zfs/send';
import { AttemptFailure } from './attempt-failure';
import { countMoved, type DatasetWork } from './dataset-work';
import { limitedTransfer } from './limited-transfer';
import { markCopies } from '../marks/mark-copies';
import { RefusedProperties } from './refused';
import { receiveProperties } from './receive-properties';
import { SMALL_STREAM } from '../discover/sizes';
import { causeOfFailure } from './cause-of-failure';
import { deliveries } from '../plan/plan-facts';
import { streamFlags } from '../plan/send-argv';

/** Everything that the stream brings of a dataset. */
const namesOf = ({ plan }: DatasetWork): string[] => deliveries(plan).map(({ name }) => name);

async function sendStream(root: DatasetWork, all: readonly DatasetWork[]): Promise<void> {
  const { run, plan } = root;
  const last = plan.steps.at(-1)?.to.name ?? '';
  // A tree travels whole only where nothing has to be carried (`plan/whole-trees.ts`).
  const { later: _none, ...properties } = receiveProperties({ ...root, creates: true, newRoot: {} });
  const receive = receiveArgv({
    target: plan.target,
    type: plan.type,
    resumable: run.options.resumable,
    force: false,
    ...properties,
  });
  const refused = new RefusedProperties(properties);
  const bySource = new Map(all.map((work) => [work.plan.source, work]));
  const moved = countMoved((snapshot) => {
    const [dataset = '', name = ''] = snapshot.split('@');
    const work = bySource.get(dataset) ?? root;
    const names = namesOf(work);
    return { work, name, index: Math.max(names.indexOf(name), 0) + 1, count: names.length };
  });
  const bytes = all.reduce((sum, { estimated }) => sum + estimated, 0);
  const request = {
    sendArgv: treeArgv(plan.source, last, streamFlags(plan)),
    receiveArgv: receive,
    lanes: bytes <= SMALL_STREAM && all.every(({ lanes }) => lanes !== null) ? root.lanes : null,
    bytes,
    onProgress: ({ bytes: sent, snapshot }: SendProgress) => moved(sent, snapshot),
    onReceiverLine: refused.line,
    onPath: (path: DataPath) =>
      root.book.pathOf(
        all.map(({ entry }) => entry),
        path,
      ),
  };
  const result = await limitedTransfer(run, root, request);
  moved(result.bytes, `${plan.source}@${last}`);
  root.book.warnRun(await refused.warnings(run, result));
}

/** What failed, for the next attempt to go dataset by dataset. */
function failureOfTree(thrown: unknown, { run, plan }: DatasetWork): AttemptFailure {
  const failure = causeOfFailure(thrown, plan);
  const { retryable, message, details = {} } = failure.error;
  if (run.ctx.signal.aborted || retryable) return failure;
  // Which dataset it is about, and what can be done in spite of it, is found by going dataset by dataset.
  const error = new ZfsFlowError('TRANSFER_FAILED', `the stream of the whole tree failed: ${message}`, {
    dataset: plan.source,
    cause: toZfsFlowError(thrown),
    retryable: true,
    details,
  });
  return new AttemptFailure(error, 'again');
}

/** `root` and what is below it; see the head of this file. Throws TRANSFER_FAILED or what else has caused it, retryable. */
export async function sendTree(root: DatasetWork, all: readonly DatasetWork[]): Promise<void> {
  const { run, plan, book } = root;
  for (const work of all) book.sending(work.plan.source, deliveries(work.plan));
  try {
    await sendStream(root, all);
  } catch (thrown) {
    throw failureOfTree(thrown, root);
  }
  const children = all.filter((work) => work.plan !== plan);
  const warning = await markCopies(run, children);
  if (warning !== null) book.warnRun([warning]);
}
