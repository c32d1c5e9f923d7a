// Destroys what a plan says, in rounds, oldest first: by channel program where the host lets us, else by commands. Each
// snapshot is looked at once more right before it goes, and what is not as it was planned stays (retention.md, rules 18
// and 20). One undestroyable snapshot never blocks the others. The account of it all is `ledger.ts`.
import type { RunContext } from '../../base/run-context';
import { toZfsFlowError } from '../../base/errors';
import { groupBy } from '../../base/group-by';
import type { Host } from '../../host/host';
import { destroyRounds } from '../../zfs/destroy';
import { listSnapshots } from '../../zfs/list';
import { spaceOfSnapshots } from '../../zfs/space';
import type { PruneItem, PruneRequest, PruneResult } from '../options';
import { destroyByCommands } from './by-commands';
import { destroyByPrograms } from './by-program';
import type { ExecuteOptions, Execution, Round } from './execution';
import { Ledger } from './ledger';

/** Snapshots between two looks at the free space: few, so that little more goes than is needed. */
const ROUND_BY_FREE_SPACE = 20;
/** Programs at once: they share the transaction groups that each has to wait for. */
const PROGRAMS_AT_ONCE = 2;

export interface Destruction extends ExecuteOptions {
  readonly host: Host;
  readonly request: PruneRequest;
  readonly result: PruneResult;
}

/**
 * Destroys what is in `result.destroy`, filling `destroyed`, `failed`, `keep`, `warnings` and `reclaimedBytes` as it goes,
 * so that whoever holds `result` knows what was done when this throws: connection errors, CANCELLED, PLAN_STALE.
 */
export async function destroyPlanned(what: Destruction, ctx: RunContext): Promise<void> {
  const { host, request, result } = what;
  if (result.destroy.length === 0) return;
  const space = (): Promise<Map<string, number>> =>
    spaceOfSnapshots(host, request.datasets, request.recursive, ctx.signal);
  const before = await space();
  const ledger = new Ledger(host, result, what.strict, ctx);
  try {
    await destroyAll(result.destroy, { ...what, ledger, ctx });
  } catch (error) {
    ledger.tellUncertain(toZfsFlowError(error).code);
    throw error;
  } finally {
    ledger.close();
  }
  const [after] = await Promise.all([space(), verify(host, request, ledger, ctx)]);
  for (const dataset of new Set(result.destroyed.map((item) => item.dataset))) {
    result.reclaimedBytes += Math.max(0, (before.get(dataset) ?? 0) - (after.get(dataset) ?? 0));
  }
}

/** By programs, as far as they get in each share; what is left by commands. */
async function destroyAll(items: readonly PruneItem[], execution: Execution): Promise<void> {
  const shares = sharesOf(items, execution);
  const outcomes = await Promise.allSettled(shares.map((rounds) => destroyByPrograms(rounds, execution)));
  const left: Round[] = [];
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
    left.push(...outcome.value);
  }
  await destroyByCommands(left, execution);
}

/**
 * The rounds of each share, which go on beside each other: dataset by dataset, each oldest first, so that a command
 * destroys as many as it can. A run that may stop early goes by age over all of them. Where one that is not as approved
 * ends the run, nothing may be going on beside it.
 */
function sharesOf(items: readonly PruneItem[], { strict, minFree }: ExecuteOptions): Round[][] {
  if (minFree) return [destroyRounds(items, ROUND_BY_FREE_SPACE)];
  const datasets = [...groupBy(items, ({ dataset }) => dataset).values()];
  const shares = strict ? [datasets.flat()] : shareOut(datasets, PROGRAMS_AT_ONCE);
  return shares.map((share) => destroyRounds(share));
}

/** Whole datasets, in about equal shares. */
function shareOut(datasets: readonly (readonly PruneItem[])[], most: number): PruneItem[][] {
  const shares: PruneItem[][] = Array.from({ length: Math.max(1, Math.min(most, datasets.length)) }, () => []);
  for (const items of datasets.toSorted((a, b) => b.length - a.length)) {
    shares.reduce((least, share) => (share.length < least.length ? share : least)).push(...items);
  }
  return shares;
}

/** What is said to be destroyed must be gone from a new listing. */
async function verify(host: Host, request: PruneRequest, ledger: Ledger, ctx: RunContext): Promise<void> {
  const { datasets: roots, recursive, exclude } = request;
  const what = { roots, recursive, exclude, kinds: ['snapshot'] as const, signal: ctx.signal };
  const { snapshots } = await listSnapshots(host, what);
  ledger.verify(new Set(snapshots.map(({ dataset, guid }) => `${dataset} ${guid}`)));
}
