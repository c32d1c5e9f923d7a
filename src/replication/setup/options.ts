// The options of a replication, as a table of the properties of `zfs-replicate`, and what comes of a run. What of them
// concerns each other is check-options.ts.
import { section, typed, type FieldTable, type OptionsOf } from '../../options/field';
import { address, bytes, choice, connection, count, flag, orNull, port, seconds, text } from '../../options/kinds';
import { cron, dataset, datasets, excludes, policyOrNone, schemas, scopeOrNone, timeZone } from '../../retention/kinds';
import { PRUNE, type PruneResult } from '../../retention/options';
import type { DataPath, WireTransport } from '../../stream/wire/wire-plan';
import type { ScheduleOptions } from '../../time/check-schedule';
import { keyLocation, overrides, propertyNames } from './kinds';

/** The properties of `zfs-replicate`. */
export const REPLICATE = {
  ...section('source', {
    sourceConnection: connection(),
    sourceDatasets: typed(datasets({ required: true })),
    recursive: flag(false),
    /** Everything of a tree as it is: the first copy is one `send -R` stream. Implies `recursive`. */
    fullFilesystem: flag(false),
    exclude: excludes(),
  }),
  ...section('snapshots', {
    snapshotSelection: choice('all', 'schema', 'regex'),
    /** Only looked at where it selects, and checked there. */
    nameRegex: typed(text('', { kind: 'regex' })),
    createSnapshot: choice('ifNone', 'never', 'always'),
    namingSchemas: typed(schemas()),
    firstCopy: choice('all', 'newest'),
    /** Cron expression that a snapshot's date must match, '' = any; between these times, which are judged with it. */
    restrictSchedule: cron(),
    restrictBegin: text('', { kind: 'clockTime' }),
    restrictEnd: text('', { kind: 'clockTime' }),
    /** The node's own `schedule` filters by date too. */
    onlyMatchingSchedule: flag(false),
    /** Of names and dates. */
    timeZone: timeZone(),
  }),
  ...section('target', {
    targetConnection: connection(),
    targetDataset: typed(dataset()),
    encryption: choice('none', 'inherit', 'key'),
    encryptionKeyFormat: choice('hex', 'passphrase'),
    encryptionKeyLocation: keyLocation(),
    readonly: choice('set', 'require', 'ignore'),
    mount: flag(false),
    includeProperties: flag(true),
    propertiesExclude: propertyNames('mountpoint', 'sharenfs', 'sharesmb'),
    propertiesOverride: overrides(),
  }),
  ...section('retention', {
    targetRetention: choice('none', 'source', 'custom'),
    targetRetentionPolicy: policyOrNone(),
    targetRetentionScope: scopeOrNone(),
    /** Circuit breaker, as in retention-prune. */
    maxDestroyFraction: PRUNE.maxDestroyFraction,
  }),
  ...section('safety', {
    mode: typed(choice('execute', 'plan')),
    whenDiverged: typed(choice('refuse', 'rollback', 'rotate', 'recreate')),
    partialReceive: choice('own', 'abort', 'refuse'),
    holdPending: flag(true),
  }),
  ...section('stream', {
    transport: choice('auto', 'ssh', 'ssh+tls', 'ssh+netcat'),
    /** Which side listens, for the last two; the words are TrueNAS's. */
    netcatActiveSide: orNull(choice('auto', 'source', 'target', 'local', 'remote')),
    netcatListenAddress: orNull(address()),
    netcatPortMin: orNull(port()),
    netcatPortMax: orNull(port()),
    netcatConnectAddress: orNull(address()),
    raw: choice('auto', 'always', 'never'),
    largeBlocks: flag(true),
    compressedBlocks: flag(true),
    embeddedBlocks: flag(false),
    resumable: flag(true),
    streamCompression: choice('none', 'auto', 'zstd', 'lz4', 'pigz', 'gzip', 'lzop', 'xz'),
    /** Bytes per second for the whole run, 0 = none. */
    speedLimit: typed(bytes()),
    parallelDatasets: count(2, { min: 1, max: 64 }),
    retries: count(5, { min: 0, max: 1000 }),
    /** Milliseconds before the first retry; later ones back off. */
    retryDelay: seconds(1, { min: 0, max: 86_400 }),
    /** Milliseconds without a byte and without a progress line. */
    stallTimeout: seconds(3600, { min: 1, max: 604_800 }),
  }),
} satisfies FieldTable;

export interface ReplicateOptions extends OptionsOf<typeof REPLICATE> {
  /** Of the node. */
  name: string;
  /** The node's own schedule, for `onlyMatchingSchedule`. */
  schedule: ScheduleOptions;
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
  /** How its streams went, where they had TCP connections of their own. */
  transport?: WireTransport;
  dataPath?: DataPath;
  /** Why nothing was done, or what failed. */
  error?: { code: string; message: string; hint?: string };
  /** Only planned: name of the snapshot that would be taken first, since it has none to send. `estimatedBytes` is what it holds. */
  takes?: string;
}

export interface ReplicationResult {
  jobId: string;
  name: string;
  state: 'success' | 'planned' | 'partial' | 'failed' | 'cancelled';
  startedAt: string;
  durationMs: number;
  transport: 'local' | 'ssh' | 'remote-local' | 'relay' | WireTransport;
  /** Of the newest stream that had a TCP connection of its own. */
  dataPath?: DataPath;
  bytes: number;
  snapshots: number;
  datasets: DatasetResult[];
  pruned?: PruneResult;
  warnings: string[];
}
