// The strftime tokens that a naming schema may hold: how each is written and what it says when read. Which of them a
// schema needs, and that a name as a whole is consistent, is `schema.ts`. English names, as in the C locale: a snapshot
// must be readable on a machine with another language.
import type { WallTime } from '../time/zone';

/** A moment as the wall shows it. */
export interface NameTime extends WallTime {
  /** Millionths of the second: names of other tools have more digits than a `Date`. */
  microsecond: number;
}

/** What a token may contribute when a name is read; the rest of the tokens only confirm. */
export type NamePart = keyof NameTime;

export interface Token {
  /** Source of a regular expression without groups that matches exactly what `write` can give. */
  pattern: string;
  write: (time: NameTime) => string;
  /** The part of the date that this token carries, and its value. */
  part?: NamePart;
  read?: (text: string) => number;
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

const DAY_MS = 86_400_000;

const pad = (value: number, width: number): string => String(value).padStart(width, '0');
const short = (names: readonly string[]): string[] => names.map((name) => name.slice(0, 3));
const oneOf = (names: readonly string[]): string => `(?:${names.join('|')})`;

const midnight = (time: NameTime): number => Date.UTC(time.year, time.month - 1, time.day);
/** 0 = Sunday. */
const weekday = (time: NameTime): number => new Date(midnight(time)).getUTCDay();
/** 1 = Monday … 7 = Sunday (ISO 8601). */
const isoWeekday = (time: NameTime): number => weekday(time) || 7;
/** 0 = 1 January. */
const dayOfYear = (time: NameTime): number => Math.round((midnight(time) - Date.UTC(time.year, 0, 1)) / DAY_MS);

/** Year and week of ISO 8601: the week belongs to the year that its Thursday lies in. */
function isoWeek(time: NameTime): { year: number; week: number } {
  const thursday = new Date(midnight(time) + (4 - isoWeekday(time)) * DAY_MS);
  const year = thursday.getUTCFullYear();
  return { year, week: 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) };
}

/** Weeks that begin on `firstWeekday` (0 = Sunday); days before the first such day are in week 0. */
const weekOfYear = (time: NameTime, firstWeekday: number): number =>
  Math.floor((dayOfYear(time) + 7 - ((weekday(time) - firstWeekday + 7) % 7)) / 7);

/** A token of fixed width that carries a part of the date. */
function carries(part: NamePart, width: number): Token {
  return { pattern: `\\d{${width}}`, write: (time) => pad(time[part], width), part, read: Number };
}

/** A token that follows from the date and is only compared. */
function confirms(pattern: string, write: (time: NameTime) => string): Token {
  return { pattern, write };
}

/**
 * All tokens but `%s` (epoch seconds) and `%z` (offset), which depend on more than the wall time. Python's `%Z %c %x %X`
 * and glibc's `%e %k %-d` have no fixed or no readable form and are left out, as in TrueNAS.
 */
export const TOKENS: ReadonlyMap<string, Token> = new Map<string, Token>([
  ['Y', carries('year', 4)],
  ['m', carries('month', 2)],
  ['d', carries('day', 2)],
  ['H', carries('hour', 2)],
  ['M', carries('minute', 2)],
  ['S', carries('second', 2)],
  ['f', carries('microsecond', 6)],
  [
    'L',
    {
      pattern: '\\d{3}',
      write: (time) => pad(Math.floor(time.microsecond / 1000), 3),
      part: 'microsecond',
      read: (text) => Number(text) * 1000,
    },
  ],
  ['y', confirms('\\d{2}', (time) => pad(time.year % 100, 2))],
  ['j', confirms('\\d{3}', (time) => pad(dayOfYear(time) + 1, 3))],
  ['b', confirms(oneOf(short(MONTHS)), (time) => short(MONTHS)[time.month - 1] ?? '')],
  ['B', confirms(oneOf(MONTHS), (time) => MONTHS[time.month - 1] ?? '')],
  ['a', confirms(oneOf(short(DAYS)), (time) => short(DAYS)[weekday(time)] ?? '')],
  ['A', confirms(oneOf(DAYS), (time) => DAYS[weekday(time)] ?? '')],
  ['p', confirms('[AP]M', (time) => (time.hour < 12 ? 'AM' : 'PM'))],
  ['I', confirms('\\d{2}', (time) => pad(time.hour % 12 || 12, 2))],
  ['u', confirms('[1-7]', (time) => String(isoWeekday(time)))],
  ['w', confirms('[0-6]', (time) => String(weekday(time)))],
  ['G', confirms('\\d{4}', (time) => pad(isoWeek(time).year, 4))],
  ['V', confirms('\\d{2}', (time) => pad(isoWeek(time).week, 2))],
  ['U', confirms('\\d{2}', (time) => pad(weekOfYear(time, 0), 2))],
  ['W', confirms('\\d{2}', (time) => pad(weekOfYear(time, 1), 2))],
]);
