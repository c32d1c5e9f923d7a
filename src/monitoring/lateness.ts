// When a task is late (face.md §2): with a schedule, when two due times have passed since its last success and five minutes
// more; and when there was no success for as long as `alertAfter` says. Pure; `late-alarm.ts` says what is told, and when.
// All times are ms since the epoch.

/** Time that does not count. */
export interface Gap {
  from: number;
  /** Infinity: it lasts. */
  to: number;
  /** `pause`: nothing was due; `clock`: the clock was set, and no such time has passed. */
  kind: 'pause' | 'clock';
}

export interface Expectation {
  schedule: { nextRun(after: Date): Date | null } | null;
  /** Milliseconds; null = nothing is asked for. */
  alertAfter: number | null;
  /** The last success, or the deploy where there was none. */
  base: number;
  /** Since when this schedule is in force: what another one would have wanted before is no matter. */
  scheduleSince: number;
  gaps: readonly Gap[];
}

/** After the second due time. */
export const GRACE_MS = 5 * 60_000;
const DUE_TIMES = 2;

/** The most that are counted: a month of five minutes is 8,640. */
export const MOST_MISSED = 1_000;

/** When it becomes late, or became; null = never. */
export function lateSince(expected: Expectation): number | null {
  const times = [scheduleLimit(expected), alertLimit(expected)].filter((time) => time !== null);
  return times.length === 0 ? null : Math.min(...times);
}

/** What has been counted already. */
export interface Missed {
  count: number;
  /** Ms since the epoch; due times after it are not counted yet. */
  upTo: number;
}

/**
 * Due times since the last success, at most `MOST_MISSED`; without a schedule the spans of `alertAfter`. `counted`: by an
 * earlier call with the same expectation, so that each time is found once.
 */
export function missedRuns(expected: Expectation, now: number, counted?: Missed): Missed {
  const { schedule, alertAfter, base, gaps } = expected;
  if (schedule === null) {
    const spans = alertAfter === null ? 0 : Math.floor((now - base - skipped(gaps, base, now)) / alertAfter);
    return { count: Math.min(MOST_MISSED, spans), upTo: now };
  }
  let { count, upTo } = counted ?? { count: 0, upTo: start(expected) };
  while (count < MOST_MISSED) {
    const due = nextDue(expected, upTo);
    if (due === null || due > now) break;
    count++;
    upTo = due;
  }
  return { count, upTo };
}

const start = ({ base, scheduleSince }: Expectation): number => Math.max(base, scheduleSince);

function scheduleLimit(expected: Expectation): number | null {
  let due: number | null = start(expected);
  for (let count = 0; count < DUE_TIMES && due !== null; count++) due = nextDue(expected, due);
  return due === null ? null : due + GRACE_MS;
}

/** The first due time after `after` that lies in no gap. */
function nextDue({ schedule, gaps }: Expectation, after: number): number | null {
  for (let from = after; Number.isFinite(from);) {
    const due = schedule?.nextRun(new Date(from))?.getTime();
    if (due === undefined) return null;
    const gap = gaps.find((one) => one.from < due && due <= one.to);
    if (gap === undefined) return due;
    from = Math.max(due, gap.to);
  }
  return null;
}

function alertLimit({ alertAfter, base, gaps }: Expectation): number | null {
  if (alertAfter === null) return null;
  let limit = base + alertAfter;
  for (const gap of clockGaps(gaps)) {
    if (gap.to > base && gap.from < limit) limit += gap.to - Math.max(gap.from, base);
  }
  return limit;
}

function skipped(gaps: readonly Gap[], from: number, to: number): number {
  return clockGaps(gaps).reduce((sum, gap) => sum + Math.max(0, Math.min(gap.to, to) - Math.max(gap.from, from)), 0);
}

/** A pause makes no backup younger. */
function clockGaps(gaps: readonly Gap[]): Gap[] {
  return gaps.filter(({ kind }) => kind === 'clock').toSorted((a, b) => a.from - b.from);
}
