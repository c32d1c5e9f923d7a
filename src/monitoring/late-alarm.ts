// What is told of a task that is late: once when it begins, once a day while it lasts, and once when it is over – also over
// restarts, which is why what has been told is plain data that is kept. Pure; times are ms since the epoch.

export interface Alarm {
  /** Late since. */
  since: number;
  /** When it was last told. */
  toldAt: number;
  /** What it went by: the last success, and what was asked for. Missing: an older version told it. */
  of?: string;
}

export interface Step {
  alarm: Alarm | undefined;
  tell?: 'late' | 'recovered';
}

const DAY_MS = 86_400_000;

/**
 * `limit`: when the task becomes late, or became; null = never. `of`: the last success and what is asked for, as a text. As long as
 * both are what they were, a limit that lies ahead is the work of a clock that was set, and nobody is told that all is well.
 */
export function nextStep(alarm: Alarm | undefined, limit: number | null, now: number, of = ''): Step {
  const isLate = limit !== null && limit <= now;
  if (alarm === undefined) return isLate ? told(limit, now, of) : { alarm };
  const stands = alarm.of === of;
  if (!isLate && !stands) return { alarm: undefined, tell: 'recovered' };
  const since = isLate ? limit : Math.min(alarm.since, now);
  if (now - alarm.toldAt >= DAY_MS) return told(since, now, of);
  // The clock was put back: what it said then is not to come again before anything is told.
  return { alarm: { since, toldAt: Math.min(alarm.toldAt, now), of } };
}

const told = (since: number, now: number, of: string): Step => ({ alarm: { since, toldAt: now, of }, tell: 'late' });

/** When the next step may have something to tell; null = not before something else happens. */
export function nextLook(alarm: Alarm | undefined, limit: number | null): number | null {
  return alarm === undefined ? limit : alarm.toldAt + DAY_MS;
}
