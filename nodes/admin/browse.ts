// What the tree of datasets and the count of snapshots ask of a machine, in dialogs and before anything is deployed.
import type { Host } from '../../src/host/host';
import { readString, type RawOptions } from '../../src/options/read';
import { invalidOption } from '../../src/base/errors';
import { engine } from '../runtime/engine';
import type { Red } from '../runtime/red';
import type { CountAnswer, LevelAnswer, PoolsAnswer, SearchAnswer } from './browse-answer';
import { leaseRequestHosts } from './draft-connections';
import { requireLiterals } from './literals';

/** Names that a search answers with: more are in no list that a person reads. */
const MOST_FOUND = 200;
/** Milliseconds after which nobody waits for the answer any more. */
const TIMEOUT_MS = 120_000;

/** `work` on the machine of the request; ends when whoever asked has gone. */
async function onMachine<T>(
  RED: Red,
  body: RawOptions,
  gone: AbortSignal,
  work: (host: Host, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { hosts, release } = leaseRequestHosts(RED, body);
  try {
    const host = hosts(readString(body, 'connection'));
    return await work(host, AbortSignal.any([gone, AbortSignal.timeout(TIMEOUT_MS)]));
  } finally {
    release();
  }
}

function marked<T extends { name: string }>(entry: T): T & { system: boolean } {
  return { ...entry, system: engine.datasets().isSystemDataset(entry.name) };
}

/** `{connection, parent?}`: the pools, or what lies right below a dataset. Throws whatever the listing fails with. */
export function datasetLevel(RED: Red, body: RawOptions, gone: AbortSignal): Promise<PoolsAnswer | LevelAnswer> {
  const { listPools, listLevel, checkDatasetName } = engine.datasets();
  const parent = readString(body, 'parent');
  if (parent !== '') checkDatasetName(parent, 'parent');
  return onMachine(RED, body, gone, async (host, signal): Promise<PoolsAnswer | LevelAnswer> => {
    if (parent === '') return { ok: true, pools: (await listPools(host, signal)).map(marked) };
    const level = await listLevel(host, parent, signal);
    return { ok: true, parent: marked(level.parent), datasets: level.datasets.map(marked) };
  });
}

/** `{connection, pool?, text}`: datasets whose names hold the text. */
export function datasetSearch(RED: Red, body: RawOptions, gone: AbortSignal): Promise<SearchAnswer> {
  const { searchDatasets, checkDatasetName } = engine.datasets();
  const [pool, text] = [readString(body, 'pool'), readString(body, 'text').trim()];
  if (pool !== '') checkDatasetName(pool, 'pool');
  if (text === '') throw invalidOption('text', 'text: what is searched for is missing');
  return onMachine(RED, body, gone, async (host, signal) => {
    const { datasets, found } = await searchDatasets(host, { pool, text, most: MOST_FOUND }, signal);
    return { ok: true, found, datasets: datasets.map(marked) };
  });
}

/** What a count needs to know only a message may bring; what else it may bring does not matter. */
const NOT_COUNTED: ReadonlySet<string> = new Set(['targetDataset', 'mode', 'whenDiverged', 'speedLimit']);

/** `{connection, datasets, …}`: the snapshots of each of them that a zfs-replicate with these properties would send. */
export function countSnapshots(RED: Red, body: RawOptions, gone: AbortSignal): Promise<CountAnswer> {
  requireLiterals(body, ['zfs-replicate'], {
    ignored: NOT_COUNTED,
    hint: 'Snapshots can be counted when it is set here.',
  });
  const { parseSourceOptions, countSnapshots: count } = engine.replication();
  const options = parseSourceOptions({ ...body, sourceDatasets: body['datasets'] });
  return onMachine(RED, body, gone, async (host, signal) => {
    const { sources, selectsNew } = await count(host, options, new Date(), signal);
    return { ok: true, counts: sources, selectsNew };
  });
}
