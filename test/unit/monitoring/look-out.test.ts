// The one timer behind late tasks and pauses: asks in time, not all the time, and notices clocks that are set and machines
// that sleep.
import assert from 'node:assert/strict';
import { GRACE_MS } from '../../../src/monitoring/lateness';
import { LookOut, type Moment } from '../../../src/monitoring/look-out';

const MINUTE = 60_000;
const YEAR = 365 * 24 * 60 * MINUTE;

/** A wall clock that can be set, time that passes, and the one timer there is. */
class World {
  wall = 1_000_000_000_000;
  steady = 5_000;
  /** What timers go by: it stands still while the machine sleeps. */
  private awake = 0;
  timers = 0;
  private timer: { at: number; callback: () => void } | undefined;
  readonly clock = {
    now: () => this.wall,
    steady: () => this.steady,
    setTimeout: (callback: () => void, ms: number) => {
      this.timers++;
      return (this.timer = { at: this.awake + ms, callback });
    },
    clearTimeout: (timer: unknown) => {
      if (this.timer === timer) this.timer = undefined;
    },
  };

  get isWaiting(): boolean {
    return this.timer !== undefined;
  }

  pass(ms: number): void {
    const end = this.awake + ms;
    while (this.timer !== undefined && this.timer.at <= end) {
      const { at, callback } = this.timer;
      this.timer = undefined;
      this.advance(at - this.awake);
      callback();
    }
    this.advance(end - this.awake);
  }

  private advance(ms: number): void {
    this.wall += ms;
    this.steady += ms;
    this.awake += ms;
  }

  /** Timers do not run meanwhile; the time since the boot does. */
  sleep(ms: number): void {
    this.wall += ms;
    this.steady += ms;
  }
}

describe('the look-out', () => {
  let world: World;
  let lookOut: LookOut;
  let seen: (Moment & { at: number })[];
  beforeEach(() => {
    world = new World();
    lookOut = new LookOut(world.clock);
    seen = [];
  });
  const watch = (next: (now: number) => number | null): (() => void) =>
    lookOut.add((moment) => {
      seen.push({ ...moment, at: moment.now });
      return next(moment.now);
    });

  it('asks at once, when it is time, and not before', () => {
    const begin = world.wall;
    watch((now) => (now < begin + 5_000 ? begin + 5_000 : null));
    world.pass(4_999);
    assert.equal(seen.length, 1);
    world.pass(1);
    world.pass(10 * MINUTE);
    assert.deepEqual(seen.map(({ at, hold }) => [at - begin, hold]), [[0, false], [5_000, false]]); // prettier-ignore
  });

  it('asks those whose time came while the loop was busy with another one', () => {
    const begin = world.wall;
    watch((now) => (now < begin + 5_000 ? begin + 5_000 : null));
    const other = (): null => null;
    lookOut.add(other);
    // The timer is overdue and has not run yet.
    world.sleep(6_000);
    lookOut.ask(other);
    assert.deepEqual(seen.map(({ at }) => at - begin), [0, 6_000]); // prettier-ignore
  });

  it('does not run in circles when what it asks wants to be asked in the past', () => {
    const begin = world.wall;
    watch(() => begin - 1);
    world.pass(10 * MINUTE);
    assert.ok(seen.length >= 15 && seen.length <= 25 && world.timers < 30, `${seen.length}, ${world.timers}`);
  });

  it('stops with the last that wants to know', () => {
    const stops = [watch(() => null), watch(() => null)];
    assert.ok(world.isWaiting);
    for (const stop of stops) stop();
    assert.ok(!world.isWaiting);
    // Nobody has looked since: a day more is no surprise.
    world.sleep(1_440 * MINUTE);
    watch(() => null);
    assert.equal(seen.at(-1)?.hold, false);
  });

  it('notices a clock that is set forward, takes that time for none, and holds for five minutes', () => {
    watch(() => null);
    world.pass(MINUTE);
    const before = world.wall;
    world.wall += YEAR;
    world.pass(MINUTE);
    const { hold, gaps } = seen.at(-1) ?? {};
    assert.equal(hold, true);
    assert.deepEqual(gaps?.map(({ from, to, kind }) => [Math.abs(from - before) <= MINUTE, to - from, kind]), [[true, YEAR, 'clock']]); // prettier-ignore
    world.pass(GRACE_MS);
    assert.equal(lookOut.moment().hold, false);
  });

  it('notices a clock that is put back, and forgets what it had been ahead', () => {
    watch(() => null);
    world.pass(MINUTE);
    world.wall += YEAR;
    world.pass(MINUTE);
    assert.equal(lookOut.moment().gaps.length, 1);
    world.wall -= YEAR;
    world.pass(MINUTE);
    const [gap, ...others] = lookOut.moment().gaps;
    assert.deepEqual(others, []);
    // It begins a moment ago and ends in a year: only what of it is over can matter.
    assert.ok(gap === undefined || gap.to <= world.wall);
  });

  it('holds after a sleep, whose time has passed', () => {
    watch(() => null);
    world.pass(MINUTE);
    world.sleep(YEAR);
    world.pass(MINUTE);
    assert.deepEqual([seen.at(-1)?.hold, lookOut.moment().gaps], [true, []]);
  });

  it('makes nothing of a clock that is corrected a little', () => {
    watch(() => null);
    for (const step of [60_000, -60_000, 90_000]) {
      world.wall += step;
      world.pass(MINUTE);
    }
    assert.deepEqual([seen.length, lookOut.moment().hold, lookOut.moment().gaps], [1, false, []]);
  });
});
