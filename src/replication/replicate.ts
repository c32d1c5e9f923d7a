// A whole replication: attempts until everything is there, nothing can be done any more, or the tries are used up; then
// the target's retention. `run/attempt.ts` is one attempt, `plan/plan.ts` what it does.
import { setMaxListeners } from 'node:events';
import type { RunContext } from '../base/run-context';
import type { HostResolver } from '../host/host';
import { toZfsFlowError, ZfsFlowError } from '../base/errors';
import { groupBy } from '../base/group-by';
import { listNamedSnapshots } from '../zfs/list';
import { warnOfMachineZone } from '../time/machine-zone';
import { beginToLook, Unchanged, type FirstLook } from './discover/unchanged';
import { runAttempt } from './run/attempt';
import { runError } from './run/failures';
import { planOnly } from './run/plan-only';
import { Tries } from './run/retry';
import { RunState } from './run/run-state';
import type { DatasetResult, ReplicateOptions, ReplicationResult } from './setup/options';
import type { ReplicationPlan } from './plan/plan-types';
import { emptyResult, ResultBook } from './report/result-book';
import type { Secret } from '../base/secret';
import type { Run } from './setup/run';
import { prepareRun } from './setup/setup';
import { checkEncryptionKey } from './execute/target-key';
import { mergePruned, pruneTarget } from './retention/target-retention';
import { sends } from './plan/plan-facts';

/** A cancelled run has to end, and a host that is gone does not answer. */
const LAST_LOOK_MS = 3_000;

class Replication {
  readonly book: ResultBook;
  private readonly state: RunState;
  private readonly began: number;

  constructor(
    private readonly run: Run,
    private readonly hosts: HostResolver,
    /** The same moment by a clock that nobody sets (`performance.now()`), and by that of the wall. */
    { began, started }: { began: number; started: Date },
    first: FirstLook | null,
  ) {
    this.began = began;
    const { ctx, options, rateLimit, transport } = run;
    this.book = new ResultBook(emptyResult(ctx.jobId, options.name || ctx.task, started, transport));
    this.state = new RunState(options, this.book, ctx);
    if (options.mode === 'execute') this.state.unchanged = Unchanged.of(run, first);
    ctx.partial(this.book.result);
    ctx.onSpeedLimit((bytesPerSecond) => {
      rateLimit.set(bytesPerSecond);
      const limit = bytesPerSecond > 0 ? `${bytesPerSecond} bytes per second` : 'none';
      ctx.emit({ event: 'speedLimit', level: 'info', message: `speed limit: ${limit}`, bytesPerSecond });
    });
  }

  async plan(): Promise<void> {
    await planOnly(this.run, this.state);
    this.end('planned');
  }

  async execute(): Promise<void> {
    const { unchanged } = this.state;
    try {
      await this.attempts();
      await this.prune(this.book.result.datasets);
    } catch (thrown) {
      unchanged?.forget();
      throw thrown;
    }
    unchanged?.remember();
    this.end('success');
  }

  /** Attempts until nothing is left that another one could mend, or the tries are used up. Throws what failed then. */
  private async attempts(): Promise<void> {
    const { run, state, book } = this;
    const left = await state.tries.run(async () => {
      const result = await runAttempt(run, state, (plan) => this.makeRoom(plan));
      return { result, failure: [...result.values()].find(({ next }) => next !== 'giveUp') ?? null };
    });
    run.ctx.signal.throwIfAborted();
    for (const [source, failure] of left) state.given.set(source, failure);
    if (state.given.size > 0) throw runError(state.given, book);
    state.progress.complete();
  }

  /** The target's retention, for the copies that are as the source is. */
  private async prune(copies: readonly Pick<DatasetResult, 'source' | 'target' | 'action'>[]): Promise<void> {
    const { run, book, hosts } = this;
    const { pruned, warnings } = await pruneTarget(run, copies, hosts, run.ctx);
    const { result } = book;
    const merged = mergePruned([result.pruned, pruned].filter((one) => one !== undefined && one !== null));
    if (merged) result.pruned = merged;
    book.warnRun(warnings);
  }

  /**
   * TrueNAS's pre-retention: what the policy lets go makes room for what comes. Only in a run whose pairs were all found
   * in order (retention.md, rule 10); the base is the newest snapshot of its copy, so it stays.
   */
  private async makeRoom({ datasets }: ReplicationPlan): Promise<void> {
    if (!this.state.isFirstAttempt || this.run.options.targetRetention === 'none') return;
    const ordered = datasets.every(({ refusal, state }) => refusal === null && /^(FORWARD|INITIAL)/.test(state));
    const copies = datasets.filter(({ state }) => state === 'FORWARD');
    if (ordered && copies.length > 0 && datasets.some(sends)) await this.prune(copies);
  }

  /** What was sent by a run that fails may have arrived all the same: it is told as far as the target still answers. */
  async lastLook(): Promise<void> {
    const { book, run } = this;
    const unseen = book.unseen();
    if (unseen.size === 0) return;
    // Where it does not answer, what was not seen is not told.
    const there = await listNamedSnapshots(run.target, unseen, AbortSignal.timeout(LAST_LOOK_MS)).catch(() => []);
    const guids = groupBy(there, ({ dataset }) => dataset);
    for (const { source, target } of book.result.datasets) {
      book.seenOn(source, new Set((guids.get(target) ?? []).map(({ guid }) => guid)));
    }
  }

  failed(error: ZfsFlowError): void {
    if (error.code === 'CANCELLED') this.end('cancelled');
    else this.end(error.code === 'PARTIAL_FAILURE' ? 'partial' : 'failed');
  }

  private end(state: ReplicationResult['state']): void {
    this.book.end();
    this.book.result.state = state;
    this.book.result.durationMs = Math.round(performance.now() - this.began);
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
  const [began, started] = [performance.now(), ctx.now()];
  checkEncryptionKey(options, encryptionKey);
  const fallback = emptyResult(ctx.jobId, options.name || ctx.task, started, 'ssh');
  ctx.partial(fallback);
  warnOfMachineZone(options.timeZone, (event) => ctx.emit(event));
  const first = beginToLook(options, hosts, ctx);
  const run = await connect(options, hosts, ctx, encryptionKey);
  const replication = new Replication(run, hosts, { began, started }, first);
  try {
    await (options.mode === 'plan' ? replication.plan() : replication.execute());
    return replication.book.result;
  } catch (thrown) {
    await replication.lastLook();
    const error = ctx.signal.aborted
      ? new ZfsFlowError('CANCELLED', 'the replication was cancelled', { cause: thrown })
      : toZfsFlowError(thrown);
    replication.failed(error);
    throw error;
  }
}

/** The first round trip, with the same patience as the attempts: a host that is down for a moment is no failure. */
async function connect(
  options: ReplicateOptions,
  hosts: HostResolver,
  ctx: RunContext,
  encryptionKey: Secret | null,
): Promise<Run> {
  const setup = await new Tries(options, ctx).run(async () => {
    return { result: await prepareRun(options, hosts, ctx, encryptionKey), failure: null };
  });
  return { ...setup, ctx };
}
