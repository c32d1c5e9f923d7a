// How long to wait before the next try: exponential back-off with full jitter, so that many jobs that failed together do
// not come back together (AWS Architecture Blog, "Exponential Backoff And Jitter").
import { setTimeout as sleep } from 'node:timers/promises';

/** Longest wait, milliseconds. */
const MOST_MS = 60_000;

/**
 * Milliseconds before try `failures + 1`; `random` is in [0, 1). At least half of the base, so that a retry is never
 * immediate. `baseMs` 0 waits not at all.
 */
export function backoffDelay(failures: number, baseMs: number, random: number): number {
  const ceiling = Math.min(MOST_MS, baseMs * 2 ** Math.max(0, failures - 1));
  return Math.round(baseMs / 2 + random * Math.max(0, ceiling - baseMs / 2));
}

/** Waits; throws AbortError when `signal` is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal });
}
