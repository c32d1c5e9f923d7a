// What was made: listed after the commands, whatever became of them, and looked at when they are said to have succeeded.
import { toZfsFlowError, ZfsFlowError } from '../base/errors';
import { listDatasets } from '../zfs/list';
import { readSnapshots, type MadeSnapshot } from '../zfs/snapshot-facts';
import type { PoolCommand } from './datasets';
import type { TakenSnapshot } from './options';
import { fullName, type Run } from './run';

/** For the listing that a cancelled run still makes, to say what is there. */
const LAST_LOOK_MS = 30_000;

/**
 * Lists what was made into the result. Every dataset must have its snapshot, all of a pool in one transaction group;
 * throws VERIFICATION_FAILED where that is not so.
 */
export async function collect(run: Run): Promise<void> {
  const made = await readMade(run, { signal: run.ctx.signal });
  for (const pool of run.reached) await verify(run, pool, enter(run, pool, made));
}

/** The same after a failure, as far as the host still answers; nothing is missed then. Throws nothing. */
export async function collectAfterFailure(run: Run): Promise<void> {
  try {
    const made = await readMade(run, { timeoutMs: LAST_LOOK_MS });
    for (const pool of run.reached) enter(run, pool, made);
  } catch (thrown) {
    const { message } = toZfsFlowError(thrown);
    const text = `what was taken could not be listed: ${message}`;
    run.ctx.emit({ event: 'warning', level: 'warn', message: text, host: run.host.label });
  }
}

function readMade(
  { host, reached, result }: Run,
  options: { signal?: AbortSignal; timeoutMs?: number },
): Promise<Map<string, MadeSnapshot>> {
  const all = reached.flatMap(({ datasets }) => datasets.map((dataset) => fullName(dataset, result.name)));
  return readSnapshots(host, all, options);
}

/** Puts a pool's snapshots into the result and tells of them. */
function enter(
  { result, ctx }: Run,
  { datasets }: PoolCommand,
  made: ReadonlyMap<string, MadeSnapshot>,
): TakenSnapshot[] {
  const { name } = result;
  const taken = datasets.flatMap((dataset): TakenSnapshot[] => {
    const found = made.get(fullName(dataset, name));
    if (found === undefined) return [];
    const { guid, createtxg, snapshot } = found;
    return [{ dataset, name, snapshot, guid, createtxg, creation: new Date(found.creation * 1000).toISOString() }];
  });
  result.snapshots.push(...taken);
  for (const { dataset, snapshot } of taken) {
    ctx.emit({ event: 'dataset', level: 'info', message: `took ${snapshot}`, dataset, snapshot });
  }
  return taken;
}

async function verify(run: Run, pool: PoolCommand, taken: readonly TakenSnapshot[]): Promise<void> {
  const { host, result } = run;
  const there = new Set(taken.map(({ dataset }) => dataset));
  const gone = pool.datasets.filter((dataset) => !there.has(dataset));
  const [dataset] = await lacking(run, pool, gone);
  if (dataset !== undefined) {
    const message = `ZFS said that it took the snapshot of "${dataset}", but it is not there`;
    throw new ZfsFlowError('VERIFICATION_FAILED', message, { dataset, host: host.label });
  }
  for (const child of gone) result.skipped.push({ dataset: child, reason: 'it was gone when the snapshot was taken' });
  if (new Set(taken.map(({ createtxg }) => createtxg)).size <= 1) return;
  throw new ZfsFlowError(
    'VERIFICATION_FAILED',
    `the snapshots "${result.name}" on pool "${pool.pool}" were not taken at the same moment (createtxg differs)`,
    { host: host.label, details: { snapshots: taken } },
  );
}

/** Of datasets without their snapshot, those for which that is a failure: a child may have gone before `-r` came to it. */
async function lacking(
  { host, ctx }: Run,
  { roots, recursive }: PoolCommand,
  gone: readonly string[],
): Promise<string[]> {
  if (!recursive || gone.length === 0) return [...gone];
  const { missing } = await listDatasets(host, { roots: gone, recursive: false, signal: ctx.signal });
  return gone.filter((dataset) => roots.includes(dataset) || !missing.includes(dataset));
}
