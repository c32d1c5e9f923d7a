// What a machine has, level by level: its pools, what lies right below one dataset, and names that hold a text. A level costs
// what it shows and not what lies below it (5,000 datasets take seconds where they are listed with their properties).
import type { CommandResult, Host } from '../host/host';
import type { DatasetEntry, LevelEntry, PoolEntry } from './dataset-entries';
import { commandError, fields, missingIn, NO_RESULT, unreadable } from './command';
import { requireAll } from './list';
import { requireNamed } from './list-parts';

const COLUMNS = 'name,type,used,encryption,encryptionroot,keystatus';
const LEVEL = ['zfs', 'list', '-Hp', '-t', 'filesystem,volume', '-o', COLUMNS] as const;
const NAMES = ['zfs', 'list', '-H', '-t', 'filesystem,volume', '-o', 'name'] as const;

function parseEntry(line: string, host: Host): DatasetEntry {
  const [name = '', type, used = '', encryption, root, keyStatus] = fields(line, 6, host);
  if (name === '' || !/^\d+$/.test(used)) throw unreadable(line, host);
  return {
    name,
    type: type === 'volume' ? 'volume' : 'filesystem',
    used: Number(used),
    encrypted: encryption !== 'off' && encryption !== '-',
    encryptionRoot: root === name,
    keyStatus: keyStatus === 'available' || keyStatus === 'unavailable' ? keyStatus : '',
  };
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** A column of `zpool list -p`; `-` for what is not known. */
function amount(text: string): number | null {
  return /^\d+$/.test(text) ? Number(text) : null;
}

/**
 * The pools, with what their root datasets are. Where an account may run `zfs` and not `zpool`, as TrueNAS sets one up, the
 * pools are those that `zfs` names. Throws when neither could be asked.
 */
export async function listPools(host: Host, signal?: AbortSignal): Promise<PoolEntry[]> {
  const pools = ['zpool', 'list', '-Hp', '-o', 'name,health,size,alloc,free'];
  const roots = [...LEVEL, '-d', '0'];
  const [ofPools = NO_RESULT, ofRoots = NO_RESULT] = await host.runAll([pools, roots], { signal });
  const entries = new Map<string, DatasetEntry>();
  if (ofRoots.code === 0) {
    for (const line of linesOf(ofRoots.stdout)) {
      const entry = parseEntry(line, host);
      entries.set(entry.name, entry);
    }
  }
  if (ofPools.code !== 0) {
    if (ofRoots.code !== 0 || entries.size === 0) throw commandError(host, pools, ofPools);
    return [...entries.values()].map((root) => ({
      name: root.name,
      health: '',
      size: null,
      alloc: null,
      free: null,
      root,
    }));
  }
  return linesOf(ofPools.stdout).map((line) => {
    const [name = '', health = '', size = '', alloc = '', free = ''] = fields(line, 5, host);
    if (name === '') throw unreadable(line, host);
    const root = entries.get(name) ?? null;
    return { name, health, size: amount(size), alloc: amount(alloc), free: amount(free), root };
  });
}

/** Throws DATASET_NOT_FOUND, and the error of a listing that failed otherwise. */
function requireComplete(host: Host, argv: readonly string[], result: CommandResult, dataset: string): void {
  requireAll(host, missingIn(host, argv, result, dataset || undefined));
}

/** Milliseconds that a level waits for what lies below it, which costs more the more there is. */
const PATIENCE = 300;

/** Datasets with something below them, two levels below `parent` at most; null where that is not known in time. */
async function parentsBelow(host: Host, parent: string, signal: AbortSignal): Promise<ReadonlySet<string> | null> {
  const parents = new Set<string>();
  const onLine = (name: string): void => void parents.add(name.slice(0, Math.max(0, name.lastIndexOf('/'))));
  try {
    const { code } = await host.run([...NAMES, '-d', '2', parent], { signal, onLine });
    return code === 0 ? parents : null;
  } catch {
    // Too late, or it failed: what nobody has looked into may have something in it.
    return null;
  }
}

/** The level itself, the parent among it. */
async function readLevel(host: Host, parent: string, signal: AbortSignal | undefined): Promise<DatasetEntry[]> {
  const argv = [...LEVEL, '-d', '1', parent];
  const entries: DatasetEntry[] = [];
  let failure: unknown;
  const result = await host.run(argv, {
    signal,
    onLine: (line, _index, whole) => {
      if (failure !== undefined || line === '') return;
      try {
        if (!whole) throw unreadable(line, host);
        entries.push(parseEntry(line, host));
      } catch (thrown) {
        failure = thrown;
      }
    },
  });
  requireComplete(host, argv, result, parent);
  if (failure !== undefined) throw failure instanceof Error ? failure : new Error('a listing could not be read');
  requireNamed(host, { roots: [parent], seen: new Set(entries.map(({ name }) => name)) });
  return entries;
}

/**
 * What lies right below `parent`. Beside it the names of the next level are asked for, which tell what can be opened, and given
 * up when they take long. Throws DATASET_NOT_FOUND, and the error of a listing that failed.
 */
export async function listLevel(
  host: Host,
  parent: string,
  signal?: AbortSignal,
): Promise<{ parent: DatasetEntry; datasets: LevelEntry[] }> {
  const late = new AbortController();
  const below = parentsBelow(host, parent, signal ? AbortSignal.any([signal, late.signal]) : late.signal);
  try {
    const entries = await readLevel(host, parent, signal);
    const timer = setTimeout(() => late.abort(), PATIENCE);
    const parents = await below;
    clearTimeout(timer);
    const [own] = entries.filter(({ name }) => name === parent);
    if (own === undefined) throw commandError(host, LEVEL, NO_RESULT, parent);
    const datasets = entries
      .filter(({ name }) => name !== parent)
      .map((entry): LevelEntry => ({
        ...entry,
        expandable: parents === null ? entry.type === 'filesystem' : parents.has(entry.name),
      }));
    return { parent: own, datasets };
  } finally {
    late.abort();
  }
}

export interface Search {
  /** '' = all pools. */
  pool: string;
  /** Whatever its case. */
  text: string;
  /** So many at most. */
  most: number;
}

/**
 * Datasets whose names hold a text, in the order of the listing, and how many there are. Two remote commands: names alone,
 * which is quick, then what is shown of those that were found. Throws as `listLevel` does.
 */
export async function searchDatasets(
  host: Host,
  { pool, text, most }: Search,
  signal?: AbortSignal,
): Promise<{ datasets: DatasetEntry[]; found: number }> {
  const wanted = text.toLowerCase();
  const names: string[] = [];
  let found = 0;
  const argv = [...NAMES, ...(pool === '' ? [] : ['-r', pool])];
  let cut = '';
  const result = await host.run(argv, {
    signal,
    onLine: (name, _index, whole) => {
      if (!whole) cut = name;
      if (!name.toLowerCase().includes(wanted)) return;
      found += 1;
      if (names.length < most) names.push(name);
    },
  });
  requireComplete(host, argv, result, pool);
  if (cut !== '') throw unreadable(cut, host);
  if (names.length === 0) return { datasets: [], found };
  const details = [...LEVEL, ...names];
  const shown = await host.run(details, { signal });
  // What went meanwhile is not there any more.
  missingIn(host, details, shown);
  return { datasets: linesOf(shown.stdout).map((line) => parseEntry(line, host)), found };
}
