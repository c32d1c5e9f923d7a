// The kinds of properties that speak of datasets, names and the calendar, and those of a retention: what is wrong with a
// value is said by the room that knows (zfs/names, naming, time). They stand here because retention is the lowest
// capability: what the others describe with them, they may import from it. Pure; the dialogs bundle this file too.
import { invalidOption } from '../base/errors';
import type { Field } from '../options/field';
import { field, json, list, text } from '../options/kinds';
import { parseSize, readRegExp, readString, type RawOptions } from '../options/read';
import { parseNamingSchema } from '../naming/schema';
import { checkCron } from '../time/cron-guard';
import { timeLimit } from '../time/time-limit';
import { checkTimeZone } from '../time/zone';
import { checkDatasetName, compileExcludes } from '../zfs/names';
import type { MinFree } from './plan/min-free';
import type { RetentionPolicy, RetentionScope } from './plan/policy';
import { parsePolicy, parseScope } from './read-policy';

const DATASET_HINT = 'name at least one dataset, such as tank/data';

/** The full name of one dataset. */
export function dataset(): Field<string> {
  return text('', { kind: 'dataset', required: true, check: checkDatasetName, hint: DATASET_HINT });
}

/** Full names of datasets, each once. */
export function datasets(rules: { required: boolean }): Field<readonly string[]> {
  return list([], { kind: 'datasets', ...rules, once: true, check: checkDatasetName, hint: DATASET_HINT });
}

/** Datasets and patterns to leave out. */
export function excludes(): Field<readonly string[]> {
  return list([], { kind: 'excludes', check: (pattern, name) => compileExcludes([pattern], name) });
}

/** A naming schema. */
export function schema(value: string, rules: { required: boolean }): Field<string> {
  return text(value, { kind: 'schema', ...rules, check: parseNamingSchema });
}

export function schemas(): Field<readonly string[]> {
  return list([], { kind: 'schemas', check: parseNamingSchema });
}

/** A JavaScript regular expression. */
export function regex(): Field<string> {
  return text('', { kind: 'regex', check: readRegExp });
}

/** Throws INVALID_OPTIONS for the property `name`. */
function checkExpression(expression: string, name: string): void {
  try {
    checkCron(expression);
  } catch (error) {
    const hint = 'five fields such as "30 2 * * *" (every day at 2:30), or @hourly, @daily, @weekly, @monthly, @yearly';
    throw invalidOption(
      name,
      `${name}: ${JSON.stringify(expression)} cannot be used: ${(error as Error).message}`,
      hint,
    );
  }
}

/** A cron expression or preset. */
export function cron(): Field<string> {
  return text('', { kind: 'cron', check: checkExpression });
}

/** IANA zone, '' = the machine's. */
export function timeZone(): Field<string> {
  return text('', { kind: 'timeZone', check: checkTimeZone });
}

/** An ISO date or a duration back from now (`7d`), '' = no limit. */
export function dateOrDuration(): Field<string> {
  return text('', { kind: 'timeLimit', check: (limit, name) => timeLimit(limit, name, '', new Date(0)) });
}

/** Keep rules; a missing one has none, so that nothing is deleted. */
export function policy(): Field<RetentionPolicy> {
  return json('policy', { keep: [] }, parsePolicy);
}

/** Keep rules, or null for no retention at all. `blank`: an empty text is null too. */
export function policyOrNone({ blank = false } = {}): Field<RetentionPolicy | null> {
  return json('policy', null, (raw, name) => {
    const value = raw[name] ?? null;
    return value === null || (blank && value === '') ? null : parsePolicy(raw, name);
  });
}

export function scope(): Field<RetentionScope> {
  return json('scope', { namingSchemas: [], nameRegex: '' }, parseScope);
}

export function scopeOrNone(): Field<RetentionScope | null> {
  return json('scope', null, (raw, name) => ((raw[name] ?? null) === null ? null : parseScope(raw, name)));
}

export interface Destination {
  connection: string;
  dataset: string;
}

function readDestinations(raw: RawOptions, name: string): readonly Destination[] {
  const given = raw[name] ?? [];
  if (!Array.isArray(given)) throw invalidOption(name, `${name} must be a list of {connection, dataset}`);
  return given.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
      throw invalidOption(name, `an entry of ${name} must be {connection, dataset}`);
    }
    const { connection = '', dataset: named, ...rest } = entry as Record<string, unknown>;
    const unknown = Object.keys(rest)[0];
    if (unknown !== undefined) throw invalidOption(name, `an entry of ${name} has no ${JSON.stringify(unknown)}`);
    if (typeof connection !== 'string') throw invalidOption(name, `the connection in ${name} must be an id or ""`);
    return { connection, dataset: checkDatasetName(named, name) };
  });
}

/** Datasets on machines that snapshots are replicated to. */
export function destinations(): Field<readonly Destination[]> {
  return json('destinations', [], readDestinations);
}

/** `10%` of the pool, or bytes such as `500G`; null for ''. Throws INVALID_OPTIONS for the property `name`. */
export function parseMinFree(size: string, name = 'minFree'): MinFree | null {
  if (size.trim() === '') return null;
  const percent = /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(size);
  if (percent && Number(percent[1]) <= 100) return { percent: Number(percent[1]) };
  const bytes = percent ? null : parseSize(size);
  if (bytes !== null) return { bytes };
  const given = JSON.stringify(size);
  throw invalidOption(name, `${name}: ${given} is neither a percentage such as 10% nor a size such as 500G`);
}

/** A share of the pool or a size; a number is bytes. */
export function freeSpace(): Field<string> {
  const read = (raw: RawOptions, name: string): string => {
    const value = raw[name];
    const size = typeof value === 'number' ? String(value) : readString(raw, name);
    parseMinFree(size, name);
    return size.trim();
  };
  return field('freeSpace', { type: 'str', default: '' }, read, { check: parseMinFree });
}
