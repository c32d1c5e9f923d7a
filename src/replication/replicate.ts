// A whole replication: attempts until everything is there, nothing can be done any more, or the tries are used up; then
// the target's retention. `attempt.ts` is one attempt, `plan.ts` what it does.
import { setMaxListeners } from 'node:events';
import type { RunContext } from '../base/run-context';
import type { HostResolver } from '../host/host';
import { toZfsFlowError, ZfsFlowError } from '../base/errors';
import { AttemptFailure } from './execute/attempt-failure';
import { abandonedWarning, executePlan, planRun, type AttemptState, type PlannedRun } from './run/execute-plan';
import { runError } from './run/failures';
import { limitWarning } from './execute/limited-transfer';
import type { DatasetResult, ReplicateOptions, ReplicationResult } from './setup/options';
import { sends } from './marks/protect';
import { RunProgress } from './report/run-progress';
import { emptyResult, ResultBook } from './report/result-book';
import { Tries } from './run/retry';
import { StuckReceives } from './run/stuck-receives';
import type { Secret } from '../base/secret';
import { confirmPool, prepareRun, type Setup } from './setup/setup';
import { announceSnapshots } from './execute/take-snapshots';
import { checkEncryptionKey } from './execute/target-key';
import { mergePruned, pruneTarget } from './retention/target-retention';

/** Sentence for the plan event and the log. */
function describe({ plan }: PlannedRun): string {
  const counts = new Map<string, number>();
  for (const { action, refusal } of plan.datasets) {
    const key = refusal ? 'refused' : action;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([action, count]) => `${count} ${action}`).join(', ');
}

function emitPlan(planned: PlannedRun, ctx: RunContext): void {
  ctx.emit({
    event: 'plan',
    level: 'info',
    message: describe(planned),
    placeholders: planned.plan.placeholders,
    replaced: planned.plan.replaced,
    datasets: planned.plan.datasets.map((dataset) => ({
      source: dataset.source,
      target: dataset.target,
      state: dataset.state,
      action: dataset.action,
      base: dataset.base,
      prepare: dataset.prepare,
      resume: dataset.resume ? { to: dataset.resume.to.name, bytesThere: dataset.resume.bytesThere } : null,
      steps: dataset.steps.map(({ from, to, intermediates, snapshots }) => ({
        from: from ? `${from.dataset ?? ''}${from.kind === 'bookmark' ? '#' : '@'}${from.name}` : null,
        to: `@${to.name}`,
        intermediates,
        snapshots: snapshots.length,
      })),
      estimatedBytes: planned.sizes.estimates.get(dataset.source) ?? 0,
      ...(dataset.stream === '' ? {} : { stream: dataset.stream }),
      reasons: dataset.reasons,
      ...(dataset.refusal ? { refusal: dataset.refusal } : {}),
    })),
  });
}

/** Nothing to send anywhere and nothing there either: a mistake in the selection, not a success. */
function refuseNothing(setup: Setup, planned: PlannedRun): void {
  const { datasets } = planned.plan;
  if (datasets.length === 0 || datasets.some(({ action, refusal }) => action !== 'skip' || refusal !== null)) return;
  const { options } = setup;
  const any = planned.discovery.pairs.some(({ sourceRecords }) =>
    sourceRecords.some(({ kind }) => kind === 'snapshot'),
  );
  if (options.mode === 'plan' && options.createSnapshot !== 'never') return;
  throw new ZfsFlowError(
    'NO_SNAPSHOTS',
    any ? 'none of the source snapshots is selected' : `"${options.sourceDatasets.join('", "')}" has no snapshots`,
    { host: setup.source.label, hint: 'Check the selection, or let createSnapshot take one.' },
  );
}

function missingSources(planned: PlannedRun, setup: Setup): Map<string, ZfsFlowError> {
  return new Map(
    planned.discovery.missingSources.map((dataset) => [
      dataset,
      new ZfsFlowError('DATASET_NOT_FOUND', `dataset "${dataset}" does not exist on ${setup.source.label}`, {
        dataset,
        host: setup.source.label,
      }),
    ]),
  );
}

/**
 * How far the targets are. A transfer that moves on is not failing, so only tries without progress count; bytes that
 * were sent and did not stay are none.
 */
function positionOf({ discovery }: PlannedRun): string {
  return discovery.pairs
    .map(({ target, targetSnapshots, token }) => `${target} ${targetSnapshots.length} ${token?.bytes ?? ''}`)
    .join('\n');
}

class Run {
  readonly book: ResultBook;
  private readonly state: AttemptState;
  private readonly tries: Tries;
  /** How far the target was at the last attempt. */
  private reached = '';

  constructor(
    private readonly setup: Setup,
    private readonly hosts: HostResolver,
    private readonly ctx: RunContext,
    private readonly started: Date,
  ) {
    this.book = new ResultBook(emptyResult(ctx.jobId, setup.options.name || ctx.task, started, setup.transport));
    this.tries = new Tries(setup.options, ctx);
    this.state = {
      attempt: 1,
      given: new Map(),
      progress: new RunProgress(ctx),
      snapshots: 'due',
      stuck: new StuckReceives(),
      keepLargeBlocks: new Set(),
    };
    ctx.partial(this.book.result);
    ctx.onSpeedLimit((bytesPerSecond) => {
      setup.rateLimit.set(bytesPerSecond);
      const limit = bytesPerSecond > 0 ? `${bytesPerSecond} bytes per second` : 'none';
      ctx.emit({ event: 'speedLimit', level: 'info', message: `speed limit: ${limit}`, bytesPerSecond });
    });
  }

  /** One attempt; the failures of those datasets that are still not done. */
  private async attempt(): Promise<Map<string, AttemptFailure>> {
    this.state.attempt = this.tries.attempt;
    if (this.state.attempt > 1) await confirmPool(this.setup, this.ctx.signal);
    const planned = await planRun(this.setup, this.state, this.ctx);
    const reached = positionOf(planned);
    if (reached !== this.reached) this.tries.movedOn();
    this.reached = reached;
    emitPlan(planned, this.ctx);
    refuseNothing(this.setup, planned);
    for (const [dataset, error] of missingSources(planned, this.setup)) {
      this.state.given.set(dataset, new AttemptFailure(error, 'giveUp'));
      this.book.failed(this.book.entry(dataset, ''), error);
    }
    await this.makeRoom(planned);
    const failures = await executePlan(this.setup, planned, this.state, this.book, this.ctx);
    this.state.stuck.note(planned.plan.datasets, failures);
    for (const [source, { next }] of failures) {
      if (next === 'withLargeBlocks') this.state.keepLargeBlocks.add(source);
    }
    return failures;
  }

  /** Attempts until nothing is left that another one could mend, or the tries are used up. Throws what failed then. */
  async execute(): Promise<void> {
    const { given } = this.state;
    const left = await this.tries.run(async () => {
      const result = await this.attempt();
      const failures = [...result.values()];
      for (const [source, failure] of result) if (failure.next === 'giveUp') given.set(source, failure);
      return { result, failure: failures.find(({ next }) => next !== 'giveUp') ?? null };
    });
    this.ctx.signal.throwIfAborted();
    for (const [source, failure] of left) given.set(source, failure);
    if (given.size > 0) throw runError(given, this.book);
    this.state.progress.complete();
  }

  /** `mode: plan`: what would be done, with sizes, changing nothing. */
  async planOnly(): Promise<void> {
    const planned = await planRun(this.setup, this.state, this.ctx);
    emitPlan(planned, this.ctx);
    refuseNothing(this.setup, planned);
    this.book.warnRun([...abandonedWarning(planned.discovery), ...limitWarning(this.setup)]);
    this.book.warnRun(announceSnapshots(this.setup, planned.discovery, this.ctx));
    for (const plan of planned.plan.datasets) {
      const entry = this.book.planned(plan, planned.sizes.estimates.get(plan.source) ?? 0);
      entry.action = plan.action;
      entry.snapshots = [
        ...(plan.resume ? [plan.resume.to.name] : []),
        ...plan.steps.flatMap((s) => s.snapshots.map(({ name }) => name)),
      ];
      this.book.warn(entry, plan.reasons);
      this.book.result.snapshots += entry.snapshots.length;
      if (plan.refusal) entry.error = { code: plan.refusal.code, message: plan.refusal.message };
    }
  }

  /** The target's retention, for the copies that are as the source is. */
  async prune(copies: readonly Pick<DatasetResult, 'source' | 'target' | 'action'>[]): Promise<void> {
    const { pruned, warnings } = await pruneTarget(this.setup, copies, this.hosts, this.ctx);
    const { result } = this.book;
    const merged = mergePruned([result.pruned, pruned].filter((one) => one !== undefined && one !== null));
    if (merged) result.pruned = merged;
    this.book.warnRun(warnings);
  }

  /**
   * TrueNAS's pre-retention: what the policy lets go makes room for what comes. Only in a run whose pairs were all found
   * in order (retention.md, rule 10); the base is the newest snapshot of its copy, so it stays.
   */
  private async makeRoom({ plan }: PlannedRun): Promise<void> {
    if (this.state.attempt > 1 || this.setup.options.targetRetention === 'none') return;
    const ordered = plan.datasets.every(({ refusal, state }) => refusal === null && /^(FORWARD|INITIAL)/.test(state));
    const copies = plan.datasets.filter(({ state }) => state === 'FORWARD');
    if (ordered && copies.length > 0 && plan.datasets.some(sends)) await this.prune(copies);
  }

  end(state: ReplicationResult['state']): void {
    this.book.end();
    this.book.result.state = state;
    this.book.result.durationMs = this.ctx.now().getTime() - this.started.getTime();
  }

  failedState(error: ZfsFlowError): ReplicationResult['state'] {
    if (error.code === 'CANCELLED') return 'cancelled';
    return error.code === 'PARTIAL_FAILURE' ? 'partial' : 'failed';
  }
}

/**
 * Replicates, or plans it. Resolves only when everything that was asked for is on the target and verified; otherwise
 * throws the classified error, and the result as far as it got has been given to `ctx.partial`.
 */
export async function replicate(
  options: ReplicateOptions,
  hosts: HostResolver,
  ctx: RunContext,
  encryptionKey: Secret | null = null,
): Promise<ReplicationResult> {
  // Every command that runs at the same time listens to it; Node warns of more than ten as of a leak.
  setMaxListeners(0, ctx.signal);
  const started = ctx.now();
  checkEncryptionKey(options, encryptionKey);
  const fallback = emptyResult(ctx.jobId, options.name || ctx.task, started, 'ssh');
  ctx.partial(fallback);
  const setup = await connect(options, hosts, ctx, encryptionKey);
  const run = new Run(setup, hosts, ctx, started);
  try {
    if (options.mode === 'plan') {
      await run.planOnly();
      run.end('planned');
    } else {
      await run.execute();
      await run.prune(run.book.result.datasets);
      run.end('success');
    }
    return run.book.result;
  } catch (thrown) {
    const error = ctx.signal.aborted
      ? new ZfsFlowError('CANCELLED', 'the replication was cancelled', { cause: thrown })
      : toZfsFlowError(thrown);
    run.end(run.failedState(error));
    throw error;
  }
}

/** The first round trip, with the same patience as the attempts: a host that is down for a moment is no failure. */
async function connect(
  options: ReplicateOptions,
  hosts: HostResolver,
  ctx: RunContext,
  encryptionKey: Secret | null,
): Promise<Setup> {
  return new Tries(options, ctx).run(async () => {
    return { result: await prepareRun(options, hosts, ctx, encryptionKey), failure: null };
  });
}
