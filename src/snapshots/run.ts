// What the steps of taking snapshots share.
import type { RunContext } from '../base/run-context';
import type { Host } from '../host/host';
import type { PoolCommand } from './datasets';
import type { SnapshotOptions, SnapshotResult } from './options';

export interface Run {
  readonly host: Host;
  readonly options: SnapshotOptions;
  readonly ctx: RunContext;
  readonly result: SnapshotResult;
  /** Pools whose command ended well, or of which nobody knows how it ended; one that ZFS refused has made nothing. */
  readonly reached: PoolCommand[];
}

/** Full name of a snapshot. */
export const fullName = (dataset: string, name: string): string => `${dataset}@${name}`;
