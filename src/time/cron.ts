// Cron expressions: five fields or a preset, read into sets of numbers. Strict, and every refusal is a sentence: the
// usual parsers take "" and "* * *" for every minute, "H" for a random one and "*/90" for hourly (cron-parser 5.10).
// When such an expression is due, daylight saving included, is `schedule.ts`. Pure; the editor uses it too.

export interface Cron {
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  daysOfMonth: ReadonlySet<number>;
  /** 1–12 */
  months: ReadonlySet<number>;
  /** 0 = Sunday … 6 */
  daysOfWeek: ReadonlySet<number>;
  /**
   * A day matches when *either* day field does: both are restricted. As in vixie cron a field that begins with `*`
   * does not count as restricted, and then both must match (crontab(5)).
   */
  eitherDay: boolean;
  /** Minute or hour is a wildcard: the expression means a rhythm, not times of the day (Debian's cron(8)). */
  interval: boolean;
}

interface FieldRange {
  name: string;
  min: number;
  max: number;
  /** Names for the values from `min` on. */
  words: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const MINUTE: FieldRange = { name: 'minute', min: 0, max: 59, words: [] };
const HOUR: FieldRange = { name: 'hour', min: 0, max: 23, words: [] };
const DAY: FieldRange = { name: 'day of the month', min: 1, max: 31, words: [] };
const MONTH: FieldRange = { name: 'month', min: 1, max: 12, words: MONTHS };
/** 7 is Sunday as well as 0. */
const WEEKDAY: FieldRange = { name: 'day of the week', min: 0, max: 7, words: DAYS };

const CRON_PRESETS: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
};

/** What is wrong with an expression, in words; thrown inside this folder only. */
export class CronProblem extends Error {}

function fail(field: FieldRange, text: string, why: string): never {
  throw new CronProblem(`in the ${field.name} field, "${text}" ${why}`);
}

function valueOf(field: FieldRange, text: string, item: string): number {
  const word = field.words.indexOf(text.toLowerCase());
  if (word >= 0) return field.min + word;
  if (!/^\d{1,2}$/.test(text)) return fail(field, item, 'is not understood');
  const value = Number(text);
  if (value < field.min || value > field.max) {
    return fail(field, item, `is out of range: allowed are ${field.min} to ${field.max}`);
  }
  return value;
}

/** One item of a list: `*`, `5`, `1-5`, `mon-fri`, each with `/step` if wanted. `5/10` is `5-59/10`. */
function parseItem(field: FieldRange, item: string): number[] {
  if (item === '') return fail(field, '', 'is an empty entry of a list');
  if (/^[H?]|[LW#]/.test(item) && !field.words.some((word) => item.toLowerCase().includes(word))) {
    return fail(field, item, 'is not supported: H, ?, L, W and # are no part of a five-field cron expression');
  }
  const [range = '', step, ...rest] = item.split('/');
  if (rest.length > 0) return fail(field, item, 'has more than one step');
  const [from = '', to, ...more] = range.split('-');
  if (more.length > 0) return fail(field, item, 'is not understood');
  const last = field === WEEKDAY ? 6 : field.max;
  const low = range === '*' ? field.min : valueOf(field, from, item);
  const high = range === '*' ? last : to !== undefined ? valueOf(field, to, item) : step === undefined ? low : last;
  if (low > high) return fail(field, item, `runs backwards; write it as a list of two ranges`);
  const stride = step === undefined ? 1 : Number(/^\d{1,2}$/.test(step) ? step : NaN);
  if (!(stride >= 1)) return fail(field, item, 'has no whole number of at least 1 as its step');
  if (stride > high - low && step !== undefined && high > low) {
    return fail(field, item, `has a step that is longer than its range, so it would not repeat as it looks`);
  }
  const values: number[] = [];
  for (let value = low; value <= high; value += stride) values.push(value);
  return values;
}

function parseField(field: FieldRange, text: string): Set<number> {
  const values = text.split(',').flatMap((item) => parseItem(field, item));
  return new Set(field === WEEKDAY ? values.map((value) => value % 7) : values);
}

/** `0-23` means the same as `*`. */
function isWild(field: string, values: ReadonlySet<number>, size: number): boolean {
  return field.startsWith('*') || values.size === size;
}

const MAX_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Throws `CronProblem`. */
export function parseCron(text: string): Cron {
  if (text.trim() === '') throw new CronProblem('it is blank; leave the field empty for no schedule at all');
  const preset = CRON_PRESETS[text.trim().toLowerCase()];
  if (preset === undefined && text.trim().startsWith('@')) {
    throw new CronProblem(`"${text.trim()}" is no preset; there are ${Object.keys(CRON_PRESETS).join(', ')}`);
  }
  const parts = (preset ?? text).trim().split(/\s+/);
  if (parts.length !== 5) {
    const count = parts.length === 1 ? 'it has 1 field' : `it has ${parts.length} fields`;
    throw new CronProblem(`${count}; five are needed: minute, hour, day of the month, month, day of the week`);
  }
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = parts;
  const cron = {
    minutes: parseField(MINUTE, minute),
    hours: parseField(HOUR, hour),
    daysOfMonth: parseField(DAY, day),
    months: parseField(MONTH, month),
    daysOfWeek: parseField(WEEKDAY, weekday),
    eitherDay: !day.startsWith('*') && !weekday.startsWith('*'),
  };
  const anyDate = [...cron.months].some((m) => [...cron.daysOfMonth].some((d) => d <= (MAX_DAYS[m - 1] ?? 0)));
  if (!anyDate && !cron.eitherDay) throw new CronProblem('there is no such date in any year');
  return { ...cron, interval: isWild(minute, cron.minutes, 60) || isWild(hour, cron.hours, 24) };
}

/** Whether a date of the calendar matches; `weekday` 0 = Sunday. */
export function matchesDay(cron: Cron, month: number, day: number, weekday: number): boolean {
  if (!cron.months.has(month)) return false;
  const byDate = cron.daysOfMonth.has(day);
  const byWeekday = cron.daysOfWeek.has(weekday);
  return cron.eitherDay ? byDate || byWeekday : byDate && byWeekday;
}
