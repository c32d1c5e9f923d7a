// The wait before the next try: exponential back-off with full jitter, so that many jobs that failed together do
// not come back together (AWS Architecture Blog, "Exponential Backoff And Jitter").
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunContext } from '../../base/run-context';
import type { ZfsFlowError } from '../../base/errors';

/** Longest wait, milliseconds. */
const MOST_MS = 60_000;

/**
 * Milliseconds before try `failures + 1`; `random` is in [0, 1). At least half of the base, so that a retry is never
 * immediate. `baseMs` 0 waits not at all.
 */
function backoffDelay(failures: number, baseMs: number, random: number): number {
  const ceiling = Math.min(MOST_MS, baseMs * 2 ** Math.max(0, failures - 1));
  return Math.round(baseMs / 2 + random * Math.max(0, ceiling - baseMs / 2));
}

/**
 * Says that try number `next` follows after `failures` failed ones, the last for `reason`, and waits for it. Throws
 * AbortError when the job is cancelled meanwhile.
 */
export async function waitToRetry(
  reason: ZfsFlowError,
  { failures, next, baseMs }: { failures: number; next: number; baseMs: number },
  ctx: RunContext,
): Promise<void> {
  const delayMs = backoffDelay(failures, baseMs, Math.random());
  ctx.emit({
    event: 'retry',
    level: 'warn',
    message: `tries again in ${(delayMs / 1000).toFixed(1)} s: ${reason.message}`,
    attempt: next,
    delay: delayMs / 1000,
    reason: reason.message,
    code: reason.code,
  });
  await sleep(delayMs, undefined, { signal: ctx.signal });
}
