// What is told of a task that is late: once when it begins, once a day while it lasts, and once when it is over – also over
// restarts, which is why what has been told is plain data that is kept. Pure; times are ms since the epoch.

export interface Alarm {
  /** Late since. */
  since: number;
  /** When it was last told. */
  toldAt: number;
}

export interface Step {
  alarm: Alarm | undefined;
  tell?: 'late' | 'recovered';
}

const DAY_MS = 86_400_000;

/** `limit`: when the task becomes late, or became; null = never. */
export function nextStep(alarm: Alarm | undefined, limit: number | null, now: number): Step {
  if (limit === null || now < limit) return alarm === undefined ? { alarm } : { alarm: undefined, tell: 'recovered' };
  if (alarm === undefined) return { alarm: { since: limit, toldAt: now }, tell: 'late' };
  if (now - alarm.toldAt >= DAY_MS) return { alarm: { since: limit, toldAt: now }, tell: 'late' };
  // The clock was put back: what it said then is not to come again before anything is told.
  return { alarm: { since: limit, toldAt: Math.min(alarm.toldAt, now) } };
}

/** When the next step may have something to tell; null = not before something else happens. */
export function nextLook(alarm: Alarm | undefined, limit: number | null): number | null {
  return alarm === undefined ? limit : alarm.toldAt + DAY_MS;
}
