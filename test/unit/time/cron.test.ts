// Cron expressions: what they mean, by a model that knows the numbers before they are written down; and that the guard, which
// is all that the edit dialogs have, accepts and refuses exactly what can be read.
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { ZfsFlowError } from '../../../src/base/errors';
import { checkSchedule, type ScheduleOptions } from '../../../src/time/check-schedule';
import { parseCron, type Cron } from '../../../src/time/cron';
import { CronProblem, checkCron } from '../../../src/time/cron-guard';
import { parseSchedule } from '../../../src/time/schedule';

/** A field as it is written, and the values that are meant. */
interface Written {
  text: string;
  values: number[];
}

const span = (low: number, high: number, step: number): number[] =>
  Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, index) => low + index * step);

/** One entry of a list; `last`: up to where `*` and an open step reach. */
function entry(min: number, max: number, last: number, words: readonly string[]): fc.Arbitrary<Written> {
  const value = fc.integer({ min, max });
  const name = (number: number): fc.Arbitrary<string> => {
    const word = words[number - min];
    const digits = [String(number), String(number).padStart(2, '0')];
    return fc.constantFrom(...digits, ...(word === undefined ? [] : [word, word.toUpperCase()]));
  };
  const range = fc.tuple(value, value).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  const named = (low: number, high: number): fc.Arbitrary<string> =>
    fc.tuple(name(low), name(high)).map(([a, b]) => `${a}-${b}`);
  const step = (low: number, high: number): fc.Arbitrary<number> =>
    fc.integer({ min: 1, max: Math.max(1, high - low) });
  return fc.oneof(
    fc.constant({ text: '*', values: span(min, last, 1) }),
    step(min, last).map((by) => ({ text: `*/${by}`, values: span(min, last, by) })),
    value.chain((one) => name(one).map((text) => ({ text, values: [one] }))),
    range.chain(([a, b]) => named(a, b).map((text) => ({ text, values: span(a, b, 1) }))),
    range.chain(([a, b]) =>
      fc.tuple(named(a, b), step(a, b)).map(([text, by]) => ({ text: `${text}/${by}`, values: span(a, b, by) })),
    ),
    fc.integer({ min, max: last }).chain((from) =>
      fc.tuple(name(from), step(from, last)).map(([text, by]) => ({
        text: `${text}/${by}`,
        values: span(from, last, by),
      })),
    ),
  );
}

/** Values named twice too: `0,7` is one Sunday, and `1-5,3` a list that people write. */
function field(min: number, max: number, last = max, words: readonly string[] = []): fc.Arbitrary<Written> {
  return fc.array(entry(min, max, last, words), { minLength: 1, maxLength: 4 }).map((entries) => ({
    text: entries.map(({ text }) => text).join(','),
    values: entries.flatMap(({ values }) => values),
  }));
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const written = fc.tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12, 12, MONTHS), field(0, 7, 6, DAYS));
const expressions = written.map((fields) => fields.map(({ text }) => text).join(' '));

const sorted = (values: Iterable<number>): number[] => [...new Set(values)].toSorted((a, b) => a - b);

function refusal(check: () => unknown): { message: string; field?: string } | null {
  try {
    check();
    return null;
  } catch (error) {
    assert.ok(error instanceof CronProblem || error instanceof ZfsFlowError, String(error));
    return { message: error.message, ...(error instanceof ZfsFlowError ? { field: error.field ?? '' } : {}) };
  }
}

describe('cron expressions', () => {
  it('mean the numbers that they were written for', () => {
    fc.assert(
      fc.property(written, (fields) => {
        const text = fields.map((field) => field.text).join(' ');
        let cron: Cron;
        try {
          cron = parseCron(text);
        } catch (error) {
          assert.match(String(error), /no such date/, text);
          return;
        }
        const { minutes, hours, daysOfMonth, months, daysOfWeek } = cron;
        const [minute, hour, day, month, weekday] = fields.map(({ values }) => values);
        assert.deepEqual(sorted(minutes), sorted(minute ?? []), text);
        assert.deepEqual(sorted(hours), sorted(hour ?? []), text);
        assert.deepEqual(sorted(daysOfMonth), sorted(day ?? []), text);
        assert.deepEqual(sorted(months), sorted(month ?? []), text);
        assert.deepEqual(sorted(daysOfWeek), sorted((weekday ?? []).map((value) => value % 7)), text);
      }),
      { numRuns: 2000 },
    );
  });

  it('are a rhythm when minute or hour is a wildcard, and match either day when both are restricted', () => {
    const both = (text: string): [boolean, boolean] => {
      const { interval, eitherDay } = parseCron(text);
      return [interval, eitherDay];
    };
    assert.deepEqual(both('0 3 1 * mon'), [false, true]);
    assert.deepEqual(both('0 3 */2 * mon'), [false, false]);
    assert.deepEqual(both('*/5 3 1 * *'), [true, false]);
    assert.deepEqual(both('0 0-23 * * *'), [true, false]);
    assert.deepEqual(both('@hourly'), [true, false]);
  });

  it('are read however long they are', () => {
    const every = Array.from({ length: 60 }, (_, minute) => minute).join(',');
    assert.equal(parseCron(`${Array.from({ length: 20 }, () => every).join(',')} * * * *`).minutes.size, 60);
  });

  // Anything that looks like a cron expression, and much that does not.
  const piece = fc.oneof(
    fc.integer({ min: 0, max: 70 }).map(String),
    fc.constantFrom(
      '*',
      '**',
      '',
      'H',
      '?',
      'L',
      'W',
      '1#2',
      '5L',
      'mon',
      'SUN',
      'dec',
      'foo',
      '-1',
      '1.5',
      '0x1',
      '１',
    ),
  );
  const odd = fc
    .tuple(piece, fc.option(piece, { freq: 3 }), fc.option(piece, { freq: 3 }))
    .map(([from, to, step]) => `${from}${to === null ? '' : `-${to}`}${step === null ? '' : `/${step}`}`);
  const oddField = fc.oneof(
    fc.constant('*'),
    fc.array(odd, { minLength: 1, maxLength: 3 }).map((list) => list.join(',')),
  );
  const oddities = fc.oneof(
    expressions,
    fc.array(oddField, { minLength: 5, maxLength: 5 }).map((fields) => fields.join(' ')),
    fc.array(oddField, { maxLength: 7 }).map((fields) => fields.join(' ')),
    fc.constantFrom('@daily', ' @Hourly ', '@reboot', '@annually', '@weekdays', '', '  ', '\t'),
    fc.string({ unit: fc.constantFrom(...'0123456789*,-/ @HLW#?monfri'.split('')), maxLength: 25 }),
  );

  it('are accepted by the guard exactly when they can be read, and then mean something', () => {
    fc.assert(
      fc.property(oddities, (text) => {
        const problem = refusal(() => checkCron(text));
        assert.deepEqual(
          refusal(() => {
            const { minutes, hours, daysOfMonth, months, daysOfWeek } = parseCron(text);
            for (const values of [minutes, hours, daysOfMonth, months, daysOfWeek]) assert.ok(values.size > 0, text);
          }),
          problem,
          text,
        );
      }),
      { numRuns: 5000 },
    );
  });

  it('that are names of what every object has are refused like any other word', () => {
    for (const word of ['constructor', 'valueOf', '__proto__', 'hasOwnProperty']) {
      assert.throws(() => checkCron(word), /five are needed/, word);
    }
  });

  it('with a zone and a window are refused by dialogs and runtime with the same words', () => {
    const time = fc.constantFrom('', '00:00', '23:59', '09:00', '17:30', '9:00');
    const zone = fc.constantFrom('', 'UTC', 'Europe/Berlin', 'Mars/Olympus');
    const options: fc.Arbitrary<ScheduleOptions> = fc.record({
      schedule: fc.oneof(expressions, oddities),
      scheduleTimeZone: zone,
      scheduleBegin: time,
      scheduleEnd: time,
    });
    fc.assert(
      fc.property(options, (given) => {
        const problem = refusal(() => checkSchedule(given));
        assert.deepEqual(
          refusal(() => parseSchedule(given)),
          problem,
        );
        if (problem === null && given.schedule !== '') assert.ok(parseSchedule(given)?.nextRun(new Date('2024-01-01')));
      }),
      { numRuns: 2000 },
    );
  });
});
