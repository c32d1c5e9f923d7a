// A schedule: a cron expression in a time zone, within a daily window; when it is due next, and which dates it matches.
// Daylight saving as in Debian's cron(8): an expression of fixed times runs each of them exactly once – in the first of
// two equal hours, and right after a skipped one –, an interval follows the clock as it goes. Pure; `timer.ts` waits.
import {
  checkCronSchedule,
  checkSchedule,
  type CheckedSchedule,
  type CronScheduleOptions,
  type ScheduleOptions,
} from './check-schedule';
import { matchesDay, parseCron, type Cron } from './cron';
import { inWindow, type TimeWindow } from './window';
import { firstInstantNotBefore, instantsOfWallClock, wallClock, zoneOffset } from './zone';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** 29 February on a given weekday returns after at most 40 years (2096 to 2136: 2100 is no leap year). */
const HORIZON_DAYS = 366 * 41;

export class Schedule {
  constructor(
    /** As it was written. */
    readonly expression: string,
    readonly timeZone: string,
    private readonly cron: Cron,
    private readonly window: TimeWindow,
  ) {}

  /**
   * Whether a date is one of the schedule's, to the minute (seconds do not count), as the clocks in its zone show it.
   * `0 0 * * *` is midnight; `* 0 * * *` is every minute of the first hour.
   */
  matches(date: Date): boolean {
    const wall = new Date(wallClock(date.getTime(), this.timeZone));
    return (
      this.cron.minutes.has(wall.getUTCMinutes()) &&
      this.cron.hours.has(wall.getUTCHours()) &&
      inWindow(this.window, wall.getUTCHours() * 60 + wall.getUTCMinutes()) &&
      matchesDay(this.cron, wall.getUTCMonth() + 1, wall.getUTCDate(), wall.getUTCDay())
    );
  }

  /** The first run after `after` (not at it), or null when there is none in the next 41 years. */
  nextRun(after: Date): Date | null {
    const from = after.getTime();
    // From the day before: one of its times may have been skipped, and be due at the beginning of this one.
    const today = Math.floor(wallClock(from, this.timeZone) / DAY_MS) - 1;
    for (let day = today; day < today + HORIZON_DAYS; day++) {
      const run = this.firstOfDay(day, from);
      if (run === null) continue;
      // Where clocks go back over midnight, a time of the next day can come before the repeated end of this one.
      const tomorrow = this.firstOfDay(day + 1, from);
      return new Date(tomorrow === null ? run : Math.min(run, tomorrow));
    }
    return null;
  }

  /** The first run after `from` among the times of a day of the calendar (days since 1 January 1970). */
  private firstOfDay(day: number, from: number): number | null {
    const start = day * DAY_MS;
    const date = new Date(start);
    if (!matchesDay(this.cron, date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCDay())) return null;
    const offsets = [-1, 0, 1, 2].map((days) => zoneOffset(start + days * DAY_MS, this.timeZone));
    const least = Math.min(...offsets);
    const most = Math.max(...offsets);
    let first: number | null = null;
    for (const minute of this.minutesOfDay()) {
      const wall = start + minute * MINUTE_MS;
      // Whatever the clocks do on this day, the time comes between these two instants; `Intl` is asked where they differ.
      if (wall - least <= from) continue;
      if (first !== null && wall - most >= first) break;
      for (const run of least === most ? [wall - least] : this.runsAt(wall)) {
        if (run > from && (first === null || run < first)) first = run;
      }
    }
    return first;
  }

  private *minutesOfDay(): Generator<number> {
    for (let hour = 0; hour < 24; hour++) {
      if (!this.cron.hours.has(hour)) continue;
      for (let minute = 0; minute < 60; minute++) {
        if (this.cron.minutes.has(minute) && inWindow(this.window, hour * 60 + minute)) yield hour * 60 + minute;
      }
    }
  }

  private runsAt(wall: number): number[] {
    return this.cron.interval ? instantsOfWallClock(wall, this.timeZone) : [firstInstantNotBefore(wall, this.timeZone)];
  }
}

/** A node's schedule, null for `''`. Throws INVALID_OPTIONS as `checkSchedule` does. */
export function parseSchedule(options: ScheduleOptions): Schedule | null {
  const checked = checkSchedule(options);
  return checked === null ? null : scheduleOf(checked);
}

/** A cron expression that stands elsewhere. Throws INVALID_OPTIONS as `checkCronSchedule` does. */
export function parseCronSchedule(expression: string, options: CronScheduleOptions): Schedule {
  return scheduleOf(checkCronSchedule(expression, options));
}

function scheduleOf({ expression, timeZone, window }: CheckedSchedule): Schedule {
  return new Schedule(expression, timeZone, parseCron(expression), window);
}
