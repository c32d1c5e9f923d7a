// The target's own retention after a run that brought everything over. What goes is decided by `retention/plan.ts` with
// all its guards; here only what is asked of it.
import type { HostResolver, RunContext } from '../context';
import { toZfsFlowError } from '../errors';
import type { PruneRequest, PruneResult } from '../retention/options';
import type { RetentionPolicy, RetentionScope } from '../retention/policy';
import { pruneSnapshots } from '../retention/prune';
import { mapDataset } from './mapping';
import type { ReplicateOptions } from './options';
import type { Setup } from './setup';

/** Without a scope of its own: the snapshots that this node replicates. */
function selectionScope(options: ReplicateOptions): RetentionScope {
  if (options.targetRetentionScope) return options.targetRetentionScope;
  if (options.snapshotSelection === 'schema') return { namingSchemas: options.namingSchemas, nameRegex: '' };
  if (options.snapshotSelection === 'regex') return { namingSchemas: [], nameRegex: options.nameRegex };
  return { namingSchemas: [], nameRegex: '', all: true };
}

/** `source`: keep what the source keeps; one request a source, because each maps to its own place. */
function policyFor(options: ReplicateOptions, source: string): RetentionPolicy {
  if (options.targetRetention === 'custom' && options.targetRetentionPolicy) return options.targetRetentionPolicy;
  const { sourceConnection: connection, recursive, exclude } = options;
  return { keep: [{ type: 'source', connection, dataset: source, recursive, exclude }] };
}

function requests({ options, common }: Setup): PruneRequest[] {
  return options.sourceDatasets.map((source) => ({
    connection: options.targetConnection,
    datasets: [mapDataset(source, common, options.targetDataset)],
    recursive: options.recursive,
    exclude: options.exclude
      .filter((pattern) => !/[*?[]/.test(pattern))
      .map((dataset) => mapDataset(dataset, common, options.targetDataset)),
    scope: selectionScope(options),
    policy: policyFor(options, source),
    ageFrom: 'creation',
    timeZone: options.timeZone,
    protectFor: [],
    keepAtLeast: 1,
    maxDestroyFraction: options.maxDestroyFraction,
    maxDestroyCount: 1000,
    minFree: '',
  }));
}

function merge(results: readonly PruneResult[]): PruneResult | null {
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
 * Prunes the target as the node says; null when it has no retention. What retention refuses to do (breaker, an
 * undestroyable snapshot) does not undo a successful replication: it is a warning.
 */
export async function pruneTarget(
  setup: Setup,
  hosts: HostResolver,
  ctx: RunContext,
): Promise<{ pruned: PruneResult | null; warnings: string[] }> {
  if (setup.options.targetRetention === 'none') return { pruned: null, warnings: [] };
  const results: PruneResult[] = [];
  const warnings: string[] = [];
  for (const request of requests(setup)) {
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
  return { pruned: merge(results), warnings };
}
