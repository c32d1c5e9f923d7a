// Finds the cause of a failed transfer in what `zfs` said on both sides. When one end of a pipe fails, the other fails
// too, with a text about the pipe: the special text is the cause, the general one its echo. What is wrong with a
// connection has been found before, in `stream/`.
import { toZfsFlowError, ZfsFlowError, type ErrorCode } from '../../base/errors';
import { TransferError, type EndedStage } from '../../stream/judge';
import { classifyStderr, DEAD_TOKEN, type Classified } from '../../zfs/classify';
import { says, wordsOf } from '../../zfs/stderr';
import type { DatasetPlan } from '../plan/plan-types';
import { AttemptFailure, midRunFailure } from './attempt-failure';

/** Codes that an end of a pipe also gets when only the other end failed. */
const ECHOES: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['TRANSFER_FAILED', 'CONNECTION_LOST', 'ZFS_ERROR']);

interface Cause extends Classified {
  stage: EndedStage;
}

function causeOf({ stages, primary }: TransferError): Cause | undefined {
  const failed = stages.filter(({ code, signal }) => code !== 0 || signal !== null);
  const causes = failed.map((stage): Cause => ({
    ...classifyStderr(stage.stderr, stage.code),
    stage,
  }));
  const special = causes.filter(({ code }) => !ECHOES.has(code));
  return (
    special.find(({ stage }) => stage.role === 'receive') ??
    special[0] ??
    causes.find(({ code }) => code !== 'ZFS_ERROR') ??
    causes.find(({ stage }) => stage.role === primary) ??
    causes[0]
  );
}

/** A process that was killed (by hand, for want of memory) did not judge anything. A remote shell says so by its exit code. */
function wasKilled({ code, signal }: EndedStage): boolean {
  return signal !== null || (code !== null && code > 128 && code < 128 + 65);
}

/** Worth another try after a new listing: what a peer or the pipe did to it, or a token that has become useless. */
function isTransient(cause: Cause): boolean {
  const { code, stage } = cause;
  if (code === 'TARGET_BUSY_PARTIAL' || code === 'DATASET_BUSY' || code === 'CONNECTION_LOST') return true;
  if (code === 'TRANSFER_FAILED' || says(stage.stderr, DEAD_TOKEN)) return true;
  return code === 'ZFS_ERROR' && wasKilled(stage);
}

/** One end says that the partial receive cannot be gone on with: the other has only seen the stream end. */
const isDead = (error: ZfsFlowError): boolean =>
  error instanceof TransferError && error.stages.some(({ stderr }) => DEAD_TOKEN.test(stderr));

/** The receiver has large blocks already and was sent an increment without `-L`. */
const NEEDS_LARGE_BLOCKS = /requires -L \(--large-block\)/;

/** The failure of a transfer of one dataset, its error with the code of what caused it. */
export function causeOfFailure(thrown: unknown, plan: DatasetPlan): AttemptFailure {
  const { source } = plan;
  if (thrown instanceof AttemptFailure) return new AttemptFailure(thrown.error.with({ dataset: source }), thrown.next);
  const error = toZfsFlowError(thrown, 'TRANSFER_FAILED');
  const cause = error instanceof TransferError ? causeOf(error) : undefined;
  if (!cause) return midRunFailure(error.with({ dataset: source }));
  const text = wordsOf(cause.stage.stderr);
  const needsLargeBlocks = NEEDS_LARGE_BLOCKS.test(text) && !plan.largeBlocks;
  const found = new ZfsFlowError(
    cause.code === 'ZFS_ERROR' ? 'TRANSFER_FAILED' : cause.code,
    text === '' ? error.message : text,
    {
      dataset: source,
      host: cause.stage.host,
      exitCode: cause.stage.code,
      stderr: cause.stage.stderr.trim(),
      retryable: isTransient(cause) || needsLargeBlocks,
      ...(error.details === undefined ? {} : { details: error.details }),
      ...(cause.hint === undefined ? {} : { hint: cause.hint }),
      ...(error.cause === undefined ? {} : { cause: error.cause }),
    },
  );
  if (needsLargeBlocks) return new AttemptFailure(found, 'withLargeBlocks');
  return isDead(error) ? new AttemptFailure(found, 'lookAgain') : midRunFailure(found);
}
