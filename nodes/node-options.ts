// The properties of every node type: one table that the runtime resolves, the edit dialog edits and the tests check.
// Plain data only, imported by both halves, so nothing of Node.js and nothing of the browser belongs here. What a
// value must look like beyond its type (a dataset name, a cron expression …) is said by the engine's own functions.
import { DEFAULT_NAMING_SCHEMA } from '../src/naming/presets';

/** A property's literal type. `list` = JSON array of strings, `json` = any JSON value; both are stored as such, not as text. */
export type LiteralType = 'str' | 'num' | 'bool' | 'json' | 'list';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export interface Field {
  readonly type: LiteralType;
  /** What a missing property means. */
  readonly default: Json;
  /** A **T** field: `<name>Type` beside it says where the value comes from; missing = the literal type. */
  readonly typed: boolean;
  /** The values a literal may have. */
  readonly choices?: readonly string[];
  /** Numbers only: the smallest and largest value, both allowed. */
  readonly min?: number;
  readonly max?: number;
  /** Numbers only. */
  readonly integer?: boolean;
  /** Holds the id of a `zfs-ssh-connection`, '' = the machine that runs Node-RED. */
  readonly connection?: boolean;
}

export type FieldTable = Readonly<Record<string, Field>>;

/** Where a **T** field may take its value from, beside its literal type. */
export const TYPED_SOURCES = ['msg', 'flow', 'global', 'env', 'jsonata'] as const;

export const NODE_TYPES = [
  'zfs-ssh-connection',
  'zfs-snapshot',
  'zfs-list-snapshots',
  'zfs-replicate',
  'zfs-retention-prune',
] as const;
export type NodeType = (typeof NODE_TYPES)[number];

/** Configuration version that this table describes. */
export const CONFIG_VERSION = 1;

const str = (value = ''): Field => ({ type: 'str', default: value, typed: false });
const bool = (value: boolean): Field => ({ type: 'bool', default: value, typed: false });
const list = (value: readonly string[] = []): Field => ({ type: 'list', default: value, typed: false });
const json = (value: Json): Field => ({ type: 'json', default: value, typed: false });
const num = (value: number, min: number, max?: number): Field => ({
  type: 'num',
  default: value,
  typed: false,
  min,
  ...(max === undefined ? {} : { max }),
});
const int = (value: number, min: number, max?: number): Field => ({ ...num(value, min, max), integer: true });
const choice = (value: string, ...others: string[]): Field => ({ ...str(value), choices: [value, ...others] });
const connection: Field = { ...str(), connection: true };
const typed = (field: Field): Field => ({ ...field, typed: true });

const identity = { version: int(CONFIG_VERSION, 1), name: str() } satisfies FieldTable;

const running = {
  enabled: bool(true),
  overlap: choice('skip', 'queue'),
  logLevel: choice('info', 'error', 'warn', 'debug'),
} satisfies FieldTable;

const schedule = {
  /** '' = only messages, a five-field cron expression, or `@hourly @daily @weekly @monthly @yearly`. */
  schedule: str(),
  scheduleTimeZone: str(),
  scheduleBegin: str(),
  scheduleEnd: str(),
  runOnDeploy: bool(false),
  /** After a downtime, one run for all that were missed. */
  catchUp: bool(false),
} satisfies FieldTable;

export const FIELDS = {
  'zfs-ssh-connection': {
    ...identity,
    host: str(),
    port: int(22, 1, 65535),
    username: str('root'),
    authMethod: choice('privateKey', 'keyFile', 'agent', 'password'),
    keyFile: str(),
    agentSocket: str(),
    /** One `type base64` or known_hosts line each. */
    hostKeys: str(),
    /** `'auto'` or an array of cipher names. */
    ciphers: json('auto'),
    /** Seconds. */
    connectTimeout: num(10, 1),
    /** Seconds, 0 = none. */
    keepaliveInterval: num(15, 0),
    sudo: choice('none', 'sudo', 'doas'),
    zfsPath: str(),
    maxSessions: int(8, 1),
  },
  'zfs-snapshot': {
    ...identity,
    connection,
    datasets: typed(list()),
    recursive: bool(false),
    exclude: list(),
    namingSchema: typed(str(DEFAULT_NAMING_SCHEMA)),
    timeZone: str(),
    allowEmpty: bool(true),
    properties: json({}),
    /** Shell commands; timeout in seconds. */
    hooks: json({ before: '', after: '', timeout: 60 }),
    retention: json(null),
    ...schedule,
    ...running,
  },
  'zfs-list-snapshots': {
    ...identity,
    connection,
    datasets: typed(list()),
    recursive: bool(false),
    exclude: list(),
    namingSchema: typed(str()),
    nameRegex: typed(str()),
    timeZone: str(),
    newerThan: typed(str()),
    olderThan: typed(str()),
    newest: int(0, 0),
    oldest: int(0, 0),
    kinds: list(['snapshot']),
    columns: choice('standard', 'identity', 'full'),
    output: choice('array', 'messages', 'count'),
    ...running,
  },
  'zfs-replicate': {
    ...identity,
    sourceConnection: connection,
    sourceDatasets: typed(list()),
    targetConnection: connection,
    targetDataset: typed(str()),
    recursive: bool(false),
    exclude: list(),
    snapshotSelection: choice('all', 'schema', 'regex'),
    namingSchemas: typed(list()),
    nameRegex: typed(str()),
    firstCopy: choice('all', 'newest'),
    /** Cron expression that a snapshot's date must match, within `restrictBegin` to `restrictEnd` (`HH:MM`, '' = all day). */
    restrictSchedule: str(),
    restrictBegin: str(),
    restrictEnd: str(),
    /** The node's own `schedule` filters by date too. */
    onlyMatchingSchedule: bool(false),
    createSnapshot: choice('ifNone', 'never', 'always'),
    timeZone: str(),
    whenDiverged: typed(choice('refuse', 'rollback', 'rotate', 'recreate')),
    allowDestructiveFromMessage: bool(false),
    includeProperties: bool(true),
    propertiesExclude: list(['mountpoint', 'sharenfs', 'sharesmb']),
    propertiesOverride: json({}),
    /** Everything of a tree as it is: the first copy is one `send -R` stream. Implies `recursive`. */
    fullFilesystem: bool(false),
    raw: choice('auto', 'always', 'never'),
    largeBlocks: bool(true),
    compressedBlocks: bool(true),
    embeddedBlocks: bool(false),
    encryption: choice('none', 'inherit', 'key'),
    encryptionKeyFormat: choice('hex', 'passphrase'),
    /** 'stored' (credential `encryptionKey`), or the path of a file on the target. */
    encryptionKeyLocation: str('stored'),
    readonly: choice('set', 'require', 'ignore'),
    mount: bool(false),
    transport: choice('auto', 'ssh', 'ssh+netcat', 'ssh+tls'),
    /** The words of TrueNAS. Kept as they are stored: only the transports that this version refuses look at them. */
    netcatActiveSide: json(null),
    netcatListenAddress: json(null),
    netcatPortMin: json(null),
    netcatPortMax: json(null),
    netcatConnectAddress: json(null),
    streamCompression: choice('none', 'auto', 'zstd', 'lz4', 'pigz', 'gzip', 'lzop', 'xz'),
    /** Bytes per second, or a text with a unit (`10M`); '' and 0 = none. */
    speedLimit: typed(str()),
    resumable: bool(true),
    holdPending: bool(true),
    parallelDatasets: int(2, 1, 64),
    retries: int(5, 0, 1000),
    /** Seconds before the first retry; later ones back off. */
    retryDelay: num(1, 0, 86_400),
    /** Seconds. */
    stallTimeout: num(3600, 1, 604_800),
    targetRetention: choice('none', 'source', 'custom'),
    targetRetentionPolicy: json(null),
    targetRetentionScope: json(null),
    /** Share of a dataset's snapshots in scope, 0–1. */
    maxDestroyFraction: num(0.5, 0, 1),
    partialReceive: choice('own', 'abort', 'refuse'),
    mode: typed(choice('execute', 'plan')),
    ...schedule,
    ...running,
  },
  'zfs-retention-prune': {
    ...identity,
    connection,
    datasets: typed(list()),
    recursive: bool(false),
    exclude: list(),
    scope: json({ namingSchemas: [], nameRegex: '' }),
    policy: json({ keep: [] }),
    ageFrom: choice('creation', 'name'),
    timeZone: str(),
    protectFor: json([]),
    mode: typed(choice('plan', 'execute', 'approve')),
    /** Hours a plan stays valid. */
    planLifetime: num(24, 0),
    keepAtLeast: int(1, 1),
    maxDestroyFraction: num(0.5, 0, 1),
    maxDestroyCount: int(1000, 0),
    minFree: str(),
    ...schedule,
    ...running,
  },
} as const satisfies Record<NodeType, FieldTable>;

/** Names of a node type's encrypted properties. */
export const CREDENTIALS = {
  'zfs-ssh-connection': ['privateKey', 'passphrase', 'password'],
  'zfs-snapshot': [],
  'zfs-list-snapshots': [],
  'zfs-replicate': ['encryptionKey'],
  'zfs-retention-prune': [],
} as const satisfies Record<NodeType, readonly string[]>;
