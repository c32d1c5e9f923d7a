// Schedules: what is refused and how it is said; when they are due, over both daylight-saving changes in several zones;
// and, on ordinary days, agreement with cron-parser, which reads their expressions but computes its due times by itself.
import assert from 'node:assert/strict';
import { CronExpressionParser } from 'cron-parser';
import * as fc from 'fast-check';
import type { ScheduleOptions } from '../../../src/time/check-schedule';
import { parseCronSchedule, parseSchedule, type Schedule } from '../../../src/time/schedule';
import { ZfsFlowError } from '../../../src/base/errors';

function refusal(options: ScheduleOptions): ZfsFlowError {
  try {
    parseSchedule(options);
  } catch (error) {
    assert.ok(error instanceof ZfsFlowError);
    assert.equal(error.code, 'INVALID_OPTIONS');
    return error;
  }
  return assert.fail(`${JSON.stringify(options)} was accepted`);
}

function schedule(expression: string, zone = 'UTC', begin = '', end = ''): Schedule {
  const parsed = parseSchedule({
    schedule: expression,
    scheduleTimeZone: zone,
    scheduleBegin: begin,
    scheduleEnd: end,
  });
  assert.ok(parsed);
  return parsed;
}

/** All runs after `from` up to and with `to`, to the minute in UTC. */
function runs(of: Schedule, from: string, to: string): string[] {
  const found: string[] = [];
  let run = of.nextRun(new Date(from));
  while (run !== null && run <= new Date(to)) {
    found.push(run.toISOString().slice(0, 16));
    run = of.nextRun(run);
  }
  return found;
}

describe('parseSchedule', () => {
  it("takes '' and nothing for no schedule", () => {
    assert.equal(parseSchedule({}), null);
    assert.equal(parseSchedule({ schedule: '' }), null);
    assert.equal(parseSchedule({ schedule: '', scheduleTimeZone: 'nonsense' }), null);
  });

  const refused: [string, RegExp][] = [
    [' ', /blank/],
    ['\t', /blank/],
    ['*', /1 field; five are needed/],
    ['* * *', /3 fields; five are needed: minute, hour/],
    ['0 0 * * * *', /6 fields/],
    ['61 * * * *', /minute field, "61" is out of range: allowed are 0 to 59/],
    ['* 24 * * *', /hour field/],
    ['* * 0 * *', /day of the month field/],
    ['* * 32 * *', /day of the month field/],
    ['* * * 13 *', /month field/],
    ['* * * * 8', /day of the week field/],
    ['H * * * *', /H, \?, L, W and # are no part/],
    ['H/5 * * * *', /H, \?/],
    ['0 0 ? * *', /H, \?/],
    ['0 0 L * *', /H, \?, L/],
    ['0 0 * * 1#2', /H, \?, L, W and #/],
    ['@reboot', /no preset; there are @hourly, @daily, @weekly, @monthly, @yearly/],
    ['@every 5m', /no preset/],
    ['1,,2 * * * *', /empty entry/],
    ['1- * * * *', /not understood/],
    ['-5 * * * *', /not understood/],
    ['1-2-3 * * * *', /not understood/],
    ['0x1 * * * *', /not understood/],
    ['1e1 * * * *', /not understood/],
    ['1.5 * * * *', /not understood/],
    ['* * * foo *', /not understood/],
    ['* * * mon *', /not understood/],
    ['１ * * * *', /not understood/],
    ['22-2 * * * *', /runs backwards/],
    ['*/0 * * * *', /step/],
    ['*/ * * * *', /step/],
    ['*/-5 * * * *', /step/],
    ['*/90 * * * *', /longer than its range/],
    ['1/2/3 * * * *', /more than one step/],
    ['0 0 31 2 *', /no such date/],
    ['0 0 31 4,6,9,11 *', /no such date/],
  ];
  for (const [expression, message] of refused) {
    it(`refuses ${JSON.stringify(expression)} with a sentence`, () => {
      const error = refusal({ schedule: expression });
      assert.equal(error.field, 'schedule');
      assert.match(error.message, message);
      assert.ok(error.hint);
    });
  }

  it('refuses what is no text', () => {
    assert.equal(refusal({ schedule: 5 }).field, 'schedule');
    assert.equal(refusal({ schedule: ['* * * * *'] }).field, 'schedule');
    assert.equal(refusal({ schedule: '* * * * *', scheduleTimeZone: 1 }).field, 'scheduleTimeZone');
  });

  it('refuses unknown zones', () => {
    for (const zone of ['Mars/Olympus', 'GMT+25', '+02:00', ' ']) {
      const error = refusal({ schedule: '@daily', scheduleTimeZone: zone });
      assert.equal(error.field, 'scheduleTimeZone');
      assert.match(error.message, /unknown time zone/);
    }
  });

  it('refuses a window that is none', () => {
    const daily = { schedule: '0 2 * * *' };
    assert.equal(refusal({ ...daily, scheduleBegin: '24:00' }).field, 'scheduleBegin');
    assert.equal(refusal({ ...daily, scheduleBegin: '9:00' }).field, 'scheduleBegin');
    assert.equal(refusal({ ...daily, scheduleEnd: '09:60' }).field, 'scheduleEnd');
    assert.equal(refusal({ ...daily, scheduleEnd: 9 }).field, 'scheduleEnd');
    assert.match(refusal({ ...daily, scheduleBegin: '09:00', scheduleEnd: '09:00' }).message, /equal/);
    assert.match(refusal({ ...daily, scheduleBegin: '09:00', scheduleEnd: '17:00' }).message, /between begin and end/);
  });

  it('takes the properties as a node stores them', () => {
    assert.ok(
      parseSchedule({ schedule: '@hourly', scheduleTimeZone: '', scheduleBegin: '00:00', scheduleEnd: '23:59' }),
    );
    assert.throws(
      () => parseCronSchedule('x', { timeZone: '', fields: { cron: 'restrictSchedule', timeZone: 'timeZone' } }),
      { field: 'restrictSchedule' },
    );
  });
});

describe('Schedule.nextRun', () => {
  it('knows the presets', () => {
    const after = '2024-02-28T12:34:56Z';
    const first = (preset: string): string | undefined => schedule(preset).nextRun(new Date(after))?.toISOString();
    assert.equal(first('@hourly'), '2024-02-28T13:00:00.000Z');
    assert.equal(first('@daily'), '2024-02-29T00:00:00.000Z');
    assert.equal(first('@weekly'), '2024-03-03T00:00:00.000Z');
    assert.equal(first('@monthly'), '2024-03-01T00:00:00.000Z');
    assert.equal(first('@yearly'), '2025-01-01T00:00:00.000Z');
  });

  it('comes after the given time, not at it', () => {
    assert.equal(schedule('0 * * * *').nextRun(new Date('2024-01-01T05:00:00Z'))?.getUTCHours(), 6);
    assert.equal(schedule('0 * * * *').nextRun(new Date('2024-01-01T04:59:59.999Z'))?.getUTCHours(), 5);
  });

  it('matches either day field when both are restricted, and both when one begins with *', () => {
    assert.deepEqual(runs(schedule('0 0 13 * fri'), '2024-09-01T00:00:00Z', '2024-09-21T00:00:00Z'), [
      '2024-09-06T00:00',
      '2024-09-13T00:00',
      '2024-09-20T00:00',
    ]);
    assert.deepEqual(runs(schedule('0 0 */2 * mon'), '2024-08-31T12:00:00Z', '2024-09-30T12:00:00Z'), [
      '2024-09-09T00:00',
      '2024-09-23T00:00',
    ]);
  });

  it('takes 0, 7 and sun for Sunday, and steps from a number to the end', () => {
    const sundays = ['2024-09-01T00:00', '2024-09-08T00:00'];
    for (const day of ['0', '7', 'sun', 'SUN']) {
      assert.deepEqual(runs(schedule(`0 0 * * ${day}`), '2024-08-31T00:00:00Z', '2024-09-10T00:00:00Z'), sundays);
    }
    assert.equal(runs(schedule('0 0 * * 5-7'), '2024-09-01T12:00:00Z', '2024-09-08T12:00:00Z').length, 3);
    assert.equal(runs(schedule('40/10 3 * * *'), '2024-09-01T12:00:00Z', '2024-09-02T12:00:00Z').length, 2);
  });

  it('finds 29 February over a century that has none, even on one weekday', () => {
    assert.equal(
      schedule('0 0 29 2 *').nextRun(new Date('2096-03-01T00:00:00Z'))?.toISOString().slice(0, 10),
      '2104-02-29',
    );
    const friday = parseSchedule({ schedule: '0 0 29 2 5' });
    assert.equal(friday?.nextRun(new Date('2024-02-29T12:00:00Z'))?.toISOString().slice(0, 7), '2025-02');
  });

  it('keeps to the window, across midnight too, both ends included', () => {
    assert.deepEqual(
      runs(schedule('0 * * * *', 'UTC', '22:00', '02:00'), '2024-01-01T12:00:00Z', '2024-01-02T12:00:00Z'),
      ['2024-01-01T22:00', '2024-01-01T23:00', '2024-01-02T00:00', '2024-01-02T01:00', '2024-01-02T02:00'],
    );
    assert.deepEqual(
      runs(schedule('*/30 * * * *', 'UTC', '09:00', '10:30'), '2024-01-01T00:00:00Z', '2024-01-01T23:00:00Z'),
      ['2024-01-01T09:00', '2024-01-01T09:30', '2024-01-01T10:00', '2024-01-01T10:30'],
    );
  });

  it('reads the window in the zone of the schedule', () => {
    assert.deepEqual(
      runs(schedule('0 * * * *', 'Asia/Kolkata', '09:00', '10:59'), '2024-01-01T00:00:00Z', '2024-01-01T23:00:00Z'),
      ['2024-01-01T03:30', '2024-01-01T04:30'],
    );
  });
});

interface Change {
  zone: string;
  /** A noon before and one after each change of 2024, in UTC. */
  forward: [string, string];
  back: [string, string];
  /** A local time that is skipped and the instant right after; one that is repeated and its first instant. */
  skipped: [string, string];
  repeated: [string, string];
  shiftMinutes: number;
}

const changes: Change[] = [
  {
    zone: 'Europe/Berlin',
    forward: ['2024-03-30T11:00:00Z', '2024-03-31T11:00:00Z'],
    back: ['2024-10-26T11:00:00Z', '2024-10-27T11:00:00Z'],
    skipped: ['30 2', '2024-03-31T01:00'],
    repeated: ['30 2', '2024-10-27T00:30'],
    shiftMinutes: 60,
  },
  {
    zone: 'America/New_York',
    forward: ['2024-03-09T17:00:00Z', '2024-03-10T17:00:00Z'],
    back: ['2024-11-02T17:00:00Z', '2024-11-03T17:00:00Z'],
    skipped: ['15 2', '2024-03-10T07:00'],
    repeated: ['15 1', '2024-11-03T05:15'],
    shiftMinutes: 60,
  },
  {
    zone: 'Australia/Lord_Howe',
    forward: ['2024-10-05T01:00:00Z', '2024-10-06T01:00:00Z'],
    back: ['2024-04-06T01:00:00Z', '2024-04-07T01:00:00Z'],
    skipped: ['10 2', '2024-10-05T15:30'],
    repeated: ['45 1', '2024-04-06T14:45'],
    shiftMinutes: 30,
  },
];

describe('daylight saving', () => {
  for (const { zone, forward, back, skipped, repeated, shiftMinutes } of changes) {
    it(`${zone}: a skipped time runs once, right after`, () => {
      assert.deepEqual(runs(schedule(`${skipped[0]} * * *`, zone), ...forward), [skipped[1]]);
    });

    it(`${zone}: a repeated time runs once, the first time`, () => {
      assert.deepEqual(runs(schedule(`${repeated[0]} * * *`, zone), ...back), [repeated[1]]);
    });

    it(`${zone}: a daily time outside the change runs once on either day`, () => {
      for (const [from, to] of [forward, back]) {
        assert.equal(runs(schedule('0 5 * * *', zone), from, to).length, 1);
      }
    });

    it(`${zone}: an interval keeps its rhythm through both changes`, () => {
      for (const [from, to] of [forward, back]) {
        const found = runs(schedule('*/10 * * * *', zone), from, to);
        const gaps = new Set(found.slice(1).map((run, i) => Date.parse(`${run}Z`) - Date.parse(`${found[i]}Z`)));
        assert.deepEqual([...gaps], [600_000]);
        assert.equal(found.length, 144);
      }
    });

    it(`${zone}: a list of hours runs each of them once on either day`, () => {
      const all = Array.from({ length: 12 }, (_, index) => index * 2 + 1).join(',');
      for (const [from, to] of [forward, back]) {
        const found = runs(schedule(`5 ${all} * * *`, zone), from, to);
        assert.equal(found.length, 12);
        assert.equal(new Set(found).size, 12);
      }
    });

    it(`${zone}: the day is as long as the change makes it`, () => {
      const daily = schedule('0 12 * * *', zone);
      const before = daily.nextRun(new Date(Date.parse(forward[0]) - 7_200_000));
      assert.ok(before);
      const after = daily.nextRun(before);
      assert.ok(after);
      assert.equal((after.getTime() - before.getTime()) / 60_000, 24 * 60 - shiftMinutes);
    });
  }

  for (const zone of ['Asia/Kolkata', 'UTC']) {
    it(`${zone}: has no change, and 366 runs in a leap year`, () => {
      const found = runs(schedule('30 2 * * *', zone), '2023-12-31T21:00:00Z', '2024-12-31T21:00:00Z');
      assert.equal(found.length, 366);
    });
  }

  it('runs a skipped midnight at one o’clock', () => {
    assert.deepEqual(runs(schedule('@daily', 'America/Sao_Paulo'), '2018-11-03T12:00:00Z', '2018-11-05T12:00:00Z'), [
      '2018-11-04T03:00',
      '2018-11-05T02:00',
    ]);
  });

  it('runs the noon of a skipped day when the next day begins', () => {
    assert.deepEqual(runs(schedule('0 12 * * *', 'Pacific/Apia'), '2011-12-29T00:00:00Z', '2011-12-31T00:00:00Z'), [
      '2011-12-29T22:00',
      '2011-12-30T10:00',
      '2011-12-30T22:00',
    ]);
  });

  it('runs in order where the clocks go back over midnight', () => {
    // St. John's until 2011: 00:01 became 23:01 of the day before.
    assert.deepEqual(
      runs(schedule('*/30 * * * *', 'America/St_Johns'), '2010-11-07T01:45:00Z', '2010-11-07T04:10:00Z'),
      ['2010-11-07T02:00', '2010-11-07T02:30', '2010-11-07T03:00', '2010-11-07T03:30', '2010-11-07T04:00'],
    );
  });

  it('judges the window by the time that was meant', () => {
    const inside = schedule('30 2 * * *', 'Europe/Berlin', '02:00', '02:45');
    assert.deepEqual(runs(inside, '2024-03-30T11:00:00Z', '2024-03-31T11:00:00Z'), ['2024-03-31T01:00']);
  });
});

describe('Schedule.matches', () => {
  it('sees the minute and not the second', () => {
    const midnight = schedule('0 0 * * *');
    assert.equal(midnight.matches(new Date('2024-01-01T00:00:59.999Z')), true);
    assert.equal(midnight.matches(new Date('2024-01-01T00:01:00Z')), false);
    assert.equal(schedule('* 0 * * *').matches(new Date('2024-01-01T00:01:00Z')), true);
    assert.equal(schedule('* 0 * * *').matches(new Date('2024-01-01T01:01:00Z')), false);
  });

  it('looks at the clocks of its zone and at the window', () => {
    assert.equal(schedule('0 2 * * *', 'Europe/Berlin').matches(new Date('2024-07-01T00:00:00Z')), true);
    assert.equal(schedule('0 * * * *', 'UTC', '22:00', '06:00').matches(new Date('2024-07-01T06:00:00Z')), true);
    assert.equal(schedule('0 * * * *', 'UTC', '22:00', '06:00').matches(new Date('2024-07-01T07:00:00Z')), false);
  });
});

/** Whether the clocks of a zone show at `date` anything but a minute more than a minute before. */
function clocksJumpTo(date: Date, zone: string): boolean {
  const minutes = (at: number): number => {
    const [hour, minute] = new Date(at).toLocaleTimeString('en-GB', { timeZone: zone }).split(':');
    return Number(hour) * 60 + Number(minute);
  };
  return (minutes(date.getTime()) - minutes(date.getTime() - 60_000) + 1440) % 1440 !== 1;
}

const field = (min: number, max: number): fc.Arbitrary<string> => {
  const value = fc.integer({ min, max });
  const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant('*') },
    fc.integer({ min: 1, max: Math.min(20, max - min) }).map((step) => `*/${step}`),
    value.map(String),
    range,
    fc.uniqueArray(value, { minLength: 2, maxLength: 4 }).map((values) => values.join(',')),
  );
};
const expressions = fc
  .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
  // With a day field such as `*/2` cron-parser takes "both restricted" otherwise than vixie cron.
  .filter(([, , day, , weekday]) => !/^\*./.test(day) && !/^\*./.test(weekday))
  .map((parts) => parts.join(' '));

describe('schedules, properties', () => {
  const moments = fc.date({
    min: new Date('2000-01-01T00:00:00Z'),
    max: new Date('2060-01-01T00:00:00Z'),
    noInvalidDate: true,
  });

  it('agrees with cron-parser where no clock changes', () => {
    fc.assert(
      fc.property(expressions, moments, fc.constantFrom('UTC', 'Asia/Kolkata'), (expression, from, zone) => {
        const oracle = CronExpressionParser.parse(expression, { currentDate: from, tz: zone });
        const ours = schedule(expression, zone);
        let at = from;
        for (let i = 0; i < 3; i++) {
          const next = ours.nextRun(at);
          assert.ok(next);
          assert.equal(next.toISOString(), oracle.next().toDate().toISOString(), expression);
          at = next;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is due only at matching minutes, or right after a skipped one; and only forwards', () => {
    const zones = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Sao_Paulo');
    fc.assert(
      fc.property(expressions, moments, zones, (expression, from, zone) => {
        const ours = schedule(expression, zone);
        const next = ours.nextRun(from);
        assert.ok(next && next > from);
        if (!ours.matches(next)) assert.ok(clocksJumpTo(next, zone), `${expression}: ${next.toISOString()} in ${zone}`);
      }),
      { numRuns: 500 },
    );
  });
});
