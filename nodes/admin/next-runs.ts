// What the dialogs ask for their line "Next: …": when a schedule, as the dialog shows it, is due.
import { readNumber, type RawOptions } from '../../src/options/read';
import { engine } from '../runtime/engine';
import { wallTextOf } from '../runtime/status-text';

/** Runs that are told unless the question says `count`, and at most. */
const COUNT = 3;
const MOST = 20;

/** `times`: `2026-11-22 03:00` as the clocks of the schedule's zone show it. Throws INVALID_OPTIONS. */
export function nextRuns(body: RawOptions): { ok: true; times: string[] } {
  const times: string[] = [];
  const count = readNumber(body, 'count', COUNT, { min: 1, max: MOST, integer: true });
  const schedule = engine.schedules().parseSchedule(body);
  if (schedule === null) return { ok: true, times };
  for (let run = schedule.nextRun(new Date()); run !== null && times.length < count; run = schedule.nextRun(run)) {
    times.push(wallTextOf(run, schedule.timeZone));
  }
  return { ok: true, times };
}
