// To whom jobs report: a node by its id, through whichever instance of it lives right now. While there is none (a
// deploy is closing and building nodes) what happens is kept, in order, for the successor.
import type { JobEvent } from '../base/events';
import type { Job, JobInfo, Outcome } from './job';

/** One instance of a node. `T` is what it keeps with each accepted message. */
export interface Reporter<T> {
  event(event: JobEvent, job: JobInfo, tickets: readonly T[]): void;
  /** Once per accepted message, in the order they came; `index` counts the messages that share this run. */
  ended(outcome: Outcome, job: JobInfo, ticket: T, index: number): void;
}

export class Owner<T> {
  readonly jobs = new Map<Job, T[]>();
  /** The run that ended last. */
  last: JobInfo | undefined;
  private reporter: Reporter<T> | undefined;
  private ready = false;
  private readonly backlog: ((reporter: Reporter<T>) => void)[] = [];
  private orphanTimer: NodeJS.Timeout | undefined;
  private waiters: (() => void)[] = [];

  constructor(
    readonly id: string,
    public configHash: string,
    private readonly onError: (thrown: unknown) => void,
  ) {}

  /** The new instance; it hears nothing before `resume`, because the nodes behind it may not exist yet. */
  adopt(reporter: Reporter<T>, configHash: string): void {
    clearTimeout(this.orphanTimer);
    this.reporter = reporter;
    this.configHash = configHash;
    this.ready = false;
  }

  resume(): void {
    this.ready = true;
    this.flush();
  }

  /** The instance is gone; `giveUp` is called unless another takes its place within `graceMs` milliseconds. */
  orphan(graceMs: number, giveUp: () => void): void {
    this.abandon();
    this.orphanTimer = setTimeout(giveUp, graceMs);
    this.orphanTimer.unref();
  }

  /** The instance is gone for good. */
  abandon(): void {
    this.reporter = undefined;
    this.ready = false;
    clearTimeout(this.orphanTimer);
  }

  /** No instance will come any more: this one hears the rest. */
  hear(witness: Reporter<T> | undefined): void {
    if (witness === undefined) return;
    this.adopt(witness, this.configHash);
    this.resume();
  }

  isCurrent(reporter: Reporter<T>): boolean {
    return this.reporter === reporter;
  }

  cancelAll(reason: string): number {
    const jobs = [...this.jobs.keys()].filter((job) => !job.isCancelled);
    for (const job of jobs) job.cancel(reason);
    return jobs.length;
  }

  /** The job has ended. */
  remove(job: Job): void {
    this.jobs.delete(job);
    if (this.jobs.size > 0) return;
    for (const resolve of this.waiters.splice(0)) resolve();
  }

  /** Resolves when no job is left, at the latest after `graceMs` milliseconds. */
  async idle(graceMs: number): Promise<void> {
    if (this.jobs.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.waiters.push(resolve);
      timer = setTimeout(resolve, graceMs);
    });
    clearTimeout(timer);
  }

  tell(report: (reporter: Reporter<T>) => void): void {
    this.backlog.push(report);
    this.flush();
  }

  private flush(): void {
    // A report may end in a call back into here (a message sent synchronously): shifted first, so each is made once.
    while (this.ready && this.reporter !== undefined) {
      const report = this.backlog.shift();
      if (report === undefined) return;
      try {
        report(this.reporter);
      } catch (thrown) {
        this.onError(thrown);
      }
    }
  }
}
