// What a cron expression means, as sets of numbers: read by cron-parser, behind the guard that says which expressions there
// are. When they are due, daylight saving included, is `schedule.ts` (decision 1). Pure; loads cron-parser and, with it,
// luxon, so neither the edit dialogs nor the start of Node-RED may reach this file.
import { CronExpressionParser } from 'cron-parser';
import { checkCron, matchesEitherDay } from './cron-guard';

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

type FieldName = 'minute' | 'hour' | 'dayOfMonth' | 'month' | 'dayOfWeek';

/** In the order in which an expression has them. */
const ORDER: readonly FieldName[] = ['minute', 'hour', 'dayOfMonth', 'month', 'dayOfWeek'];

/** Each entry of a list by itself: cron-parser refuses a list that names a value twice (`0,7`, `1-5,3`). */
function valuesOf(name: FieldName, text: string): Set<number> {
  const values = text.split(',').flatMap((entry) => {
    const fields = ORDER.map((other) => (other === name ? entry : '*'));
    return CronExpressionParser.parse(fields.join(' ')).fields[name].values.map(Number);
  });
  return new Set(values);
}

/** A step from a day goes on to Saturday; cron-parser goes on to 7, so that `1/2` would have Sunday too. */
function weekdaysOf(text: string): Set<number> {
  const values = valuesOf('dayOfWeek', text.replaceAll(/(?<=^|,)\w+(?=\/)/g, '$&-6'));
  return new Set([...values].map((value) => value % 7));
}

/** `0-23` means the same as `*`. */
function isWild(field: string, values: ReadonlySet<number>, size: number): boolean {
  return field.startsWith('*') || values.size === size;
}

/** Throws `CronProblem`, for the expressions that `checkCron` refuses. */
export function parseCron(text: string): Cron {
  const fields = checkCron(text);
  const minutes = valuesOf('minute', fields.minute);
  const hours = valuesOf('hour', fields.hour);
  return {
    minutes,
    hours,
    daysOfMonth: valuesOf('dayOfMonth', fields.day),
    months: valuesOf('month', fields.month),
    daysOfWeek: weekdaysOf(fields.weekday),
    eitherDay: matchesEitherDay(fields),
    interval: isWild(fields.minute, minutes, 60) || isWild(fields.hour, hours, 24),
  };
}

/** Whether a date of the calendar matches; `weekday` 0 = Sunday. */
export function matchesDay(cron: Cron, month: number, day: number, weekday: number): boolean {
  if (!cron.months.has(month)) return false;
  const byDate = cron.daysOfMonth.has(day);
  const byWeekday = cron.daysOfWeek.has(weekday);
  return cron.eitherDay ? byDate || byWeekday : byDate && byWeekday;
}
