// Reads property values as flows give them: already resolved (no `msg.` references any more), but of any JSON type.
// Every refusal is INVALID_OPTIONS with the property's name in `field`. What a value means is the capability's affair.
import { invalidOption } from '../base/errors';

export type RawOptions = Readonly<Record<string, unknown>>;

function described(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  const text = JSON.stringify(value);
  return text === undefined ? typeof value : text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Fields whose value is repeated nowhere, be it of the wrong type. */
const SECRET = /^(password|passphrase|privateKey|apiKey|otp|encryptionKey|credentials)$/;

function wrongType(field: string, wanted: string, value: unknown): Error {
  return invalidOption(field, `${field} must be ${wanted}${SECRET.test(field) ? '' : `, not ${described(value)}`}`);
}

/** A missing value (undefined) has its default everywhere; null only where null is the default. */
function missing(raw: RawOptions, field: string): boolean {
  return raw[field] === undefined;
}

export function readString(raw: RawOptions, field: string, fallback = ''): string {
  const value = raw[field];
  if (missing(raw, field)) return fallback;
  if (typeof value !== 'string') throw wrongType(field, 'a text', value);
  return value;
}

export function readBoolean(raw: RawOptions, field: string, fallback: boolean): boolean {
  const value = raw[field];
  if (missing(raw, field)) return fallback;
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw wrongType(field, 'true or false', value);
}

export interface NumberLimits {
  min?: number;
  max?: number;
  integer?: boolean;
}

/** A number, or a text that is one (an edit dialog stores numbers as text). */
export function readNumber(raw: RawOptions, field: string, fallback: number, limits: NumberLimits = {}): number {
  if (missing(raw, field)) return fallback;
  const value = raw[field];
  if (value === '') return fallback;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  const { min = -Infinity, max = Infinity, integer = false } = limits;
  if (typeof number !== 'number' || !Number.isFinite(number)) throw wrongType(field, 'a number', value);
  if (integer && !Number.isInteger(number))
    throw invalidOption(field, `${field} must be a whole number, not ${number}`);
  if (number < min || number > max) {
    const range = max === Infinity ? `at least ${min}` : `between ${min} and ${max}`;
    throw invalidOption(field, `${field} must be ${range}, not ${number}`);
  }
  return number;
}

export function readChoice<T extends string>(raw: RawOptions, field: string, choices: readonly T[], fallback: T): T {
  if (missing(raw, field)) return fallback;
  const value = raw[field];
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw wrongType(field, `one of ${choices.join(', ')}`, value);
  return found;
}

/** A list of texts; a JSON text that is one is read too, as is a single text for a list of one. */
export function readList(raw: RawOptions, field: string, fallback: readonly string[] = []): string[] {
  if (missing(raw, field)) return [...fallback];
  const value = fromJsonText(raw[field], '[');
  if (value === '') return [];
  const list: unknown = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(list)) throw wrongType(field, 'a list of texts', value);
  return list.map((item: unknown) => {
    if (typeof item !== 'string') throw wrongType(field, 'a list of texts', item);
    return item;
  });
}

/** A plain object; a JSON text that is one is read too. */
export function readObject(raw: RawOptions, field: string): RawOptions {
  const value = fromJsonText(raw[field], '{');
  if (value === undefined || value === null || value === '') return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw wrongType(field, 'an object', value);
  return value as RawOptions;
}

/** An object of texts: property names with their values. Numbers and booleans are written out. */
export function readTextTable(raw: RawOptions, field: string): Record<string, string> {
  const entries = Object.entries(readObject(raw, field)).map(([key, value]) => {
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      throw invalidOption(field, `${field}: ${JSON.stringify(key)} must be a text, not ${described(value)}`);
    }
    return [key, String(value)] as const;
  });
  return Object.fromEntries(entries);
}

function fromJsonText(value: unknown, opening: '[' | '{'): unknown {
  if (typeof value !== 'string' || !value.trim().startsWith(opening)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** A JavaScript regular expression without flags, unanchored; `''` is no expression. */
export function readRegExp(pattern: string, field: string): RegExp | null {
  if (pattern === '') return null;
  try {
    return new RegExp(pattern, 'u');
  } catch {
    try {
      return new RegExp(pattern);
    } catch (error) {
      throw invalidOption(
        field,
        `${field}: ${JSON.stringify(pattern)} is no regular expression (${(error as Error).message})`,
      );
    }
  }
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};

/** Bytes of a number or of a text such as `10M` or `1.5 GiB`; null when it is neither. Units are powers of 1024, as in zfs(8). */
export function parseSize(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : null;
  if (typeof value !== 'string') return null;
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?\s*$/i.exec(value);
  const unit = SIZE_UNITS[(match?.[2] ?? 'x').toLowerCase()];
  return match?.[1] === undefined || unit === undefined ? null : Math.round(Number(match[1]) * unit);
}
