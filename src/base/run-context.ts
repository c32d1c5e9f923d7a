// What every capability (snapshots, replication, retention) gets beside its options: who is running it, when to
// stop, and where its events go. No queue, no locks: those are `jobs/`.
import type { EventInput } from './events';

export interface RunContext {
  readonly jobId: string;
  /** Name of the node that runs this, for messages; never used as an identity. */
  readonly task: string;
  /** Aborted when the job is cancelled. Everything that waits or runs a process takes it. */
  readonly signal: AbortSignal;
  /** The clock. Capabilities never call `Date` themselves, so that tests and plans can fix the time. */
  now(): Date;
  emit(event: EventInput): void;
  /**
   * The result object as far as it got. The last one given becomes `payload` of output 3 when the run fails, so give it
   * early and keep filling it.
   */
  partial(result: object): void;
  /** Called for each `speedLimit` control message (bytes per second, 0 = none) while the job runs. */
  onSpeedLimit(listener: (bytesPerSecond: number) => void): void;
}

/** A part of a dataset tree that a job reads or writes; two jobs conflict when theirs overlap and one writes. */
export interface DatasetUse {
  /** Connection id, '' = the machine that runs Node-RED. */
  connection: string;
  dataset: string;
  access: 'read' | 'write';
}
