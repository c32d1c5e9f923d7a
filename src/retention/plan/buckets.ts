// Calendar buckets in a time zone: which hour, day, week, month or year an instant belongs to. A bucket depends on the
// calendar alone, never on which snapshots exist (retention.md, rule 13). Zone data come from `time/zone.ts`.
import { wallClock, zoneOffset } from '../../time/zone';
import type { BucketPeriod } from './policy';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const monthOf = (wall: number): number => {
  const date = new Date(wall);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
};

/** Days since the epoch's Thursday, moved so that a new week begins on each Monday. */
const weekOf = (wall: number): number => Math.floor((Math.floor(wall / DAY_MS) + 3) / 7);

/**
 * The number of the bucket that an instant (ms since the epoch) is in: equal for instants of one bucket, and larger for
 * later ones.
 */
export function bucketOf(period: BucketPeriod, date: number, timeZone: string): number {
  const offset = zoneOffset(date, timeZone);
  const wall = date + offset;
  switch (period) {
    case 'hour':
      // The UTC instant at which the hour began, so that an hour repeated when clocks go back is two buckets.
      return Math.floor(wall / HOUR_MS) * HOUR_MS - offset;
    case 'day':
      return Math.floor(wall / DAY_MS);
    case 'week':
      return weekOf(wall);
    case 'month':
      return monthOf(wall);
    case 'year':
      break;
  }
  return new Date(wall).getUTCFullYear();
}

let lastDay = { number: Number.NaN, text: '' };

/** `2026-11-21`. Labels are asked for in the order of time, and writing a date takes longer than all else about them. */
function dayText(wall: number): string {
  const number = Math.floor(wall / DAY_MS);
  if (number !== lastDay.number)
    lastDay = { number, text: new Date(number * DAY_MS).toISOString().split('T', 1)[0] ?? '' };
  return lastDay.text;
}

/** What a person calls the bucket: `hour 2026-11-21 14:00`, `day 2026-11-21`, `week of 2026-11-16`, `month 2026-11`, `year 2026`. */
export function bucketLabel(period: BucketPeriod, date: number, timeZone: string): string {
  const wall = wallClock(date, timeZone);
  switch (period) {
    case 'hour': {
      const hour = Math.floor(wall / HOUR_MS) - Math.floor(wall / DAY_MS) * 24;
      return `hour ${dayText(wall)} ${hour < 10 ? '0' : ''}${hour}:00`;
    }
    case 'day':
      return `day ${dayText(wall)}`;
    case 'week':
      return `week of ${dayText((weekOf(wall) * 7 - 3) * DAY_MS)}`;
    case 'month':
      return `month ${dayText(wall).slice(0, -3)}`;
    case 'year':
      break;
  }
  return `year ${dayText(wall).slice(0, -6)}`;
}
