// When a task is late: two due times and five minutes, or the span of `alertAfter`; over pauses, days on which clocks change,
// clocks that are set.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  GRACE_MS,
  lateSince,
  missedRuns,
  MOST_MISSED,
  type Expectation,
  type Gap,
} from '../../../src/monitoring/lateness';
import { parseCronSchedule } from '../../../src/time/schedule';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (text: string): number => Date.parse(text);

const cron = (expression: string, timeZone = 'UTC'): Expectation['schedule'] =>
  parseCronSchedule(expression, { timeZone, fields: { cron: 'schedule', timeZone: 'scheduleTimeZone' } });

function expected(more: Partial<Expectation>): Expectation {
  const base = more.base ?? at('2026-11-20T12:00:00Z');
  return { schedule: null, alertAfter: null, base, scheduleSince: base, gaps: [], ...more };
}
const iso = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString());

describe('a task is late', () => {
  it('when two due times have passed, and five minutes', () => {
    const task = expected({ schedule: cron('30 2 * * *') });
    assert.equal(iso(lateSince(task)), '2026-11-22T02:35:00.000Z');
    for (const [now, missed] of [
      ['2026-11-21T02:29:59Z', 0],
      ['2026-11-21T02:30:00Z', 1],
      ['2026-11-22T02:35:00Z', 2],
      ['2026-11-30T00:00:00Z', 9],
    ] as const) {
      // prettier-ignore
      assert.equal(missedRuns(task, at(now)).count, missed, now);
    }
  });

  it('when there was no success for as long as alertAfter says, whichever comes first', () => {
    assert.equal(iso(lateSince(expected({ alertAfter: 36 * HOUR }))), '2026-11-22T00:00:00.000Z');
    const both = expected({ alertAfter: 36 * HOUR, schedule: cron('30 2 * * *') });
    assert.equal(iso(lateSince(both)), '2026-11-22T00:00:00.000Z');
    assert.equal(iso(lateSince({ ...both, alertAfter: 10 * DAY })), '2026-11-22T02:35:00.000Z');
    assert.equal(missedRuns(expected({ alertAfter: HOUR }), at('2026-11-20T15:30:00Z')).count, 3);
  });

  it('never, where nothing is expected', () => {
    assert.equal(lateSince(expected({})), null);
    assert.equal(missedRuns(expected({}), at('2030-01-01T00:00:00Z')).count, 0);
  });

  it('by the calendar of the schedule where clocks change', () => {
    const berlin = cron('30 2 * * *', 'Europe/Berlin');
    const spring = expected({ schedule: berlin, base: at('2026-03-28T02:00:00Z') });
    // 29 March has no 02:30: it is due at 03:00 summer time; 30 March at 02:30 summer time.
    assert.equal(iso(lateSince(spring)), '2026-03-30T00:35:00.000Z');
    const autumn = expected({ schedule: berlin, base: at('2026-10-24T02:00:00Z') });
    // 02:30 comes twice on 25 October, and counts once.
    assert.equal(iso(lateSince(autumn)), '2026-10-26T01:35:00.000Z');
  });

  it('by a new schedule only from the day on which it came', () => {
    const task = expected({ schedule: cron('0 * * * *'), scheduleSince: at('2026-11-25T10:30:00Z') });
    assert.equal(iso(lateSince(task)), '2026-11-25T12:05:00.000Z');
  });

  it('not by what was due during a pause; but a pause makes no backup younger', () => {
    const pause: Gap = { from: at('2026-11-20T20:00:00Z'), to: at('2026-11-22T08:00:00Z'), kind: 'pause' };
    const task = expected({ schedule: cron('30 2 * * *'), gaps: [pause] });
    assert.equal(iso(lateSince(task)), '2026-11-24T02:35:00.000Z');
    assert.equal(lateSince({ ...task, gaps: [{ ...pause, to: Infinity }] }), null);
    assert.equal(
      iso(lateSince({ ...task, alertAfter: 36 * HOUR, gaps: [{ ...pause, to: Infinity }] })),
      '2026-11-22T00:00:00.000Z',
    );
  });

  it('not because somebody set the clock forward', () => {
    const jump: Gap = { from: at('2026-11-20T13:00:00Z'), to: at('2027-11-20T13:00:00Z'), kind: 'clock' };
    const gaps = [jump];
    assert.equal(iso(lateSince(expected({ alertAfter: 36 * HOUR, gaps }))), '2027-11-22T00:00:00.000Z');
    assert.equal(iso(lateSince(expected({ schedule: cron('30 2 * * *'), gaps }))), '2027-11-22T02:35:00.000Z');
    assert.equal(missedRuns(expected({ alertAfter: HOUR, gaps }), at('2027-11-20T14:00:00Z')).count, 2);
  });

  it('counts no further than it makes sense, and does not begin anew each time', () => {
    let asked = 0;
    const every = cron('* * * * *');
    const schedule = { nextRun: (after: Date) => (asked++, every?.nextRun(after) ?? null) };
    const task = expected({ schedule });
    const first = missedRuns(task, task.base + 600 * 60_000);
    assert.equal(first.count, 600);
    asked = 0;
    assert.equal(missedRuns(task, task.base + 602 * 60_000, first).count, 602);
    assert.ok(asked <= 4, String(asked));
    assert.equal(missedRuns(task, task.base + 90 * DAY).count, MOST_MISSED);
  });

  it('as many as are due, however it is counted, and late with the second at the earliest', () => {
    const expressions = ['*/7 * * * *', '30 2 * * *', '15 1,2,3 * * 0', '0 0 1 * *', '59 23 31 12 *'];
    const zones = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe'];
    const gap = fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 60 }));
    fc.assert(
      fc.property(
        fc.constantFrom(...expressions),
        fc.constantFrom(...zones),
        fc.integer({ min: 0, max: 8_760 }),
        fc.array(gap, { maxLength: 3 }),
        fc.array(fc.integer({ min: 0, max: 40 * 24 }), { minLength: 1, maxLength: 4 }),
        (expression, zone, start, pauses, looks) => {
          const base = at('2026-01-01T00:00:00Z') + start * HOUR;
          const gaps = pauses.map(([from, long]): Gap => ({ from: base + from * HOUR, to: base + (from + long) * HOUR, kind: 'pause' })); // prettier-ignore
          const task = expected({ schedule: cron(expression, zone), base, scheduleSince: base, gaps });
          const limit = lateSince(task);
          assert.ok(limit !== null && limit > base);
          assert.ok(missedRuns(task, limit).count >= 2);
          assert.equal(missedRuns(task, limit - GRACE_MS - 1).count, 1);
          let counted: ReturnType<typeof missedRuns> | undefined;
          for (const hours of looks.toSorted((a, b) => a - b)) {
            const now = base + hours * HOUR;
            counted = missedRuns(task, now, counted);
            assert.equal(counted.count, missedRuns(task, now).count);
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
