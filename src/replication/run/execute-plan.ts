// One attempt of a run: discover, plan, protect, send, verify, move the marks on. Every retry begins here again, so that
// nothing is ever done on the strength of an old listing.
import type { RunContext } from '../../base/run-context';
import { toZfsFlowError, ZfsFlowError } from '../../base/errors';
import { destinationId } from '../../zfs/marks';
import { createPlaceholder } from '../../zfs/receive';
import { discover, type Discovery } from '../discover/discover';
import { lackingFeatures } from '../discover/pool-features';
import { expectedNewest, finish, isReplaced, type Finished } from '../marks/finish';
import { finalMarks } from '../plan/final-marks';
import { AttemptFailure } from '../execute/attempt-failure';
import { collectFailures } from './failures';
import { endLeftovers } from '../execute/leftovers';
import { limitWarning } from '../execute/limited-transfer';
import { mountReceived } from '../execute/mount';
import { outcomesOf, parcelPlaces, parcelsOf } from './parcels';
import { planReplication } from '../plan/plan';
import type { DatasetPlan, PairInput, PlanInput, ReplicationPlan } from '../plan/plan-types';
import { RunProgress } from '../report/run-progress';
import { destroyReplaced, objections } from '../execute/destroy-replaced';
import { readCarriedProperties, type CarriedProperties } from '../execute/receive-properties';
import { protect, sends } from '../marks/protect';
import { furthest, type ResultBook } from '../report/result-book';
import { processTag } from '../execute/process-tag';
import { sendDataset, type DatasetRun } from '../execute/send-dataset';
import { sendTree } from '../execute/send-tree';
import type { Setup } from '../setup/setup';
import { measure, type Sizes } from '../discover/sizes';
import type { StuckReceives } from './stuck-receives';
import { takeMissingSnapshots } from '../execute/take-snapshots';
import { TargetKeys } from '../execute/target-key';
import { runTree } from './parallel-tree';
import { Lanes } from '../../stream/ways/lanes';
import { isWithin } from '../../zfs/records';

export interface AttemptState {
  /** 1 for the first. */
  attempt: number;
  /** Source datasets that failed for good in an earlier attempt. */
  given: Map<string, AttemptFailure>;
  progress: RunProgress;
  /** Whether the snapshots of `createSnapshot` have been taken; a date: an attempt that began then failed while it took them. */
  snapshots: 'due' | Date | 'taken';
  stuck: StuckReceives;
  /** Source datasets whose copies ZFS continues with large blocks only. */
  keepLargeBlocks: Set<string>;
}

/** Datasets finished one by one are verified and marked in groups of at least this many, or at the end. */
const FINISH_GROUP = 32;
/** … or when the last group is so many milliseconds ago, so that holds of a long run do not pile up. */
const FINISH_INTERVAL_MS = 10_000;

export interface PlannedRun {
  discovery: Discovery;
  plan: ReplicationPlan;
  sizes: Sizes;
}

/** Discovers and plans; takes a snapshot on the source first where `createSnapshot` says so. */
export async function planRun(setup: Setup, state: AttemptState, ctx: RunContext): Promise<PlannedRun> {
  const [listed, lacking] = await Promise.all([discover(setup, ctx), lackingFeatures(setup, ctx)]);
  let discovery = listed;
  if (state.snapshots !== 'taken') {
    const begun = state.snapshots === 'due' ? null : state.snapshots;
    state.snapshots = begun ?? ctx.now();
    const taken = await takeMissingSnapshots(setup, discovery, begun, ctx);
    state.snapshots = 'taken';
    if (taken) discovery = await discover(setup, ctx);
  }
  const pairs = state.stuck
    .mark(discovery.pairs)
    .filter(({ source }) => ![...state.given.keys()].some((failed) => isWithin(source.name, failed)));
  const failed = [...state.given.keys(), ...discovery.missingSources][0];
  const input: PlanInput = {
    pairs,
    ancestors: discovery.ancestors,
    existing: discovery.existing,
    others: discovery.others,
    options: setup.options,
    lacking,
    keepLargeBlocks: state.keepLargeBlocks,
    wholeTrees: state.attempt === 1,
    ...(failed === undefined ? {} : { heldBackFor: `"${failed}" failed` }),
  };
  const plan = planReplication(input);
  const sizes = await measure(setup, plan.datasets, ctx);
  const found = await objections(setup, plan, sizes, pairs, ctx);
  if (found.size === 0) return { discovery, plan, sizes };
  const careful = planReplication({ ...input, objections: found });
  return { discovery, plan: careful, sizes: await measure(setup, careful.datasets, ctx) };
}

/** What is on the target and not, or no more, on the source. */
export function abandonedWarning({ abandoned }: Discovery): string[] {
  if (abandoned.length === 0) return [];
  const shown = abandoned.slice(0, 5).join('", "');
  const more = abandoned.length > 5 ? ` and ${abandoned.length - 5} more` : '';
  return [`not on the source (any more), left alone on the target: "${shown}"${more}`];
}

/** Nothing is sent, nothing is marked wrongly: such a dataset costs no further command. */
function isSettled(setup: Setup, { plan, pair }: Finished): boolean {
  if (sends(plan) || plan.prepare.length > 0 || isReplaced(plan)) return false;
  if (setup.options.readonly === 'set' && pair.targetDataset?.readonly === false) return false;
  if (!setup.options.holdPending) return true;
  const marks = finalMarks({
    source: plan.source,
    dstId: plan.dstId,
    records: pair.sourceRecords,
    tentative: new Set(),
    targetGuids: new Set(pair.targetSnapshots.map(({ guid }) => guid)),
    newest: expectedNewest(plan)?.guid ?? '',
  });
  return marks.create.length === 0 && marks.destroy.length === 0;
}

class Finisher {
  private waiting: Finished[] = [];
  private last: number;
  private readonly flushes: Promise<void>[] = [];
  readonly failures = new Map<string, ZfsFlowError>();

  constructor(
    private readonly setup: Setup,
    private readonly book: ResultBook,
    private readonly ctx: RunContext,
  ) {
    this.last = ctx.now().getTime();
  }

  add(one: Finished): void {
    this.waiting.push(one);
    const due = this.ctx.now().getTime() - this.last >= FINISH_INTERVAL_MS;
    if (due || this.waiting.length >= FINISH_GROUP) this.flush();
  }

  private flush(): void {
    const group = this.waiting;
    this.waiting = [];
    this.last = this.ctx.now().getTime();
    if (group.length === 0) return;
    this.flushes.push(
      finish(this.setup, group, this.ctx).then(
        ({ failures, warnings }) => {
          for (const [source, failure] of failures) this.failures.set(source, failure);
          this.book.warnRun(warnings);
        },
        (error: unknown) => {
          for (const { plan } of group) this.failures.set(plan.source, toZfsFlowError(error));
        },
      ),
    );
  }

  async end(): Promise<void> {
    this.flush();
    await Promise.all(this.flushes);
  }
}

interface Shared {
  book: ResultBook;
  state: AttemptState;
  finisher: Finisher;
  ctx: RunContext;
}

function report({ plan, entry, ctx }: DatasetRun): void {
  ctx.emit({
    event: 'dataset',
    level: 'info',
    dataset: plan.source,
    target: plan.target,
    action: entry.action,
    bytes: entry.bytes,
    message: `${plan.source} → ${plan.target}: ${entry.action}`,
  });
}

/** One dataset: note, send, report. */
async function runDataset(run: DatasetRun, { state, finisher }: Shared): Promise<void> {
  const { setup, plan, pair, entry, ctx } = run;
  if (plan.refusal) {
    const { code, message, hint, details, heldBackFor } = plan.refusal;
    const error = new ZfsFlowError(code, message, {
      dataset: plan.source,
      host: setup.target.label,
      details,
      ...(hint === undefined ? {} : { hint }),
      retryable: false,
    });
    throw new AttemptFailure(error, 'giveUp', heldBackFor !== undefined);
  }
  const begun = ctx.now().getTime();
  entry.action = furthest(entry.action, plan.action);
  try {
    if (!isSettled(setup, { plan, pair })) {
      await sendDataset(run);
      finisher.add({ plan, pair });
    }
  } finally {
    entry.durationMs += ctx.now().getTime() - begun;
    state.progress.datasetDone();
  }
  report(run);
}

/** The datasets of a tree that travel in one stream. */
async function runTogether(root: DatasetRun, runs: readonly DatasetRun[], { state, finisher }: Shared): Promise<void> {
  const { ctx } = root;
  const begun = ctx.now().getTime();
  for (const { entry, plan } of runs) entry.action = furthest(entry.action, plan.action);
  try {
    await sendTree(root, runs);
  } finally {
    const took = ctx.now().getTime() - begun;
    for (const { entry } of runs) entry.durationMs += took;
  }
  for (const run of runs) {
    finisher.add(run);
    state.progress.datasetDone();
    report(run);
  }
}

/**
 * Executes a plan. Returns what failed, by source dataset; the rest is in the book. Throws when a host cannot be reached
 * before anything was sent.
 */
export async function executePlan(
  setup: Setup,
  { discovery, plan, sizes }: PlannedRun,
  state: AttemptState,
  book: ResultBook,
  ctx: RunContext,
): Promise<Map<string, AttemptFailure>> {
  const pairs = new Map(discovery.pairs.map((pair) => [pair.source.name, pair]));
  const good = plan.datasets.filter(({ refusal }) => refusal === null);
  book.warnRun([...abandonedWarning(discovery), ...limitWarning(setup)]);
  book.seen(discovery.pairs);
  await endLeftovers(setup, good, pairs, state.attempt > 1, ctx);
  book.warnRun(await protect(setup, good, (source) => pairs.get(source)?.sourceRecords ?? [], ctx));
  const tag = processTag(destinationId(setup.targetPoolGuid, setup.options.targetDataset));
  const keys = await TargetKeys.open(setup, good, tag, ctx);
  try {
    for (const dataset of plan.placeholders) await createPlaceholder(setup.target, dataset, ctx.signal);
    const carried = await readCarriedProperties(setup, good, ctx);
    state.progress.expect(
      [...sizes.estimates.values()].reduce((sum, size) => sum + size, 0),
      good.length,
    );
    return await runDatasets(plan, { setup, pairs, sizes, carried, keys, state, book, ctx });
  } finally {
    book.warnRun(await keys.close());
  }
}

interface Work {
  setup: Setup;
  /** By source dataset. */
  pairs: ReadonlyMap<string, PairInput>;
  sizes: Sizes;
  carried: CarriedProperties;
  keys: TargetKeys;
  state: AttemptState;
  book: ResultBook;
  ctx: RunContext;
}

/** All datasets of a plan, parents first; then what was received is mounted, where that is wanted. */
async function runDatasets(plan: ReplicationPlan, work: Work): Promise<Map<string, AttemptFailure>> {
  const { setup, pairs, sizes, carried, keys, state, book, ctx } = work;
  const finisher = new Finisher(setup, book, ctx);
  const shared: Shared = { book, state, finisher, ctx };
  const lanes = new Lanes();
  const prepare = (dataset: DatasetPlan): DatasetRun => {
    const pair = pairs.get(dataset.source);
    if (!pair) throw new TypeError(`no pair for ${dataset.source}`);
    const estimated = sizes.estimates.get(dataset.source) ?? 0;
    const entry = book.planned(dataset, estimated);
    const given = sizes.small.has(dataset.source) ? lanes : null;
    const { progress } = state;
    return { setup, plan: dataset, pair, lanes: given, estimated, book, entry, progress, carried, keys, ctx };
  };
  const parcels = parcelsOf(plan.datasets);
  const places = parcelPlaces(parcels);
  const parcelOutcomes = await runTree(parcels, places, setup.options.parallelDatasets, async ([first, ...more]) => {
    ctx.signal.throwIfAborted();
    const root = prepare(first);
    if (more.length === 0) return runDataset(root, shared);
    return runTogether(root, [root, ...more.map(prepare)], shared);
  });
  const outcomes = outcomesOf(parcelOutcomes);
  lanes.close();
  await finisher.end();
  const failures = collectFailures(outcomes, finisher.failures, book);
  if (setup.options.mount) {
    const there = outcomes.filter(({ item, skippedFor }) => {
      return !skippedFor && !failures.has(item.source) && item.action !== 'skip';
    });
    const targets = there.map(({ item }) => item.target);
    if (targets.length > 0) book.warnRun(await mountReceived(setup, targets, ctx));
  }
  const complete = failures.size === 0 && state.given.size === 0 && outcomes.every(({ skippedFor }) => !skippedFor);
  if (complete) book.warnRun(await destroyReplaced(setup, plan, ctx));
  return failures;
}
