// The kinds of properties that know nothing of ZFS: texts, switches, choices, numbers, lists. Each says how it is stored,
// what it means when missing, what is wrong with a value and what the engine gets. Those that speak of datasets, names
// and the calendar are src/retention/kinds.ts.
import { invalidOption, ZfsFlowError } from '../base/errors';
import type { Check, Field, Json, Kind, LiteralType } from './field';
import { parseSize, readBoolean, readChoice, readList, readNumber, readString, type RawOptions } from './read';

type More = Partial<Omit<Field, 'kind' | 'type' | 'default' | 'read'>>;

/** A field of a kind of its own. */
export function field<T>(
  kind: Kind,
  stored: { type: LiteralType; default: Json },
  read: Field<T>['read'],
  more: More = {},
): Field<T> {
  return { kind, ...stored, typed: false, section: '', required: false, ...more, read };
}

interface TextRules {
  kind?: Kind;
  required?: boolean;
  check?: Check;
  /** What to do about an empty one. */
  hint?: string;
}

function emptyOption(name: string, hint: string | undefined): Error {
  return invalidOption(name, `${name} must not be empty`, hint);
}

/** A text. An empty one is not checked: it is either refused or means that there is none. */
export function text(value = '', { kind = 'text', required = false, check, hint }: TextRules = {}): Field<string> {
  const read = (raw: RawOptions, name: string): string => {
    const given = readString(raw, name, value);
    if (given !== '') check?.(given, name);
    else if (required) throw emptyOption(name, hint);
    return given;
  };
  return field(kind, { type: 'str', default: value }, read, { required, ...(check === undefined ? {} : { check }) });
}

/** The id of a `zfs-ssh-connection`, '' = the machine that runs Node-RED. */
export function connection(): Field<string> {
  return { ...text('', { kind: 'connection' }), connection: true };
}

export function flag(value: boolean): Field<boolean> {
  return field('flag', { type: 'bool', default: value }, (raw, name) => readBoolean(raw, name, value));
}

/** One of these; the first is the default. */
export function choice<const C extends string>(value: C, ...others: C[]): Field<C> {
  const choices = [value, ...others];
  const read = (raw: RawOptions, name: string): C => readChoice(raw, name, choices, value);
  return field('choice', { type: 'str', default: value }, read, { choices });
}

/** A choice with further values, whose engine part does not exist yet. */
export function later<C extends string>(known: Field<C>, ...values: string[]): Field<C> {
  const read = (raw: RawOptions, name: string): C => {
    const value = raw[name];
    if (!values.some((unsupported) => unsupported === value)) return known.read(raw, name);
    const message = `${name}: ${JSON.stringify(value)} is not supported in this version`;
    throw new ZfsFlowError('UNSUPPORTED', message, { field: name });
  };
  return { ...known, choices: [...(known.choices ?? []), ...values], later: values, read };
}

/** For a property that an earlier version stored as null, which then means its default. */
export function orNull<T>(known: Field<T>): Field<T> {
  const read = (raw: RawOptions, name: string): T =>
    known.read(raw[name] === null ? { ...raw, [name]: known.default } : raw, name);
  return { ...known, mayBeNull: true, read };
}

interface NumberRules {
  min: number;
  max?: number;
}

function numeric(kind: Kind, value: number, rules: NumberRules & { integer?: boolean }, factor = 1): Field<number> {
  const read = (raw: RawOptions, name: string): number => readNumber(raw, name, value, rules) * factor;
  return field(kind, { type: 'num', default: value }, read, rules);
}

/** A whole number. */
export function count(value: number, rules: NumberRules): Field<number> {
  return numeric('count', value, { ...rules, integer: true });
}

export function number(value: number, rules: NumberRules & { kind?: Kind }): Field<number> {
  const { kind = 'number', ...limits } = rules;
  return numeric(kind, value, limits);
}

const PORTS = { min: 1024, max: 65_535, integer: true } as const;

/** A TCP port that needs no rights; '' = none is said, which is the default. */
export function port(): Field<number | null> {
  const parse = (given: unknown, name: string): number | null =>
    given === '' || given === undefined ? null : readNumber({ [name]: given }, name, 0, PORTS);
  return field('port', { type: 'str', default: '' }, (raw, name) => parse(raw[name], name), { check: parse });
}

function checkAddress(given: string, name: string): void {
  if (/^[0-9A-Za-z_.:%-]+$/.test(given) && !given.startsWith('-')) return;
  throw invalidOption(name, `${name}: ${JSON.stringify(given)} is neither an IP address nor a host name`);
}

/** IP address or host name, '' = none is said. */
export function address(): Field<string> {
  return text('', { kind: 'address', check: checkAddress });
}

/** A share of something, 0 to 1; dialogs show it as a percentage. */
export function share(value: number): Field<number> {
  return numeric('share', value, { min: 0, max: 1 });
}

/** Stored in seconds, handed on in milliseconds. */
export function seconds(value: number, rules: NumberRules): Field<number> {
  return numeric('seconds', value, rules, 1000);
}

const HOUR_MS = 3_600_000;
const DURATION_UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: HOUR_MS,
  d: 24 * HOUR_MS,
  w: 168 * HOUR_MS,
};

const DURATION_HINT = 'write a number with s, m, h, d or w';
/** Dates stay dates. */
const LONGEST_DURATION = 36_525 * 24 * HOUR_MS;

/** Stored in hours, or as a text with a unit such as `90m`, `24h`, `7d`; handed on in milliseconds. */
export function hours(value: number, rules: NumberRules): Field<number> {
  const plain = numeric('hours', value, rules, HOUR_MS);
  const read = (raw: RawOptions, name: string): number => {
    const given = raw[name];
    const parsed = typeof given === 'string' ? durationOf(given) : null;
    return parsed ?? plain.read(raw, name);
  };
  return { ...plain, read };
}

/** Milliseconds of a text such as `90m`, `36h`, `2d`, `1.5w`; null when it is none. */
function durationOf(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*$/i.exec(text);
  const unit = DURATION_UNITS[(match?.[2] ?? '').toLowerCase()];
  return match === null || unit === undefined ? null : Number(match[1]) * unit;
}

/** The same, but some time, and not more than a hundred years. */
export function parseDuration(text: string): number | null {
  const duration = durationOf(text) ?? 0;
  return duration > 0 && duration <= LONGEST_DURATION ? duration : null;
}

/** A duration such as `36h`, '' = none; handed on in milliseconds, or null. */
export function duration(): Field<number | null> {
  const check = (given: string, name: string): number => {
    const parsed = parseDuration(given);
    if (parsed !== null) return parsed;
    throw invalidOption(name, `${name}: ${JSON.stringify(given)} is no duration, such as 36h or 2d`, DURATION_HINT);
  };
  const read = (raw: RawOptions, name: string): number | null => {
    const given = readString(raw, name);
    return given === '' ? null : check(given, name);
  };
  return field('duration', { type: 'str', default: '' }, read, { check });
}

/** Bytes as a number or a text with a unit (`10M`); '' and 0 are none, which is the default. */
export function bytes(): Field<number> {
  const check = (given: unknown, name: string): number => {
    const size = parseSize(given);
    if (size !== null) return size;
    throw invalidOption(name, `${name}: ${JSON.stringify(given)} is no size, such as 10M`);
  };
  const read = (raw: RawOptions, name: string): number => {
    const given = raw[name] ?? 0;
    return given === '' ? 0 : check(given, name);
  };
  return field('bytes', { type: 'str', default: '' }, read, { check });
}

interface ListRules extends TextRules {
  /** What stands there twice is taken once. */
  once?: boolean;
}

/** A list of texts, each of which is checked, an empty one too. */
export function list(value: readonly string[] = [], rules: ListRules = {}): Field<readonly string[]> {
  const { kind = 'list', required = false, once = false, check, hint } = rules;
  const read = (raw: RawOptions, name: string): readonly string[] => {
    const texts = readList(raw, name, value);
    if (required && texts.length === 0) throw emptyOption(name, hint);
    for (const item of texts) check?.(item, name);
    return once ? [...new Set(texts)] : texts;
  };
  return field(kind, { type: 'list', default: value }, read, { required, ...(check === undefined ? {} : { check }) });
}

/** At least one of these; the first alone is the default. */
export function choices<const C extends string>(value: C, ...others: C[]): Field<readonly C[]> {
  const all: readonly string[] = [value, ...others];
  const check: Check = (item, name) => {
    if (all.includes(item)) return;
    throw invalidOption(name, `${name}: ${JSON.stringify(item)} is none of ${all.join(', ')}`);
  };
  const known = list([value], { kind: 'choices', required: true, once: true, check });
  return { ...known, choices: all, read: (raw, name) => known.read(raw, name) as readonly C[] };
}

/** A JSON value of the capability's own; `read` says what is wrong with one. */
export function json<T>(kind: Kind, value: Json, read: Field<T>['read']): Field<T> {
  return field(kind, { type: 'json', default: value }, read);
}
