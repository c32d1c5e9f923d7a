// The options of taking and of listing snapshots, as tables of the nodes' properties, and what comes of a run.
import { DEFAULT_NAMING_SCHEMA } from '../naming/presets';
import { section, typed, type FieldTable, type OptionsOf } from '../options/field';
import { choice, choices, connection, count, flag } from '../options/kinds';
import { dateOrDuration, datasets, excludes, policyOrNone, regex, schema, timeZone } from '../retention/kinds';
import type { PruneResult } from '../retention/options';
import { hooks, userProperties } from './kinds';

/** The properties of `zfs-snapshot`. */
export const SNAPSHOT = {
  ...section('source', {
    connection: connection(),
    datasets: typed(datasets({ required: true })),
    recursive: flag(false),
    exclude: excludes(),
    allowEmpty: flag(true),
  }),
  ...section('naming', {
    namingSchema: typed(schema(DEFAULT_NAMING_SCHEMA, { required: true })),
    timeZone: timeZone(),
  }),
  ...section('retention', { retention: policyOrNone({ blank: true }) }),
  ...section('properties', { properties: userProperties() }),
  ...section('hooks', { hooks: hooks() }),
} satisfies FieldTable;

export interface SnapshotOptions extends OptionsOf<typeof SNAPSHOT> {}

export interface TakenSnapshot {
  dataset: string;
  name: string;
  /** Full name, `dataset@name`. */
  snapshot: string;
  guid: string;
  createtxg: string;
  /** ISO 8601, UTC. */
  creation: string;
}

export interface SnapshotResult {
  jobId: string;
  name: string;
  snapshots: TakenSnapshot[];
  skipped: { dataset: string; reason: string }[];
  pruned?: PruneResult;
}

/** The properties of `zfs-list-snapshots`. */
export const LIST = {
  ...section('source', {
    connection: connection(),
    /** Empty = all pools, recursively. */
    datasets: typed(datasets({ required: false })),
    recursive: flag(false),
    exclude: excludes(),
  }),
  ...section('filter', {
    namingSchema: typed(schema('', { required: false })),
    timeZone: timeZone(),
    nameRegex: typed(regex()),
    newerThan: typed(dateOrDuration()),
    olderThan: typed(dateOrDuration()),
    /** At most so many per dataset, 0 = all. */
    newest: count(0, { min: 0 }),
    oldest: count(0, { min: 0 }),
    kinds: choices('snapshot', 'bookmark'),
  }),
  ...section('result', {
    output: choice('array', 'messages', 'count'),
    columns: choice('standard', 'identity', 'full'),
  }),
} satisfies FieldTable;

export interface ListOptions extends OptionsOf<typeof LIST> {}

/** One item of a listing. The columns that were not asked for are absent. */
export interface ListedSnapshot {
  dataset: string;
  name: string;
  snapshot: string;
  kind: 'snapshot' | 'bookmark';
  guid: string;
  createtxg: string;
  /** ISO 8601, UTC. */
  creation?: string;
  /** Bytes. */
  used?: number;
  referenced?: number;
  written?: number;
  holds?: string[];
  clones?: string[];
  properties?: Record<string, string>;
  /** ISO 8601, UTC: the date in the name, when a naming schema was given. */
  parsedDate?: string;
}
