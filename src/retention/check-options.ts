// Reads the properties of `zfs-retention-prune` as a flow gives them. What is wrong with one is said by its field
// (options.ts); here is only what a run touches.
import type { DatasetUse } from '../base/run-context';
import { readOptions } from '../options/field';
import type { RawOptions } from '../options/read';
import { PRUNE, type PruneOptions } from './options';

/**
 * Options of a run from raw property values (typed fields already resolved). `approved` is what mode `approve` is given,
 * `msg.payload` in a flow. Throws INVALID_OPTIONS with the property's name in `field`.
 */
export function parsePruneOptions(raw: RawOptions): PruneOptions {
  const options = readOptions(PRUNE, raw);
  return options.mode === 'approve' ? { ...options, approved: raw['approved'] } : options;
}

/** What a run reads and writes, for the locks between jobs. A plan only reads. */
export function pruneUses(options: PruneOptions): DatasetUse[] {
  const access = options.mode === 'plan' ? 'read' : 'write';
  const own = options.datasets.map((dataset) => ({ connection: options.connection, dataset, access }) as const);
  const destinations = options.protectFor.map((entry) => ({ ...entry, access: 'read' }) as const);
  const sources = options.policy.keep.flatMap((rule) =>
    rule.type === 'source' ? [{ connection: rule.connection, dataset: rule.dataset, access: 'read' } as const] : [],
  );
  return [...own, ...destinations, ...sources];
}
