// When somebody is told that a task is late. A node with a schedule knows by itself; one that is started by another, here the
// replication after its snapshots, has to be told how long is too long. Pure.
import { checkCron } from '../time/cron-guard';
import { isScheduled, scheduleOf, takesSnapshots, type Answers } from './answers';

/**
 * Two due times and some time to do the work, for what runs so often: `36h`, `2d`. By the coarsest field that names a time:
 * what runs on some days of the month runs at least once in it.
 */
const LATE_AFTER = { hour: '3h', day: '50h', week: '15d', month: '63d', year: '740d' } as const;

/** The longest that one run of an expression is after the other; null where it cannot be used. */
function periodOf(expression: string): keyof typeof LATE_AFTER | null {
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

/** The `alertAfter` of a replication that is started by its snapshots, '' where its own schedule says enough. */
export function suggestedAlert(answers: Answers): string {
  if (!isScheduled(answers) || !takesSnapshots(answers)) return '';
  const period = periodOf(scheduleOf(answers));
  return period === null ? '' : LATE_AFTER[period];
}
