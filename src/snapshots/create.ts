// Takes snapshots: discover, hooks around one atomic command per pool, then a listing of what was made. Nothing is taken
// back: what one pool has made stays when another fails, and the error's payload says so.
import type { DatasetUse, RunContext } from '../base/run-context';
import type { HostResolver } from '../host/host';
import { invalidOption, toZfsFlowError, type ZfsFlowError } from '../base/errors';
import { formatSnapshotName, isRepeatedName, parseNamingSchema } from '../naming/schema';
import { PRUNE_DEFAULTS } from '../retention/options';
import { pruneSnapshots, requireDestroyed } from '../retention/prune';
import { warnOfMachineZone } from '../time/machine-zone';
import { takeSnapshots } from '../zfs/snapshot';
import { findDatasets, groupByPool, withoutUnchanged, type FoundDatasets, type PoolCommand } from './datasets';
import { explain, overall, RepeatedHour, tooMany } from './explain';
import { withHooks } from './hooks';
import { collect, collectAfterFailure } from './made';
import type { SnapshotOptions, SnapshotResult } from './options';
import { fullName, type Run } from './run';

/** ZFS_MAX_DATASET_NAME_LEN, less the terminating NUL. */
const MAX_NAME = 255;
/** Of the arguments of one command: FreeBSD takes 512 KiB with the environment, Linux four times that. */
const MAX_ARGUMENTS = 450_000;

/**
 * What a run touches. Taking snapshots disturbs no reader, so it does not wait for a replication that sends from the same
 * dataset, perhaps for hours; pruning afterwards must.
 */
export function snapshotUses(options: SnapshotOptions): DatasetUse[] {
  const access = options.retention === null ? 'read' : 'write';
  return options.datasets.map((dataset) => ({ connection: options.connection, dataset, access }));
}

/** SNAPSHOT_EXISTS, and only because clocks went back and show the same hour again. */
export const isRepeatedHour = (thrown: unknown): thrown is ZfsFlowError => thrown instanceof RepeatedHour;

/**
 * Takes snapshots as `zfs-snapshot` does. Throws INVALID_OPTIONS, DATASET_NOT_FOUND, DATASET_BUSY, SNAPSHOT_EXISTS
 * (`isRepeatedHour` when only the clock makes it so), PERMISSION_DENIED, HOOK_FAILED, VERIFICATION_FAILED,
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
  warnOfMachineZone(options.timeZone, (event) => ctx.emit(event));

  const found = await findDatasets(host, options, ctx);
  checkLengths(found, name);
  await takeBetweenHooks(run, found, isRepeatedName(schema, now, options.timeZone));
  await collect(run);
  await prune(run, hosts);
  return result;
}

function checkLengths({ datasets }: FoundDatasets, name: string): void {
  const long = datasets.find(({ dataset }) => fullName(dataset, name).length > MAX_NAME);
  if (long === undefined) return;
  const message = `"${fullName(long.dataset, name)}" is longer than the ${MAX_NAME} characters of ZFS`;
  throw invalidOption('namingSchema', message);
}

/** `repeatedHour`: the clock shows the same twice, which may be why a name is taken. */
async function takeBetweenHooks(run: Run, found: FoundDatasets, repeatedHour: boolean): Promise<void> {
  const { host, options, ctx, result } = run;
  try {
    await withHooks(host, options.hooks, ctx, async () => {
      const taking = options.allowEmpty ? found : await withoutUnchanged(host, found, options, ctx);
      result.skipped.push(...taking.skipped);
      const pools = groupByPool(taking, options.recursive);
      const failures = await takeAll(run, pools);
      if (failures.length > 0) throw overall(failures, pools.length, repeatedHour);
    });
  } catch (error) {
    await collectAfterFailure(run);
    throw error;
  }
}

/** One command for each pool. Returns the errors of the pools that failed; throws what makes it pointless to go on. */
async function takeAll(run: Run, pools: readonly PoolCommand[]): Promise<ZfsFlowError[]> {
  const { host, options, ctx, result, reached } = run;
  const failures: ZfsFlowError[] = [];
  for (const pool of pools) {
    const snapshots = pool.roots.map((dataset) => fullName(dataset, result.name));
    const length = snapshots.reduce((sum, snapshot) => sum + Buffer.byteLength(snapshot) + 1, 0);
    if (length > MAX_ARGUMENTS) throw tooMany(pool);
    const { recursive } = pool;
    reached.push(pool);
    try {
      await takeSnapshots(host, { snapshots, recursive, properties: options.properties, signal: ctx.signal });
    } catch (thrown) {
      const error = await explain(run, pool, toZfsFlowError(thrown));
      // The host is gone, or nobody wants the rest: the other pools would fare no better.
      if (error.code === 'CANCELLED' || error.exitCode === undefined) throw error;
      // In words that we know ZFS has refused the whole command; one that was killed, say, may have done its work.
      if (error.code !== 'ZFS_ERROR') reached.pop();
      failures.push(error);
    }
  }
  return failures;
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
  const here = { connection, datasets, recursive: false, exclude: [], timeZone };
  // A snapshot has the time of its run in its name, and is made when the hook before it has ended.
  const what = { ...PRUNE_DEFAULTS, ...here, scope, policy, scheduleByName: true };
  const pruned = await pruneSnapshots(what, hosts, ctx, {
    report: (early) => {
      result.pruned = early;
    },
  });
  requireDestroyed(pruned);
}
