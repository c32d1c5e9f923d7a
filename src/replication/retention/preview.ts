// What the target's retention would delete of the copies that exist now, without any replication: for the dialog, which shows
// it while the rules are edited. Changes nothing.
import type { RunContext } from '../../base/run-context';
import type { HostResolver } from '../../host/host';
import type { PruneResult } from '../../retention/options';
import { planPrune } from '../../retention/prune';
import { listDatasets, requireAll } from '../../zfs/list';
import { commonPath, mapDataset } from '../../zfs/mapping';
import type { ReplicateOptions } from '../setup/options';
import { type Copy, mergePruned, retentionRequests } from './target-retention';

/** Sources with the copies that they have on the target; a source that is missing is an error, a copy is not. */
async function copiesOf(options: ReplicateOptions, hosts: HostResolver, signal: AbortSignal): Promise<Copy[]> {
  const { sourceDatasets, targetDataset, recursive, exclude } = options;
  // Both before anything is asked: one that cannot be had must not leave the other's answer to nobody, whose failure would
  // end Node-RED.
  const [source, target] = [hosts(options.sourceConnection), hosts(options.targetConnection)];
  const common = commonPath(sourceDatasets);
  const onTarget = (dataset: string): string => mapDataset(dataset, common, targetDataset);
  const [listed, there] = await Promise.all([
    listDatasets(source, { roots: sourceDatasets, recursive, exclude, signal }),
    listDatasets(target, { roots: sourceDatasets.map(onTarget), recursive, signal }),
  ]);
  requireAll(source, listed.missing);
  const targets = new Set(there.datasets.map(({ name }) => name));
  return listed.datasets
    .map(({ name }): Copy => ({ source: name, target: onTarget(name), action: 'current' }))
    .filter(({ target }) => targets.has(target));
}

/** Null when there is no retention or no copy yet. The plan cannot be approved. Throws whatever makes a listing fail. */
export async function planTargetRetention(
  options: ReplicateOptions,
  hosts: HostResolver,
  ctx: RunContext,
): Promise<PruneResult | null> {
  if (options.targetRetention === 'none') return null;
  const results: PruneResult[] = [];
  for (const request of retentionRequests(options, await copiesOf(options, hosts, ctx.signal))) {
    results.push(await planPrune(request, hosts, ctx, { remember: false }));
  }
  return mergePruned(results);
}
