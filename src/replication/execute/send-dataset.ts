// Carries out the plan of one dataset: preparation, resumed send, further sends; each step's outcome is judged by exit
// codes here and by a listing in `finish.ts`.
import { ZfsFlowError } from '../../base/errors';
import type { SendProgress } from '../../stream/send-progress';
import type { TransferResult } from '../../stream/transfer';
import type { DataPath } from '../../stream/wire/wire-plan';
import { listNamedSnapshots } from '../../zfs/list';
import { receiveArgv } from '../../zfs/receive';
import { inheritProperty, setProperties } from '../../zfs/change';
import { resumeArgv } from '../../zfs/send';
import { countMoved, type DatasetWork } from './dataset-work';
import { limitedTransfer } from './limited-transfer';
import { restore } from './displace';
import { runPrepare } from './prepare';
import type { Preparation } from './preparation';
import { markWarning } from '../report/mark-warning';
import { runBatch } from '../../zfs/batch';
import { laterArgvs, receiveProperties } from './receive-properties';
import { RefusedProperties } from './refused';
import { causeOfFailure } from './cause-of-failure';
import { stepSends } from './long-steps';
import { requireEmpty } from './still-empty';

/** Milliseconds that putting properties back may take after a failure. */
const RESTORE_MS = 4_000;

interface OneSend {
  send: string[];
  snapshots: readonly { name: string; guid: string }[];
  force: boolean;
  /** Makes the target dataset. */
  creates: boolean;
  /** The receive sets what the plan says; not where the stream brings none of the source's, as another one after it will. */
  properties: boolean;
  /** Index of the first snapshot among all of this dataset's. */
  offset: number;
}

/** `count`: all snapshots that this run sends of the dataset. */
async function sendOne(work: DatasetWork, one: OneSend, count: number): Promise<void> {
  const { run, plan, book } = work;
  const all = receiveProperties({ ...work, creates: one.creates, newRoot: work.keys.newRoot });
  const { later, ...properties } = one.properties ? all : { exclude: [], set: {}, later: {} };
  const receive = receiveArgv({
    target: plan.target,
    type: plan.type,
    resumable: run.options.resumable,
    force: one.force,
    ...(plan.origin && one.creates ? { origin: plan.origin.snapshot } : {}),
    ...properties,
  });
  const refused = new RefusedProperties(properties);
  const names = one.snapshots.map(({ name }) => name);
  book.sending(plan.source, one.snapshots);
  const moved = countMoved((snapshot) => {
    const name = snapshot.split('@')[1] ?? names[0] ?? '';
    return { work, name, index: one.offset + Math.max(names.indexOf(name), 0) + 1, count };
  });
  let result: TransferResult;
  try {
    const request = {
      sendArgv: one.send,
      receiveArgv: receive,
      lanes: work.lanes,
      bytes: work.estimated,
      onProgress: ({ bytes, snapshot }: SendProgress) => moved(bytes, snapshot),
      onReceiverLine: refused.line,
      onPath: (path: DataPath) => book.pathOf([work.entry], path),
    };
    result = await limitedTransfer(run, work, request);
    moved(result.bytes, `${plan.source}@${names.at(-1) ?? ''}`);
  } catch (thrown) {
    throw causeOfFailure(thrown, plan);
  }
  book.warnRun(await refused.warnings(run, result));
  await setLater(work, later);
}

/** Properties for which the command line of the receive had no room; a failure of it is a warning. */
async function setLater(
  { run, plan, book, entry }: DatasetWork,
  later: Readonly<Record<string, string>>,
): Promise<void> {
  const errors = await runBatch(run.target, laterArgvs(plan.target, later), { signal: run.ctx.signal });
  const failed = errors.flatMap(({ command }) => command?.[2]?.split('=')[0] ?? []);
  const warning = markWarning(`set ${failed.join(', ')} of "${plan.target}"`, run.target.label, errors);
  if (warning !== null) book.warn(entry, [warning]);
}

/** Reads back the GUID of what a step delivered, before the next step builds on it. */
async function verifyStep({ run, plan }: DatasetWork, to: { name: string; guid: string }): Promise<void> {
  const { target, ctx } = run;
  const [there] = await listNamedSnapshots(target, new Map([[plan.target, [to.name]]]), ctx.signal);
  if (there?.guid === to.guid) return;
  const found = there
    ? `has GUID ${there.guid}, sent was ${to.guid}`
    : 'is not there, although every process succeeded';
  throw new ZfsFlowError('VERIFICATION_FAILED', `${plan.target}@${to.name} ${found}`, {
    dataset: plan.source,
    host: target.label,
    retryable: true,
  });
}

/** A receive that failed or was cancelled has removed properties all the same, and its continuation knows of none. */
async function restoreAnyhow(preparation: Preparation): Promise<void> {
  if (preparation.afterwards.length === 0) return;
  const ctx = { ...preparation.run.ctx, signal: AbortSignal.timeout(RESTORE_MS) };
  // Where the host cannot be reached there is nothing that could be done; the failure itself is reported.
  await restore({ ...preparation, run: { ...preparation.run, ctx } }, preparation.afterwards).catch(() => undefined);
}

/** In order; the first may go on with a partial receive. */
function sendsOf({ plan, plain }: DatasetWork): OneSend[] {
  const sends: OneSend[] = [];
  let offset = 0;
  const add = (one: Pick<OneSend, 'send' | 'snapshots' | 'creates' | 'properties'>): void => {
    sends.push({ ...one, force: plan.force && sends.length === 0, offset });
    offset += one.snapshots.length;
  };
  const { resume } = plan;
  if (resume) add({ send: resumeArgv(resume.token), snapshots: [resume.to], creates: false, properties: true });
  for (const { argv, ...step } of stepSends(plan, plain.has(plan.source))) {
    add({ ...step, send: argv, creates: sends.length === 0 });
  }
  return sends;
}

/** Where nothing is received, nothing else makes a copy read-only. */
async function makeReadonly({ run, plan }: DatasetWork): Promise<void> {
  const options = { dataset: plan.source, signal: run.ctx.signal };
  if (plan.isRoot) await setProperties(run.target, plan.target, { readonly: 'on' }, options);
  else await inheritProperty(run.target, plan.target, 'readonly', options);
}

/** Sends what the plan says to one dataset. Throws the failure or the classified error of the first step that fails. */
export async function sendDataset(work: DatasetWork): Promise<void> {
  const { run, plan, pair, book, entry } = work;
  const warn = (warnings: readonly string[]): void => book.warn(entry, warnings);
  const preparation: Preparation = { run, plan, warn, afterwards: [] };
  const sends = sendsOf(work);
  for (const step of plan.prepare) await runPrepare(preparation, step);
  if (sends[0]?.force === true) await requireEmpty(work);
  const count = sends.reduce((sum, { snapshots }) => sum + snapshots.length, 0);
  try {
    for (const [index, one] of sends.entries()) {
      await sendOne(work, one, count);
      const to = one.snapshots.at(-1);
      if (to && index < sends.length - 1) await verifyStep(work, to);
    }
  } catch (error) {
    await restoreAnyhow(preparation);
    throw error;
  }
  if (sends.length > 0) await restore(preparation, preparation.afterwards);
  else if (run.options.readonly === 'set' && pair.targetDataset?.readonly === false) await makeReadonly(work);
}
