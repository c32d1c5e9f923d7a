// What failed in an attempt, with what the next attempt shall do about it. Thrown and kept only within `replication/`: what
// a flow gets is the error inside, which says nothing of how a run goes about its work.
import { toZfsFlowError, type ErrorCode, type ZfsFlowError } from '../../base/errors';

/**
 * `giveUp`: another attempt would find the same. `wait`: the network or a peer may have changed its mind by then. `again`:
 * at once and as it is no failure, because something was ended or found out on the way. `withLargeBlocks`: the same, and
 * this dataset with large blocks from then on. `lookAgain`: at once, since others have changed what it was planned for;
 * how often, `run/second-looks.ts` decides.
 */
export type Next = 'giveUp' | 'wait' | 'again' | 'withLargeBlocks' | 'lookAgain';

export class AttemptFailure extends Error {
  constructor(
    readonly error: ZfsFlowError,
    readonly next: Next,
    /** Refused only because something else of the run has failed, which is what is to be told first. */
    readonly isHeldBack = false,
  ) {
    super(error.message, { cause: error });
  }

  /** It was no failure of what was tried: the attempt ended to go on differently. */
  get isNewStart(): boolean {
    return this.next === 'again' || this.next === 'withLargeBlocks' || this.next === 'lookAgain';
  }
}

/** Any thrown value as a failure; what it means follows from its error where nobody said. */
export function failureOf(thrown: unknown): AttemptFailure {
  if (thrown instanceof AttemptFailure) return thrown;
  const error = toZfsFlowError(thrown);
  return new AttemptFailure(error, error.retryable && error.code !== 'CANCELLED' ? 'wait' : 'giveUp');
}

/**
 * What ZFS answers when things are not as they were listed: others destroyed, renamed, promoted, rolled back, wrote or
 * received meanwhile. What that means, a new plan says.
 */
const OVERTAKEN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'DATASET_NOT_FOUND',
  'DATASET_EXISTS',
  'SNAPSHOT_EXISTS',
  'NO_COMMON_SNAPSHOT',
  'TARGET_DIVERGED',
  'TARGET_HAS_DATA',
  'TARGET_MODIFIED',
  'VERIFICATION_FAILED',
]);

/** Any thrown value as a failure of what was planned from a listing. */
export function midRunFailure(thrown: unknown): AttemptFailure {
  const failure = failureOf(thrown);
  if (thrown instanceof AttemptFailure || !OVERTAKEN.has(failure.error.code)) return failure;
  return new AttemptFailure(failure.error, 'lookAgain');
}
