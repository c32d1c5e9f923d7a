// `newerThan` and `olderThan`: an ISO 8601 date, or a duration back from now (`7d`). Pure.
import { invalidOption } from '../base/errors';
import { instantsOfWallClock } from './zone';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Months and years as in retention policies: 30 and 365 days. */
const UNITS: readonly [RegExp, number][] = [
  [/^(s|secs?|seconds?)$/, SECOND],
  [/^(m|min|mins|minutes?)$/, MINUTE],
  [/^(h|hours?)$/, HOUR],
  [/^(d|days?)$/, DAY],
  [/^(w|weeks?)$/, 7 * DAY],
  [/^(mo|months?)$/, 30 * DAY],
  [/^(y|years?)$/, 365 * DAY],
];

const DURATION = /^(\d{1,6}(?:\.\d{1,3})?)\s*([a-z]+)$/i;
const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/i;

function durationOf(text: string): number | null {
  const [, amount, name = ''] = DURATION.exec(text) ?? [];
  const unit = UNITS.find(([pattern]) => pattern.test(name.toLowerCase()));
  return amount === undefined || unit === undefined ? null : Number(amount) * unit[1];
}

function offsetOf(text: string): number {
  if (text.toUpperCase() === 'Z') return 0;
  const size = Number(text.slice(1, 3)) * HOUR + Number(text.slice(3).replace(':', '') || 0) * MINUTE;
  return text.startsWith('-') ? -size : size;
}

/** Milliseconds since the epoch. Without an offset the clocks of `timeZone` count; in a skipped hour, UTC decides. */
function instantOf(text: string, timeZone: string): number | null {
  const match = ISO.exec(text);
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const wall = Date.UTC(year, month - 1, day, hour, minute, second, Number((match[7] ?? '0').padEnd(3, '0')));
  const again = new Date(wall);
  const real =
    again.getUTCMonth() === month - 1 && again.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!real) return null;
  const offset = match[8];
  if (offset !== undefined) return wall - offsetOf(offset);
  return instantsOfWallClock(wall, timeZone)[0] ?? wall;
}

/**
 * The instant (ms since the epoch) that a limit stands for at `now`, or null for `''`.
 * Throws INVALID_OPTIONS for the property `field`.
 */
export function timeLimit(text: string, field: string, timeZone: string, now: Date): number | null {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  const back = durationOf(trimmed);
  const instant = back === null ? instantOf(trimmed, timeZone) : now.getTime() - back;
  if (instant !== null) return instant;
  throw invalidOption(
    field,
    `${field}: ${JSON.stringify(text)} is neither a date nor a duration`,
    'write 2024-12-31, 2024-12-31T18:00:00Z, or a duration back from now such as 90m, 12h, 7d, 2w',
  );
}
