// Which cron expressions may be used, and in words what is wrong with the others: five fields or a preset, and nothing that
// cron-parser would take for something else ("" and "* * *" are every minute to it, "H" a random one, "*/90" is hourly).
// What a good one means is read by cron-parser (`cron.ts`), which is too large for the edit dialogs: they ask here. Pure.

/** What is wrong with an expression, in words; thrown inside this folder only. */
export class CronProblem extends Error {}

interface Field {
  name: string;
  min: number;
  max: number;
  /** Up to where `*` and `5/10` reach: 7 is Sunday, but a week ends on Saturday. */
  last: number;
  /** Names for the values from `min` on. */
  words: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const MINUTE: Field = { name: 'minute', min: 0, max: 59, last: 59, words: [] };
const HOUR: Field = { name: 'hour', min: 0, max: 23, last: 23, words: [] };
const DAY: Field = { name: 'day of the month', min: 1, max: 31, last: 31, words: [] };
const MONTH: Field = { name: 'month', min: 1, max: 12, last: 12, words: MONTHS };
const WEEKDAY: Field = { name: 'day of the week', min: 0, max: 7, last: 6, words: DAYS };

const PRESETS: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
};

/** The fields of an expression that may be used, as they were written; presets written out. */
export interface CronFields {
  minute: string;
  hour: string;
  day: string;
  month: string;
  weekday: string;
}

/** One entry of a list: `*`, `5`, `1-5`, `mon-fri`, each with `/step` if wanted. `5/10` goes on to the end. */
interface Entry {
  low: number;
  high: number;
  step: number;
}

function refuse(field: Field, text: string, why: string): never {
  throw new CronProblem(`in the ${field.name} field, "${text}" ${why}`);
}

function valueOf(field: Field, text: string, entry: string): number {
  const word = field.words.indexOf(text.toLowerCase());
  if (word >= 0) return field.min + word;
  if (!/^\d{1,2}$/.test(text)) return refuse(field, entry, 'is not understood');
  const value = Number(text);
  if (value >= field.min && value <= field.max) return value;
  return refuse(field, entry, `is out of range: allowed are ${field.min} to ${field.max}`);
}

function readEntry(field: Field, entry: string): Entry {
  if (entry === '') return refuse(field, '', 'is an empty entry of a list');
  if (/^[H?]|[LW#]/.test(entry) && !field.words.some((word) => entry.toLowerCase().includes(word))) {
    return refuse(field, entry, 'is not supported: H, ?, L, W and # are no part of a five-field cron expression');
  }
  const [range = '', step, ...steps] = entry.split('/');
  if (steps.length > 0) return refuse(field, entry, 'has more than one step');
  const [from = '', to, ...more] = range.split('-');
  if (more.length > 0) return refuse(field, entry, 'is not understood');
  const low = range === '*' ? field.min : valueOf(field, from, entry);
  const open = range === '*' || (to === undefined && step !== undefined);
  const high = open ? field.last : to === undefined ? low : valueOf(field, to, entry);
  if (low > high) return refuse(field, entry, 'runs backwards; write it as a list of two ranges');
  if (step === undefined) return { low, high, step: 1 };
  const stride = /^\d{1,2}$/.test(step) ? Number(step) : 0;
  if (stride < 1) return refuse(field, entry, 'has no whole number of at least 1 as its step');
  if (stride > high - low && high > low) {
    return refuse(field, entry, 'has a step that is longer than its range, so it would not repeat as it looks');
  }
  return { low, high, step: stride };
}

const readField = (field: Field, text: string): Entry[] => text.split(',').map((entry) => readEntry(field, entry));

function* valuesOf(entries: readonly Entry[]): Generator<number> {
  for (const { low, high, step } of entries) {
    for (let value = low; value <= high; value += step) yield value;
  }
}

const LONGEST_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function dateExists(days: readonly Entry[], months: readonly Entry[]): boolean {
  const first = Math.min(...days.map(({ low }) => low));
  return [...valuesOf(months)].some((month) => first <= (LONGEST_MONTH[month - 1] ?? 0));
}

/** Whether a day matches when *either* day field does, and not only when both do: see `Cron.eitherDay`. */
export function matchesEitherDay({ day, weekday }: CronFields): boolean {
  return !day.startsWith('*') && !weekday.startsWith('*');
}

/** Throws `CronProblem` for an expression that may not be used. */
export function checkCron(text: string): CronFields {
  const trimmed = text.trim();
  if (trimmed === '') throw new CronProblem('it is blank; leave the field empty for no schedule at all');
  const name = trimmed.toLowerCase();
  // Not what every object has by such a name, as `constructor`.
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (preset === undefined && trimmed.startsWith('@')) {
    throw new CronProblem(`"${trimmed}" is no preset; there are ${Object.keys(PRESETS).join(', ')}`);
  }
  const parts = (preset ?? trimmed).split(/\s+/);
  if (parts.length !== 5) {
    const count = parts.length === 1 ? 'it has 1 field' : `it has ${parts.length} fields`;
    throw new CronProblem(`${count}; five are needed: minute, hour, day of the month, month, day of the week`);
  }
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = parts;
  const fields = { minute, hour, day, month, weekday };
  readField(MINUTE, minute);
  readField(HOUR, hour);
  const days = readField(DAY, day);
  const months = readField(MONTH, month);
  readField(WEEKDAY, weekday);
  if (!matchesEitherDay(fields) && !dateExists(days, months)) {
    throw new CronProblem('there is no such date in any year');
  }
  return fields;
}

/** Whether a checked expression has a time of the day, in minutes after midnight, that `accepts` takes. */
export function hasTime({ minute, hour }: CronFields, accepts: (minuteOfDay: number) => boolean): boolean {
  const minutes = [...valuesOf(readField(MINUTE, minute))];
  return [...valuesOf(readField(HOUR, hour))].some((h) => minutes.some((m) => accepts(h * 60 + m)));
}
