// How long it may be between two runs of a schedule, as far as its expression says it. Pure.
import { checkCron } from '../time/cron-guard';

export type Period = 'hour' | 'day' | 'week' | 'month' | 'year';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Two due times and some time to do the work, in milliseconds. */
export const TWICE: Readonly<Record<Period, number>> = {
  hour: 3 * HOUR_MS,
  day: 50 * HOUR_MS,
  week: 15 * DAY_MS,
  month: 63 * DAY_MS,
  year: 740 * DAY_MS,
};

/** `TWICE` as a property has a duration: `50h`, `15d`. */
export function twiceText(period: Period): string {
  const ms = TWICE[period];
  return ms % DAY_MS === 0 ? `${ms / DAY_MS}d` : `${ms / HOUR_MS}h`;
}

/**
 * The longest that one run of an expression is after the other, by the coarsest field that names a time: what runs on some days
 * of the month runs at least once in it. Null where the expression cannot be used.
 */
export function periodOf(expression: string): Period | null {
  try {
    const { hour, day, month, weekday } = checkCron(expression);
    if (month !== '*') return 'year';
    if (day !== '*') return 'month';
    if (weekday !== '*') return 'week';
    return hour === '*' ? 'hour' : 'day';
  } catch {
    return null;
  }
}
