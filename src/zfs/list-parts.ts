// The commands that list datasets, snapshots and bookmarks, and the readers of their lines. A listing is made of such parts, run
// in one remote command; what is asked for together is `list.ts` and `fingerprint.ts`.
import { compact, Recurring } from '../base/compact';
import { ZfsFlowError } from '../base/errors';
import type { Host } from '../host/host';
import { fields, missingIn, unreadable } from './command';
import { queryOf } from './marked-values';
import { PLACEHOLDER_PROPERTY, RAW_PROPERTY, REPLACED_PROPERTY } from './marks';
import { compileExcludes, type ExcludeFilter } from './names';
import type { DatasetRecord, SnapshotKind, SnapshotRecord } from './records';

/** Columns beyond name, guid and createtxg. Without any, OpenZFS ≥ 2.2 lists several times faster (openzfs PR 14110). */
export type SnapshotColumn = 'creation' | 'userrefs' | 'clones' | 'used' | 'referenced' | 'written';

export interface ListRequest {
  roots: readonly string[];
  recursive: boolean;
  /** Names and globs as in `compileExcludes`, or what that made of them. */
  exclude?: readonly string[] | ExcludeFilter;
  /** With `snapshotsChanged` of the datasets, where `hasNotes` says that there is one (fingerprint.ts). */
  changes?: boolean;
  signal?: AbortSignal | undefined;
}

export interface SnapshotListRequest extends ListRequest {
  /** Default: both. */
  kinds?: readonly SnapshotKind[];
  columns?: readonly SnapshotColumn[];
}

/** User properties of ours that listings of datasets carry, where they are set on the dataset itself. */
const OWN_PROPERTIES = [PLACEHOLDER_PROPERTY, RAW_PROPERTY, REPLACED_PROPERTY] as const;

/** None of them is free text, which could hold tabs and ends of lines: what others may set is asked for by `ownQuery`. */
const DATASET_COLUMNS = [
  'name',
  'type',
  'guid',
  'used',
  'usedbydataset',
  'referenced',
  'written',
  'receive_resume_token',
  'readonly',
  'encryption',
  'encryptionroot',
  'keystatus',
  'pbkdf2salt',
  'origin',
  'compression',
  'mounted',
] as const;

/** What ZFS ≥ 2.2 says beside of a dataset's snapshots; the second is not in the manual, and is in every listing (dsl_dataset_stats). */
const NOTE_COLUMNS = ['snapshots_changed', 'prevsnap'] as const;

const dash = (value: string | undefined): string => (value === undefined || value === '-' ? '' : value);
const bytes = (value: string | undefined): number => Number(dash(value) || 0);

const LARGEST_GUID = String(2n ** 64n - 1n);

/** A GUID decides what is sent, received and destroyed: one that is not a decimal number of 64 bits, or is 0, is never used. */
function isGuid(text: string): boolean {
  return /^[1-9]\d{0,19}$/.test(text) && (text.length < LARGEST_GUID.length || text <= LARGEST_GUID);
}

/** '' where none of its snapshots has changed since a ZFS notes it. */
function secondsOf(value: string | undefined, line: string, host: Host): string {
  const seconds = dash(value);
  if (seconds !== '' && !/^\d+$/.test(seconds)) throw unreadable(line, host);
  return seconds;
}

function notesIn(
  parts: readonly string[],
  line: string,
  host: Host,
): Pick<DatasetRecord, 'snapshotsChanged' | 'newestSnapshot'> {
  const [changed, newest] = parts.slice(DATASET_COLUMNS.length);
  const [dataset, name = ''] = dash(newest).split('@');
  // A clone without snapshots of its own names that of its origin.
  return { snapshotsChanged: secondsOf(changed, line, host), newestSnapshot: dataset === parts[0] ? name : '' };
}

export function parseDataset(line: string, changes: boolean, host: Host): DatasetRecord {
  const parts = fields(line, DATASET_COLUMNS.length + (changes ? NOTE_COLUMNS.length : 0), host);
  const column = Object.fromEntries(DATASET_COLUMNS.map((name, index) => [name, parts[index] ?? '']));
  if (!isGuid(column['guid'] ?? '')) throw unreadable(line, host);
  return {
    name: column['name'] ?? '',
    type: column['type'] === 'volume' ? 'volume' : 'filesystem',
    guid: column['guid'] ?? '',
    used: bytes(column['used']),
    usedByDataset: bytes(column['usedbydataset']),
    referenced: bytes(column['referenced']),
    written: bytes(column['written']),
    receiveResumeToken: dash(column['receive_resume_token']),
    readonly: column['readonly'] === 'on',
    encryption: dash(column['encryption']) || 'off',
    encryptionRoot: dash(column['encryptionroot']),
    keyStatus: dash(column['keystatus']) === 'none' ? '' : dash(column['keystatus']),
    origin: dash(column['origin']),
    compression: dash(column['compression']) || 'off',
    mounted: column['mounted'] === 'yes',
    keySalt: /^[1-9]\d*$/.test(column['pbkdf2salt'] ?? '') ? (column['pbkdf2salt'] ?? '') : '',
    ...(changes ? notesIn(parts, line, host) : {}),
    userProperties: {},
  };
}

/** What a line of the output of `lookArgv` stands for. */
export type LookLine =
  | { bookmark: SnapshotRecord }
  /** `isPlain`: no property of ours is set on it, nor anywhere above it; only told where they were asked for. */
  | { dataset: DatasetRecord; isPlain: boolean };

/**
 * A line of the output of `lookArgv` for the same `own`. What somebody has put into a property of ours may make other lines of
 * it: nearly all of that is refused here, and with `own` a look is good for comparing only, not to plan sends from.
 */
export function parseLook(line: string, own: boolean, host: Host): LookLine {
  const parts = fields(
    line,
    DATASET_COLUMNS.length + NOTE_COLUMNS.length + 1 + (own ? OWN_PROPERTIES.length : 0),
    host,
  );
  const createtxg = parts.pop() ?? '';
  if (!/^\d+$/.test(createtxg)) throw unreadable(line, host);
  const values = own ? parts.splice(-OWN_PROPERTIES.length) : [];
  const [name = ''] = parts;
  if (name.includes('#')) {
    const guid = parts[DATASET_COLUMNS.indexOf('guid')];
    return { bookmark: parseSnapshot([name, guid, createtxg].join('\t'), [], host) };
  }
  const isPlain = values.every((value) => value === '-');
  return { dataset: parseDataset(parts.join('\t'), true, host), isPlain };
}

const NONE: readonly string[] = [];

/** The snapshots of a dataset say its name; those that were taken of a tree at once have one name and one transaction group. */
const alike = new Recurring();

/** One line of the output of `snapshotsArgv`. */
export function parseSnapshot(line: string, columns: readonly SnapshotColumn[], host: Host): SnapshotRecord {
  const [full = '', guid = '', createtxg = '', ...more] = fields(line, 3 + columns.length, host);
  const at = full.search(/[@#]/);
  if (at < 1)
    throw new ZfsFlowError('ZFS_ERROR', `a listing on ${host.label} names no snapshot: ${JSON.stringify(line)}`);
  if (!isGuid(guid) || !/^\d+$/.test(createtxg)) throw unreadable(line, host);
  const record: SnapshotRecord = {
    dataset: alike.of(full.slice(0, at)),
    kind: full.charAt(at) === '#' ? 'bookmark' : 'snapshot',
    name: alike.of(full.slice(at + 1)),
    guid: compact(guid),
    createtxg: alike.of(createtxg),
  };
  columns.forEach((column, index) => {
    const value = more[index] ?? '-';
    if (column === 'clones') record.clones = dash(value) === '' ? NONE : value.split(',');
    else if (value !== '-' && value !== '') record[column] = Number(value);
  });
  return record;
}

function depth(recursive: boolean): string[] {
  return recursive ? ['-r'] : [];
}

export function datasetsArgv({ roots, recursive, changes }: ListRequest): string[] {
  const columns = [...DATASET_COLUMNS, ...(changes === true ? NOTE_COLUMNS : [])];
  return ['zfs', 'list', '-Hp', ...depth(recursive), '-t', 'filesystem,volume', '-o', columns.join(','), ...roots];
}

/**
 * Datasets with `snapshotsChanged`, and what else is to be seen of them in one process, since each costs more than its work:
 * their bookmarks, of which the columns of datasets say nothing, and whether there are properties of ours.
 */
export function lookArgv(
  { roots, recursive }: Pick<ListRequest, 'roots' | 'recursive'>,
  { bookmarks, own }: { bookmarks: boolean; own: boolean },
): string[] {
  const levels = bookmarks && !recursive ? ['-d', '1'] : depth(recursive);
  const types = bookmarks ? 'filesystem,volume,bookmark' : 'filesystem,volume';
  const columns = [...DATASET_COLUMNS, ...NOTE_COLUMNS, ...(own ? OWN_PROPERTIES : []), 'createtxg'];
  return ['zfs', 'list', '-Hp', ...levels, '-t', types, '-o', columns.join(','), ...roots];
}

export function snapshotsArgv({ roots, recursive, kinds, columns }: SnapshotListRequest): string[] {
  const types = (kinds ?? ['snapshot', 'bookmark']).join(',');
  // -d 1 without -r: the snapshots of the dataset itself (zfs-list(8)).
  const levels = recursive ? ['-r'] : ['-d', '1'];
  return [
    'zfs',
    'list',
    '-Hp',
    ...levels,
    '-t',
    types,
    '-o',
    ['name', 'guid', 'createtxg', ...(columns ?? [])].join(','),
    ...roots,
  ];
}

export interface Part {
  argv: string[];
  /** Parses one line of output and keeps it. */
  take: (line: string) => void;
  /** After the last line. */
  end?: () => void;
  /** Datasets that a complete listing names, and whether this one did, unless ZFS says that they do not exist. */
  named?: { roots: readonly string[]; seen: ReadonlySet<string> };
}

/** The listings do not belong together: they are made again, at once. */
export class CameOrWent extends ZfsFlowError {}

export const cameOrWent = (host: Host): CameOrWent =>
  new CameOrWent('DATASET_BUSY', `datasets came or went on ${host.label} while they were listed`, {
    host: host.label,
    retryable: true,
  });

/** Runs the listings in one remote command; returns the roots that every one of them says are missing. */
export async function listParts(
  host: Host,
  signal: AbortSignal | undefined,
  parts: readonly Part[],
): Promise<string[]> {
  let failure: unknown;
  const results = await host.runAll(
    parts.map((part) => part.argv),
    {
      signal,
      onLine: (line, index, whole) => {
        const part = parts[index];
        if (!part || failure !== undefined || (line === '' && part.end === undefined)) return;
        try {
          if (!whole) throw unreadable(line, host);
          part.take(line);
        } catch (thrown) {
          failure = thrown;
        }
      },
    },
  );
  let missing: string[] | undefined;
  for (const [index, part] of parts.entries()) {
    const result = results[index];
    if (!result) throw new ZfsFlowError('ZFS_ERROR', `a listing on ${host.label} gave no result`, { host: host.label });
    const absent = missingIn(host, part.argv, result);
    if (missing !== undefined && missing.join('\n') !== absent.join('\n')) throw cameOrWent(host);
    missing = absent;
  }
  if (failure === undefined) for (const { end } of parts) end?.();
  if (failure !== undefined) throw failure instanceof Error ? failure : new Error('a listing could not be read');
  for (const { named } of parts) if (named) requireNamed(host, named, missing ?? []);
  return missing ?? [];
}

/** An empty listing with exit code 0 proves nothing: `zfs list` names at least what it was asked for. */
export function requireNamed(
  host: Host,
  { roots, seen }: { roots: readonly string[]; seen: ReadonlySet<string> },
  missing: readonly string[] = [],
): void {
  const dataset = roots.find((root) => !seen.has(root) && !missing.includes(root));
  if (dataset === undefined) return;
  const message = `a listing on ${host.label} is incomplete: "${dataset}" is not in it, and ZFS does not say that it does not exist`;
  throw new ZfsFlowError('ZFS_ERROR', message, { dataset, host: host.label });
}

export function datasetPart(host: Host, request: ListRequest, into: DatasetRecord[]): Part {
  const excluded = compileExcludes(request.exclude ?? []);
  const seen = new Set<string>();
  return {
    argv: datasetsArgv(request),
    named: { roots: request.roots, seen },
    take: (line) => {
      const record = parseDataset(line, request.changes === true, host);
      seen.add(record.name);
      if (!excluded(record.name)) into.push(record);
    },
  };
}

/** Our own properties of the datasets that a `datasetPart` lists. */
export function ownPart(
  host: Host,
  { roots, recursive }: ListRequest,
  into: Map<string, Record<string, string>>,
): Part {
  const tree = recursive ? { depth: Infinity, types: ['filesystem', 'volume'] } : {};
  const query = queryOf({ of: roots, properties: OWN_PROPERTIES, sources: ['local', 'received'], ...tree });
  const reader = query.reader(host, ({ name, property, value }) => {
    into.set(name, { ...into.get(name), [property]: value });
  });
  return { argv: query.argv, take: reader.push, end: reader.end };
}

/** The two of them, for whoever has the records when both are read. */
export function datasetParts(
  host: Host,
  request: ListRequest,
  into: DatasetRecord[],
): { parts: Part[]; join: () => void } {
  const own = new Map<string, Record<string, string>>();
  return {
    parts: [ownPart(host, request, own), datasetPart(host, request, into)],
    join: () => {
      for (const record of into) record.userProperties = own.get(record.name) ?? {};
    },
  };
}

/** These snapshots and no others of their datasets. */
export function namedPart(host: Host, names: readonly string[], into: SnapshotRecord[]): Part {
  const argv = ['zfs', 'list', '-Hp', '-t', 'snapshot', '-o', 'name,guid,createtxg', ...names];
  return { argv, take: (line) => void into.push(parseSnapshot(line, [], host)) };
}

export function snapshotPart(host: Host, request: SnapshotListRequest, into: SnapshotRecord[]): Part {
  const excluded = compileExcludes(request.exclude ?? []);
  const columns = request.columns ?? [];
  return {
    argv: snapshotsArgv(request),
    take: (line) => {
      const record = parseSnapshot(line, columns, host);
      if (!excluded(record.dataset)) into.push(record);
    },
  };
}
