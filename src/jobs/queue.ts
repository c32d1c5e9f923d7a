// Who may start: first come first served among jobs that are in each other's way, everything else in parallel up to a
// limit. Pure; the registry asks after each change.
import type { Claim } from './claims';
import { relation } from './claims';

export interface QueueEntry {
  readonly id: string;
  /** Runs of one group never run at the same time, whatever they claim. */
  readonly group: string;
  readonly claims: readonly Claim[];
}

export type Blocked<E extends QueueEntry> =
  /** Waits for these jobs; `dataset` is the one both want, '' for an earlier run of the same group. */
  | { reason: 'jobs'; jobs: { entry: E; dataset: string }[] }
  /** Waits until fewer jobs run. */
  | { reason: 'limit' }
  /** Where these claims are has to be found out first. */
  | { reason: 'unknown'; with: E[] };

export interface QueueDecision<E extends QueueEntry> {
  start: E[];
  blocked: Map<E, Blocked<E>>;
}

/**
 * Decides which of `waiting` (in the order they came) may start beside `running`. A job that waits holds its place: no
 * later one that is in its way overtakes it, so none starves.
 */
export function decide<E extends QueueEntry>(
  running: readonly E[],
  waiting: readonly E[],
  limit: number,
): QueueDecision<E> {
  const start: E[] = [];
  const blocked = new Map<E, Blocked<E>>();
  const ahead = [...running];
  for (const entry of waiting) {
    const block = blockedBy(entry, ahead) ?? (running.length + start.length >= limit ? { reason: 'limit' } : undefined);
    if (block === undefined) start.push(entry);
    else blocked.set(entry, block);
    ahead.push(entry);
  }
  return { start, blocked };
}

function blockedBy<E extends QueueEntry>(entry: E, ahead: readonly E[]): Blocked<E> | undefined {
  const jobs: { entry: E; dataset: string }[] = [];
  const unknown: E[] = [];
  for (const other of ahead) {
    if (other.group === entry.group) {
      jobs.push({ entry: other, dataset: '' });
      continue;
    }
    const clash = clashOf(entry, other);
    if (clash === 'unknown') unknown.push(other);
    else if (clash !== undefined) jobs.push({ entry: other, dataset: clash.dataset });
  }
  if (jobs.length > 0) return { reason: 'jobs', jobs };
  return unknown.length > 0 ? { reason: 'unknown', with: unknown } : undefined;
}

/** The first claim of `entry` that conflicts with one of `other`. */
function clashOf(entry: QueueEntry, other: QueueEntry): Claim | 'unknown' | undefined {
  let unknown = false;
  for (const mine of entry.claims) {
    for (const theirs of other.claims) {
      const how = relation(mine, theirs);
      if (how === 'conflict') return mine;
      if (how === 'unknown') unknown = true;
    }
  }
  return unknown ? 'unknown' : undefined;
}
