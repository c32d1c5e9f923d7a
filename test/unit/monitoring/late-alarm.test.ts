// What is told of a late task: once, then once a day, and that it is over – whatever restarts and clocks do in between.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { nextLook, nextStep, type Alarm } from '../../../src/monitoring/late-alarm';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('an alarm', () => {
  it('begins when it is late, comes again each day, and ends', () => {
    let alarm: Alarm | undefined;
    const told: [number, string][] = [];
    const look = (now: number, limit: number | null): void => {
      // Another limit comes from another success.
      const step = nextStep(alarm, limit, now, String(limit));
      alarm = step.alarm;
      if (step.tell !== undefined) told.push([now / HOUR, step.tell]);
    };
    for (let hour = 0; hour <= 60; hour++) look(hour * HOUR, 5 * HOUR);
    assert.equal(nextLook(alarm, 5 * HOUR), 77 * HOUR);
    look(61 * HOUR, 100 * HOUR);
    look(62 * HOUR, null);
    assert.deepEqual(told, [[5, 'late'], [29, 'late'], [53, 'late'], [61, 'recovered']]); // prettier-ignore
    assert.deepEqual([nextLook(alarm, 7), nextLook(alarm, null)], [7, null]);
  });

  it('is not silenced by a clock that was put back', () => {
    const ahead: Alarm = { since: 0, toldAt: 1_000 * DAY };
    const { alarm, tell } = nextStep(ahead, 0, 10 * DAY, 'x');
    assert.deepEqual([alarm, tell], [{ since: 0, toldAt: 10 * DAY, of: 'x' }, undefined]);
    assert.equal(nextStep(alarm, 0, 11 * DAY, 'x').tell, 'late');
  });

  it('is not over because a clock was set: that takes a success, or that something else is asked for', () => {
    const begun = nextStep(undefined, 10 * HOUR, 14 * HOUR, 'success at 9').alarm;
    // Four hours back: the time from which it is counted is now.
    const back = nextStep(begun, 11 * HOUR, 10 * HOUR, 'success at 9');
    assert.deepEqual([back.tell, back.alarm?.since, back.alarm?.toldAt], [undefined, 10 * HOUR, 10 * HOUR]);
    assert.equal(nextStep(back.alarm, 11 * HOUR, 12 * HOUR, 'success at 9').tell, undefined);
    assert.deepEqual(nextStep(back.alarm, 13 * HOUR, 12 * HOUR, 'success at 12'), {
      alarm: undefined,
      tell: 'recovered',
    });
    assert.deepEqual(nextStep(back.alarm, null, 12 * HOUR, 'never'), { alarm: undefined, tell: 'recovered' });
  });

  it('of an older version, which did not say what it went by, ends as it did there', () => {
    assert.equal(nextStep({ since: 0, toldAt: 0 }, 2 * HOUR, HOUR, 'success').tell, 'recovered');
  });

  it('is told once a day at most, begins before it ends, and both in turn', () => {
    const look = fc.record({
      hours: fc.integer({ min: 0, max: 30 }),
      limit: fc.option(fc.integer({ min: 0, max: 900 })),
    });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 60 }), (looks) => {
        let [alarm, now]: [Alarm | undefined, number] = [undefined, 0];
        let [lastLate, isLate] = [-Infinity, false];
        for (const { hours, limit } of looks) {
          now += hours * HOUR;
          // Kept as JSON in between, as over a restart.
          const kept: Alarm | undefined =
            alarm === undefined ? undefined : (JSON.parse(JSON.stringify(alarm)) as Alarm);
          const step = nextStep(kept, limit === null ? null : limit * HOUR, now, String(limit));
          alarm = step.alarm;
          if (step.tell === 'late') {
            assert.ok(!isLate || now - lastLate >= DAY);
            [lastLate, isLate] = [now, true];
          } else if (step.tell === 'recovered') {
            assert.ok(isLate);
            isLate = false;
          }
          if (limit !== null && now >= limit * HOUR) assert.ok(alarm);
          else assert.equal(alarm, undefined);
          assert.equal(isLate, alarm !== undefined);
        }
      }),
    );
  });
});
