// From property values, as a flow gives them, to checked options. Everything that is wrong is INVALID_OPTIONS with the
// property in `field`; what this version cannot do yet is UNSUPPORTED, never silently ignored.
import type { DatasetUse } from '../../base/run-context';
import { invalidOption, ZfsFlowError } from '../../base/errors';
import { parseNamingSchema } from '../../naming/schema';
import {
  parseSize,
  readBoolean,
  readChoice,
  readList,
  readNumber,
  readString,
  readTextTable,
  type RawOptions,
} from '../../options/read';
import { parsePolicy, parseScope } from '../../retention/read-policy';
import { checkTimeZone } from '../../time/zone';
import { checkDatasetName, compileExcludes } from '../../zfs/names';
import { isWithin } from '../../zfs/records';
import { STREAM_COMPRESSIONS, type ReplicateOptions } from './options';
import { compileSelection, snapshotSchema } from './selection';

/** Values of properties whose engine part does not exist yet; any other value is refused. */
const NOT_YET: Readonly<Record<string, readonly unknown[]>> = {
  transport: ['ssh+netcat', 'ssh+tls'],
};

function refuseUnsupported(raw: RawOptions): void {
  readChoice(raw, 'transport', ['auto', 'ssh', 'ssh+netcat', 'ssh+tls'] as const, 'auto');
  for (const [field, planned] of Object.entries(NOT_YET)) {
    const value = raw[field];
    if (!planned.includes(value)) continue;
    throw new ZfsFlowError('UNSUPPORTED', `${field}: ${JSON.stringify(value)} is not supported in this version`, {
      field,
    });
  }
}

function sources(raw: RawOptions): string[] {
  const names = readList(raw, 'sourceDatasets').map((name) => checkDatasetName(name, 'sourceDatasets'));
  if (names.length === 0) throw invalidOption('sourceDatasets', 'sourceDatasets is empty: name at least one dataset');
  return [...new Set(names)];
}

/** Bytes per second as a number or a text with a unit (`10M`); '' and 0 are no limit. */
function speedLimit(raw: RawOptions): number {
  const value = raw['speedLimit'] ?? 0;
  const bytes = value === '' ? 0 : parseSize(value);
  if (bytes === null) throw invalidOption('speedLimit', `speedLimit: ${JSON.stringify(value)} is no size, such as 10M`);
  return bytes;
}

function propertyNames(raw: RawOptions): string[] {
  return readList(raw, 'propertiesExclude', ['mountpoint', 'sharenfs', 'sharesmb']).map((name) => {
    if (/^[0-9a-z:._+-]+$/.test(name) && !name.startsWith('-')) return name;
    throw invalidOption('propertiesExclude', `propertiesExclude: ${JSON.stringify(name)} is no ZFS property`);
  });
}

/** Properties that only the options of the same meaning may set: ZFS accepts them in some receives and not in others. */
const ENCRYPTION_PROPERTIES: readonly string[] = ['encryption', 'keyformat', 'keylocation', 'pbkdf2iters'];

/** 'stored', or the path of a file on the target; what `file://` may not hold is refused. */
function keyLocation(raw: RawOptions): string {
  const value = readString(raw, 'encryptionKeyLocation', 'stored');
  if (value === 'stored' || /^\/[^\0\n]+$/.test(value)) return value;
  throw invalidOption(
    'encryptionKeyLocation',
    `encryptionKeyLocation: ${JSON.stringify(value)} is neither "stored" nor an absolute path on the target`,
  );
}

function overrides(raw: RawOptions): Record<string, string> {
  const table = readTextTable(raw, 'propertiesOverride');
  for (const name of Object.keys(table)) {
    if (!/^[0-9a-z][0-9a-z:._+-]*$/.test(name)) {
      throw invalidOption('propertiesOverride', `propertiesOverride: ${JSON.stringify(name)} is no ZFS property`);
    }
    if (ENCRYPTION_PROPERTIES.includes(name)) {
      const hint = 'Use the fields for encryption at the target.';
      throw invalidOption('propertiesOverride', `propertiesOverride: "${name}" cannot be set there`, hint);
    }
  }
  return table;
}

/** Checks property values and returns options. Throws INVALID_OPTIONS (with `field`) and UNSUPPORTED. */
export function parseReplicateOptions(raw: RawOptions): ReplicateOptions {
  refuseUnsupported(raw);
  const fullFilesystem = readBoolean(raw, 'fullFilesystem', false);
  const options: ReplicateOptions = {
    name: readString(raw, 'name'),
    sourceConnection: readString(raw, 'sourceConnection'),
    sourceDatasets: sources(raw),
    targetConnection: readString(raw, 'targetConnection'),
    targetDataset: checkDatasetName(readString(raw, 'targetDataset'), 'targetDataset'),
    recursive: readBoolean(raw, 'recursive', false) || fullFilesystem,
    exclude: readList(raw, 'exclude'),
    snapshotSelection: readChoice(raw, 'snapshotSelection', ['all', 'schema', 'regex'], 'all'),
    namingSchemas: readList(raw, 'namingSchemas'),
    nameRegex: readString(raw, 'nameRegex'),
    firstCopy: readChoice(raw, 'firstCopy', ['all', 'newest'], 'all'),
    restrictSchedule: readString(raw, 'restrictSchedule'),
    restrictBegin: readString(raw, 'restrictBegin'),
    restrictEnd: readString(raw, 'restrictEnd'),
    onlyMatchingSchedule: readBoolean(raw, 'onlyMatchingSchedule', false),
    schedule: {
      schedule: raw['schedule'] ?? '',
      scheduleTimeZone: raw['scheduleTimeZone'] ?? '',
      scheduleBegin: raw['scheduleBegin'] ?? '',
      scheduleEnd: raw['scheduleEnd'] ?? '',
    },
    createSnapshot: readChoice(raw, 'createSnapshot', ['ifNone', 'never', 'always'], 'ifNone'),
    timeZone: checkTimeZone(readString(raw, 'timeZone'), 'timeZone'),
    whenDiverged: readChoice(raw, 'whenDiverged', ['refuse', 'rollback', 'rotate', 'recreate'], 'refuse'),
    includeProperties: readBoolean(raw, 'includeProperties', true),
    propertiesExclude: propertyNames(raw),
    propertiesOverride: overrides(raw),
    fullFilesystem,
    raw: readChoice(raw, 'raw', ['auto', 'always', 'never'], 'auto'),
    largeBlocks: readBoolean(raw, 'largeBlocks', true),
    compressedBlocks: readBoolean(raw, 'compressedBlocks', true),
    embeddedBlocks: readBoolean(raw, 'embeddedBlocks', false),
    encryption: readChoice(raw, 'encryption', ['none', 'inherit', 'key'], 'none'),
    encryptionKeyFormat: readChoice(raw, 'encryptionKeyFormat', ['hex', 'passphrase'], 'hex'),
    encryptionKeyLocation: keyLocation(raw),
    readonly: readChoice(raw, 'readonly', ['set', 'require', 'ignore'], 'set'),
    mount: readBoolean(raw, 'mount', false),
    streamCompression: readChoice(raw, 'streamCompression', STREAM_COMPRESSIONS, 'none'),
    speedLimit: speedLimit(raw),
    resumable: readBoolean(raw, 'resumable', true),
    holdPending: readBoolean(raw, 'holdPending', true),
    parallelDatasets: readNumber(raw, 'parallelDatasets', 2, { min: 1, max: 64, integer: true }),
    retries: readNumber(raw, 'retries', 5, { min: 0, max: 1000, integer: true }),
    retryDelay: readNumber(raw, 'retryDelay', 1, { min: 0, max: 86_400 }) * 1000,
    stallTimeout: readNumber(raw, 'stallTimeout', 3600, { min: 1, max: 7 * 86_400 }) * 1000,
    partialReceive: readChoice(raw, 'partialReceive', ['own', 'abort', 'refuse'], 'own'),
    targetRetention: readChoice(raw, 'targetRetention', ['none', 'source', 'custom'], 'none'),
    targetRetentionPolicy:
      (raw['targetRetentionPolicy'] ?? null) === null ? null : parsePolicy(raw, 'targetRetentionPolicy'),
    targetRetentionScope:
      (raw['targetRetentionScope'] ?? null) === null ? null : parseScope(raw, 'targetRetentionScope'),
    maxDestroyFraction: readNumber(raw, 'maxDestroyFraction', 0.5, { min: 0, max: 1 }),
    mode: readChoice(raw, 'mode', ['execute', 'plan'], 'execute'),
  };
  checkTogether(options);
  if (fullFilesystem) checkFull(options);
  return options;
}

function checkTogether(options: ReplicateOptions): void {
  if (options.encryption !== 'none' && options.raw === 'always') {
    const hint = 'Set raw to "auto", or encryption to "none".';
    throw invalidOption('raw', 'raw: what travels raw keeps its own encryption and cannot be encrypted anew', hint);
  }
  compileExcludes(options.exclude, 'exclude');
  for (const schema of options.namingSchemas) parseNamingSchema(schema, 'namingSchemas');
  parseNamingSchema(snapshotSchema(options), 'namingSchemas');
  compileSelection(options);
  if (options.targetRetention === 'custom' && options.targetRetentionPolicy === null) {
    throw invalidOption('targetRetentionPolicy', 'targetRetention "custom" needs a policy');
  }
  const excluded = compileExcludes(options.exclude, 'exclude');
  const source = options.sourceDatasets.find((name) => excluded(name));
  if (source !== undefined) throw invalidOption('exclude', `exclude leaves out the source "${source}" itself`);
}

/** A full copy of a file system leaves nothing out (as in TrueNAS, which refuses the same; truenas.md A.4). */
function checkFull(options: ReplicateOptions): void {
  const whole = 'fullFilesystem replicates everything';
  const contradictions: [field: string, isOne: boolean, message: string][] = [
    ['exclude', options.exclude.length > 0, `${whole}: nothing can be excluded`],
    ['includeProperties', !options.includeProperties, `${whole}, the properties included`],
    ['snapshotSelection', options.snapshotSelection !== 'all', `${whole}: all snapshots`],
    ['firstCopy', options.firstCopy !== 'all', `${whole}: all snapshots`],
    ['restrictSchedule', options.restrictSchedule !== '', `${whole}: all snapshots`],
    ['onlyMatchingSchedule', options.onlyMatchingSchedule, `${whole}: all snapshots`],
  ];
  for (const [field, isOne, message] of contradictions) {
    if (isOne) throw invalidOption(field, `${field}: ${message}`, 'Set fullFilesystem to false for a selection.');
  }
  const inner = options.sourceDatasets.find((name) =>
    options.sourceDatasets.some((other) => other !== name && isWithin(name, other)),
  );
  if (inner === undefined) return;
  throw invalidOption('sourceDatasets', `sourceDatasets: "${inner}" is within another source, which includes it`);
}

/**
 * The trees that a run reads and writes, for the locks. Its own snapshots and bookmarks on the source disturb no other
 * reader, so one source can be replicated to several targets at once.
 */
export function replicateUses(options: ReplicateOptions): DatasetUse[] {
  return [
    ...options.sourceDatasets.map((dataset): DatasetUse => ({
      connection: options.sourceConnection,
      dataset,
      access: 'read',
    })),
    { connection: options.targetConnection, dataset: options.targetDataset, access: 'write' },
  ];
}
