// Listings: datasets and snapshots of whole trees, one remote command for each host and call. A dataset that does not
// exist is a fact that ZFS states itself (`missing`); anything else that is not exit code 0 is an error, never an
// empty list (architecture.md, principle 6).
import { ZfsFlowError } from '../base/errors';
import { SlicedQueue } from '../base/slices';
import type { Host } from '../host/host';
import { groupNames } from './batch';
import { PLACEHOLDER_PROPERTY, RAW_PROPERTY, REPLACED_PROPERTY } from './marks';
import { compileExcludes, type ExcludeFilter } from './names';
import type { DatasetRecord, SnapshotKind, SnapshotRecord } from './records';
import { fields, missingIn, unreadable } from './command';
import { queryOf } from './marked-values';

/** Columns beyond name, guid and createtxg. Without any, OpenZFS ≥ 2.2 lists several times faster (openzfs PR 14110). */
export type SnapshotColumn = 'creation' | 'userrefs' | 'clones' | 'used' | 'referenced' | 'written';

export interface ListRequest {
  roots: readonly string[];
  recursive: boolean;
  /** Names and globs as in `compileExcludes`, or what that made of them. */
  exclude?: readonly string[] | ExcludeFilter;
  signal?: AbortSignal | undefined;
}

export interface SnapshotListRequest extends ListRequest {
  /** Default: both. */
  kinds?: readonly SnapshotKind[];
  columns?: readonly SnapshotColumn[];
}

export interface TreeListing {
  datasets: DatasetRecord[];
  snapshots: SnapshotRecord[];
  /** Roots that do not exist, as ZFS itself says. */
  missing: string[];
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

const dash = (value: string | undefined): string => (value === undefined || value === '-' ? '' : value);
const bytes = (value: string | undefined): number => Number(dash(value) || 0);

const LARGEST_GUID = String(2n ** 64n - 1n);

/** A GUID decides what is sent, received and destroyed: one that is not a decimal number of 64 bits, or is 0, is never used. */
function isGuid(text: string): boolean {
  return /^[1-9]\d{0,19}$/.test(text) && (text.length < LARGEST_GUID.length || text <= LARGEST_GUID);
}

function parseDataset(line: string, host: Host): DatasetRecord {
  const parts = fields(line, DATASET_COLUMNS.length, host);
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
    userProperties: {},
  };
}

/** One line of the output of `snapshotsArgv`. */
function parseSnapshot(line: string, columns: readonly SnapshotColumn[], host: Host): SnapshotRecord {
  const [full = '', guid = '', createtxg = '', ...more] = fields(line, 3 + columns.length, host);
  const at = full.search(/[@#]/);
  if (at < 1)
    throw new ZfsFlowError('ZFS_ERROR', `a listing on ${host.label} names no snapshot: ${JSON.stringify(line)}`);
  if (!isGuid(guid) || !/^\d+$/.test(createtxg)) throw unreadable(line, host);
  const record: SnapshotRecord = {
    dataset: full.slice(0, at),
    kind: full.charAt(at) === '#' ? 'bookmark' : 'snapshot',
    name: full.slice(at + 1),
    guid,
    createtxg,
  };
  columns.forEach((column, index) => {
    const value = more[index] ?? '-';
    if (column === 'clones') record.clones = dash(value) === '' ? [] : value.split(',');
    else if (value !== '-' && value !== '') record[column] = Number(value);
  });
  return record;
}

function depth(recursive: boolean): string[] {
  return recursive ? ['-r'] : [];
}

function datasetsArgv({ roots, recursive }: ListRequest): string[] {
  return [
    'zfs',
    'list',
    '-Hp',
    ...depth(recursive),
    '-t',
    'filesystem,volume',
    '-o',
    DATASET_COLUMNS.join(','),
    ...roots,
  ];
}

function snapshotsArgv({ roots, recursive, kinds, columns }: SnapshotListRequest): string[] {
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

interface Part {
  argv: string[];
  /** Parses one line of output and keeps it. */
  take: (line: string) => void;
  /** After the last line. */
  end?: () => void;
  /** Datasets that a complete listing names, and whether this one did, unless ZFS says that they do not exist. */
  named?: { roots: readonly string[]; seen: ReadonlySet<string> };
}

/** The listings do not belong together: they are made again, at once. */
class CameOrWent extends ZfsFlowError {}
const MOST_LISTINGS = 4;

const cameOrWent = (host: Host): CameOrWent =>
  new CameOrWent('DATASET_BUSY', `datasets came or went on ${host.label} while they were listed`, {
    host: host.label,
    retryable: true,
  });

/** Runs the listings in one remote command; returns the roots that every one of them says are missing. */
async function listParts(host: Host, signal: AbortSignal | undefined, parts: readonly Part[]): Promise<string[]> {
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

function datasetPart(host: Host, request: ListRequest, into: DatasetRecord[]): Part {
  const excluded = compileExcludes(request.exclude ?? []);
  const seen = new Set<string>();
  return {
    argv: datasetsArgv(request),
    named: { roots: request.roots, seen },
    take: (line) => {
      const record = parseDataset(line, host);
      seen.add(record.name);
      if (!excluded(record.name)) into.push(record);
    },
  };
}

/** Our own properties of the datasets that a `datasetPart` lists. */
function ownPart(host: Host, { roots, recursive }: ListRequest, into: Map<string, Record<string, string>>): Part {
  const tree = recursive ? { depth: Infinity, types: ['filesystem', 'volume'] } : {};
  const query = queryOf({ of: roots, properties: OWN_PROPERTIES, sources: ['local', 'received'], ...tree });
  const reader = query.reader(host, ({ name, property, value }) => {
    into.set(name, { ...into.get(name), [property]: value });
  });
  return { argv: query.argv, take: reader.push, end: reader.end };
}

/** The two of them, for whoever has the records when both are read. */
function datasetParts(host: Host, request: ListRequest, into: DatasetRecord[]): { parts: Part[]; join: () => void } {
  const own = new Map<string, Record<string, string>>();
  return {
    parts: [ownPart(host, request, own), datasetPart(host, request, into)],
    join: () => {
      for (const record of into) record.userProperties = own.get(record.name) ?? {};
    },
  };
}

function snapshotPart(host: Host, request: SnapshotListRequest, into: SnapshotRecord[]): Part {
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

/**
 * Datasets and snapshots of the trees in one remote command. Throws classified errors. The snapshots come first: a dataset
 * that is renamed or destroyed while they are listed is then missing behind them, and is seen to be. The other way round it
 * would be a dataset without snapshots.
 */
export async function listTrees(host: Host, request: SnapshotListRequest): Promise<TreeListing> {
  if (request.roots.length === 0) return { datasets: [], snapshots: [], missing: [] };
  const both = { ...request, exclude: compileExcludes(request.exclude ?? []) };
  for (let tries = 1; ; tries++) {
    const [datasets, snapshots]: [DatasetRecord[], SnapshotRecord[]] = [[], []];
    try {
      const { parts, join } = datasetParts(host, both, datasets);
      const missing = await listParts(host, request.signal, [snapshotPart(host, both, snapshots), ...parts]);
      join();
      const names = new Set(datasets.map(({ name }) => name));
      if (snapshots.some(({ dataset }) => !names.has(dataset))) throw cameOrWent(host);
      return { datasets, snapshots, missing };
    } catch (thrown) {
      if (!(thrown instanceof CameOrWent) || tries >= MOST_LISTINGS) throw thrown;
    }
  }
}

/** File systems and volumes of the trees. */
export async function listDatasets(
  host: Host,
  request: ListRequest,
): Promise<{ datasets: DatasetRecord[]; missing: string[] }> {
  const datasets: DatasetRecord[] = [];
  if (request.roots.length === 0) return { datasets, missing: [] };
  const { parts, join } = datasetParts(host, request, datasets);
  const missing = await listParts(host, request.signal, parts);
  join();
  return { datasets, missing };
}

/** Snapshots and bookmarks of the trees, in the order of `zfs list`. */
export async function listSnapshots(
  host: Host,
  request: SnapshotListRequest,
): Promise<{ snapshots: SnapshotRecord[]; missing: string[] }> {
  const snapshots: SnapshotRecord[] = [];
  if (request.roots.length === 0) return { snapshots, missing: [] };
  const missing = await listParts(host, request.signal, [snapshotPart(host, request, snapshots)]);
  return { snapshots, missing };
}

/**
 * For listings too long to be kept or to be read at one go: calls `take` for each snapshot and bookmark of the trees, in the order of `zfs list`; without roots (and recursive)
 * for those of all pools. One remote command; the event loop stays free. Returns the roots that do not exist.
 */
export async function eachSnapshot(
  host: Host,
  request: SnapshotListRequest,
  take: (record: SnapshotRecord) => void,
): Promise<{ missing: string[] }> {
  const excluded = compileExcludes(request.exclude ?? []);
  const columns = request.columns ?? [];
  const queue = new SlicedQueue<string>((line) => {
    const record = parseSnapshot(line, columns, host);
    if (!excluded(record.dataset)) take(record);
  });
  const part = { argv: snapshotsArgv(request), take: (line: string) => queue.push(line) };
  const missing = await listParts(host, request.signal, [part]);
  await queue.drained();
  return { missing };
}

/** Beyond so many names of one dataset, listing all its snapshots is cheaper than asking for each. */
const MOST_NAMES = 200;

/**
 * The snapshots with these names, where they exist, without looking at any others of their datasets. `names` are the
 * parts after `@` by dataset.
 */
export async function listNamedSnapshots(
  host: Host,
  names: ReadonlyMap<string, readonly string[]>,
  signal?: AbortSignal,
): Promise<SnapshotRecord[]> {
  const found: SnapshotRecord[] = [];
  const parts: Part[] = [];
  const take = (line: string): void => void found.push(parseSnapshot(line, [], host));
  const few = [...names].filter(([, wanted]) => wanted.length <= MOST_NAMES);
  const all = few.flatMap(([dataset, wanted]) => wanted.map((name) => `${dataset}@${name}`));
  const argv = ['zfs', 'list', '-Hp', '-t', 'snapshot', '-o', 'name,guid,createtxg'];
  for (const group of groupNames(all, 1000)) parts.push({ argv: [...argv, ...group], take });
  for (const [dataset, wanted] of names) {
    if (wanted.length > MOST_NAMES) parts.push({ argv: [...argv, '-d', '1', dataset], take });
  }
  for (const part of parts) await listParts(host, signal, [part]);
  return found;
}

/** DATASET_NOT_FOUND for the first of `missing`, for callers to whom a missing dataset is an error. */
export function requireAll(host: Host, missing: readonly string[]): void {
  const dataset = missing[0];
  if (dataset === undefined) return;
  throw new ZfsFlowError('DATASET_NOT_FOUND', `dataset "${dataset}" does not exist on ${host.label}`, {
    dataset,
    host: host.label,
  });
}
