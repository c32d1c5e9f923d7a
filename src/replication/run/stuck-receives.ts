// Partial receives that do not get on: a resume token that stays the same over several tries would be tried for ever. It is
// discarded once; when the fresh try fails as well, the dataset is given up with the reason (replication.md §3).
import type { ErrorCode } from '../../base/errors';
import type { AttemptFailure } from '../execute/attempt-failure';
import type { DatasetPlan, PairInput } from '../plan/plan-types';

/**
 * Says nothing about whether the partial receive can be continued, which may have taken days: it is not thrown away for
 * that. The last two are of another process that still writes it or holds on to it.
 */
const NO_VERDICT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CONNECTION_LOST',
  'CONNECTION_REFUSED',
  'CONNECTION_TIMEOUT',
  'HOST_NOT_FOUND',
  'HOST_UNREACHABLE',
  'TARGET_BUSY_PARTIAL',
  'DATASET_BUSY',
]);

/** Failed tries with one token, after which it is seen for the third time. */
const MOST_TRIES = 2;

interface Trouble {
  token: string;
  /** Bytes that had arrived, as the token says. */
  bytes: number;
  failures: number;
  /** It was discarded, and a fresh try has been made. */
  discarded: boolean;
}

export class StuckReceives {
  private readonly bySource = new Map<string, Trouble>();

  /** Takes what an attempt planned and what failed of it. */
  note(plans: readonly DatasetPlan[], failures: ReadonlyMap<string, AttemptFailure>): void {
    for (const plan of plans) {
      const failure = failures.get(plan.source);
      const known = this.bySource.get(plan.source);
      if (!failure) this.bySource.delete(plan.source);
      if (!failure || plan.refusal !== null || failure.isNewStart || NO_VERDICT.has(failure.error.code)) continue;
      if (known && plan.prepare.some((step) => step.do === 'abortReceive')) known.discarded = true;
      if (!plan.resume) continue;
      const { token, bytesThere } = plan.resume;
      const again = known?.token === token;
      const discarded = known?.discarded === true && bytesThere <= known.bytes;
      this.bySource.set(plan.source, {
        token,
        bytes: discarded ? known.bytes : bytesThere,
        failures: again ? known.failures + 1 : 1,
        discarded,
      });
    }
  }

  /** The pairs of a new listing, with those marked that do not get on. */
  mark(pairs: readonly PairInput[]): PairInput[] {
    return pairs.map((pair) => {
      const trouble = this.bySource.get(pair.source.name);
      if (!trouble) return pair;
      const token = pair.targetDataset?.receiveResumeToken ?? '';
      if (trouble.discarded)
        return (pair.partial?.token?.bytes ?? 0) > trouble.bytes ? pair : { ...pair, stuck: 'again' };
      return token === trouble.token && trouble.failures >= MOST_TRIES ? { ...pair, stuck: 'once' } : pair;
    });
  }
}
