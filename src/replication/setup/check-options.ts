// From property values, as a flow gives them, to checked options: what is wrong with one is said by its field (options.ts),
// here is what concerns two. Everything that is wrong is INVALID_OPTIONS with the property in `field`; what this version
// cannot do yet is UNSUPPORTED, never silently ignored.
import type { DatasetUse } from '../../base/run-context';
import { invalidOption } from '../../base/errors';
import { pick, readOptions } from '../../options/field';
import { readString, type RawOptions } from '../../options/read';
import { compileExcludes } from '../../zfs/names';
import { listeningSide, portRange } from '../../stream/wire/wire-plan';
import type { ScheduleOptions } from '../../time/check-schedule';
import { isWithin } from '../../zfs/records';
import { REPLICATE, type ReplicateOptions } from './options';
import { compileSelection, type SelectionOptions } from './selection';

/** Checks property values and returns options. Throws INVALID_OPTIONS (with `field`) and UNSUPPORTED. */
export function parseReplicateOptions(raw: RawOptions): ReplicateOptions {
  const read = readOptions(REPLICATE, raw);
  const options: ReplicateOptions = {
    ...read,
    recursive: read.recursive || read.fullFilesystem,
    name: readString(raw, 'name'),
    schedule: ownSchedule(raw),
  };
  checkTogether(options);
  if (options.fullFilesystem) checkFull(options);
  return options;
}

function ownSchedule(raw: RawOptions): ScheduleOptions {
  return {
    schedule: raw['schedule'] ?? '',
    scheduleTimeZone: raw['scheduleTimeZone'] ?? '',
    scheduleBegin: raw['scheduleBegin'] ?? '',
    scheduleEnd: raw['scheduleEnd'] ?? '',
  };
}

/** What decides which snapshots of which datasets a run sends. */
const SELECTING = pick(
  REPLICATE,
  'sourceDatasets',
  'recursive',
  'fullFilesystem',
  'exclude',
  'snapshotSelection',
  'nameRegex',
  'namingSchemas',
  'restrictSchedule',
  'restrictBegin',
  'restrictEnd',
  'onlyMatchingSchedule',
  'timeZone',
);

export type SourceOptions = SelectionOptions & Pick<ReplicateOptions, 'sourceDatasets' | 'recursive' | 'exclude'>;

/** These alone, of a node whose other properties do not matter or are not known yet. Throws as `parseReplicateOptions`. */
export function parseSourceOptions(raw: RawOptions): SourceOptions {
  const read = readOptions(SELECTING, raw);
  const options = { ...read, recursive: read.recursive || read.fullFilesystem, schedule: ownSchedule(raw) };
  compileSelection(options);
  checkExcludes(options);
  return options;
}

function checkTogether(options: ReplicateOptions): void {
  if (options.encryption !== 'none' && options.raw === 'always') {
    const hint = 'Set raw to "auto", or encryption to "none".';
    throw invalidOption('raw', 'raw: what travels raw keeps its own encryption and cannot be encrypted anew', hint);
  }
  compileSelection(options);
  if (options.targetRetention === 'custom' && options.targetRetentionPolicy === null) {
    throw invalidOption('targetRetentionPolicy', 'targetRetention "custom" needs a policy');
  }
  checkTransport(options);
  checkExcludes(options);
}

function checkExcludes({ exclude, sourceDatasets }: SourceOptions): void {
  const excluded = compileExcludes(exclude, 'exclude');
  const source = sourceDatasets.find((name) => excluded(name));
  if (source !== undefined) throw invalidOption('exclude', `exclude leaves out the source "${source}" itself`);
}

/** Who listens can be known before the machines are: this one is the connection ''. */
function checkTransport(options: ReplicateOptions): void {
  const { netcatPortMin: min, netcatPortMax: max } = options;
  const range = portRange(options);
  if (range.min > range.max) {
    const field = max === null ? 'netcatPortMin' : 'netcatPortMax';
    throw invalidOption(field, `${field}: from ${min ?? range.min} to ${max ?? range.max} there is no port`);
  }
  if (options.transport !== 'ssh+tls' && options.transport !== 'ssh+netcat') return;
  const isLocal = (connection: string): { isLocal: boolean } => ({ isLocal: connection === '' });
  listeningSide(options.netcatActiveSide, isLocal(options.sourceConnection), isLocal(options.targetConnection));
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
