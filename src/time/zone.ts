// Wall-clock time in IANA zones: what a clock shows at an instant, and at which instants it shows a given time. Names,
// schedules and calendar buckets stand on it. `Intl` has the zone data, `Date` the machine's own zone; no zone rules are
// kept here. Runs in the editor too.
import { invalidOption } from '../base/errors';

/** What a clock and a calendar on the wall show. `month` is 1–12. */
export interface WallTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const DAY_MS = 86_400_000;

/** Limit of remembered days per zone (an entry is two numbers), so that odd dates cannot fill the memory. */
const MAX_CACHED_DAYS = 20_000;

interface Zone {
  /** Its offset at an instant, both in ms. */
  measure: (epochMs: number) => number;
  /** UTC day number → offset in ms that holds all day, or null where it changes within that day. */
  days: Map<number, number | null>;
}

const zones = new Map<string, Zone>();
let machine: { tz: string | undefined; zone: Zone } | undefined;

/**
 * The zone of this machine; follows a change of the environment variable TZ. Not by the name that `Intl` has for it: it
 * has none for many a value of TZ that `Date` knows (`JST-9`), or "UTC". What even `Date` does not know: machine-zone.ts.
 */
function machineZone(): Zone {
  const tz = typeof process === 'undefined' ? undefined : process.env['TZ'];
  if (machine === undefined || machine.tz !== tz) {
    const measure = (epochMs: number): number => -60_000 * new Date(epochMs).getTimezoneOffset();
    machine = { tz, zone: { measure, days: new Map() } };
  }
  return machine.zone;
}

function zoneOf(timeZone: string): Zone {
  if (timeZone === '') return machineZone();
  let zone = zones.get(timeZone);
  if (zone === undefined) {
    const formatter = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    zone = { measure: (epochMs) => measureOffset(formatter, epochMs), days: new Map() };
    zones.set(timeZone, zone);
  }
  return zone;
}

/**
 * The zone itself if it is one that this machine's zone data knows; `''` is the machine's own zone and stays `''`.
 * Throws INVALID_OPTIONS for `field`. Bare offsets are refused: they are no IANA names, and not all supported
 * versions of Node know them.
 */
export function checkTimeZone(timeZone: string, field: string): string {
  if (timeZone === '') return '';
  const unknown = (): Error =>
    invalidOption(
      field,
      `unknown time zone "${timeZone}"`,
      'use an IANA name such as Europe/Berlin or UTC, or leave it empty for the zone of the machine that runs Node-RED',
    );
  if (!/^[A-Za-z]/.test(timeZone)) throw unknown();
  try {
    zoneOf(timeZone);
  } catch {
    throw unknown();
  }
  return timeZone;
}

function measureOffset(formatter: Intl.DateTimeFormat, epochMs: number): number {
  const value: Record<string, number> = {};
  for (const part of formatter.formatToParts(epochMs)) {
    if (part.type !== 'literal') value[part.type] = Number(part.value);
  }
  const wall = Date.UTC(
    value['year'] ?? NaN,
    (value['month'] ?? NaN) - 1,
    value['day'],
    value['hour'],
    value['minute'],
    value['second'],
  );
  return wall - Math.floor(epochMs / 1000) * 1000;
}

/** Milliseconds that the zone's clocks are ahead of UTC at an instant (ms since the epoch). */
export function zoneOffset(epochMs: number, timeZone: string): number {
  const zone = zoneOf(timeZone);
  const day = Math.floor(epochMs / DAY_MS);
  let offset = zone.days.get(day);
  if (offset === undefined) {
    // No zone has changed its offset twice within one UTC day and come back to where it was, so equal ends mean a
    // constant day. `Intl` is slow; a listing of 100,000 snapshots asks for few days.
    const start = zone.measure(day * DAY_MS);
    offset = start === zone.measure((day + 1) * DAY_MS - 1000) ? start : null;
    if (zone.days.size >= MAX_CACHED_DAYS) zone.days.clear();
    zone.days.set(day, offset);
  }
  return offset ?? zone.measure(epochMs);
}

/** The wall time of an instant, as if it were one in UTC: ms since the epoch that `getUTC…` methods read. */
export function wallClock(epochMs: number, timeZone: string): number {
  return epochMs + zoneOffset(epochMs, timeZone);
}

export function wallTimeOf(date: Date, timeZone: string): WallTime {
  const wall = new Date(wallClock(date.getTime(), timeZone));
  return {
    year: wall.getUTCFullYear(),
    month: wall.getUTCMonth() + 1,
    day: wall.getUTCDate(),
    hour: wall.getUTCHours(),
    minute: wall.getUTCMinutes(),
    second: wall.getUTCSeconds(),
  };
}

/**
 * The instants (ms since the epoch, ascending) at which the zone's clocks show a wall time, given as `wallClock` gives
 * it: one as a rule, two in an hour that is repeated, none in one that is skipped.
 */
export function instantsOfWallClock(wall: number, timeZone: string): number[] {
  // Offsets lie between -12 h and +14 h, so those a day before and after include both sides of any change nearby.
  const offsets = new Set([
    zoneOffset(wall - DAY_MS, timeZone),
    zoneOffset(wall, timeZone),
    zoneOffset(wall + DAY_MS, timeZone),
  ]);
  return [...offsets]
    .map((offset) => wall - offset)
    .filter((instant) => wallClock(instant, timeZone) === wall)
    .toSorted((a, b) => a - b);
}

/** The first instant at which the clocks show a wall time or, where they jump over it, a later one. */
export function firstInstantNotBefore(wall: number, timeZone: string): number {
  const [first] = instantsOfWallClock(wall, timeZone);
  if (first !== undefined) return first;
  // In a gap: clocks show less than `wall` a day before and more a day after. Halve until the jump is found.
  let before = wall - 2 * DAY_MS;
  let after = wall + 2 * DAY_MS;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (wallClock(middle, timeZone) < wall) before = middle;
    else after = middle;
  }
  return after;
}
