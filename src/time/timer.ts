// Waits for the runs of a schedule. The wall clock decides, not how long a timer slept: machines sleep, clocks are set.
// What a run does, and that two do not overlap, is `jobs/`.
import type { Schedule } from './schedule';

/** The clock and the timers, so that tests can own both. Times are ms since the epoch. */
export interface Clock {
  now(): number;
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}

const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, ms) => {
    const handle = setTimeout(callback, ms);
    // A waiting schedule must not keep a process alive that wants to end.
    handle.unref();
    return handle;
  },
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

/** How often the clock is looked at: a clock that was set, or a machine that woke up, is noticed this soon. */
const LOOK_MS = 30_000;

/**
 * A clock set back by more than this was wrong before, and what it shows now counts; by less, and the times that come
 * again have run already. Three hours as in Debian's cron(8).
 */
const CORRECTION_MS = 3 * 3_600_000;

export class ScheduleTimer {
  private handle: unknown;
  private running = false;
  /** Everything up to here has run, or was not wanted. */
  private done = 0;
  /** The first run after `done`. */
  private upcoming: Date | null = null;

  constructor(
    private readonly schedule: Schedule,
    /** Called once for each run. What it throws is not caught: it must not throw. */
    private readonly callback: (scheduledAt: Date) => void,
    private readonly clock: Clock = systemClock,
  ) {}

  /**
   * Runs what is due after `since` (default: now). Give the `lastLook` of a predecessor, or a time from before a downtime,
   * to catch up: however many runs were missed since then, the callback is called once, for the newest of them, and
   * never before this method has returned.
   */
  start(since?: Date): void {
    if (this.running) return;
    this.running = true;
    const now = this.clock.now();
    this.advanceTo(since === undefined ? now : Math.min(since.getTime(), now));
    this.handle = this.clock.setTimeout(() => this.look(), 1);
  }

  stop(): void {
    this.running = false;
    this.clock.clearTimeout(this.handle);
  }

  /** Everything up to this moment has been run. */
  get lastLook(): Date {
    return new Date(this.done);
  }

  /** The next run, for the status; null when there is none or the timer is stopped. */
  get next(): Date | null {
    return this.running ? this.upcoming : null;
  }

  private advanceTo(time: number): void {
    this.done = time;
    this.upcoming = this.schedule.nextRun(new Date(time));
  }

  private look(): void {
    const now = this.clock.now();
    if (now < this.done - CORRECTION_MS) this.advanceTo(now);
    const due = this.upcoming !== null && this.upcoming.getTime() <= now ? this.newestDue(this.upcoming, now) : null;
    if (due !== null) this.advanceTo(now);
    else this.done = Math.max(this.done, now);
    const wait = this.upcoming === null ? LOOK_MS : Math.min(LOOK_MS, this.upcoming.getTime() - now);
    // Armed before the callback, which may stop the timer.
    this.handle = this.clock.setTimeout(() => this.look(), Math.max(1, wait));
    if (due !== null) this.callback(due);
  }

  /** The newest run up to `now`, where `first` is one; found from `now` backwards, for a jump may span years. */
  private newestDue(first: Date, now: number): Date {
    let newest = first;
    for (let span = 60_000; now - span > first.getTime(); span *= 2) {
      const run = this.schedule.nextRun(new Date(now - span));
      if (run === null || run.getTime() > now) continue;
      newest = run;
      break;
    }
    for (;;) {
      const run = this.schedule.nextRun(newest);
      if (run === null || run.getTime() > now) return newest;
      newest = run;
    }
  }
}
