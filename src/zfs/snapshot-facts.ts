// What taking snapshots needs to know of datasets before and after: which there are, whether anything was written to
// them, and what was made. Few columns on purpose: each one costs time per dataset.
import { ZfsFlowError } from '../base/errors';
import type { CommandResult, Host } from '../host/host';
import { groupNames } from './batch';
import { getEach } from './get';
import { requireNamed } from './list-parts';
import { fields, missingIn, NO_RESULT } from './command';

const NAMES_PER_COMMAND = 500;

export interface DatasetFacts {
  dataset: string;
  /** Bytes written since the newest snapshot of any name; as of the last transaction group. */
  written: number;
  /** A receive into it never ended: it has no state that could be snapshotted ("dataset is busy"). */
  inconsistent: boolean;
}

/** File systems and volumes at and, if `recursive`, below `roots`. Throws DATASET_NOT_FOUND when a root does not exist. */
export async function listDatasetFacts(
  host: Host,
  roots: readonly string[],
  recursive: boolean,
  signal?: AbortSignal,
): Promise<DatasetFacts[]> {
  const argv = ['zfs', 'list', '-Hp', ...(recursive ? ['-r'] : []), '-t', 'filesystem,volume'];
  argv.push('-o', 'name,written,inconsistent', ...roots);
  const result = await host.run(argv, { signal });
  const [dataset] = missingIn(host, argv, result);
  if (dataset !== undefined) {
    throw new ZfsFlowError('DATASET_NOT_FOUND', `dataset "${dataset}" does not exist on ${host.label}`, {
      dataset,
      host: host.label,
    });
  }
  const facts = lines(result).map((line) => {
    const [dataset = '', written = '', inconsistent = ''] = fields(line, 3, host);
    return { dataset, written: Number(written), inconsistent: inconsistent === '1' };
  });
  requireNamed(host, { roots, seen: new Set(facts.map(({ dataset }) => dataset)) });
  return facts;
}

/**
 * Writes out what is in memory, so that `written` counts it: it is brought up to date with each transaction group, up to
 * five seconds later. False when the host does not let us.
 */
export async function syncPools(host: Host, pools: readonly string[], signal?: AbortSignal): Promise<boolean> {
  const result = await host.run(['zpool', 'sync', ...pools], { signal });
  return result.code === 0;
}

/** Bytes written to datasets since the given snapshot of each (dataset → name after `@`); absent where ZFS does not say. */
export async function writtenSince(
  host: Host,
  since: ReadonlyMap<string, string>,
  signal?: AbortSignal,
): Promise<Map<string, number>> {
  const byName = new Map<string, string[]>();
  for (const [dataset, name] of since) byName.set(name, [...(byName.get(name) ?? []), dataset]);
  const requests = [...byName].flatMap(([name, datasets]) =>
    groupNames(datasets, NAMES_PER_COMMAND).map((of) => ({ of, properties: [`written@${name}`] })),
  );
  const written = new Map<string, number>();
  for (const answer of await getEach(host, requests, { signal })) {
    if (answer instanceof Error) throw answer;
    for (const { name, value } of answer) if (/^\d+$/.test(value)) written.set(name, Number(value));
  }
  return written;
}

export interface MadeSnapshot {
  /** Full name. */
  snapshot: string;
  guid: string;
  createtxg: string;
  /** Seconds since the epoch. */
  creation: number;
}

/** Those of the snapshots (full names) that exist, by full name. */
export async function readSnapshots(
  host: Host,
  snapshots: readonly string[],
  options: { signal?: AbortSignal | undefined; timeoutMs?: number } = {},
): Promise<Map<string, MadeSnapshot>> {
  const argvs = groupNames(snapshots, NAMES_PER_COMMAND).map((group) => [
    'zfs',
    'list',
    '-Hp',
    '-t',
    'snapshot',
    '-o',
    'name,guid,createtxg,creation',
    ...group,
  ]);
  const made = new Map<string, MadeSnapshot>();
  const results = argvs.length === 0 ? [] : await host.runAll(argvs, options);
  for (const [index, argv] of argvs.entries()) {
    const result = results[index] ?? NO_RESULT;
    // One that is gone is no longer among them.
    missingIn(host, argv, result);
    for (const line of lines(result)) {
      const [snapshot = '', guid = '', createtxg = '', creation = ''] = fields(line, 4, host);
      made.set(snapshot, { snapshot, guid, createtxg, creation: Number(creation) });
    }
  }
  return made;
}

function lines(result: CommandResult): string[] {
  return result.stdout.split('\n').filter((line) => line !== '');
}
