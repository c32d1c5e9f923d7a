// The log of each task (face.md §2): its last events of all levels, the newest progress, numbered so that a page of it never
// shifts while more is added. In memory only, over deploys; limits for one task and for all together, oldest first out.
import type { JobEvent, LogLevel } from '../base/events';
import { isShown } from './events';

/** `n` counts the events of one task, from 1. */
export interface LoggedEvent extends JobEvent {
  n: number;
}

export interface LogQuery {
  /** Events after this number, the oldest of them first in line. */
  after?: number;
  /** Events before this number, the newest of them. Without both: the newest of all. */
  before?: number;
  limit: number;
  /** The least level. */
  level: LogLevel;
}

export interface LogPage {
  /** Numbers that are kept of this task, of whatever level; 0 when there are none. */
  first: number;
  last: number;
  /** There are more, of this level, on the side that was asked for. */
  more: boolean;
  /** In the order they came. */
  events: LoggedEvent[];
}

export interface HistoryLimits {
  /** Of one task, its progress apart. */
  events: number;
  /** Of all tasks together. */
  bytes: number;
}

interface Entry {
  n: number;
  level: LogLevel;
  /** JSON: a copy all the way down, and its size is known. */
  text: string;
  bytes: number;
  /** Grows with each event of any task. */
  age: number;
}

interface TaskLog {
  counter: number;
  entries: Entry[];
  progress: Entry | undefined;
}

/** Characters of a message, or of any other text of an event. */
const LONGEST_TEXT = 4_096;
/** Items of a list, and characters of all that is no text: a plan may name a hundred thousand snapshots. */
const LONGEST_LIST = 50;
const LONGEST_REST = 16_384;

export class History {
  private readonly logs = new Map<string, TaskLog>();
  private age = 0;
  private size = 0;

  constructor(private readonly limits: HistoryLimits = { events: 500, bytes: 8 * 2 ** 20 }) {}

  add(id: string, event: JobEvent): void {
    const log = this.logs.get(id) ?? { counter: 0, entries: [], progress: undefined };
    this.logs.set(id, log);
    const text = JSON.stringify(cut(event));
    const bytes = Buffer.byteLength(text);
    const entry: Entry = { n: ++log.counter, level: event.level, text, bytes, age: ++this.age };
    this.size += bytes;
    if (event.event === 'progress') {
      this.size -= log.progress?.bytes ?? 0;
      log.progress = entry;
    } else {
      log.entries.push(entry);
      if (log.entries.length > this.limits.events) this.drop(log);
    }
    while (this.size > this.limits.bytes) if (!this.dropOldest()) return;
  }

  page(id: string, { after, before, limit, level }: LogQuery): LogPage {
    const kept = this.kept(id);
    const first = kept[0]?.n ?? 0;
    const last = kept.at(-1)?.n ?? 0;
    const shown = kept.filter(
      (entry) => isShown(entry.level, level) && entry.n > (after ?? 0) && entry.n < (before ?? Infinity),
    );
    const part = after === undefined ? shown.slice(-limit) : shown.slice(0, limit);
    const events = part.map(({ n, text }) => ({ n, ...(JSON.parse(text) as JobEvent) }));
    return { first, last, more: part.length < shown.length, events };
  }

  /** Of tasks that are gone for good. */
  forget(id: string): void {
    for (const { bytes } of this.kept(id)) this.size -= bytes;
    this.logs.delete(id);
  }

  ids(): string[] {
    return [...this.logs.keys()];
  }

  /** What all tasks have together. */
  get bytes(): number {
    return this.size;
  }

  private kept(id: string): Entry[] {
    const log = this.logs.get(id);
    if (log === undefined) return [];
    if (log.progress === undefined) return log.entries;
    return [...log.entries, log.progress].toSorted((a, b) => a.n - b.n);
  }

  private drop(log: TaskLog): void {
    this.size -= log.entries.shift()?.bytes ?? 0;
  }

  /** Of all tasks; a progress goes last, since there is one of a task at most. */
  private dropOldest(): boolean {
    let oldest: TaskLog | undefined;
    for (const log of this.logs.values()) {
      if ((log.entries[0]?.age ?? Infinity) < (oldest?.entries[0]?.age ?? Infinity)) oldest = log;
    }
    if (oldest === undefined) return false;
    this.drop(oldest);
    return true;
  }
}

/** Short enough to be kept; `omitted` names what was too long. */
function cut(event: JobEvent): JobEvent {
  const omitted: string[] = [];
  const kept = Object.entries(event).map(([name, value]): [string, unknown] => {
    if (typeof value === 'string' && value.length > LONGEST_TEXT) return [name, `${value.slice(0, LONGEST_TEXT)}…`];
    if (!isLong(value)) return [name, value];
    omitted.push(name);
    return [name, undefined];
  });
  const rest = omitted.length === 0 ? {} : { omitted };
  return { ...(Object.fromEntries(kept) as JobEvent), ...rest };
}

function isLong(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Object.keys(value).length > LONGEST_LIST) return true;
  return (JSON.stringify(value) ?? '').length > LONGEST_REST;
}
