// Whether this process has the time zone that the environment variable TZ asks for. Node.js knows names of the IANA and a
// few more; of other values that are right by POSIX and libc it makes the winter time all year, or UTC, without a word.
import type { EventInput } from '../base/events';
import { zoneOffset } from './zone';

const HOUR_MS = 3_600_000;

/** `JST-9`, `<+0330>-3:30`, `CET-1CEST,M3.5.0,M10.5.0/3`: name and offset (west is positive), then perhaps summer time. */
const POSIX =
  /^(?:[A-Za-z]{3,}|<[\w+-]{3,}>)([+-]?)(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?(?:([A-Za-z]{3,}|<[\w+-]{3,}>)(.*))?$/;

/** Offsets in ms that a clock shows in winter and summer; undefined when the text is of neither kind. */
function offsetsOf(tz: string, [winter, summer]: readonly [number, number]): number[] | undefined {
  const name = tz
    .replace(/^:/, '')
    .replace(/^.*\/zoneinfo\//, '')
    .replace(/^(posix|right)\//, '');
  if (/^[A-Za-z]/.test(name)) {
    try {
      return [zoneOffset(winter, name), zoneOffset(summer, name)];
    } catch {
      // No name of a zone.
    }
  }
  const [, sign, hours, minutes = '0', seconds = '0', summerName, rule = ''] = POSIX.exec(name) ?? [];
  if (hours === undefined) return undefined;
  const west = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  const standard = sign === '-' ? west : -west;
  if (summerName === undefined) return [standard, standard];
  const [, otherSign, other] = /^([+-]?)(\d{1,2})/.exec(rule) ?? [];
  const daylight = other === undefined ? standard + HOUR_MS : Number(other) * (otherSign === '-' ? HOUR_MS : -HOUR_MS);
  return [standard, daylight];
}

/** `UTC+05:30`. */
function named(offset: number): string {
  const minutes = Math.abs(Math.round(offset / 60_000));
  const two = (value: number): string => String(value).padStart(2, '0');
  return `UTC${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

const same = (one: readonly number[], other: readonly number[]): boolean =>
  Math.min(...one) === Math.min(...other) && Math.max(...one) === Math.max(...other);

/** What is wrong with TZ, for a person; null when the process has what it asks for, or nothing is asked. */
export function machineZoneProblem(tz = process.env['TZ'] ?? '', now = Date.now()): string | null {
  if (tz.replace(/^:/, '') === '') return null;
  const year = new Date(now).getUTCFullYear();
  const dates = [Date.UTC(year, 0, 1), Date.UTC(year, 6, 1)] as const;
  const has = dates.map((date) => zoneOffset(date, ''));
  const wanted = offsetsOf(tz, dates);
  // A file of zone data, say. A zone that has summer time cannot have been misread.
  const isOdd = wanted === undefined ? same(has, [has[0] ?? 0]) : !same(has, wanted);
  if (!isOdd) return null;
  const clock = [...new Set(has)].map(named).join(' and ');
  return `Node.js does not understand the time zone TZ=${JSON.stringify(tz)}: dates in names and schedules go by ${clock}. Set TZ to an IANA name such as Europe/Berlin, or the time zone in the node.`;
}

/** Says it where a run goes by the machine's zone. */
export function warnOfMachineZone(timeZone: string, emit: (event: EventInput) => void): void {
  const message = timeZone === '' ? machineZoneProblem() : null;
  if (message !== null) emit({ event: 'warning', level: 'warn', message });
}
