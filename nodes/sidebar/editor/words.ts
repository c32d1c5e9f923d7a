// What the rows say, in words: "last 3 h ago · next 02:30", how far a run is, why a task needs somebody. Pure: texts come from
// the translator, the time from outside.
import type { Pause, Progress, Run, Task, TaskState } from './task';

export type Translate = (key: string, values?: Record<string, string | number>) => string;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Making one takes long, and each row needs one. */
const formats = new Map<string, Intl.DateTimeFormat>();

function format(kind: 'clock' | 'weekday' | 'date' | 'full', timeZone: string | undefined): Intl.DateTimeFormat {
  const key = `${kind} ${timeZone ?? ''}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  const options: Record<typeof kind, Intl.DateTimeFormatOptions> = {
    clock: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    weekday: { weekday: 'short' },
    date: { day: 'numeric', month: 'short' },
    full: { dateStyle: 'medium', timeStyle: 'long' },
  };
  const made = new Intl.DateTimeFormat(undefined, {
    ...options[kind],
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  formats.set(key, made);
  return made;
}

/** An engine that does not know a zone of the server's shows its own. */
function shown(kind: Parameters<typeof format>[0], time: number, timeZone?: string): string {
  try {
    return format(kind, timeZone).format(time);
  } catch {
    return format(kind, undefined).format(time);
  }
}

/** "just now", "5 min ago", "3 h ago", "2 d ago", "3 Dec" */
export function ago(iso: string, now: number, t: Translate): string {
  const time = Date.parse(iso);
  const past = Math.max(0, now - time);
  if (past < MINUTE) return t('ago.now');
  if (past < HOUR) return t('ago.minutes', { n: Math.floor(past / MINUTE) });
  if (past < DAY) return t('ago.hours', { n: Math.floor(past / HOUR) });
  if (past < 60 * DAY) return t('ago.days', { n: Math.floor(past / DAY) });
  return shown('date', time);
}

/** "02:30" within a day of now, "Tue 02:30" within a week, "3 Dec 02:30" */
export function clock(iso: string, now: number, timeZone?: string): string {
  const time = Date.parse(iso);
  const distance = Math.abs(time - now);
  const hour = shown('clock', time, timeZone);
  if (distance < DAY) return hour;
  return `${shown(distance < 7 * DAY ? 'weekday' : 'date', time, timeZone)} ${hour}`;
}

/** With date, seconds and zone, for a tooltip. */
export function fullTime(iso: string, timeZone?: string): string {
  return shown('full', Date.parse(iso), timeZone);
}

/** "last 3 h ago · next 02:30" – next in the zone of the schedule, which is named where its clocks show another time. */
export function whenText({ last, next, timeZone }: Task, now: number, t: Translate): string {
  const parts = [last === undefined ? t('when.never') : t('when.last', { ago: ago(last.endedAt, now, t) })];
  if (next !== undefined) {
    const there = clock(next, now, timeZone);
    const time = timeZone === undefined || there === clock(next, now) ? there : `${there} ${timeZone}`;
    parts.push(t('when.next', { time }));
  }
  return parts.join(' · ');
}

/** "1.5 GiB" */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 2 ** (10 * power);
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** "40 s", "3 min", "2 h 10 min", "1 d 2 h" */
export function duration(milliseconds: number, t: Translate): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return t('duration.seconds', { n: seconds });
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return t('duration.minutes', { n: minutes });
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours >= 24) return t('duration.days', { n: Math.floor(hours / 24), hours: hours % 24 });
  return rest === 0 ? t('duration.hours', { n: hours }) : t('duration.hoursMinutes', { n: hours, minutes: rest });
}

/** 0–100 of what runs, the job that has moved most when there are several; undefined: nothing to tell yet. */
export function progressOf({ jobs }: Task): Progress | undefined {
  const all = jobs.flatMap(({ progress }) => (progress === undefined ? [] : [progress]));
  return all.toSorted((a, b) => (b.percent ?? 0) - (a.percent ?? 0))[0];
}

/** "42 % · 118 MiB/s · 3 min left" */
export function progressText(progress: Progress | undefined, t: Translate): string {
  if (progress === undefined) return '';
  const { percent, bytes, rate, etaSeconds } = progress;
  const parts = [
    percent === undefined ? '' : `${Math.floor(percent)} %`,
    percent === undefined && bytes !== undefined ? size(bytes) : '',
    rate === undefined || rate <= 0 ? '' : `${size(rate)}/s`,
    etaSeconds === undefined || etaSeconds <= 0 ? '' : t('progress.left', { time: duration(etaSeconds * 1000, t) }),
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

/** "by anna until 18:00: new disks" */
export function pauseText({ by, until, note }: Pause, now: number, t: Translate): string {
  const who = until === undefined ? t('pause.by', { by }) : t('pause.byUntil', { by, time: clock(until, now) });
  return note === undefined || note === '' ? who : `${who}: ${note}`;
}

/** What somebody has to know of this task at once; '' when it is as it should be. */
export function remark(task: Task, now: number, t: Translate): string {
  const { state, late, pause, last, status, jobs } = task;
  const parts: string[] = [];
  if (late !== undefined) {
    const values = { time: clock(late.since, now, task.timeZone), count: late.missed };
    parts.push(late.missed > 0 ? t('remark.lateMissed', values) : t('remark.late', values));
  }
  if (state === 'paused' && pause !== undefined) parts.push(pauseText(pause, now, t));
  else if (state === 'invalid') parts.push(status.text);
  else if (state === 'failed') parts.push(last?.text || status.text);
  else if (state === 'waiting') parts.push(waitingText(task, t));
  if (state !== 'waiting' && state !== 'running' && jobs.length > 0) parts.push(t('remark.stillRunning'));
  return parts.filter((part) => part !== '').join(' · ');
}

function waitingText({ jobs }: Task, t: Translate): string {
  const what = jobs.find(({ waitingFor }) => waitingFor !== undefined)?.waitingFor;
  return what === undefined ? t('remark.queued') : t('remark.waits', { what });
}

/** "nas1:tank/data → nas2:backup/data" */
export function waysText({ from, to }: Task): string {
  return [from, to].filter((end) => end !== undefined).join(' → ');
}

/** "success · 22 Nov 2026, 02:30 · 40 s · 1.5 GiB · 3 snapshots" */
export function runText(run: Run, t: Translate): string {
  const took = duration(Date.parse(run.endedAt) - Date.parse(run.startedAt), t);
  const sent = run.bytes === undefined ? '' : size(run.bytes);
  const parts = [t(`run.${run.state}`), fullTime(run.endedAt), took, sent, run.text];
  return parts.filter((part) => part !== '').join(' · ');
}

/** What a screen reader says of tasks that have changed: a few by name, many by number. */
export function announcement(
  changes: readonly { name: string; state: TaskState; late: boolean }[],
  t: Translate,
): string {
  if (changes.length > 3) return t('said.many', { count: changes.length });
  return changes
    .map(({ name, state, late }) => {
      const said = late ? `${t(`state.${state}`)}, ${t('state.late')}` : t(`state.${state}`);
      return t('said.one', { name, state: said });
    })
    .join('. ');
}
