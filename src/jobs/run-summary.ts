// A run as the task list keeps it (face.md §2): small, plain, without a secret. Many are written to Node-RED's settings.
import type { JobInfo, Outcome, StartedBy } from './job';

export type RunState = 'success' | 'failed' | 'cancelled' | 'partial';
export const RUN_STATES = ['success', 'failed', 'cancelled', 'partial'] as const satisfies readonly RunState[];

export interface Run {
  /** '' when it was refused before it became a job. */
  jobId: string;
  state: RunState;
  /** ISO 8601 in UTC. */
  startedAt: string;
  endedAt: string;
  /** Error code. */
  code?: string;
  /** A few words. */
  text: string;
  /** Sent by a replication. */
  bytes?: number;
  by: StartedBy;
}

/** Characters of `text`. */
const LONGEST = 240;

/** Null for one that found nothing to do: it was skipped, and is no run. */
export function summaryOf(
  outcome: Outcome,
  { jobId, createdAt, startedAt, endedAt, by = 'message' }: JobInfo,
  summary: string,
): Run | null {
  if (outcome.state === 'skipped') return null;
  const result = outcome.state === 'finished' ? outcome.result : outcome.partial;
  const when = { startedAt: startedAt ?? createdAt, endedAt: endedAt ?? createdAt };
  const common = { jobId, ...when, by, ...bytesOf(result) };
  if (outcome.state === 'finished') return { ...common, state: 'success', text: short(summary) };
  const { code, message } = outcome.error;
  const state = outcome.state === 'cancelled' ? 'cancelled' : code === 'PARTIAL_FAILURE' ? 'partial' : 'failed';
  return { ...common, state, code, text: short(message) };
}

/** A message that was refused: nothing ran, and nobody must think that it did. */
export function refusedRun(error: { code: string; message: string }, at: string, by: StartedBy): Run {
  return { jobId: '', state: 'failed', startedAt: at, endedAt: at, code: error.code, text: short(error.message), by };
}

function short(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function bytesOf(result: unknown): { bytes?: number } {
  const bytes = (result as { bytes?: unknown } | null | undefined)?.bytes;
  return typeof bytes === 'number' ? { bytes } : {};
}
