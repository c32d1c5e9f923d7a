// The target's own retention after a run that brought everything over. What goes is decided by `retention/plan/plan.ts` with
// all its guards; here only what is asked of it.
import type { RunContext } from '../../base/run-context';
import type { HostResolver } from '../../host/host';
import { toZfsFlowError } from '../../base/errors';
import type { PruneRequest, PruneResult } from '../../retention/options';
import type { RetentionPolicy } from '../../retention/plan/policy';
import { pruneSnapshots } from '../../retention/prune';
import { isWithin } from '../../zfs/records';
import { commonPath } from '../../zfs/mapping';
import type { DatasetResult, ReplicateOptions } from '../setup/options';
import type { Setup } from '../setup/setup';
import { targetScope } from '../setup/target-policy';

export type Copy = Pick<DatasetResult, 'source' | 'target' | 'action'>;

/** `source`: keep what the source keeps; `sources` map to the pruned datasets by their common path. */
function policyFor(options: ReplicateOptions, sources: readonly string[]): RetentionPolicy {
  if (options.targetRetention === 'custom' && options.targetRetentionPolicy) return options.targetRetentionPolicy;
  return { keep: [{ type: 'source', connection: options.sourceConnection, dataset: commonPath(sources) }] };
}

/** One request a source. Only the copies themselves: what else there is below the target is somebody else's. */
export function retentionRequests(options: ReplicateOptions, copies: readonly Copy[]): PruneRequest[] {
  return options.sourceDatasets.flatMap((root) => {
    const own = copies.filter(({ source, action }) => isWithin(source, root) && action !== 'skip');
    if (own.length === 0) return [];
    return {
      connection: options.targetConnection,
      datasets: own.map(({ target }) => target),
      recursive: false,
      exclude: [],
      scope: targetScope(options),
      policy: policyFor(
        options,
        own.map(({ source }) => source),
      ),
      ageFrom: 'creation' as const,
      scheduleByName: true,
      timeZone: options.timeZone,
      protectFor: [],
      keepAtLeast: 1,
      maxDestroyFraction: options.maxDestroyFraction,
      maxDestroyCount: 1000,
      // A source that has lost most of its few snapshots is as suspicious as one that has lost hundreds; two of which
      // one goes are an ordinary day.
      ...(options.targetRetention === 'source' ? { fractionAbove: 2 } : {}),
      minFree: '',
    };
  });
}

/** One result of several; null of none. */
export function mergePruned(results: readonly PruneResult[]): PruneResult | null {
  const [first, ...others] = results;
  if (!first) return null;
  for (const other of others) {
    first.destroy.push(...other.destroy);
    first.keep.push(...other.keep);
    first.destroyed.push(...other.destroyed);
    first.failed.push(...other.failed);
    first.reclaimedBytes += other.reclaimedBytes;
    first.breaker.push(...other.breaker);
    first.warnings.push(...other.warnings);
  }
  return first;
}

/**
 * Prunes these copies on the target as the node says; null when it has no retention. What retention refuses to do (breaker, an
 * undestroyable snapshot) does not undo a successful replication: it is a warning.
 */
export async function pruneTarget(
  setup: Setup,
  copies: readonly Copy[],
  hosts: HostResolver,
  ctx: RunContext,
): Promise<{ pruned: PruneResult | null; warnings: string[] }> {
  if (setup.options.targetRetention === 'none') return { pruned: null, warnings: [] };
  const results: PruneResult[] = [];
  const warnings: string[] = [];
  for (const request of retentionRequests(setup.options, copies)) {
    let reported: PruneResult | undefined;
    try {
      results.push(await pruneSnapshots(request, hosts, ctx, { report: (early) => (reported = early) }));
    } catch (thrown) {
      ctx.signal.throwIfAborted();
      const error = toZfsFlowError(thrown);
      if (reported) results.push(reported);
      warnings.push(`retention on the target: ${error.message}`);
    }
  }
  for (const { failed } of results) {
    for (const { dataset, name, message } of failed)
      warnings.push(`${dataset}@${name} could not be destroyed: ${message}`);
  }
  for (const message of warnings) ctx.emit({ event: 'warning', level: 'warn', message, host: setup.target.label });
  return { pruned: mergePruned(results), warnings };
}
