// What the attempts of one run hand on to each other: what has been told and moved, what failed for good, and what was
// learned that a new listing cannot show.
import type { RunContext } from '../../base/run-context';
import type { AttemptFailure } from '../execute/attempt-failure';
import { SnapshotTaker } from '../execute/take-snapshots';
import type { Discovery } from '../discover/discover';
import type { Unchanged } from '../discover/unchanged';
import type { DatasetPlan, PairInput } from '../plan/plan-types';
import type { ResultBook } from '../report/result-book';
import { RunProgress } from '../report/run-progress';
import type { ReplicateOptions } from '../setup/options';
import { compareDecimal, type SnapshotRecord } from '../../zfs/records';
import { Tries } from './retry';
import { SecondLooks } from './second-looks';
import { StuckReceives } from './stuck-receives';

/** How far the targets are: bytes that were sent and did not stay are no progress. */
function positionOf({ pairs }: Discovery): string {
  return pairs
    .map(({ target, targetSnapshots, partial }) => {
      const newest = targetSnapshots.reduce<SnapshotRecord | null>((last, one) => {
        return last && compareDecimal(last.createtxg, one.createtxg) > 0 ? last : one;
      }, null);
      return `${target} ${newest?.guid ?? ''} ${partial?.token?.bytes ?? ''}`;
    })
    .join('\n');
}

export class RunState {
  readonly tries: Tries;
  readonly progress: RunProgress;
  readonly snapshots = new SnapshotTaker();
  readonly stuck = new StuckReceives();
  readonly looks = new SecondLooks();
  /** Source datasets that failed for good. */
  readonly given = new Map<string, AttemptFailure>();
  /** Source datasets whose copies ZFS continues with large blocks only. */
  readonly keepLargeBlocks = new Set<string>();
  /**
   * Source datasets, by GUID, that this run has marked for sends which have not come to their end since, and the
   * destinations they were marked for: either may have another name by the next attempt.
   */
  readonly marked = new Map<string, ReadonlySet<string>>();
  /** What need not be listed again; null: everything is. */
  unchanged: Unchanged | null = null;
  /** How far the targets were at the last attempt. */
  private reached = '';

  constructor(
    options: ReplicateOptions,
    readonly book: ResultBook,
    ctx: RunContext,
  ) {
    this.tries = new Tries(options, ctx);
    this.progress = new RunProgress(ctx);
  }

  get isFirstAttempt(): boolean {
    return this.tries.attempt === 1;
  }

  /** Takes what an attempt sees before it does anything. */
  sees(discovery: Discovery): void {
    const reached = positionOf(discovery);
    if (reached !== this.reached) {
      this.tries.movedOn();
      this.looks.movedOn();
    }
    this.reached = reached;
  }

  /** Takes what an attempt planned, from what it saw, and what failed of it; returns what that means for the next one. */
  ended(
    plans: readonly DatasetPlan[],
    pairs: readonly PairInput[],
    found: ReadonlyMap<string, AttemptFailure>,
  ): Map<string, AttemptFailure> {
    const bySource = new Map(pairs.map((pair) => [pair.source.name, pair]));
    const failures = new Map(
      [...found].map(([source, failure]) => [source, this.looks.judge(failure, bySource.get(source) ?? null)]),
    );
    this.stuck.note(plans, failures);
    for (const [source, failure] of failures) {
      if (failure.next === 'withLargeBlocks') this.keepLargeBlocks.add(source);
      if (failure.next === 'giveUp') this.given.set(source, failure);
    }
    return failures;
  }
}
