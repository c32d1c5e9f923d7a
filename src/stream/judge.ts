// Why a transfer failed: which side was the cause and which only followed, and whether it was the connection or the
// work. The meaning of a `zfs` message is left to `zfs/classify.ts`, which finds both sides' words in `details`.
import { toZfsFlowError, ZfsFlowError } from '../base/errors';
import { cancelled } from '../host/run-options';
import { connectionFailure } from '../host/connection-errors';
import type { StageResult } from './ways/way';

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
}

/** `ssh` and our helper exit with this when the connection, not the command, failed. */
const CONNECTION_EXIT = 255;

/** What `zfs receive -v` says it is doing, which explains nothing. `ssh` is silent about a peer that no longer answers. */
const NARRATION = /^(receiving|received) .*$/gm;

export function transferError(failed: FailedTransfer): ZfsFlowError {
  const primary = primaryFailure(failed.stages);
  const details = {
    bytes: failed.bytes,
    ...(primary ? { primary: primary.role } : {}),
    stages: failed.stages.map(({ role, host, code, signal, stderr, ended }) => {
      return { role, host, code, signal, stderr, ended };
    }),
  };
  if (failed.cancelled) return withDetails(cancelled('the transfer'), details);
  if (failed.stalledAfterMs > 0) {
    const message = `no byte was transferred for ${failed.stalledAfterMs / 1000} s, so the transfer was ended`;
    return new ZfsFlowError('TRANSFER_STALLED', message, { details });
  }
  if (!primary) return withDetails(toZfsFlowError(failed.thrown, 'TRANSFER_FAILED'), details);
  return judge(primary, failed.stages, details);
}

function judge(primary: StageReport, stages: readonly StageReport[], details: Record<string, unknown>): ZfsFlowError {
  if (primary.spawnError) {
    const message = `a program for the transfer could not be started: ${primary.spawnError.message}`;
    return new ZfsFlowError('COMMAND_NOT_FOUND', message, { host: primary.host, details, cause: primary.spawnError });
  }
  const candidates = stages.filter((stage) => stage.isRemote && !stage.ended && stage.code === CONNECTION_EXIT);
  const broken = candidates.includes(primary) ? primary : candidates.find(({ stderr }) => connectionFailure(stderr));
  const connection = broken && connectionFailure(broken.stderr);
  if (broken) {
    const said = lastLines(broken.stderr.replace(NARRATION, ''));
    const message = connection?.message ?? (said === '' ? 'the connection broke' : `the connection broke: ${said}`);
    const code = connection?.code ?? 'CONNECTION_LOST';
    return new ZfsFlowError(code, `${broken.host}: ${message}`, { host: broken.host, details, stderr: broken.stderr });
  }
  const verb = primary.role === 'send' ? 'sending from' : 'receiving on';
  const how = primary.signal ? `it was ended by ${primary.signal}` : `exit code ${String(primary.code)}`;
  return new ZfsFlowError('TRANSFER_FAILED', `${verb} ${primary.host} failed: ${lastLines(primary.stderr) || how}`, {
    host: primary.host,
    exitCode: primary.code,
    stderr: primary.stderr,
    // Unless the caller, who knows the messages of `zfs`, finds it to be transient.
    retryable: false,
    details,
  });
}

/**
 * The stage that failed by itself. A sender whose reader has gone ends with a broken pipe, a receiver whose writer has
 * gone with an incomplete stream: those only follow.
 */
function primaryFailure(stages: readonly StageReport[]): StageReport | undefined {
  const failures = stages.filter((stage) => stage.code !== 0 || stage.signal !== null || stage.spawnError);
  const own = failures.filter((stage) => !stage.ended && !follows(stage));
  return own[0] ?? failures.find((stage) => !stage.ended) ?? failures[0];
}

function follows(stage: StageReport): boolean {
  if (stage.spawnError) return false;
  if (stage.role === 'send') {
    const said = /Broken pipe|signal received|EPIPE/i.test(stage.stderr) || !/\S/.test(stage.stderr);
    return stage.signal === 'SIGPIPE' || stage.code === 141 || said;
  }
  return /incomplete stream|failed to read from stream|unexpected end of (file|stream)/i.test(stage.stderr);
}

/** The end of what a process said: `zfs` often explains itself in two lines. */
function lastLines(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '')
    .slice(-3)
    .join('; ');
}

function withDetails(error: ZfsFlowError, details: Record<string, unknown>): ZfsFlowError {
  const { hint, host, dataset, stderr, cause, retryable } = error;
  const more = { hint, host, dataset, stderr, cause, retryable, details: { ...error.details, ...details } };
  const given = Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined));
  return new ZfsFlowError(error.code, error.message, given);
}
