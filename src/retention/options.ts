// Typed options of a prune run, as `zfs-retention-prune` and the retention parts of other nodes give them.
import type { ErrorCode } from '../base/errors';
import type { RetentionPolicy, RetentionScope } from './plan/policy';

/** What to prune and by which rules; shared by all nodes that prune. */
export interface PruneRequest {
  /** Connection id, '' = the machine that runs Node-RED. */
  connection: string;
  datasets: readonly string[];
  recursive: boolean;
  exclude: readonly string[];
  scope: RetentionScope;
  policy: RetentionPolicy;
  ageFrom: 'creation' | 'name';
  /** IANA zone, '' = the machine's. */
  timeZone: string;
  protectFor: readonly { connection: string; dataset: string }[];
  keepAtLeast: number;
  maxDestroyFraction: number;
  maxDestroyCount: number;
  /** The fraction is looked at in datasets with more snapshots in scope than this; default 10. */
  fractionAbove?: number;
  /** '' , a percentage `10%` or a size `500G`. */
  minFree: string;
}

export interface PruneOptions extends PruneRequest {
  mode: 'plan' | 'execute' | 'approve';
  /** Only in mode `approve`: the plan, or the id of one. */
  approved?: unknown;
  /** Milliseconds a plan stays valid. */
  planLifetime: number;
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
