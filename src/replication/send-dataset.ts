// Carries out the plan of one dataset: preparation, resumed send, further sends; each step's outcome is judged by exit
// codes here and by a listing in `finish.ts`.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { RunContext } from '../context';
import { ZfsFlowError } from '../errors';
import { transfer } from '../stream/transfer';
import { listHolds, releaseSnapshots } from '../zfs/hold';
import { RAW_PROPERTY, TARGET_HOLD_TAG } from '../zfs/marks';
import { abortReceive, receiveArgv, rollback } from '../zfs/receive';
import { zfs } from '../zfs/run';
import { resumeArgv, sendArgv, type SendStep, type StreamFlags } from '../zfs/send';
import type { DatasetResult } from './options';
import type { DatasetPlan, PairInput, PrepareStep } from './plan-types';
import type { RunProgress } from './progress';
import type { ResultBook } from './results';
import type { Setup } from './setup';
import { transferError } from './transfer-error';

export interface DatasetRun {
  setup: Setup;
  plan: DatasetPlan;
  pair: PairInput;
  /** No planned dataset is the target's parent, so properties for the whole tree are set here. */
  isRoot: boolean;
  /** All its streams are small enough for the control connections. */
  small: boolean;
  book: ResultBook;
  entry: DatasetResult;
  progress: RunProgress;
  ctx: RunContext;
}

function machineIdentity(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    // Not every system has one (FreeBSD, small containers).
    return hostname();
  }
}

const controller = createHash('sha256').update(machineIdentity()).digest('hex').slice(0, 8);

/**
 * Begins the tags of all processes that this machine ever starts for one destination, so that a run after a crash can
 * find what is left of the one before.
 */
export function processTag(dstId: string): string {
  return `zfsflow.${dstId}.${controller}`;
}

async function runPrepare(run: DatasetRun, step: PrepareStep): Promise<void> {
  const { setup, plan, ctx } = run;
  if (step.do === 'abortReceive') {
    ctx.emit({ event: 'warning', level: 'warn', dataset: plan.source, message: `${plan.target}: ${step.why}` });
    await abortReceive(setup.target, plan.target, ctx.signal);
    return;
  }
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
}

/** `-x` and `-o` of the receive: TrueNAS's excludes, readonly on the root and inherited below, the raw mark of a new chain. */
function receiveProperties(run: DatasetRun): { exclude: string[]; set: Record<string, string> } {
  const { setup, plan, pair, isRoot } = run;
  const { options } = setup;
  const exclude = new Set(plan.properties ? options.propertiesExclude : []);
  const set: Record<string, string> = { ...options.propertiesOverride };
  if (options.readonly !== 'ignore') {
    // Below a read-only root the value is inherited; a child that has its own `off` is set too.
    if (isRoot || pair.targetDataset?.readonly === false) set['readonly'] = 'on';
    else if (plan.properties) exclude.add('readonly');
  }
  // What a source that is itself a copy was marked with says nothing about this copy.
  if (plan.properties) for (const key of Object.keys(pair.source.userProperties)) exclude.add(key);
  if (plan.initial && pair.source.encryption !== 'off') set[RAW_PROPERTY] = plan.raw ? 'on' : 'off';
  for (const key of Object.keys(set)) exclude.delete(key);
  return { exclude: [...exclude], set };
}

function streamFlags({ options }: Setup, plan: DatasetPlan): StreamFlags {
  return {
    raw: plan.raw,
    properties: plan.properties,
    largeBlocks: options.largeBlocks,
    compressedBlocks: options.compressedBlocks,
    embeddedBlocks: options.embeddedBlocks,
  };
}

/** The `zfs send` command of a step; also what its estimate is made of. */
export function stepArgv(setup: Setup, plan: DatasetPlan, step: SendStep): string[] {
  return sendArgv(step, streamFlags(setup, plan));
}

interface OneSend {
  send: string[];
  snapshots: readonly { name: string; guid: string }[];
  force: boolean;
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
    mount: setup.options.mount,
    ...receiveProperties(run),
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
    const { bytes } = await transfer({
      source: setup.source,
      sendArgv: one.send,
      target: setup.target,
      receiveArgv: receive,
      sameHost: setup.sameHost,
      small: run.small,
      tag: `${processTag(plan.dstId)}.${ctx.jobId}`,
      stallTimeoutMs: setup.options.stallTimeout,
      signal: ctx.signal,
      onProgress: ({ bytes, snapshot }) => moved(bytes, snapshot.split('@')[1] ?? first),
    });
    moved(bytes, one.snapshots.at(-1)?.name ?? first);
  } catch (thrown) {
    throw transferError(thrown, plan);
  }
  book.arrived(
    entry,
    one.snapshots.map(({ name }) => name),
  );
}

/** Reads back the GUID of what a step delivered, before the next step builds on it. */
async function verifyStep(run: DatasetRun, to: { name: string; guid: string }): Promise<void> {
  const { setup, plan, ctx } = run;
  const name = `${plan.target}@${to.name}`;
  const guid = await zfs(setup.target, ['get', '-Hp', '-o', 'value', 'guid', name], {
    dataset: plan.source,
    signal: ctx.signal,
  });
  if (guid.trim() === to.guid) return;
  throw new ZfsFlowError('VERIFICATION_FAILED', `${name} has GUID ${guid.trim()}, sent was ${to.guid}`, {
    dataset: plan.source,
    host: setup.target.label,
    retryable: true,
  });
}

/** Sends what the plan says to one dataset. Throws the classified error of the first step that fails. */
export async function sendDataset(run: DatasetRun): Promise<void> {
  const { plan, setup } = run;
  for (const step of plan.prepare) await runPrepare(run, step);
  const sends: OneSend[] = [];
  let offset = 0;
  if (plan.resume) {
    sends.push({ send: resumeArgv(plan.resume.token), snapshots: [plan.resume.to], force: false, offset });
    offset = 1;
  }
  for (const step of plan.steps) {
    const force = plan.force && sends.length === 0;
    sends.push({ send: sendArgv(step, streamFlags(setup, plan)), snapshots: step.snapshots, force, offset });
    offset += step.snapshots.length;
  }
  for (const [index, one] of sends.entries()) {
    await sendOne(run, one, offset);
    const to = one.snapshots.at(-1);
    if (to && index < sends.length - 1) await verifyStep(run, to);
  }
  if (
    setup.options.readonly === 'set' &&
    run.isRoot &&
    sends.length === 0 &&
    run.pair.targetDataset?.readonly === false
  ) {
    await zfs(setup.target, ['set', 'readonly=on', plan.target], { dataset: plan.source, signal: run.ctx.signal });
  }
}
