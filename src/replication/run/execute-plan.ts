// Carries out a plan: ends what an earlier run left, protects, sends, verifies, mounts, and destroys what was replaced when
// all of it is there.
import { ZfsFlowError } from '../../base/errors';
import { Lanes } from '../../stream/ways/lanes';
import { destinationId } from '../../zfs/marks';
import { above, isWithin } from '../../zfs/records';
import { createPlaceholder } from '../../zfs/receive';
import { largest } from '../discover/sizes';
import { withoutOwnProperties } from '../execute/long-steps';
import { AttemptFailure } from '../execute/attempt-failure';
import { askedTransport, DataPaths } from '../execute/data-paths';
import type { DatasetWork } from '../execute/dataset-work';
import { destroyReplaced } from '../execute/destroy-replaced';
import { endLeftovers } from '../execute/leftovers';
import { mountReceived } from '../execute/mount';
import { readCarriedProperties, type CarriedProperties } from '../execute/receive-properties';
import { sendDataset } from '../execute/send-dataset';
import { sendTree } from '../execute/send-tree';
import { TargetKeys } from '../execute/target-key';
import type { MarksOnTheWay } from '../marks/finish';
import { protect } from '../marks/protect';
import type { DatasetPlan, PairInput, Refusal, ReplicationPlan } from '../plan/plan-types';
import { furthest } from '../report/result-book';
import { prove } from '../setup/meeting';
import type { Run } from '../setup/run';
import { collectFailures } from './failures';
import { Finisher } from './finisher';
import { runTree, type Outcome } from './parallel-tree';
import { outcomesOf, parcelPlaces, parcelsOf, type Parcel } from './parcels';
import { runWarnings, type PlannedAttempt } from './plan-attempt';
import type { RunState } from './run-state';
import { isSettled } from './settled';
import { sends } from '../plan/plan-facts';

/** What the datasets of an attempt share on the target while it lasts. */
interface Provisions {
  carried: CarriedProperties;
  keys: TargetKeys;
  plain: ReadonlySet<string>;
  marks: MarksOnTheWay;
  paths: DataPaths;
}

/**
 * Returns what failed, by source dataset; the rest is in the book. Throws when a host cannot be reached before anything
 * was sent.
 */
export async function executePlan(
  found: Run,
  state: RunState,
  planned: PlannedAttempt,
): Promise<Map<string, AttemptFailure>> {
  const { book, progress } = state;
  const { discovery, plan, sizes } = planned;
  const run = plan.datasets.some(sends) ? await prove(found, found.ctx.signal) : found;
  const { target, targetPoolGuid, options, ctx } = run;
  const pairs = new Map(discovery.pairs.map((pair) => [pair.source.name, pair]));
  const good = plan.datasets.filter(({ refusal }) => refusal === null);
  const paths = new DataPaths(run);
  book.result.transport = askedTransport(run) ?? (book.result.dataPath ? book.result.transport : run.transport);
  book.warnRun(runWarnings(run, planned));
  if (plan.datasets.some(sends)) book.warnRun(await paths.warnings(largest(sizes)));
  book.seen(discovery.pairs);
  await endLeftovers(run, good, pairs, !state.isFirstAttempt);
  const unended = new Map(state.marked);
  for (const dataset of good) {
    const guid = pairs.get(dataset.source)?.source.guid;
    if (guid === undefined || !sends(dataset)) continue;
    state.marked.set(guid, new Set([...(state.marked.get(guid) ?? []), dataset.dstId]));
  }
  // Beside each other: marks mostly wait for the pool to write them.
  const [{ bookmarks: made, warnings }, plain] = await Promise.all([
    protect(run, good, (source) => pairs.get(source)?.sourceRecords ?? []),
    withoutOwnProperties(run, good),
  ]);
  book.warnRun(warnings);
  const keys = await TargetKeys.open(run, good, destinationId(targetPoolGuid, options.targetDataset));
  try {
    const { now } = placeholders(plan);
    for (const dataset of now) await createPlaceholder(target, dataset, ctx.signal);
    const carried = await readCarriedProperties(run, good, (warnings) => book.warnRun(warnings));
    const bytes = [...sizes.estimates.values()].reduce((sum, size) => sum + size, 0);
    progress.expect(bytes, good.length);
    return await new Execution(run, state, planned, { carried, keys, paths, plain, marks: { unended, made } }).all();
  } finally {
    book.warnRun(await keys.close());
  }
}

function refused(
  { code, message, hint, details, heldBackFor }: Refusal,
  dataset: string,
  host: string,
): AttemptFailure {
  const more = { dataset, host, details, ...(hint === undefined ? {} : { hint }), retryable: false };
  return new AttemptFailure(new ZfsFlowError(code, message, more), 'giveUp', heldBackFor !== undefined);
}

/** Those that can be made at once, and those below a dataset that this run receives. */
function placeholders(plan: ReplicationPlan): { now: string[]; later: string[] } {
  const come = plan.datasets.filter((one) => one.refusal === null && (sends(one) || one.prepare.length > 0));
  const coming = new Set(come.map(({ target }) => target));
  const isLater = (name: string): boolean => [...above(name)].some((one) => coming.has(one));
  return {
    now: plan.placeholders.filter((name) => !isLater(name)),
    later: plan.placeholders.filter(isLater),
  };
}

/** The datasets of a plan. */
class Execution {
  private readonly pairs: ReadonlyMap<string, PairInput>;
  private readonly finisher: Finisher;
  private readonly lanes = new Lanes();
  /** Placeholders that are made when the first dataset below them is sent. */
  private readonly later: readonly string[];
  private readonly made = new Map<string, Promise<void>>();

  constructor(
    private readonly run: Run,
    private readonly state: RunState,
    private readonly planned: PlannedAttempt,
    private readonly provisions: Provisions,
  ) {
    this.pairs = new Map(planned.discovery.pairs.map((pair) => [pair.source.name, pair]));
    this.finisher = new Finisher(run, state, provisions.marks);
    this.later = placeholders(planned.plan).later;
  }

  /** Parents first; then what was received is mounted, where that is wanted. */
  async all(): Promise<Map<string, AttemptFailure>> {
    const { book, given } = this.state;
    const { plan } = this.planned;
    const parcels = parcelsOf(plan.datasets);
    const { parallelDatasets, mount } = this.run.options;
    const ended = await runTree(parcels, parcelPlaces(parcels), parallelDatasets, (parcel) => this.parcel(parcel));
    const outcomes = outcomesOf(ended);
    this.lanes.close();
    await this.finisher.end();
    const failures = collectFailures(outcomes, this.finisher.failures, book);
    if (mount) await this.mount(outcomes, failures);
    const complete = failures.size === 0 && given.size === 0 && outcomes.every(({ skippedFor }) => !skippedFor);
    if (complete) book.warnRun(await destroyReplaced(this.run, plan));
    return failures;
  }

  private async parcel([first, ...more]: Parcel): Promise<void> {
    this.run.ctx.signal.throwIfAborted();
    const root = this.begin(first);
    if (more.length === 0) return this.dataset(root);
    return this.tree(root, [root, ...more.map((plan) => this.begin(plan))]);
  }

  private begin(plan: DatasetPlan): DatasetWork {
    const { run, state, planned, provisions } = this;
    const { book, progress } = state;
    const { estimates, small } = planned.sizes;
    const pair = this.pairs.get(plan.source);
    if (!pair) throw new TypeError(`no pair for ${plan.source}`);
    const estimated = estimates.get(plan.source) ?? 0;
    const entry = book.planned(plan, estimated);
    const lanes = small.has(plan.source) ? this.lanes : null;
    return { run, plan, pair, lanes, estimated, book, entry, progress, ...provisions };
  }

  /** One dataset: note, send, report. */
  private async dataset(one: DatasetWork): Promise<void> {
    const { plan, entry } = one;
    if (plan.refusal) throw refused(plan.refusal, plan.source, this.run.target.label);
    const begun = performance.now();
    entry.action = furthest(entry.action, plan.action);
    try {
      if (!isSettled(this.run, one, this.provisions.marks.unended)) {
        await this.makeAbove(plan.target);
        await sendDataset(one);
        this.finisher.add(one);
      }
    } finally {
      entry.durationMs += Math.round(performance.now() - begun);
      this.state.progress.datasetDone();
    }
    this.tell(one);
  }

  /** Placeholders above a target, which others may be waiting for too. */
  private async makeAbove(target: string): Promise<void> {
    const { run, made } = this;
    for (const name of this.later) {
      if (!isWithin(target, name)) continue;
      const making = made.get(name) ?? createPlaceholder(run.target, name, run.ctx.signal);
      made.set(name, making);
      await making;
    }
  }

  /** The datasets of a tree that travel in one stream. */
  private async tree(root: DatasetWork, all: readonly DatasetWork[]): Promise<void> {
    const begun = performance.now();
    for (const { entry, plan } of all) entry.action = furthest(entry.action, plan.action);
    try {
      await sendTree(root, all);
    } finally {
      const took = Math.round(performance.now() - begun);
      for (const { entry } of all) entry.durationMs += took;
    }
    for (const one of all) {
      this.finisher.add(one);
      this.state.progress.datasetDone();
      this.tell(one);
    }
  }

  private tell({ plan, entry }: DatasetWork): void {
    this.run.ctx.emit({
      event: 'dataset',
      level: 'info',
      dataset: plan.source,
      target: plan.target,
      action: entry.action,
      bytes: entry.bytes,
      message: `${plan.source} → ${plan.target}: ${entry.action}`,
    });
  }

  private async mount(
    outcomes: readonly Outcome<DatasetPlan>[],
    failures: ReadonlyMap<string, AttemptFailure>,
  ): Promise<void> {
    const there = outcomes.filter(({ item, skippedFor }) => {
      return !skippedFor && !failures.has(item.source) && item.action !== 'skip';
    });
    const targets = there.map(({ item }) => item.target);
    if (targets.length > 0) this.state.book.warnRun(await mountReceived(this.run, targets));
  }
}
