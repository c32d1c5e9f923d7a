// Verifies what arrived and moves its marks on, in groups, beside the sends that still run.
import { toZfsFlowError, type ZfsFlowError } from '../../base/errors';
import { finish, type MarksOnTheWay } from '../marks/finish';
import type { PlannedPair } from '../plan/plan-types';
import type { Run } from '../setup/run';
import type { RunState } from './run-state';
import { isPlainIncrement } from './settled';

/** Datasets finished one by one are verified and marked in groups of at least this many, or at the end. */
const FINISH_GROUP = 32;
/** … or when the last group is so many milliseconds ago, so that holds of a long run do not pile up. */
const FINISH_INTERVAL_MS = 10_000;

export class Finisher {
  private waiting: PlannedPair[] = [];
  private last: number;
  /** By source dataset: when it was sent, in ms of the clock that nobody sets. */
  private readonly sentAt = new Map<string, number>();
  private readonly flushes: Promise<void>[] = [];
  /** By source dataset: what does not have what was sent to it. */
  readonly failures = new Map<string, ZfsFlowError>();

  constructor(
    private readonly run: Run,
    private readonly state: Pick<RunState, 'book' | 'marked' | 'unchanged'>,
    private readonly marks: MarksOnTheWay,
  ) {
    this.last = this.now();
  }

  /** Everything of it was sent. */
  add(one: PlannedPair): void {
    this.waiting.push(one);
    this.sentAt.set(one.plan.source, performance.now());
    const due = this.now() - this.last >= FINISH_INTERVAL_MS;
    if (due || this.waiting.length >= FINISH_GROUP) this.flush();
  }

  /** Milliseconds. */
  private now(): number {
    return this.run.ctx.now().getTime();
  }

  private flush(): void {
    const group = this.waiting;
    this.waiting = [];
    this.last = this.now();
    if (group.length === 0) return;
    this.flushes.push(
      this.finish(group).catch((error: unknown) => {
        for (const { plan } of group) this.failures.set(plan.source, toZfsFlowError(error));
      }),
    );
  }

  private async finish(group: readonly PlannedPair[]): Promise<void> {
    const { run } = this;
    const { book, marked, unchanged } = this.state;
    const { failures, seen, warnings } = await finish(run, group, this.marks);
    for (const [source, failure] of failures) this.failures.set(source, failure);
    for (const { plan, pair } of group) {
      const arrived = seen.get(plan.source) ?? [];
      book.seenOn(plan.source, new Set(arrived.map(({ guid }) => guid)));
      if (failures.has(plan.source)) continue;
      marked.delete(pair.source.guid);
      const own = this.sentAt.get(plan.source);
      if (own !== undefined && isPlainIncrement(run, { plan, pair })) unchanged?.arrived(pair, arrived, own);
    }
    book.warnRun(warnings);
  }

  /** Resolves when all of them are done; never rejects. */
  async end(): Promise<void> {
    this.flush();
    await Promise.all(this.flushes);
  }
}
