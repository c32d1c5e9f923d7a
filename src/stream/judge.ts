// Why a transfer failed: which side was the cause and which only followed, and whether it was the connection or the
// work. The meaning of a `zfs` message is left to `zfs/classify.ts`, which finds both sides' words in the error.
import { toZfsFlowError, ZfsFlowError, type ZfsFlowErrorDetails } from '../base/errors';
import { cancelled } from '../host/run-options';
import { connectionFailure } from '../host/connection-errors';
import type { Move, StageResult } from './ways/way';

export interface StageReport extends StageResult {
  role: 'send' | 'filter' | 'receive';
  /** Label of the host it ran on. */
  host: string;
  isRemote: boolean;
}

export interface FailedTransfer {
  /** Empty when nothing was started. */
  stages: readonly StageReport[];
  thrown: unknown;
  cancelled: boolean;
  /** Milliseconds; 0 = it had not stalled. */
  stalledAfterMs: number;
  bytes: number;
  /** What the commands themselves say of all that is on their standard error, '' = nothing. Default: all but the narration. */
  wordsOf?: (stderr: string) => string;
}

/** `ssh` and our helper exit with this when the connection, not the command, failed. */
const CONNECTION_EXIT = 255;

/** Sizes, progress, what is being received, and the contents of a token. */
const NARRATION =
  /^(full|incremental|size)\t|^\d\d:\d\d:\d\d\t|^receiv(ing|ed) |^resume token contents:|^nvlist version|^\t\w+ = /;

/** The results of a way with who each of them is: the first sent, the last received. */
export function judgedStages(
  results: readonly StageResult[],
  { source, target }: Pick<Move, 'source' | 'target'>,
): StageReport[] {
  return results.map((result, index) => {
    const isSender = index === 0;
    const isReceiver = index === results.length - 1;
    const host = isSender ? source : target;
    const role = isSender ? 'send' : isReceiver ? 'receive' : 'filter';
    return {
      ...result,
      role,
      host: role === 'filter' ? 'local' : host.label,
      isRemote: role !== 'filter' && !host.isLocal,
    };
  });
}

/** `zfs send -vP` and `receive -v` report on standard error too; only the rest says what went wrong, or is noise. */
export function withoutNarration(stderr: string): string {
  return stderr
    .split('\n')
    .filter((line) => line.trim() !== '' && !NARRATION.test(line))
    .join('\n');
}

/** How a process ended, for whoever judges its words, and in the error's `details` for a flow. */
export type EndedStage = Pick<StageReport, 'role' | 'host' | 'code' | 'signal' | 'stderr' | 'ended'>;

/** TRANSFER_FAILED because a command failed, not the connection: why, its own words say to whoever knows them. */
export class TransferError extends ZfsFlowError {
  constructor(
    message: string,
    /** The side that failed by itself. */
    readonly primary: StageReport['role'],
    readonly stages: readonly EndedStage[],
    more: ZfsFlowErrorDetails,
  ) {
    super('TRANSFER_FAILED', message, more);
  }
}

/** A {@link TransferError}, or the error of what else ended the transfer. `details` has both sides in any case. */
export function judgeTransfer(failed: FailedTransfer): ZfsFlowError {
  const wordsOf = failed.wordsOf ?? withoutNarration;
  const primary = primaryFailure(failed.stages, wordsOf);
  const stages = failed.stages.map(({ role, host, code, signal, stderr, ended }) => {
    return { role, host, code, signal, stderr, ended };
  });
  const details = { bytes: failed.bytes, ...(primary ? { primary: primary.role } : {}), stages };
  if (failed.cancelled) return cancelled('the transfer').with({ details });
  if (failed.stalledAfterMs > 0) {
    const message = `no byte was transferred for ${failed.stalledAfterMs / 1000} s, so the transfer was ended`;
    return new ZfsFlowError('TRANSFER_STALLED', message, { details });
  }
  if (!primary) {
    const error = toZfsFlowError(failed.thrown, 'TRANSFER_FAILED');
    return error.with({ details: { ...details, ...error.details } });
  }
  if (primary.spawnError) {
    const message = `a program for the transfer could not be started: ${primary.spawnError.message}`;
    return new ZfsFlowError('COMMAND_NOT_FOUND', message, { host: primary.host, details, cause: primary.spawnError });
  }
  const broken = brokenConnection(primary, failed.stages);
  return broken
    ? connectionError(broken, details)
    : workError(primary, stages, { details, words: wordsOf(primary.stderr) });
}

/** The stage that failed because its connection did; `zfs` itself never exits with 255. */
function brokenConnection(primary: StageReport, stages: readonly StageReport[]): StageReport | undefined {
  const candidates = stages.filter((stage) => stage.isRemote && !stage.ended && stage.code === CONNECTION_EXIT);
  return candidates.includes(primary) ? primary : candidates.find(({ stderr }) => connectionFailure(stderr));
}

function connectionError({ host, stderr }: StageReport, details: Record<string, unknown>): ZfsFlowError {
  const connection = connectionFailure(stderr);
  // `ssh` is silent about a peer that no longer answers.
  const said = lastLines(withoutNarration(stderr));
  const message = connection?.message ?? (said === '' ? 'the connection broke' : `the connection broke: ${said}`);
  const { code = 'CONNECTION_LOST', retryable } = connection ?? {};
  return new ZfsFlowError(code, `${host}: ${message}`, {
    host,
    details,
    stderr,
    ...(retryable === undefined ? {} : { retryable }),
  });
}

function workError(
  primary: StageReport,
  stages: readonly EndedStage[],
  { details, words }: { details: Record<string, unknown>; words: string },
): TransferError {
  const { role, host, code, signal, stderr } = primary;
  const verb = role === 'send' ? 'sending from' : 'receiving on';
  const how = signal ? `it was ended by ${signal}` : `exit code ${String(code)}`;
  return new TransferError(
    `${verb} ${host} failed: ${lastLines(words || withoutNarration(stderr)) || how}`,
    role,
    stages,
    {
      host,
      exitCode: code,
      stderr,
      // Unless the caller, who knows the messages of `zfs`, finds it to be transient.
      retryable: false,
      details,
    },
  );
}

/**
 * The stage that failed by itself. A sender whose reader has gone ends with a broken pipe, a receiver whose writer has
 * gone with an incomplete stream: those only follow.
 */
function primaryFailure(stages: readonly StageReport[], wordsOf: (stderr: string) => string): StageReport | undefined {
  const failures = stages.filter((stage) => stage.code !== 0 || stage.signal !== null || stage.spawnError);
  const own = failures.filter((stage) => !stage.ended && !followsOther(stage, wordsOf(stage.stderr)));
  return own[0] ?? failures.find((stage) => !stage.ended) ?? failures[0];
}

/** It failed only because the other end had: `words` are its own. */
export function followsOther(
  stage: Pick<StageReport, 'role' | 'code' | 'signal' | 'spawnError'>,
  words: string,
): boolean {
  if (stage.spawnError) return false;
  if (stage.role === 'send') {
    const said = /Broken pipe|signal received|EPIPE/i.test(words) || words === '';
    return stage.signal === 'SIGPIPE' || stage.code === 141 || said;
  }
  return /incomplete stream|failed to read from stream|unexpected end of (file|stream)/i.test(words);
}

/** The end of what a process said: `zfs` often explains itself in two lines. */
function lastLines(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '')
    .slice(-3)
    .join('; ');
}
