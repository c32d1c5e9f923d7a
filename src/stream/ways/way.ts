// What the ways of a stream have in common: what is to be moved, who follows it, and how each process ended. A way is a
// file of this folder that exports one `Way`; which of them takes a stream is the table in `transfer.ts`.
import type { Host } from '../../host/host';
import type { RateLimit } from '../rate-limit';
import type { DataPath, Wire } from '../wire/wire-plan';
import type { Lanes } from './lanes';

/** One stream, from a command that writes it to one that reads it. */
export interface Move {
  source: Host;
  /** `zfs send …` with `-v -P`, because progress and stalls are read from what it prints. */
  sendArgv: readonly string[];
  target: Host;
  /** `zfs receive …`; with `-v` the bytes of the stream are known exactly enough at the end. */
  receiveArgv: readonly string[];
  /** Commands on the source that the stream passes after the sender, and on the target before the receiver. */
  sendFilters?: readonly (readonly string[])[];
  receiveFilters?: readonly (readonly string[])[];
  /** Where it has a limit, a limiter stands between the two. Then the stream leaves a remote machine that is both ends. */
  rateLimit?: RateLimit;
  /** The stream is known to be about 1 MiB at most, so it may ride these on the control connections; null for others. */
  lanes: Lanes | null;
  /** The stream is to have a TCP connection of its own; without it goes over SSH. Not where both ends are one machine. */
  wire?: Wire | null;
  /** See `FailedTransfer.wordsOf`. */
  wordsOf?: (stderr: string) => string;
  /** Both hosts are the same machine, although two connections may lead there: seen, not concluded (host/machine-identity.ts). */
  sameHost: boolean;
  /** Marks the processes on every host, see `PipeCommandOptions.tag`. */
  tag: string;
}

export type End = 'send' | 'receive';

/** Follows a stream on its way. */
export interface Watch {
  /** Aborting ends both ends; the results say how. */
  signal: AbortSignal;
  /**
   * Each line on standard error of either end, on standard output of the receiver too. True: it has been dealt with and is
   * not kept in the result. What it throws ends the stream and is thrown by the way.
   */
  onLine: (end: End, line: string) => boolean;
  /** Bytes so far, from a way that they pass through. */
  onBytes: (bytes: number) => void;
  /** The stream has a TCP connection of its own, and both ends of it have proved themselves. */
  onPath?: (path: DataPath) => void;
}

export interface StageResult {
  /** null when a signal ended it or it could not be started. */
  code: number | null;
  signal: string | null;
  /** The last 64 KiB of what it said; for the receiver its standard output too. */
  stderr: string;
  /** Why the process could not be started. */
  spawnError?: NodeJS.ErrnoException;
  /** It was ended by us, after another had failed or on request: its own failure says nothing. */
  ended: boolean;
}

/**
 * Starts both ends and resolves when all have ended, whatever their exit codes: the sender first, the receiver last, what
 * stood between them on this machine in between. Throws the connection codes, and what else kept it from starting.
 */
export type Carrier = (watch: Watch) => Promise<StageResult[]>;

/** What carries the stream this way; null where this way cannot, or is not worth it. Nothing is started yet. */
export type Way = (move: Move, signal: AbortSignal) => Carrier | null | Promise<Carrier | null>;

/** All ended with 0, without a signal. Nothing less is success: POSIX shells lose all codes but the last. */
export function succeeded(results: readonly StageResult[]): boolean {
  return results.every((result) => result.code === 0 && result.signal === null && !result.spawnError);
}
