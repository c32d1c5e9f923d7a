// What failed in an attempt, with what the next attempt shall do about it. Thrown and kept only within `replication/`: what
// a flow gets is the error inside, which says nothing of how a run goes about its work.
import { toZfsFlowError, type ZfsFlowError } from '../../base/errors';

/**
 * `giveUp`: another attempt would find the same. `wait`: the network or a peer may have changed its mind by then. `again`:
 * at once and as it is no failure, because something was ended or found out on the way. `withLargeBlocks`: the same, and
 * this dataset with large blocks from then on.
 */
export type Next = 'giveUp' | 'wait' | 'again' | 'withLargeBlocks';

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
    return this.next === 'again' || this.next === 'withLargeBlocks';
  }
}

/** Any thrown value as a failure; what it means follows from its error where nobody said. */
export function failureOf(thrown: unknown): AttemptFailure {
  if (thrown instanceof AttemptFailure) return thrown;
  const error = toZfsFlowError(thrown);
  return new AttemptFailure(error, error.retryable && error.code !== 'CANCELLED' ? 'wait' : 'giveUp');
}
