// What is asked and ordered of tasks (face.md §2), beside HTTP: that is `endpoints.ts`. Loaded with the first request.
import { createHash } from 'node:crypto';
import { invalidOption, ZfsFlowError } from '../../src/base/errors';
import type { LogLevel } from '../../src/base/events';
import { parseDuration } from '../../src/options/kinds';
import { readBoolean, readChoice, readNumber, readString, type RawOptions } from '../../src/options/read';
import { directory, type LiveTask } from '../runtime/directory';
import { startPing } from '../runtime/ping';
import type { Red } from '../runtime/red';
import { describePause, memories, type Pause } from '../runtime/task-memory';
import type { Task, TaskList, TaskLog } from './task-answers';
import { findTask, listTasks } from './task-list';

const MOST_EVENTS = 200;
const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];
/** Characters. */
const LONGEST_NOTE = 500;

/** `ids=a,b`: these alone. `tag` is equal for equal tasks. */
export function taskList(RED: Red, query: RawOptions): { tag: string; list: TaskList } {
  const { ids } = query;
  const wanted = ids === undefined ? undefined : readString(query, 'ids').split(',').filter(Boolean);
  const tasks = listTasks(RED, wanted);
  const tag = createHash('sha256').update(JSON.stringify(tasks)).digest('base64url').slice(0, 22);
  return { tag, list: { seq: startPing(RED).seq, now: new Date().toISOString(), tasks } };
}

export { metrics } from './metrics';

export function taskLog(RED: Red, query: RawOptions): TaskLog {
  const id = wantedId(query);
  existing(RED, id);
  const after = eventNumber(query, 'after');
  const before = eventNumber(query, 'before');
  if (after !== undefined && before !== undefined) {
    throw invalidOption('before', 'only one of after and before can be asked for');
  }
  const limit = Math.min(MOST_EVENTS, readNumber(query, 'limit', MOST_EVENTS, { min: 1, integer: true }));
  const level = readChoice(query, 'level', LEVELS, 'debug');
  const from = after === undefined ? (before === undefined ? {} : { before }) : { after };
  const page = directory.history.page(id, { ...from, limit, level });
  return { id, ...page, runs: memories.find(RED, id)?.runs ?? [] };
}

/** `user`: who asks. Throws DISABLED, NEEDS_MESSAGE, NOT_FOUND and whatever a message would be refused with. */
export async function runTask(RED: Red, body: RawOptions, user: string): Promise<Record<string, unknown>> {
  const { task, live } = here(RED, body);
  if (task.pause !== undefined) {
    throw new ZfsFlowError('DISABLED', `this task is ${describePause(task.pause)}`, { hint: 'end the pause first' });
  }
  if (live === undefined || task.can.why === 'DISABLED') {
    throw new ZfsFlowError('DISABLED', 'this task is turned off in the flow', { hint: 'turn it on there, and deploy' });
  }
  if (task.can.why === 'NEEDS_MESSAGE') {
    throw new ZfsFlowError('NEEDS_MESSAGE', 'this task takes what it needs from the message that starts it', {
      hint: 'send it a message, from an inject node for example',
    });
  }
  return { ok: true, jobId: await live.run(user) };
}

export function cancelTask(RED: Red, body: RawOptions): Record<string, unknown> {
  const { live } = here(RED, body);
  const jobId = readString(body, 'jobId');
  return { ok: true, cancelled: live?.cancel(jobId === '' ? undefined : jobId) ?? 0 };
}

export async function pauseTask(RED: Red, body: RawOptions, user: string): Promise<Record<string, unknown>> {
  const { task, live } = here(RED, body);
  if (body['paused'] === undefined) throw invalidOption('paused', 'paused must be true or false');
  const now = new Date().toISOString();
  const pause = readBoolean(body, 'paused', true) ? readPause(body, user, now) : undefined;
  memories.setPause(memories.of(RED, task.id), pause, now);
  live?.pauseChanged(pause === undefined ? `the pause was ended by ${user}` : describePause(pause));
  directory.changed(task.id);
  // A pause that is lost with the process would start what somebody is just working on: answered when it is written.
  await memories.save();
  return { ok: true, task: existing(RED, task.id) };
}

function readPause(body: RawOptions, by: string, at: string): Pause {
  const until = readUntil(readString(body, 'until'), Date.parse(at));
  const note = readString(body, 'note').trim();
  if (note.length > LONGEST_NOTE) throw invalidOption('note', `note is longer than ${LONGEST_NOTE} characters`);
  return { by, at, ...(until === undefined ? {} : { until }), ...(note === '' ? {} : { note }) };
}

/** ISO 8601, or a duration from now on. */
function readUntil(text: string, now: number): string | undefined {
  if (text === '') return undefined;
  const duration = parseDuration(text);
  const time = duration === null ? dateOf(text) : now + duration;
  if (Number.isNaN(time)) {
    throw invalidOption('until', `until: ${JSON.stringify(text)} is neither a date nor a duration`);
  }
  if (time <= now) throw invalidOption('until', `until: ${text} is over`);
  return new Date(time).toISOString();
}

/** Ms since the epoch, NaN for what is none: a month has no 31st day because JavaScript counts on in the next. */
function dateOf(text: string): number {
  const [day] = /^\d{4}-\d\d-\d\d/.exec(text) ?? [];
  if (day === undefined) return Number.NaN;
  const midnight = new Date(`${day}T00:00:00Z`);
  const exists = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
  return exists ? Date.parse(text) : Number.NaN;
}

function wantedId(values: RawOptions): string {
  const id = readString(values, 'id');
  if (id === '') throw invalidOption('id', 'id must name a task');
  return id;
}

function existing(RED: Red, id: string): Task {
  const task = findTask(RED, id);
  if (task === undefined) throw new ZfsFlowError('NOT_FOUND', `there is no task with the id ${JSON.stringify(id)}`);
  return task;
}

function here(RED: Red, body: RawOptions): { task: Task; live: LiveTask | undefined } {
  const task = existing(RED, wantedId(body));
  return { task, live: directory.get(task.id) };
}

function eventNumber(query: RawOptions, name: string): number | undefined {
  return query[name] === undefined ? undefined : readNumber(query, name, 0, { min: 0, integer: true });
}
