// The timer of a schedule on a clock that the test owns: it can be set, and timers can oversleep.
import assert from 'node:assert/strict';
import { parseSchedule, type Schedule } from '../../../src/time/schedule';
import { ScheduleTimer, type Clock } from '../../../src/time/timer';

/** Wall clock and timers apart: `set` moves the wall clock only, as `date -s` does. */
class TestClock implements Clock {
  wall: number;
  private monotonic = 0;
  private pending: { at: number; callback: () => void } | null = null;
  longestWait = 0;

  constructor(start: string) {
    this.wall = Date.parse(start);
  }

  now(): number {
    return this.wall;
  }

  setTimeout(callback: () => void, ms: number): unknown {
    this.longestWait = Math.max(this.longestWait, ms);
    this.pending = { at: this.monotonic + ms, callback };
    return this.pending;
  }

  clearTimeout(handle: unknown): void {
    if (this.pending === handle) this.pending = null;
  }

  get idle(): boolean {
    return this.pending === null;
  }

  /** Lets time pass; timers fire when they are due. */
  advance(ms: number): void {
    const end = this.monotonic + ms;
    while (this.pending !== null && this.pending.at <= end) {
      const { at, callback } = this.pending;
      this.wall += at - this.monotonic;
      this.monotonic = at;
      this.pending = null;
      callback();
    }
    this.wall += end - this.monotonic;
    this.monotonic = end;
  }

  set(wall: string): void {
    this.wall = Date.parse(wall);
  }
}

const HOUR = 3_600_000;

function setUp(
  start: string,
  expression = '0 * * * *',
): { clock: TestClock; fired: string[]; timer: ScheduleTimer; schedule: Schedule } {
  const clock = new TestClock(start);
  const schedule = parseSchedule({ schedule: expression, scheduleTimeZone: 'UTC' });
  assert.ok(schedule);
  const fired: string[] = [];
  const timer = new ScheduleTimer(schedule, (at) => fired.push(at.toISOString().slice(0, 16)), clock);
  return { clock, fired, timer, schedule };
}

describe('ScheduleTimer', () => {
  it('fires once for each run, with the time it was meant for', () => {
    const { clock, fired, timer } = setUp('2024-01-01T00:30:00Z');
    timer.start();
    timer.start();
    clock.advance(3 * HOUR);
    assert.deepEqual(fired, ['2024-01-01T01:00', '2024-01-01T02:00', '2024-01-01T03:00']);
    assert.equal(timer.next?.toISOString(), '2024-01-01T04:00:00.000Z');
  });

  it('stops, also from within its own callback', () => {
    const { clock, fired, timer, schedule } = setUp('2024-01-01T00:30:00Z');
    timer.start();
    clock.advance(HOUR);
    timer.stop();
    clock.advance(5 * HOUR);
    assert.equal(fired.length, 1);
    assert.equal(timer.next, null);
    assert.ok(clock.idle);

    const calls: Date[] = [];
    const once = new ScheduleTimer(
      schedule,
      (at) => {
        calls.push(at);
        once.stop();
      },
      clock,
    );
    once.start();
    clock.advance(5 * HOUR);
    assert.equal(calls.length, 1);
    assert.ok(clock.idle);
  });

  it('never sleeps longer than half a minute, so neither the 24.8 days of setTimeout nor a set clock matter', () => {
    const { clock, fired, timer } = setUp('2024-11-20T00:00:01Z', '@yearly');
    timer.start();
    clock.advance(60 * 24 * HOUR);
    assert.deepEqual(fired, ['2025-01-01T00:00']);
    assert.ok(clock.longestWait <= 30_000);
  });

  it('does not repeat what ran when the clock is set back', () => {
    const { clock, fired, timer } = setUp('2024-01-01T00:30:00Z');
    timer.start();
    clock.advance(2 * HOUR);
    clock.set('2024-01-01T00:30:00Z');
    clock.advance(3 * HOUR);
    assert.deepEqual(fired, ['2024-01-01T01:00', '2024-01-01T02:00', '2024-01-01T03:00']);
  });

  it('follows a clock that was corrected by more than three hours', () => {
    const { clock, fired, timer } = setUp('2034-01-01T00:30:00Z');
    timer.start();
    clock.advance(HOUR);
    clock.set('2024-01-01T00:30:00Z');
    clock.advance(2 * HOUR);
    assert.deepEqual(fired, ['2034-01-01T01:00', '2024-01-01T01:00', '2024-01-01T02:00']);
  });

  it('fires once when the clock jumps over many runs, for the newest of them', () => {
    const { clock, fired, timer } = setUp('2024-01-01T00:30:00Z', '* * * * *');
    timer.start();
    clock.advance(60_000);
    clock.set('2034-05-05T10:10:30Z');
    clock.advance(30_000);
    assert.deepEqual(fired, ['2024-01-01T00:31', '2034-05-05T10:11']);
    clock.advance(60_000);
    assert.equal(fired.at(-1), '2034-05-05T10:12');
  });

  it('fires nothing when it jumps over none', () => {
    const { clock, fired, timer } = setUp('2024-01-01T00:10:00Z');
    timer.start();
    clock.set('2024-01-01T00:50:00Z');
    clock.advance(60_000);
    assert.equal(fired.length, 0);
  });

  it('continues where its predecessor stopped: nothing lost and nothing twice', () => {
    const { clock, fired, timer, schedule } = setUp('2024-01-01T00:59:59Z');
    timer.start();
    clock.advance(500);
    timer.stop();
    const since = timer.lastLook;
    clock.advance(1000);
    const successor = new ScheduleTimer(schedule, (at) => fired.push(at.toISOString().slice(0, 16)), clock);
    successor.start(since);
    assert.equal(fired.length, 0);
    clock.advance(1);
    assert.deepEqual(fired, ['2024-01-01T01:00']);
    successor.stop();
    const third = new ScheduleTimer(schedule, (at) => fired.push(at.toISOString().slice(0, 16)), clock);
    third.start(successor.lastLook);
    clock.advance(HOUR);
    assert.deepEqual(fired, ['2024-01-01T01:00', '2024-01-01T02:00']);
  });

  it('catches up with one run after a downtime, and does not believe a time in the future', () => {
    const { clock, fired, timer } = setUp('2024-01-05T12:30:00Z', '@daily');
    timer.start(new Date('2023-12-01T00:00:00Z'));
    clock.advance(1);
    assert.deepEqual(fired, ['2024-01-05T00:00']);
    timer.stop();
    timer.start(new Date('2030-01-01T00:00:00Z'));
    clock.advance(12 * HOUR);
    assert.deepEqual(fired, ['2024-01-05T00:00', '2024-01-06T00:00']);
  });

  it('does not fire for a run that was due before it started', () => {
    const { clock, fired, timer } = setUp('2024-01-01T01:00:00Z');
    timer.start();
    clock.advance(30_000);
    assert.equal(fired.length, 0);
  });

  it('fires when a timer wakes up a little early', () => {
    const { clock, fired, timer } = setUp('2024-01-01T00:59:59Z');
    timer.start();
    clock.wall -= 3;
    clock.advance(1001);
    clock.advance(10);
    assert.deepEqual(fired, ['2024-01-01T01:00']);
  });

  it('does not keep a process alive', () => {
    const schedule = parseSchedule({ schedule: '@yearly' });
    assert.ok(schedule);
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const timer = new ScheduleTimer(schedule, () => undefined);
    timer.start();
    // Unref'd timers are not listed (Node 20 documentation of process.getActiveResourcesInfo).
    const after = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    timer.stop();
    assert.equal(after, before);
  });
});
