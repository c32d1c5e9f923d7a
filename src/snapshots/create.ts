// Takes snapshots: discover, hooks around one atomic command per pool, then a listing of what was made. Nothing is taken
// back: what one pool has made stays when another fails, and the error's payload says so.
import type { DatasetUse, RunContext } from '../base/run-context';
import type { Host, HostResolver } from '../host/host';
import { invalidOption, toZfsFlowError, ZfsFlowError } from '../base/errors';
import { displayCommand } from '../host/shell/quote';
import { formatSnapshotName, isRepeatedName, parseNamingSchema } from '../naming/schema';
import { PRUNE_DEFAULTS } from '../retention/options';
import { pruneSnapshots, requireDestroyed } from '../retention/prune';
import { listDatasets } from '../zfs/list';
import { readSnapshots } from '../zfs/snapshot-facts';
import { takeSnapshots } from '../zfs/snapshot';
import { withHooks } from './hooks';
import type { SnapshotOptions, SnapshotResult, TakenSnapshot } from './options';
import { findTargets, groupByPool, withoutUnchanged, type PoolTargets, type Targets } from './datasets';

/** ZFS_MAX_DATASET_NAME_LEN, less the terminating NUL. */
const MAX_NAME = 255;
/** Of the arguments of one command: FreeBSD takes 512 KiB with the environment, Linux four times that. */
const MAX_ARGUMENTS = 450_000;
/** For the listing that a cancelled run still makes, to say what is there. */
const LAST_LOOK_MS = 30_000;

/**
 * What a run touches. Taking snapshots disturbs no reader, so it does not wait for a replication that sends from the same
 * dataset, perhaps for hours; pruning afterwards must.
 */
export function snapshotUses(options: SnapshotOptions): DatasetUse[] {
  const access = options.retention === null ? 'read' : 'write';
  return options.datasets.map((dataset) => ({ connection: options.connection, dataset, access }));
}

interface Run {
  host: Host;
  options: SnapshotOptions;
  ctx: RunContext;
  result: SnapshotResult;
  /** Pools whose command ended well, or of which nobody knows how it ended; one that ZFS refused has made nothing. */
  reached: PoolTargets[];
}

/**
 * Takes snapshots as `zfs-snapshot` does. Throws INVALID_OPTIONS, DATASET_NOT_FOUND, DATASET_BUSY, SNAPSHOT_EXISTS
 * (`details.repeatedHour` when only the clock makes it so), PERMISSION_DENIED, HOOK_FAILED, VERIFICATION_FAILED,
 * PARTIAL_FAILURE (several pools failed differently) and what hosts throw; `ctx.partial` has then what was made.
 */
export async function createSnapshots(
  options: SnapshotOptions,
  hosts: HostResolver,
  ctx: RunContext,
): Promise<SnapshotResult> {
  if (options.datasets.length === 0) throw invalidOption('datasets', 'no dataset is given');
  const host = hosts(options.connection);
  const now = ctx.now();
  const schema = parseNamingSchema(options.namingSchema);
  const name = formatSnapshotName(schema, now, options.timeZone);
  const result: SnapshotResult = { jobId: ctx.jobId, name, snapshots: [], skipped: [] };
  const run: Run = { host, options, ctx, result, reached: [] };
  ctx.partial(result);

  const found = await findTargets(host, options, ctx);
  checkLengths(found, name);
  try {
    await withHooks(host, options.hooks, ctx, async () => {
      const targets = options.allowEmpty ? found : await withoutUnchanged(host, found, options, ctx);
      result.skipped.push(...targets.skipped);
      const pools = groupByPool(targets, options.recursive);
      const failures = await takeAll(run, pools);
      if (failures.length > 0) throw overall(failures, pools.length, isRepeatedName(schema, now, options.timeZone));
    });
  } catch (error) {
    await lookAfterFailure(run);
    throw error;
  }
  await collect(run, { signal: ctx.signal });
  await prune(run, hosts);
  return result;
}

/**
 * Old snapshots of the same schema on the datasets just taken; the guards and the breaker are those of every prune, as is
 * the error for what could not be destroyed.
 */
async function prune({ options, result, ctx }: Run, hosts: HostResolver): Promise<void> {
  const { retention: policy, connection, namingSchema, timeZone } = options;
  if (policy === null || result.snapshots.length === 0) return;
  const datasets = result.snapshots.map(({ dataset }) => dataset);
  const scope = { namingSchemas: [namingSchema], nameRegex: '' };
  const what = { ...PRUNE_DEFAULTS, connection, datasets, recursive: false, exclude: [], scope, policy, timeZone };
  const pruned = await pruneSnapshots(what, hosts, ctx, {
    report: (early) => {
      result.pruned = early;
    },
  });
  requireDestroyed(pruned);
}

function checkLengths({ targets }: Targets, name: string): void {
  const long = targets.find(({ dataset }) => dataset.length + 1 + name.length > MAX_NAME);
  if (long === undefined) return;
  throw invalidOption('namingSchema', `"${long.dataset}@${name}" is longer than the ${MAX_NAME} characters of ZFS`);
}

const fullName = (dataset: string, name: string): string => `${dataset}@${name}`;

/** One command for each pool. Returns the errors of the pools that failed; throws what makes it pointless to go on. */
async function takeAll(run: Run, pools: readonly PoolTargets[]): Promise<ZfsFlowError[]> {
  const failures: ZfsFlowError[] = [];
  for (const pool of pools) {
    const snapshots = pool.roots.map((dataset) => fullName(dataset, run.result.name));
    const length = snapshots.reduce((sum, snapshot) => sum + Buffer.byteLength(snapshot) + 1, 0);
    if (length > MAX_ARGUMENTS) throw tooMany(pool);
    const { properties } = run.options;
    run.reached.push(pool);
    try {
      const { recursive } = pool;
      await takeSnapshots(run.host, { snapshots, recursive, properties, signal: run.ctx.signal });
    } catch (thrown) {
      const error = await explain(run, pool, toZfsFlowError(thrown));
      // The host is gone, or nobody wants the rest: the other pools would fare no better.
      if (error.code === 'CANCELLED' || error.exitCode === undefined) throw error;
      // In words that we know ZFS has refused the whole command; one that was killed, say, may have done its work.
      if (error.code !== 'ZFS_ERROR') run.reached.pop();
      failures.push(error);
    }
  }
  return failures;
}

function tooMany({ datasets, pool }: PoolTargets): ZfsFlowError {
  return new ZfsFlowError(
    'UNSUPPORTED',
    `${datasets.length} datasets of pool "${pool}" do not fit into one command, and only one command is atomic`,
    { hint: 'Exclude nothing and allow empty snapshots (then one recursive command does it), or use several nodes.' },
  );
}

/** The same error with what a person needs to know beyond ZFS's own words. */
async function explain(run: Run, pool: PoolTargets, error: ZfsFlowError): Promise<ZfsFlowError> {
  if (error.code === 'SNAPSHOT_EXISTS') {
    const existing = /cannot create snapshot '([^']*)'/.exec(error.stderr ?? '')?.[1];
    const message = `a snapshot named "${run.result.name}" exists already${existing === undefined ? '' : `: ${existing}`}`;
    return again(error, message, {
      ...(existing === undefined ? {} : { dataset: existing.replace(/@.*$/s, '') }),
      hint: 'No snapshot was taken on this pool. A naming schema with seconds (%S) gives a name of its own to each run.',
    });
  }
  if (error.code !== 'PERMISSION_DENIED') return error;
  const who = await run.host.run(['id', '-un']).catch(() => null);
  const user = who?.code === 0 && who.stdout.trim() !== '' ? who.stdout.trim() : '<user>';
  const rights = ['snapshot', 'mount', ...(Object.keys(run.options.properties).length > 0 ? ['userprop'] : [])];
  const commands = pool.roots.slice(0, 5).map((root) => displayCommand(['zfs', 'allow', user, rights.join(','), root]));
  return again(error, `${user} may not take snapshots on ${run.host.label}: ${error.message}`, {
    hint: `As root on ${run.host.label}: ${commands.join('; ')}`,
  });
}

function again(error: ZfsFlowError, message: string, more: { hint: string; dataset?: string }): ZfsFlowError {
  const { host, command, exitCode, stderr, retryable } = error;
  return new ZfsFlowError(error.code, message, {
    cause: error,
    retryable,
    ...(host === undefined ? {} : { host }),
    ...(command === undefined ? {} : { command }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(stderr === undefined ? {} : { stderr }),
    ...more,
  });
}

/** One error for all failed pools: their own where they agree, else PARTIAL_FAILURE. */
function overall(failures: readonly ZfsFlowError[], pools: number, repeatedHour: boolean): ZfsFlowError {
  const [first] = failures;
  if (first === undefined) return new ZfsFlowError('ZFS_ERROR', 'nothing failed');
  const same = failures.every(({ code }) => code === first.code);
  const code = same ? first.code : 'PARTIAL_FAILURE';
  const message = failures.map((failure) => failure.message).join('; ');
  return new ZfsFlowError(code, pools > 1 ? `on ${failures.length} of ${pools} pools: ${message}` : message, {
    ...(first.hint === undefined ? {} : { hint: first.hint }),
    ...(first.dataset === undefined ? {} : { dataset: first.dataset }),
    ...(first.host === undefined ? {} : { host: first.host }),
    ...(first.stderr === undefined ? {} : { stderr: first.stderr }),
    ...(first.command === undefined ? {} : { command: first.command }),
    ...(first.exitCode === undefined ? {} : { exitCode: first.exitCode }),
    cause: first,
    ...(code === 'SNAPSHOT_EXISTS' ? { details: { repeatedHour } } : {}),
  });
}

/** Says in the partial result what is there, as far as the host still answers. */
async function lookAfterFailure(run: Run): Promise<void> {
  try {
    await collect(run, { timeoutMs: LAST_LOOK_MS }, true);
  } catch (thrown) {
    const { message } = toZfsFlowError(thrown);
    const text = `what was taken could not be listed: ${message}`;
    run.ctx.emit({ event: 'warning', level: 'warn', message: text, host: run.host.label });
  }
}

/**
 * Lists what was made into the result. After a success every dataset must have its snapshot, all of a pool in one
 * transaction group.
 */
async function collect(
  run: Run,
  options: { signal?: AbortSignal | undefined; timeoutMs?: number },
  afterFailure = false,
): Promise<void> {
  const { name, snapshots } = run.result;
  const all = run.reached.flatMap(({ datasets }) => datasets.map((dataset) => fullName(dataset, name)));
  const made = await readSnapshots(run.host, all, options);
  for (const pool of run.reached) {
    const taken = pool.datasets.flatMap((dataset): TakenSnapshot[] => {
      const found = made.get(fullName(dataset, name));
      if (found === undefined) return [];
      const { guid, createtxg, snapshot } = found;
      return [{ dataset, name, snapshot, guid, createtxg, creation: new Date(found.creation * 1000).toISOString() }];
    });
    snapshots.push(...taken);
    for (const { dataset, snapshot } of taken) {
      run.ctx.emit({ event: 'dataset', level: 'info', message: `took ${snapshot}`, dataset, snapshot });
    }
    if (!afterFailure) await verify(run, pool, taken);
  }
}

/** Of datasets without their snapshot, those for which that is a failure: a child may have gone before `-r` came to it. */
async function lacking(
  { host, ctx }: Run,
  { roots, recursive }: PoolTargets,
  gone: readonly string[],
): Promise<string[]> {
  if (!recursive || gone.length === 0) return [...gone];
  const { missing } = await listDatasets(host, { roots: gone, recursive: false, signal: ctx.signal });
  return gone.filter((dataset) => roots.includes(dataset) || !missing.includes(dataset));
}

async function verify(run: Run, pool: PoolTargets, taken: readonly TakenSnapshot[]): Promise<void> {
  const there = new Set(taken.map(({ dataset }) => dataset));
  const gone = pool.datasets.filter((dataset) => !there.has(dataset));
  const [dataset] = await lacking(run, pool, gone);
  if (dataset !== undefined) {
    throw new ZfsFlowError(
      'VERIFICATION_FAILED',
      `ZFS said that it took the snapshot of "${dataset}", but it is not there`,
      {
        dataset,
        host: run.host.label,
      },
    );
  }
  for (const child of gone)
    run.result.skipped.push({ dataset: child, reason: 'it was gone when the snapshot was taken' });
  if (new Set(taken.map(({ createtxg }) => createtxg)).size <= 1) return;
  throw new ZfsFlowError(
    'VERIFICATION_FAILED',
    `the snapshots "${run.result.name}" on pool "${pool.pool}" were not taken at the same moment (createtxg differs)`,
    { host: run.host.label, details: { snapshots: taken } },
  );
}
