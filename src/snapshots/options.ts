// Typed options and results of taking and listing snapshots.
import type { PruneResult } from '../retention/options';
import type { RetentionPolicy } from '../retention/plan/policy';

export interface SnapshotOptions {
  /** Connection id, '' = the machine that runs Node-RED. */
  connection: string;
  datasets: readonly string[];
  recursive: boolean;
  exclude: readonly string[];
  namingSchema: string;
  /** IANA zone, '' = the machine's. */
  timeZone: string;
  allowEmpty: boolean;
  /** User properties set on the snapshots. */
  properties: Readonly<Record<string, string>>;
  /** Shell commands on the dataset's host; timeout in seconds. */
  hooks: { before: string; after: string; timeout: number };
  retention: RetentionPolicy | null;
}

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

export interface ListOptions {
  connection: string;
  /** Empty = all pools, recursively. */
  datasets: readonly string[];
  recursive: boolean;
  exclude: readonly string[];
  namingSchema: string;
  nameRegex: string;
  timeZone: string;
  /** ISO date or duration (`7d`), '' = no limit. */
  newerThan: string;
  olderThan: string;
  /** At most so many per dataset, 0 = all. */
  newest: number;
  oldest: number;
  kinds: readonly ('snapshot' | 'bookmark')[];
  columns: 'identity' | 'standard' | 'full';
  output: 'array' | 'messages' | 'count';
}

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
