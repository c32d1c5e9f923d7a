// The one error class of the engine. Every failure a user can meet has a stable `code` from the contract;
// flows branch on it, so a code is never renamed. Turning stderr of `zfs` into a code is `zfs/classify.ts`'s task.

/** Stable error codes, the closed list of the contract. What each means and what to do: docs/reference.md. */
export const ERROR_CODES = [
  'INVALID_OPTIONS',
  'DISABLED',
  'BUSY',
  'CANCELLED',
  'TIMEOUT',
  'UNSUPPORTED',
  'HOST_NOT_FOUND',
  'HOST_UNREACHABLE',
  'CONNECTION_REFUSED',
  'CONNECTION_TIMEOUT',
  'CONNECTION_LOST',
  'HOST_KEY_UNKNOWN',
  'HOST_KEY_MISMATCH',
  'AUTHENTICATION_FAILED',
  'PERMISSION_DENIED',
  'COMMAND_NOT_FOUND',
  'DATASET_NOT_FOUND',
  'DATASET_EXISTS',
  'DATASET_BUSY',
  'SNAPSHOT_EXISTS',
  'NO_SNAPSHOTS',
  'POOL_UNAVAILABLE',
  'OUT_OF_SPACE',
  'QUOTA_EXCEEDED',
  'KEY_NOT_LOADED',
  'TARGET_HAS_DATA',
  'NO_COMMON_SNAPSHOT',
  'TARGET_DIVERGED',
  'TARGET_MODIFIED',
  'TARGET_BUSY_PARTIAL',
  'TARGET_NOT_READONLY',
  'ENCRYPTION_MISMATCH',
  'TRANSFER_FAILED',
  'TRANSFER_STALLED',
  'VERIFICATION_FAILED',
  'PARTIAL_FAILURE',
  'PLAN_STALE',
  'BREAKER_TRIPPED',
  'HOOK_FAILED',
  'NOT_FOUND',
  'FORBIDDEN',
  'NEEDS_MESSAGE',
  'CERTIFICATE_UNKNOWN',
  'OTP_REQUIRED',
  'API_ERROR',
  'ZFS_ERROR',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** Codes after which the same work may succeed without anybody changing anything: the network or a peer, not the task. */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'TIMEOUT',
  'HOST_UNREACHABLE',
  'CONNECTION_REFUSED',
  'CONNECTION_TIMEOUT',
  'CONNECTION_LOST',
  'DATASET_BUSY',
  'TRANSFER_FAILED',
  'TRANSFER_STALLED',
]);

export interface ZfsFlowErrorDetails {
  /** What a person can do about it. */
  hint?: string;
  dataset?: string;
  /** Label of the host on which it happened. */
  host?: string;
  cause?: unknown;
  /** Overrides what follows from the code. */
  retryable?: boolean;
  /** `INVALID_OPTIONS` only: the name of the property that was refused. */
  field?: string;
  /** The command that failed, as an argument list without secrets. */
  command?: readonly string[];
  exitCode?: number | null;
  stderr?: string;
  /** Anything a flow may want to look at: both sides' snapshot lists, byte counts … Plain data only. */
  details?: Readonly<Record<string, unknown>>;
}

/** An engine failure. `code` and `cause` are own properties, because Node-RED copies only those to Catch nodes. */
export class ZfsFlowError extends Error {
  override readonly name = 'ZfsFlowError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly hint?: string;
  readonly dataset?: string;
  readonly host?: string;
  readonly field?: string;
  readonly command?: readonly string[];
  readonly exitCode?: number | null;
  readonly stderr?: string;
  readonly details?: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, more: ZfsFlowErrorDetails = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.retryable = more.retryable ?? RETRYABLE.has(code);
    const { cause: _cause, retryable: _retryable, ...rest } = more;
    Object.assign(this, Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)));
  }

  /** The same error, with some details changed or added. */
  with(more: ZfsFlowErrorDetails & { message?: string }): ZfsFlowError {
    const { message, ...changed } = more;
    const { hint, dataset, host, field, command, exitCode, stderr, details, cause, retryable } = this;
    const own = { hint, dataset, host, field, command, exitCode, stderr, details, cause, retryable };
    const given = Object.fromEntries(Object.entries({ ...own, ...changed }).filter(([, value]) => value !== undefined));
    return new ZfsFlowError(this.code, message ?? this.message, given);
  }
}

/** `INVALID_OPTIONS` for the property `field`. */
export function invalidOption(field: string, message: string, hint?: string): ZfsFlowError {
  return new ZfsFlowError('INVALID_OPTIONS', message, hint === undefined ? { field } : { field, hint });
}

/** Any thrown value as a `ZfsFlowError`; an `AbortError` becomes `CANCELLED`. */
export function toZfsFlowError(thrown: unknown, fallback: ErrorCode = 'ZFS_ERROR'): ZfsFlowError {
  if (thrown instanceof ZfsFlowError) return thrown;
  if (thrown instanceof Error) {
    if (thrown.name === 'AbortError') return new ZfsFlowError('CANCELLED', 'cancelled', { cause: thrown });
    return new ZfsFlowError(fallback, thrown.message, { cause: thrown });
  }
  return new ZfsFlowError(fallback, String(thrown));
}
