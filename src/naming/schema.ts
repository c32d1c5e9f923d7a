// Naming schemas: strftime texts that give a snapshot its name and read the date back from it. Strict on purpose: a
// name that this schema would not have written is not this schema's (TrueNAS reads `auto-2018-9-2_1-5` too, Python's
// laxness; here what is read decides what may be deleted). Rules: nodes.md, zfs-snapshot; truenas.md B.1.
import { invalidOption } from '../base/errors';
import { checkTimeZone, instantsOfWallClock, wallClock, zoneOffset } from '../time/zone';
import { TOKENS, type NamePart, type NameTime } from './tokens';

type Piece = { literal: string } | { token: string };

/** A checked schema. Make one with `parseNamingSchema`; it can be shared and kept. */
export interface NamingSchema {
  /** As it was written. */
  readonly text: string;
  readonly pieces: readonly Piece[];
  /** One group for each token, in order. */
  readonly pattern: RegExp;
  /** The name carries its own offset from UTC (`%z`) or is in epoch seconds (`%s`): no hour is ever written twice. */
  readonly absolute: boolean;
}

export interface ParsedName {
  /** Whole milliseconds; microseconds of `%f` are cut off. */
  date: Date;
  /** Minutes ahead of UTC that the name states (`%z`), else null. */
  offsetMinutes: number | null;
}

const REQUIRED = ['%Y', '%m', '%d', '%H', '%M'] as const;
const ALLOWED = /[0-9A-Za-z %_.:-]/;
/** What a dataset name needs at least, `a@`, is part of the 255 characters too. */
const MAX_LENGTH = 253;
/** ZFS is younger than 1970; and a `%Y` has four digits. */
const FIRST_YEAR = 1970;
const LAST_SECOND = 253_402_300_799;

const HELP = 'a naming schema looks like auto-%Y-%m-%d_%H-%M';

function cut(text: string): { pieces: Piece[]; tokens: string[] } {
  const pieces: Piece[] = [];
  const tokens: string[] = [];
  for (const [part] of text.matchAll(/%.?|[^%]+/gsu)) {
    if (part.startsWith('%')) {
      pieces.push({ token: part.slice(1) });
      tokens.push(part);
    } else pieces.push({ literal: part });
  }
  return { pieces, tokens };
}

/** Why the text is no schema, or null. The order of the checks is TrueNAS's, so that the same mistake is named. */
function problemOf(text: string, tokens: readonly string[]): string | null {
  if (text === '') return 'the naming schema is empty';
  if (text.includes('%%')) return '%% is not allowed: ZFS allows no % in a snapshot name';
  const bad = [...new Set(text)].filter((character) => !ALLOWED.test(character)).map((c) => JSON.stringify(c));
  if (bad.length === 1) return `the character ${bad.join('')} is not allowed`;
  if (bad.length > 1) return `the characters ${bad.join(', ')} are not allowed`;
  if (text.endsWith('%')) return 'a single % at the end means nothing';
  if (tokens.includes('%s') && tokens.length > 1) {
    return tokens.every((token) => token === '%s')
      ? '%s is used twice'
      : '%s (seconds since 1970) says everything and cannot be combined with other tokens';
  }
  if (!tokens.includes('%s')) {
    const missing = REQUIRED.find((token) => !tokens.includes(token));
    if (missing !== undefined) return `${missing} is missing (%Y, %m, %d, %H and %M are needed, or %s alone)`;
  }
  const unknown = tokens.find((token) => token !== '%s' && token !== '%z' && !TOKENS.has(token.slice(1)));
  if (unknown !== undefined) return `${unknown} is not supported`;
  const repeated = tokens.find((token, index) => tokens.indexOf(token) !== index);
  if (repeated !== undefined) return `${repeated} is used twice`;
  if (tokens.includes('%f') && tokens.includes('%L')) return '%f and %L both say the part of a second; use one of them';
  if (tokens.includes('%z') && text.includes('--')) {
    return 'with %z there can be no "--", which is how %z writes "+" (ZFS allows no "+")';
  }
  return null;
}

const OFFSET = '(?:(?:--|-|:)\\d{4}|Z)';
const EPOCH = '(?:0|[1-9]\\d{0,11})';

function patternOf(pieces: readonly Piece[]): RegExp {
  const source = pieces.map((piece) => {
    if ('literal' in piece) return piece.literal.replaceAll('.', '\\.');
    if (piece.token === 'z') return `(${OFFSET})`;
    if (piece.token === 's') return `(${EPOCH})`;
    return `(${TOKENS.get(piece.token)?.pattern ?? ''})`;
  });
  return new RegExp(`^${source.join('')}$`);
}

/**
 * Checks and compiles a schema. Throws INVALID_OPTIONS for the property `field`, saying in words what is wrong.
 * A schema that passes gives names that ZFS accepts and that it reads back itself.
 */
export function parseNamingSchema(text: string, field = 'namingSchema'): NamingSchema {
  if (typeof text !== 'string') throw invalidOption(field, `${field} must be a text`, HELP);
  const { pieces, tokens } = cut(text);
  const problem = problemOf(text, tokens);
  if (problem !== null) throw invalidOption(field, `naming schema ${JSON.stringify(text)}: ${problem}`, HELP);
  const absolute = tokens.includes('%s') || tokens.includes('%z');
  const schema: NamingSchema = { text, pieces, pattern: patternOf(pieces), absolute };
  if (formatSnapshotName(schema, new Date('2024-09-25T12:34:56.789Z'), 'UTC').length > MAX_LENGTH) {
    throw invalidOption(field, `the naming schema gives names longer than ${MAX_LENGTH} characters`);
  }
  return schema;
}

function writeOffset(minutes: number): string {
  const size = Math.abs(minutes);
  const digits = String(Math.floor(size / 60)).padStart(2, '0') + String(size % 60).padStart(2, '0');
  return (minutes < 0 ? '-' : '--') + digits;
}

/** Minutes ahead of UTC, or null for what is no offset. Older zettarepl wrote `:` where `--` is now. */
function readOffset(text: string): number | null {
  if (text === 'Z') return 0;
  const hours = Number(text.slice(-4, -2));
  const minutes = Number(text.slice(-2));
  if (hours > 23 || minutes > 59) return null;
  const size = hours * 60 + minutes;
  return text.length === 5 && text.startsWith('-') ? -size : size;
}

/** The wall time, given as `wallClock` does, in the parts that names are made of. */
function nameTime(wall: number, microsecond: number): NameTime {
  const date = new Date(wall);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    microsecond,
  };
}

const milliseconds = (epochMs: number): number => ((epochMs % 1000) + 1000) % 1000;

/**
 * The name of a snapshot taken at `date`, as a clock in `timeZone` ('' = the machine's) shows it.
 * Throws INVALID_OPTIONS (`timeZone`) for an unknown zone.
 */
export function formatSnapshotName(schema: NamingSchema, date: Date, timeZone: string): string {
  checkTimeZone(timeZone, 'timeZone');
  const epoch = date.getTime();
  const offset = zoneOffset(epoch, timeZone);
  const time = nameTime(epoch + offset, milliseconds(epoch) * 1000);
  return schema.pieces
    .map((piece) => {
      if ('literal' in piece) return piece.literal;
      if (piece.token === 's') return String(Math.floor(epoch / 1000));
      if (piece.token === 'z') return writeOffset(Math.round(offset / 60_000));
      return TOKENS.get(piece.token)?.write(time) ?? '';
    })
    .join('');
}

interface Read {
  time: NameTime;
  offset: number | null;
}

/** The fields of a name, provided that each token says what the date as a whole gives. */
function readFields(schema: NamingSchema, groups: readonly string[]): Read | null {
  const time: NameTime = { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0, microsecond: 0 };
  let offset: number | null = null;
  const said: { token: string; text: string }[] = [];
  const tokens = schema.pieces.flatMap((piece) => ('token' in piece ? [piece.token] : []));
  for (const [index, token] of tokens.entries()) {
    const text = groups[index] ?? '';
    if (token === 'z') {
      offset = readOffset(text);
      if (offset === null) return null;
      continue;
    }
    const known = TOKENS.get(token);
    if (known?.part !== undefined && known.read) time[known.part] = known.read(text);
    said.push({ token, text });
  }
  return said.every(({ token, text }) => TOKENS.get(token)?.write(time) === text) ? { time, offset } : null;
}

/** Milliseconds as `wallClock` counts them, or null for a date that is in no calendar (31 April, 24:00). */
function wallOf(time: NameTime): number | null {
  const wall = Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second);
  const again = nameTime(wall, time.microsecond);
  const same = (Object.keys(time) as NamePart[]).every((part) => again[part] === time[part]);
  return same && time.year >= FIRST_YEAR ? wall + Math.floor(time.microsecond / 1000) : null;
}

/**
 * Reads the date from a name, or null when the schema would not have written that name in `timeZone`.
 * A time that a clock shows twice is read as its first occurrence unless the name has an offset; one that the clock
 * skips is no date. With `%z` or `%s` the zone plays no part. Throws INVALID_OPTIONS (`timeZone`) for an unknown zone.
 */
export function parseSnapshotName(schema: NamingSchema, name: string, timeZone: string): ParsedName | null {
  checkTimeZone(timeZone, 'timeZone');
  const match = schema.pattern.exec(name);
  if (match === null) return null;
  const [, ...groups] = match;
  if (schema.pieces.some((piece) => 'token' in piece && piece.token === 's')) {
    const seconds = Number(groups[0]);
    return seconds <= LAST_SECOND ? { date: new Date(seconds * 1000), offsetMinutes: null } : null;
  }
  const read = readFields(schema, groups);
  const wall = read === null ? null : wallOf(read.time);
  if (read === null || wall === null) return null;
  if (read.offset !== null) return { date: new Date(wall - read.offset * 60_000), offsetMinutes: read.offset };
  const [first] = instantsOfWallClock(wall, timeZone);
  return first === undefined ? null : { date: new Date(first), offsetMinutes: null };
}

/** True when the same name stands for an earlier instant too: the clock shows this time for the second time. */
export function isRepeatedName(schema: NamingSchema, date: Date, timeZone: string): boolean {
  if (schema.absolute) return false;
  const wall = wallClock(date.getTime(), timeZone);
  const [first] = instantsOfWallClock(wall, timeZone);
  return first !== undefined && first < date.getTime();
}
