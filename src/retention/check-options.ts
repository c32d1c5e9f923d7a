// Reads the properties of `zfs-retention-prune` as a flow gives them and refuses what is not one of the contract's
// values (INVALID_OPTIONS with the property in `field`). Policies and scopes are `parse-policy.ts`.
import type { DatasetUse } from '../base/run-context';
import { invalidOption } from '../base/errors';
import { parseSize, readBoolean, readChoice, readList, readNumber, readString, type RawOptions } from '../options/read';
import { checkTimeZone } from '../time/zone';
import { checkDatasetName, compileExcludes } from '../zfs/names';
import type { MinFree } from './plan/min-free';
import type { PruneOptions, PruneRequest } from './options';
import { parsePolicy, parseScope } from './read-policy';

const HOUR_MS = 3_600_000;
const DURATION_UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: HOUR_MS,
  d: 24 * HOUR_MS,
  w: 168 * HOUR_MS,
};

/** Limits and floors that a prune has when a node says nothing else. */
export const PRUNE_DEFAULTS = {
  ageFrom: 'creation',
  timeZone: '',
  protectFor: [],
  keepAtLeast: 1,
  maxDestroyFraction: 0.5,
  maxDestroyCount: 1000,
  minFree: '',
} as const satisfies Partial<PruneRequest>;

/** `10%` of the pool, or bytes such as `500G`; null for ''. Throws INVALID_OPTIONS. */
export function parseMinFree(text: string, field = 'minFree'): MinFree | null {
  if (text.trim() === '') return null;
  const percent = /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(text);
  if (percent && Number(percent[1]) <= 100) return { percent: Number(percent[1]) };
  const bytes = percent ? null : parseSize(text);
  if (bytes === null) {
    throw invalidOption(
      field,
      `${field}: ${JSON.stringify(text)} is neither a percentage such as 10% nor a size such as 500G`,
    );
  }
  return { bytes };
}

function readMinFree(raw: RawOptions): string {
  const value = raw['minFree'];
  const text = typeof value === 'number' ? String(value) : readString(raw, 'minFree');
  parseMinFree(text);
  return text.trim();
}

/** Hours as a number, or a duration such as `90m`, `24h`, `7d`. Returns milliseconds. */
function readLifetime(raw: RawOptions): number {
  const value = raw['planLifetime'];
  const match = typeof value === 'string' ? /^\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*$/i.exec(value) : null;
  const unit = DURATION_UNITS[(match?.[2] ?? '').toLowerCase()];
  if (match && unit !== undefined) return Number(match[1]) * unit;
  return readNumber(raw, 'planLifetime', 24, { min: 0 }) * HOUR_MS;
}

function readProtectFor(raw: RawOptions): { connection: string; dataset: string }[] {
  const field = 'protectFor';
  const list = raw[field] ?? [];
  if (!Array.isArray(list)) throw invalidOption(field, 'protectFor must be a list of {connection, dataset}');
  return list.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
      throw invalidOption(field, 'an entry of protectFor must be {connection, dataset}');
    }
    const { connection = '', dataset, ...rest } = entry as Record<string, unknown>;
    const unknown = Object.keys(rest)[0];
    if (unknown !== undefined) throw invalidOption(field, `an entry of protectFor has no ${JSON.stringify(unknown)}`);
    if (typeof connection !== 'string') throw invalidOption(field, 'the connection in protectFor must be an id or ""');
    return { connection, dataset: checkDatasetName(dataset, field) };
  });
}

/** Datasets, each checked and named once. */
function readDatasets(raw: RawOptions): string[] {
  const datasets = [...new Set(readList(raw, 'datasets').map((name) => checkDatasetName(name, 'datasets')))];
  if (datasets.length > 0) return datasets;
  throw invalidOption('datasets', 'no dataset is named', 'say in which datasets snapshots may be deleted');
}

/**
 * Options of a run from raw property values (typed fields already resolved). `approved` is what mode `approve` is given,
 * `msg.payload` in a flow. Throws INVALID_OPTIONS.
 */
export function parsePruneOptions(raw: RawOptions): PruneOptions {
  const timeZone = checkTimeZone(readString(raw, 'timeZone'), 'timeZone');
  const exclude = readList(raw, 'exclude');
  compileExcludes(exclude);
  const mode = readChoice(raw, 'mode', ['plan', 'execute', 'approve'] as const, 'plan');
  return {
    connection: readString(raw, 'connection'),
    datasets: readDatasets(raw),
    recursive: readBoolean(raw, 'recursive', false),
    exclude,
    scope: parseScope(raw, 'scope'),
    policy: parsePolicy(raw, 'policy', timeZone),
    ageFrom: readChoice(raw, 'ageFrom', ['creation', 'name'] as const, PRUNE_DEFAULTS.ageFrom),
    timeZone,
    protectFor: readProtectFor(raw),
    mode,
    ...(mode === 'approve' ? { approved: raw['approved'] } : {}),
    planLifetime: readLifetime(raw),
    keepAtLeast: readNumber(raw, 'keepAtLeast', PRUNE_DEFAULTS.keepAtLeast, { min: 1, integer: true }),
    maxDestroyFraction: readNumber(raw, 'maxDestroyFraction', PRUNE_DEFAULTS.maxDestroyFraction, { min: 0, max: 1 }),
    maxDestroyCount: readNumber(raw, 'maxDestroyCount', PRUNE_DEFAULTS.maxDestroyCount, { min: 0, integer: true }),
    minFree: readMinFree(raw),
  };
}

/** What a run reads and writes, for the locks between jobs. A plan only reads. */
export function pruneUses(options: PruneOptions): DatasetUse[] {
  const access = options.mode === 'plan' ? 'read' : 'write';
  const own = options.datasets.map((dataset) => ({ connection: options.connection, dataset, access }) as const);
  const destinations = options.protectFor.map((entry) => ({ ...entry, access: 'read' }) as const);
  const sources = options.policy.keep.flatMap((rule) =>
    rule.type === 'source' ? [{ connection: rule.connection, dataset: rule.dataset, access: 'read' } as const] : [],
  );
  return [...own, ...destinations, ...sources];
}
