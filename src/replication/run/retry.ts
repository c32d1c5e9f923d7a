// Trying again: what the network or a peer did may be over by the next attempt. In between a wait, exponential with full
// jitter, so that many jobs that failed together do not come back together (AWS Architecture Blog, "Exponential Backoff
// And Jitter").
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunContext } from '../../base/run-context';
import type { ZfsFlowError } from '../../base/errors';
import { failureOf, type AttemptFailure } from '../execute/attempt-failure';
import type { ReplicateOptions } from '../setup/options';

/** Longest wait, milliseconds. */
const MOST_MS = 60_000;

/**
 * Milliseconds before try `failures + 1`; `random` is in [0, 1). At least half of the base, so that a retry is never
 * immediate. `baseMs` 0 waits not at all.
 */
function backoffDelay(failures: number, baseMs: number, random: number): number {
  const ceiling = Math.min(MOST_MS, baseMs * 2 ** Math.max(0, failures - 1));
  return Math.round(baseMs / 2 + random * Math.max(0, ceiling - baseMs / 2));
}

/** How an attempt ended: `failure` is what another one may mend, beside what `result` says. */
export interface Attempted<T> {
  result: T;
  failure: AttemptFailure | null;
}

export class Tries {
  /** Number of the attempt, 1 for the first. */
  attempt = 1;
  /** Failed tries since something last moved on. */
  private failed = 0;

  constructor(
    private readonly options: Pick<ReplicateOptions, 'retries' | 'retryDelay'>,
    private readonly ctx: RunContext,
  ) {}

  /** What moves on is not failing: only tries without progress count. */
  movedOn(): void {
    this.failed = 0;
  }

  /**
   * Calls `once` until nothing is left that another attempt could mend, or the tries are used up; then returns its last
   * result, whatever failed beside it. Throws the error of a failure without one, and the signal's reason once it is aborted.
   */
  async run<T>(once: () => Promise<Attempted<T>>): Promise<T> {
    for (;;) {
      const { result, failure } = await this.settle(once);
      if (failure === null) return result();
      this.ctx.signal.throwIfAborted();
      if (!failure.isNewStart && ++this.failed >= Math.max(1, this.options.retries)) return result();
      this.attempt++;
      if (failure.next === 'lookAgain') this.tell(failure.error, 0);
      if (!failure.isNewStart) await this.wait(failure.error);
    }
  }

  /** `result` throws what `once` threw. */
  private async settle<T>(
    once: () => Promise<Attempted<T>>,
  ): Promise<{ result: () => T; failure: AttemptFailure | null }> {
    try {
      const { result, failure } = await once();
      return { result: () => result, failure };
    } catch (thrown) {
      this.ctx.signal.throwIfAborted();
      const failure = failureOf(thrown);
      if (failure.next === 'giveUp') throw failure.error;
      const result = (): never => {
        throw failure.error;
      };
      return { result, failure };
    }
  }

  private tell({ message, code }: ZfsFlowError, delayMs: number): void {
    const what = delayMs === 0 ? 'looks again at once' : `tries again in ${(delayMs / 1000).toFixed(1)} s`;
    this.ctx.emit({
      event: 'retry',
      level: 'warn',
      message: `${what}: ${message}`,
      attempt: this.attempt,
      delay: delayMs / 1000,
      reason: message,
      code,
    });
  }

  private async wait(error: ZfsFlowError): Promise<void> {
    const delayMs = backoffDelay(this.failed, this.options.retryDelay, Math.random());
    this.tell(error, delayMs);
    await sleep(delayMs, undefined, { signal: this.ctx.signal });
  }
}
