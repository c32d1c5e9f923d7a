// The options of a prune run, as a table of the properties of `zfs-retention-prune`, and what comes of it. The retention
// parts of other nodes ask for the same.
import type { ErrorCode } from '../base/errors';
import { pick, readOptions, section, typed, type FieldTable, type OptionsOf } from '../options/field';
import { choice, connection, count, flag, hours, share } from '../options/kinds';
import { datasets, destinations, excludes, freeSpace, policy, scope, timeZone } from './kinds';

/** The properties of `zfs-retention-prune`. */
export const PRUNE = {
  ...section('source', {
    connection: connection(),
    datasets: typed(datasets({ required: true })),
    recursive: flag(false),
    exclude: excludes(),
  }),
  ...section('scope', { scope: scope() }),
  ...section('rules', {
    policy: policy(),
    ageFrom: choice('creation', 'name'),
    timeZone: timeZone(),
    keepAtLeast: count(1, { min: 1 }),
  }),
  ...section('protect', { protectFor: destinations() }),
  ...section('safety', {
    mode: typed(choice('plan', 'execute', 'approve')),
    /** Milliseconds a plan stays valid. */
    planLifetime: hours(24, { min: 0 }),
    maxDestroyFraction: share(0.5),
    maxDestroyCount: count(1000, { min: 0 }),
    minFree: freeSpace(),
  }),
} satisfies FieldTable;

/** Limits and floors that a prune has when a node says nothing else. */
export const PRUNE_DEFAULTS = readOptions(
  pick(PRUNE, 'ageFrom', 'timeZone', 'protectFor', 'keepAtLeast', 'maxDestroyFraction', 'maxDestroyCount', 'minFree'),
  {},
);

/** What to prune and by which rules; shared by all nodes that prune. */
export interface PruneRequest extends Omit<OptionsOf<typeof PRUNE>, 'mode' | 'planLifetime'> {
  /** The fraction is looked at in datasets with more snapshots in scope than this; default 10. */
  fractionAbove?: number;
  /**
   * A rule of a schedule also keeps what is of the schedule by the date in its name: who takes snapshots by that schedule is
   * now and then a minute late with one, and its name says which one it is.
   */
  scheduleByName?: boolean;
}

export interface PruneOptions extends PruneRequest, Pick<OptionsOf<typeof PRUNE>, 'mode' | 'planLifetime'> {
  /** Only in mode `approve`: the plan, or the id of one. */
  approved?: unknown;
}

export interface PruneItem {
  dataset: string;
  name: string;
  guid: string;
  /** ISO 8601, UTC; '' when ZFS did not say. */
  creation: string;
  reasons: string[];
  /** Bytes that destroying it is estimated to free, where known. */
  reclaim?: number;
}

export interface PruneResult {
  jobId: string;
  planId: string;
  mode: 'plan' | 'execute' | 'approve';
  /** ISO 8601: when the plan was made and until when it may be approved. */
  createdAt: string;
  expiresAt: string;
  destroy: PruneItem[];
  keep: PruneItem[];
  destroyed: PruneItem[];
  failed: (PruneItem & { code: ErrorCode; message: string })[];
  /** Bytes. */
  reclaimedBytes: number;
  /** Why the plan would not be executed without an approval; empty when it would. */
  breaker: string[];
  warnings: string[];
}
