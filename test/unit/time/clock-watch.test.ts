// Rule 11 for this machine's own clock: what counts as set, what confirms it, and that nothing goes meanwhile.
import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { ClockWatch } from '../../../src/time/clock-watch';
import { DAY, HOUR, names, NOW, plan, series } from '../../support/builders';

const START = NOW * 1000;
const DAYS = DAY * 1000;

describe('the watch over the clock', () => {
  let steady = 0;
  let watch: ClockWatch;
  beforeEach(() => {
    steady = 10 * DAYS;
    watch = new ClockWatch(
      () => steady,
      () => START,
    );
    watch.start();
  });

  it('rule 11: sees a clock that was set, ahead or back, but no time that has passed, asleep or not', () => {
    steady += 40 * DAYS;
    assert.equal(watch.jump(START + 40 * DAYS), 0);
    assert.equal(watch.jump(START + 405 * DAYS), 365 * DAYS);
    assert.equal(watch.jump(START), -40 * DAYS);
    assert.equal(watch.jump(START + 40 * DAYS + HOUR * 1000), 0);
  });

  it('rule 11: goes on saying so until the clock is right again or somebody believes it', () => {
    assert.equal(watch.jump(START + DAYS), DAYS);
    steady += 60_000;
    assert.equal(watch.jump(START + DAYS + 60_000), DAYS);
    assert.equal(watch.jump(START + 60_000), 0);
    watch.believe(START + DAYS + 60_000);
    assert.equal(watch.jump(START + DAYS + 60_000), 0);
    assert.equal(watch.jump(START + 60_000), -DAYS);
  });

  it('rule 11: begins with the first look where nobody has begun it, and only once', () => {
    let wall = START;
    const late = new ClockWatch(
      () => steady,
      () => wall,
    );
    assert.equal(late.jump(wall), 0);
    wall += DAYS;
    assert.equal(late.jump(wall), DAYS);
    late.start();
    assert.equal(late.jump(START + DAYS), DAYS);
  });

  it('rule 11: lets a machine that has just booted ask for the time first', () => {
    const clock = mock.timers;
    clock.enable({ apis: ['setTimeout'] });
    try {
      steady = 20_000;
      let wall = 0;
      const booted = new ClockWatch(
        () => steady,
        () => wall,
      );
      booted.start();
      assert.equal(booted.jump(START), 0);
      // A run of the first minutes goes by what the clock said then …
      booted.believe(wall);
      assert.equal(booted.jump(START), START);
      // … but does not settle what it has to say.
      wall = START;
      steady += 160_000;
      clock.tick(160_000);
      assert.equal(booted.jump(START), 0);
      assert.equal(booted.jump(START + DAYS), DAYS);
    } finally {
      clock.reset();
    }
  });

  it('rule 11: a clock that was set trips the breaker, whatever its limits are; with nothing to destroy it does not', () => {
    const limits = { maxDestroyFraction: 1, maxDestroyCount: 1000 };
    const at = (jump: number, count: number): { breaker: string[]; destroy: string[] } => {
      const clock = { now: START + jump, hosts: new Map(), jump };
      const result = plan({ snapshots: series(count), clock, limits });
      return { breaker: result.breaker, destroy: names(result.destroy) };
    };
    assert.deepEqual(at(0, 3).breaker, []);
    const tripped = at(365 * DAYS, 3);
    assert.equal(tripped.destroy.length, 2);
    assert.match(tripped.breaker.join(), /set ahead by about 365 days/);
    assert.deepEqual(at(365 * DAYS, 1).breaker, []);
    // Set back it trips too: what was taken since is of the future then, and the rest looks younger than it is.
    const back = { now: START, hosts: new Map(), jump: -40 * DAYS };
    assert.match(plan({ snapshots: series(3), clock: back, limits }).breaker.join(), /set back by about 40 days/);
  });
});
