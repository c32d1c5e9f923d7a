// Reads the properties of `zfs-snapshot` and `zfs-list-snapshots` as flows give them and refuses what is wrong before
// anything runs. The same functions check a node's dialog values. Defaults: nodes.md.
import { invalidOption } from '../base/errors';
import { DEFAULT_NAMING_SCHEMA } from '../naming/presets';
import { parseNamingSchema } from '../naming/schema';
import {
  readBoolean,
  readChoice,
  readList,
  readNumber,
  readObject,
  readRegExp,
  readString,
  type RawOptions,
} from '../options/read';
import { parsePolicy } from '../retention/read-policy';
import type { RetentionPolicy } from '../retention/plan/policy';
import { checkTimeZone } from '../time/zone';
import { checkDatasetName, compileExcludes, userPropertyProblem } from '../zfs/names';
import type { ListOptions, SnapshotOptions } from './options';
import { timeLimit } from '../time/time-limit';

/** ZAP_MAXVALUELEN: what ZFS takes as the value of a user property, less the terminating NUL. */
const MAX_PROPERTY_VALUE = 8191;
const DEFAULT_HOOK_TIMEOUT = 60;
/** A day; what freezes an application for longer is a mistake. */
const MAX_HOOK_TIMEOUT = 86_400;

function readDatasets(raw: RawOptions): string[] {
  return [...new Set(readList(raw, 'datasets').map((name) => checkDatasetName(name, 'datasets')))];
}

function readExclude(raw: RawOptions): string[] {
  const exclude = readList(raw, 'exclude');
  compileExcludes(exclude, 'exclude');
  return exclude;
}

function readTimeZone(raw: RawOptions): string {
  return checkTimeZone(readString(raw, 'timeZone'), 'timeZone');
}

function readProperties(raw: RawOptions): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const [key, value] of Object.entries(readObject(raw, 'properties'))) {
    const problem = userPropertyProblem(key);
    if (problem !== null) throw invalidOption('properties', `properties: ${JSON.stringify(key)}: ${problem}`);
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      throw invalidOption('properties', `properties: the value of ${key} must be a text`);
    }
    const text = String(value);
    // A line break or tab would make every listing that shows the property ambiguous.
    if (/[\0-\x1f]/.test(text)) throw invalidOption('properties', `properties: ${key} holds a control character`);
    if (Buffer.byteLength(text) > MAX_PROPERTY_VALUE) {
      throw invalidOption('properties', `properties: the value of ${key} is longer than ${MAX_PROPERTY_VALUE} bytes`);
    }
    properties[key] = text;
  }
  return properties;
}

function readHooks(raw: RawOptions): SnapshotOptions['hooks'] {
  const { before = '', after = '', timeout = DEFAULT_HOOK_TIMEOUT, ...unknown } = readObject(raw, 'hooks');
  const stranger = Object.keys(unknown)[0];
  if (stranger !== undefined) {
    throw invalidOption('hooks', `hooks: there is no "${stranger}"; it holds before, after and timeout`);
  }
  if (typeof before !== 'string' || typeof after !== 'string') {
    throw invalidOption('hooks', 'hooks: before and after must be texts (shell commands)');
  }
  const seconds = typeof timeout === 'string' && timeout.trim() !== '' ? Number(timeout) : timeout;
  if (typeof seconds !== 'number' || !(seconds > 0 && seconds <= MAX_HOOK_TIMEOUT)) {
    throw invalidOption(
      'hooks',
      `hooks: timeout must be a number of seconds, more than 0 and at most ${MAX_HOOK_TIMEOUT}`,
    );
  }
  return { before, after, timeout: seconds };
}

function readRetention(raw: RawOptions, timeZone: string): RetentionPolicy | null {
  const value = raw['retention'];
  return value === undefined || value === null || value === '' ? null : parsePolicy(raw, 'retention', timeZone);
}

/** The options of a snapshot run. Throws INVALID_OPTIONS with the property's name in `field`. */
export function parseSnapshotOptions(raw: RawOptions): SnapshotOptions {
  const datasets = readDatasets(raw);
  if (datasets.length === 0) {
    throw invalidOption('datasets', 'no dataset is given', 'name at least one dataset, such as tank/data');
  }
  const timeZone = readTimeZone(raw);
  return {
    connection: readString(raw, 'connection'),
    datasets,
    recursive: readBoolean(raw, 'recursive', false),
    exclude: readExclude(raw),
    namingSchema: parseNamingSchema(readString(raw, 'namingSchema', DEFAULT_NAMING_SCHEMA)).text,
    timeZone,
    allowEmpty: readBoolean(raw, 'allowEmpty', true),
    properties: readProperties(raw),
    hooks: readHooks(raw),
    retention: readRetention(raw, timeZone),
  };
}

function readKinds(raw: RawOptions): ListOptions['kinds'] {
  const kinds = readList(raw, 'kinds', ['snapshot']);
  if (kinds.length === 0) throw invalidOption('kinds', 'kinds is empty: choose snapshot, bookmark or both');
  return [...new Set(kinds)].map((kind) => {
    if (kind === 'snapshot' || kind === 'bookmark') return kind;
    throw invalidOption('kinds', `kinds: ${JSON.stringify(kind)} is neither snapshot nor bookmark`);
  });
}

/** The options of a listing. Throws INVALID_OPTIONS with the property's name in `field`. */
export function parseListOptions(raw: RawOptions): ListOptions {
  const timeZone = readTimeZone(raw);
  const namingSchema = readString(raw, 'namingSchema');
  if (namingSchema !== '') parseNamingSchema(namingSchema);
  const nameRegex = readString(raw, 'nameRegex');
  readRegExp(nameRegex, 'nameRegex');
  const limit = (field: 'newerThan' | 'olderThan'): string => {
    const text = readString(raw, field);
    timeLimit(text, field, timeZone, new Date(0));
    return text;
  };
  return {
    connection: readString(raw, 'connection'),
    datasets: readDatasets(raw),
    recursive: readBoolean(raw, 'recursive', false),
    exclude: readExclude(raw),
    namingSchema,
    nameRegex,
    timeZone,
    newerThan: limit('newerThan'),
    olderThan: limit('olderThan'),
    newest: readNumber(raw, 'newest', 0, { min: 0, integer: true }),
    oldest: readNumber(raw, 'oldest', 0, { min: 0, integer: true }),
    kinds: readKinds(raw),
    columns: readChoice(raw, 'columns', ['identity', 'standard', 'full'], 'standard'),
    output: readChoice(raw, 'output', ['array', 'messages', 'count'], 'array'),
  };
}
