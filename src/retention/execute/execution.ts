// What the steps of one execution share, so that each can be read by itself.
import type { RunContext } from '../../base/run-context';
import type { Host } from '../../host/host';
import type { PruneItem } from '../options';
import type { MinFree } from '../plan/min-free';
import type { Ledger } from './ledger';

export interface ExecuteOptions {
  /** A snapshot that is not as planned ends the run (PLAN_STALE) instead of staying alone. */
  readonly strict: boolean;
  /** Destroys only while a pool has less free than this; null = everything. */
  readonly minFree: MinFree | null;
  /** The plan knows nothing of the properties that put off a snapshot's end; they are looked at before each goes. */
  readonly expiriesUnknown: boolean;
}

export interface Execution extends ExecuteOptions {
  readonly host: Host;
  readonly ledger: Ledger;
  readonly ctx: RunContext;
}

/** What one command destroys: so many at most, looked at right before. */
export type Round = readonly PruneItem[];
