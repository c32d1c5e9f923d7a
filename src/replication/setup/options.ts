// Typed options and result of a replication, as `zfs-replicate` gives and returns them.
import type { PruneResult } from '../../retention/options';
import type { RetentionPolicy, RetentionScope } from '../../retention/plan/policy';
import type { ScheduleOptions } from '../../time/check-schedule';

export const STREAM_COMPRESSIONS = ['none', 'auto', 'lz4', 'zstd', 'pigz', 'gzip', 'lzop', 'xz'] as const;

export interface ReplicateOptions {
  name: string;
  /** Connection ids, '' = the machine that runs Node-RED. */
  sourceConnection: string;
  sourceDatasets: readonly string[];
  targetConnection: string;
  targetDataset: string;
  recursive: boolean;
  exclude: readonly string[];
  snapshotSelection: 'all' | 'schema' | 'regex';
  namingSchemas: readonly string[];
  nameRegex: string;
  firstCopy: 'all' | 'newest';
  /** Cron expression and window that a snapshot's date must match, '' = any. */
  restrictSchedule: string;
  restrictBegin: string;
  restrictEnd: string;
  onlyMatchingSchedule: boolean;
  /** The node's own schedule, for `onlyMatchingSchedule`. */
  schedule: ScheduleOptions;
  createSnapshot: 'never' | 'ifNone' | 'always';
  /** IANA zone of names and dates, '' = the machine's. */
  timeZone: string;
  whenDiverged: 'refuse' | 'rollback' | 'rotate' | 'recreate';
  includeProperties: boolean;
  propertiesExclude: readonly string[];
  propertiesOverride: Readonly<Record<string, string>>;
  /** A first copy of a whole tree is one `send -R` stream; implies `recursive`. */
  fullFilesystem: boolean;
  raw: 'auto' | 'always' | 'never';
  largeBlocks: boolean;
  compressedBlocks: boolean;
  embeddedBlocks: boolean;
  encryption: 'none' | 'inherit' | 'key';
  encryptionKeyFormat: 'hex' | 'passphrase';
  /** 'stored' (the key comes with the run, see target-key.ts), or the path of a file on the target. */
  encryptionKeyLocation: string;
  readonly: 'set' | 'require' | 'ignore';
  mount: boolean;
  streamCompression: (typeof STREAM_COMPRESSIONS)[number];
  /** Bytes per second for the whole run, 0 = none. */
  speedLimit: number;
  resumable: boolean;
  holdPending: boolean;
  parallelDatasets: number;
  retries: number;
  /** Milliseconds before the first retry; later ones back off. */
  retryDelay: number;
  /** Milliseconds without a byte and without a progress line. */
  stallTimeout: number;
  partialReceive: 'own' | 'abort' | 'refuse';
  targetRetention: 'none' | 'source' | 'custom';
  targetRetentionPolicy: RetentionPolicy | null;
  targetRetentionScope: RetentionScope | null;
  /** Circuit breaker of the target's retention, as in retention-prune. */
  maxDestroyFraction: number;
  mode: 'execute' | 'plan';
}

export type DatasetAction = 'full' | 'incremental' | 'resume' | 'current' | 'rollback' | 'rotate' | 'recreate' | 'skip';

export interface DatasetResult {
  source: string;
  target: string;
  action: DatasetAction;
  base: { name: string; guid: string; kind: 'snapshot' | 'bookmark' } | null;
  /** Names after `@`, in the order sent. */
  snapshots: string[];
  /** Stream bytes sent in this run. */
  bytes: number;
  estimatedBytes: number;
  durationMs: number;
  warnings: string[];
  /** Why nothing was done, or what failed. */
  error?: { code: string; message: string };
}

export interface ReplicationResult {
  jobId: string;
  name: string;
  state: 'success' | 'planned' | 'partial' | 'failed' | 'cancelled';
  startedAt: string;
  durationMs: number;
  transport: 'local' | 'ssh' | 'remote-local' | 'relay';
  bytes: number;
  snapshots: number;
  datasets: DatasetResult[];
  pruned?: PruneResult;
  warnings: string[];
}
