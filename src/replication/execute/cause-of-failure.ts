// Finds the cause of a failed transfer in what `zfs` said on both sides. When one end of a pipe fails, the other fails
// too, with a text about the pipe: the special text is the cause, the general one its echo. What is wrong with a
// connection has been found before, in `stream/`.
import { toZfsFlowError, ZfsFlowError, type ErrorCode } from '../../base/errors';
import type { StageReport } from '../../stream/judge';
import { classifyStderr, DEAD_TOKEN, type Classified } from '../../zfs/classify';
import type { ReplicateOptions } from '../setup/options';
import type { DatasetPlan } from '../plan/plan-types';

/** Codes that an end of a pipe also gets when only the other end failed. */
const ECHOES: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['TRANSFER_FAILED', 'CONNECTION_LOST', 'ZFS_ERROR']);

type Stage = Pick<StageReport, 'role' | 'host' | 'code' | 'signal' | 'stderr'>;

interface Cause extends Classified {
  stage: Stage;
}

/** `primary`: the side that failed first, where that is known. */
function causeOf(stages: readonly Stage[], primary: unknown): Cause | undefined {
  const failed = stages.filter(({ code, signal }) => code !== 0 || signal !== null);
  const causes = failed.map((stage): Cause => ({ ...classifyStderr(spoken(stage.stderr), stage.code), stage }));
  const special = causes.filter(({ code }) => !ECHOES.has(code));
  return (
    special.find(({ stage }) => stage.role === 'receive') ??
    special[0] ??
    causes.find(({ code }) => code !== 'ZFS_ERROR') ??
    causes.find(({ stage }) => stage.role === primary) ??
    causes[0]
  );
}

/** Sizes, progress, what is being received, and the contents of a token. */
const NARRATION =
  /^(full|incremental|size)\t|^\d\d:\d\d:\d\d\t|^receiv(ing|ed) |^resume token contents:|^nvlist version|^\t\w+ = /;

/** `zfs send -vP` and `receive -v` report on standard error too; only the rest says what went wrong. */
function spoken(stderr: string): string {
  return stderr
    .split('\n')
    .filter((line) => line.trim() !== '' && !NARRATION.test(line))
    .join('\n');
}

/** A process that was killed (by hand, for want of memory) did not judge anything. A remote shell says so by its exit code. */
function wasKilled({ code, signal }: Stage): boolean {
  return signal !== null || (code !== null && code > 128 && code < 128 + 65);
}

/** Worth another try after a new listing: what a peer or the pipe did to it, or a token that has become useless. */
function isTransient(cause: Cause): boolean {
  const { code, stage } = cause;
  if (code === 'TARGET_BUSY_PARTIAL' || code === 'DATASET_BUSY' || code === 'CONNECTION_LOST') return true;
  if (code === 'TRANSFER_FAILED' || DEAD_TOKEN.test(stage.stderr)) return true;
  return code === 'ZFS_ERROR' && wasKilled(stage);
}

/** The receiver has large blocks already and was sent an increment without `-L`. */
const NEEDS_LARGE_BLOCKS = /requires -L \(--large-block\)/;

/** The target was changed after it was listed: what `whenDiverged` says about that takes a new plan. */
function isOvertaken({ code }: Cause, whenDiverged: ReplicateOptions['whenDiverged']): boolean {
  return whenDiverged !== 'refuse' && (code === 'TARGET_MODIFIED' || code === 'TARGET_DIVERGED');
}

/**
 * The error of a failed transfer of one dataset, with the code of what caused it. `details.needsLargeBlocks` where the next
 * attempt has to send them.
 */
export function transferError(
  thrown: unknown,
  plan: DatasetPlan,
  whenDiverged: ReplicateOptions['whenDiverged'],
): ZfsFlowError {
  const error = toZfsFlowError(thrown, 'TRANSFER_FAILED');
  const cause =
    error.code === 'TRANSFER_FAILED'
      ? causeOf((error.details?.['stages'] ?? []) as Stage[], error.details?.['primary'])
      : undefined;
  if (!cause) return error.with({ dataset: plan.source });
  const text = spoken(cause.stage.stderr);
  const needsLargeBlocks = NEEDS_LARGE_BLOCKS.test(text) && !plan.largeBlocks;
  return new ZfsFlowError(
    cause.code === 'ZFS_ERROR' ? 'TRANSFER_FAILED' : cause.code,
    text === '' ? error.message : text,
    {
      dataset: plan.source,
      host: cause.stage.host,
      exitCode: cause.stage.code,
      stderr: text,
      retryable: isTransient(cause) || isOvertaken(cause, whenDiverged) || needsLargeBlocks,
      details: { ...error.details, ...(needsLargeBlocks ? { needsLargeBlocks, restart: true } : {}) },
      ...(cause.hint === undefined ? {} : { hint: cause.hint }),
      ...(error.cause === undefined ? {} : { cause: error.cause }),
    },
  );
}
