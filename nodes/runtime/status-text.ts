// What the status of an action node says, from the state of its jobs. Texts come from the catalogue
// (nodes/locales); when they are shown is `status-line.ts`.
import type { NodeStatus } from 'node-red';
import type { ZfsFlowError } from '../../src/base/errors';
import type { JobInfo } from '../../src/jobs/job';
import { wallTimeOf } from '../../src/time/zone';
import type { Translate } from './red';

export interface TaskState {
  /** Turned off. */
  off: boolean;
  /** Switched off for a while. */
  paused: boolean;
  late: { since: string } | undefined;
  /** Why no message can be served. */
  problem: ZfsFlowError | undefined;
  jobs: readonly JobInfo[];
  /** How the last run, or the last refused message, ended. */
  last: { ok: boolean; text: string } | undefined;
  next: Date | null;
  /** Zone in which `next` is shown, '' = the machine's. */
  timeZone: string;
}

export function statusOf(state: TaskState, t: Translate): NodeStatus {
  if (state.off) return { fill: 'grey', shape: 'ring', text: t('disabled') };
  const running = state.jobs.filter((job) => job.state === 'running');
  if (running.length > 0) return { fill: 'blue', shape: 'dot', text: runningText(running, state.jobs.length, t) };
  const [waiting] = state.jobs;
  if (waiting !== undefined) return { fill: 'yellow', shape: 'ring', text: waitingText(waiting, t) };
  if (state.paused) return { fill: 'grey', shape: 'ring', text: t('paused') };
  const { last } = state;
  if (last?.ok === false)
    return { fill: 'red', shape: 'ring', text: withLate(withNext(last.text, state, t), state, t) };
  if (state.problem !== undefined) return { fill: 'red', shape: 'ring', text: problemText(state.problem, t) };
  if (state.late !== undefined) return { fill: 'red', shape: 'ring', text: withNext(lateText(state, t), state, t) };
  if (last !== undefined) return { fill: 'green', shape: 'dot', text: withNext(last.text, state, t) };
  return state.next === null ? {} : { fill: 'grey', shape: 'dot', text: nextText(state, t) };
}

function lateText({ late, timeZone }: TaskState, t: Translate): string {
  return late === undefined ? '' : t('late', { time: wallTextOf(new Date(late.since), timeZone) });
}

function withLate(text: string, state: TaskState, t: Translate): string {
  return state.late === undefined ? text : `${lateText(state, t)} · ${text}`;
}

function problemText(problem: ZfsFlowError, t: Translate): string {
  return problem.field?.startsWith('schedule') === true ? t('invalidSchedule') : errorText(problem);
}

/** The reason in a word or two: the code, and which property where one was refused. */
export function errorText(error: ZfsFlowError): string {
  const words = error.code.toLowerCase().replaceAll('_', ' ');
  return error.field === undefined ? words : `${words}: ${error.field}`;
}

/** `1.5 GiB`. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 2 ** (10 * power);
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** `2026-11-22 03:00`, as the clocks of a zone show it. */
export function wallTextOf(date: Date, timeZone: string): string {
  const { year, month, day, hour, minute } = wallTimeOf(date, timeZone);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}`;
}

function runningText(running: readonly JobInfo[], all: number, t: Translate): string {
  const newest = running.findLast((job) => job.progress !== undefined)?.progress;
  const percent = typeof newest?.['percent'] === 'number' ? Math.floor(newest['percent']) : undefined;
  const rate = typeof newest?.['rate'] === 'number' ? newest['rate'] : undefined;
  const text =
    percent === undefined ? t('running') : t('progress', { percent, rate: rate === undefined ? '–' : sizeText(rate) });
  return all > 1 ? t('more', { text, count: all - 1 }) : text;
}

function waitingText(job: JobInfo, t: Translate): string {
  return job.waitingFor === undefined ? t('queued') : t('waiting', { what: job.waitingFor });
}

function withNext(text: string, state: TaskState, t: Translate): string {
  return state.next === null ? text : `${text} · ${nextText(state, t)}`;
}

function nextText({ next, timeZone }: TaskState, t: Translate): string {
  return next === null ? '' : t('next', { time: wallTextOf(next, timeZone) });
}
