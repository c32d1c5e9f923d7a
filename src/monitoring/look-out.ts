// One timer for everything that waits for a moment, by the wall clock: whether a task is late, when a pause ends. Notices
// when the clock was set, or the machine slept: what was due meanwhile gets a chance before anybody is alarmed.
import type { Gap } from './lateness';
import { GRACE_MS } from './lateness';

export interface LookOutClock {
  /** The wall clock, ms since the epoch. */
  now(): number;
  /** Ms since some moment, set by nobody; goes on while the machine sleeps. */
  steady(): number;
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}

export interface Moment {
  now: number;
  /** What is found late only now is not told yet: a moment ago it was much earlier. */
  hold: boolean;
  /** Time that the clock was set forward by. */
  gaps: readonly Gap[];
}

/** Returns when it wants to be asked again (ms since the epoch), or null. Must not throw. */
export type Watcher = (moment: Moment) => number | null;

/** Milliseconds between two looks at the most. */
const LOOK_MS = 30_000;
/** Between two looks, much more than that has happened without us. */
const JUMP_MS = 120_000;
/** Times that the clock is set, of which anything is known. */
const MOST_GAPS = 20;

export class LookOut {
  private readonly watchers = new Map<Watcher, number | null>();
  private gaps: Gap[] = [];
  private handle: unknown;
  private last: { wall: number; steady: number } | undefined;
  private holdUntil = -Infinity;

  constructor(private readonly clock: LookOutClock) {}

  /** Asks at once, and from then on when it is time. Returns how to end it. */
  add(watcher: Watcher): () => void {
    this.watchers.set(watcher, null);
    this.ask(watcher);
    return () => {
      this.watchers.delete(watcher);
      if (this.watchers.size > 0) return;
      this.stop();
      // Nobody looks from here on, so what the clock does meanwhile is no surprise.
      this.last = undefined;
    };
  }

  /** Something has changed for this one. */
  ask(watcher: Watcher): void {
    if (!this.watchers.has(watcher)) return;
    this.notice();
    this.askDue((one) => one === watcher);
    this.arm();
  }

  moment(): Moment {
    const now = this.clock.now();
    return { now, hold: now < this.holdUntil, gaps: this.gaps };
  }

  private look(): void {
    this.handle = undefined;
    const jumped = this.notice();
    this.askDue(() => jumped);
    this.arm();
  }

  /** Those whose time has come always: the timer that was to ask them is about to be set anew. */
  private askDue(others: (watcher: Watcher) => boolean): void {
    const moment = this.moment();
    for (const [watcher, due] of this.watchers) {
      if (!others(watcher) && (due === null || due > moment.now)) continue;
      // What it does may lead back here: it is not to be asked in the middle of that.
      this.watchers.set(watcher, null);
      this.watchers.set(watcher, watcher(moment));
    }
  }

  private arm(): void {
    const now = this.clock.now();
    // What is overdue has been asked, and wants to be asked again in its turn.
    const due = [...this.watchers.values()].filter((time) => time !== null && time > now);
    const wait = due.reduce((least: number, time) => Math.min(least, (time ?? Infinity) - now), LOOK_MS);
    this.stop();
    this.handle = this.clock.setTimeout(() => this.look(), Math.max(1, wait));
  }

  private stop(): void {
    if (this.handle !== undefined) this.clock.clearTimeout(this.handle);
    this.handle = undefined;
  }

  /** True when the clock does not show what it would have shown. */
  private notice(): boolean {
    const here = { wall: this.clock.now(), steady: this.clock.steady() };
    const before = this.last;
    this.last = here;
    if (before === undefined) return false;
    const passed = here.wall - before.wall;
    const jump = passed - (here.steady - before.steady);
    if (Math.abs(passed) <= JUMP_MS) return false;
    this.holdUntil = here.wall + GRACE_MS;
    if (jump > JUMP_MS) this.gaps.push({ from: here.wall - jump, to: here.wall, kind: 'clock' });
    // Put back: what lies ahead has not been.
    const been = this.gaps.filter(({ from }) => from < here.wall).slice(-MOST_GAPS);
    this.gaps = been.map((gap) => ({ ...gap, to: Math.min(gap.to, here.wall) }));
    return true;
  }
}
