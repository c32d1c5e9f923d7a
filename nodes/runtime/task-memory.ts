// What is remembered of each task beside its log: its last runs, the last success, a pause, whether it is late. In memory over
// deploys, in Node-RED's settings over restarts. As one text: the settings compare and copy what they are given item by item,
// which takes 200 ms for what 300 tasks have to be remembered, and nothing for a text.
import type { Run } from '../../src/jobs/run-summary';
import type { Alarm } from '../../src/monitoring/late-alarm';
import type { Red } from './red';

/** Times are ISO 8601 in UTC. */
export interface Pause {
  /** User name; `anonymous` where Node-RED asks for no login. */
  by: string;
  at: string;
  until?: string;
  note?: string;
}

export interface TaskMemory {
  /** When it was first seen. */
  since: string;
  /** The newest last. */
  runs: Run[];
  lastSuccess?: string;
  /** From when on it may be late, where the clock went back behind the last success. */
  base?: string;
  /** Its schedule as it was written, and since when. */
  schedule?: { text: string; since: string };
  pause?: Pause;
  /** Pauses that are over, since the last success. */
  pauses: { from: string; to: string }[];
  alarm?: Alarm;
  /** Since it was first seen. */
  totals?: Totals;
  /** What had its turn in the last run, where one thing has it in each. */
  turn?: string;
}

export interface Totals {
  bytes: number;
  /** By `Run.state`; those that failed by error code. */
  runs: Record<string, number>;
  failures: Record<string, number>;
}

const SETTING = 'zfsFlowsTasks';
const MOST_RUNS = 20;
const MOST_PAUSES = 20;

/** Milliseconds from a change until it is written, and between two writings: the file is rewritten as a whole each time. */
const SOON = 200;
const INTERVAL = 5_000;
/** Milliseconds that the end of a node waits for a writing. */
const PATIENCE = 2_000;

export class TaskMemories {
  private tasks: Map<string, TaskMemory> | undefined;
  private changed = false;
  private timer: NodeJS.Timeout | undefined;
  private writtenAt = -Infinity;
  private red: Red | undefined;

  constructor(private readonly now: () => number = () => Date.now()) {}

  /** Of a task that is there: what is changed in it is kept by `keep`. */
  of(RED: Red, id: string): TaskMemory {
    const tasks = this.loaded(RED);
    const known = tasks.get(id);
    if (known !== undefined) return known;
    const fresh: TaskMemory = { since: new Date(this.now()).toISOString(), runs: [], pauses: [] };
    tasks.set(id, fresh);
    this.keep();
    return fresh;
  }

  /** Undefined for one that nothing is known of. */
  find(RED: Red, id: string): TaskMemory | undefined {
    return this.loaded(RED).get(id);
  }

  addRun(memory: TaskMemory, run: Run, isSuccess: boolean): void {
    memory.runs = [...memory.runs, run].slice(-MOST_RUNS);
    count(memory, run);
    if (isSuccess) {
      memory.lastSuccess = run.endedAt;
      delete memory.base;
      memory.pauses = [];
    }
    this.keep();
  }

  setPause(memory: TaskMemory, pause: Pause | undefined, at: string): void {
    const before = memory.pause;
    if (before !== undefined) {
      memory.pauses = [...memory.pauses, { from: before.at, to: at }].slice(-MOST_PAUSES);
    }
    delete memory.pause;
    if (pause !== undefined) memory.pause = pause;
    this.keep();
  }

  setTurn(memory: TaskMemory, turn: string): void {
    memory.turn = turn;
    this.keep();
  }

  /** Nothing is expected of it: when it is turned on again, it begins anew. */
  rest(memory: TaskMemory): void {
    if (memory.alarm === undefined && memory.schedule === undefined) return;
    delete memory.alarm;
    delete memory.schedule;
    this.keep();
  }

  /** Only these are still there. */
  retain(RED: Red, ids: ReadonlySet<string>): void {
    const tasks = this.loaded(RED);
    for (const id of tasks.keys()) {
      if (ids.has(id)) continue;
      tasks.delete(id);
      this.keep();
    }
  }

  /** Something was changed: it is written in a moment. */
  keep(): void {
    this.changed = true;
    if (this.timer !== undefined) return;
    const wait = Math.min(INTERVAL, Math.max(SOON, this.writtenAt + INTERVAL - this.now()));
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.save();
    }, wait);
    this.timer.unref();
  }

  /** Writes what has changed. Undefined where there is nothing to wait for. Never rejects, and waits two seconds at most. */
  save(): Promise<void> | undefined {
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.timer = undefined;
    const { red, tasks } = this;
    if (!this.changed || red === undefined || tasks === undefined || !red.settings.available()) return undefined;
    this.changed = false;
    this.writtenAt = this.now();
    const text = JSON.stringify(Object.fromEntries(tasks));
    const written = Promise.resolve(red.settings.set(SETTING, text)).catch((error: unknown) => {
      red.log.warn(`zfs: how the last runs went could not be remembered: ${String(error)}`);
    });
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE);
    });
    return Promise.race([written, patience]).then(() => clearTimeout(timer));
  }

  private loaded(RED: Red): Map<string, TaskMemory> {
    this.red = RED;
    // Before there are settings nothing can be read, and nothing of what comes later may be lost.
    if (this.tasks === undefined || (this.tasks.size === 0 && !this.changed)) this.tasks = read(RED);
    return this.tasks;
  }
}

function count(memory: TaskMemory, { state, code, bytes = 0 }: Run): void {
  const totals = (memory.totals ??= { bytes: 0, runs: {}, failures: {} });
  totals.bytes += bytes;
  totals.runs[state] = (totals.runs[state] ?? 0) + 1;
  if (code !== undefined && state !== 'cancelled') totals.failures[code] = (totals.failures[code] ?? 0) + 1;
}

function read(RED: Red): Map<string, TaskMemory> {
  const text: unknown = RED.settings.available() ? RED.settings.get(SETTING) : undefined;
  try {
    const kept: unknown = typeof text === 'string' ? JSON.parse(text) : {};
    const entries = Object.entries(kept as Record<string, unknown>);
    return new Map(entries.flatMap(([id, value]) => (isMemory(value) ? [[id, value]] : [])));
  } catch (error) {
    RED.log.warn(`zfs: what was remembered of the last runs cannot be read: ${String(error)}`);
    return new Map();
  }
}

/** Written by this package, perhaps by another version of it, or by hand. */
function isMemory(value: unknown): value is TaskMemory {
  if (typeof value !== 'object' || value === null) return false;
  const { since, runs, pauses, lastSuccess, base, schedule, pause, alarm, turn } = value as Partial<TaskMemory>;
  if (turn !== undefined && typeof turn !== 'string') return false;
  if (alarm !== undefined && !(Number.isFinite(alarm.since) && Number.isFinite(alarm.toldAt))) return false;
  const times = [since, lastSuccess ?? since, base ?? since, schedule?.since ?? since, pause?.until ?? since];
  return times.every(isTime) && Array.isArray(runs) && Array.isArray(pauses);
}

const isTime = (text: unknown): boolean => typeof text === 'string' && !Number.isNaN(Date.parse(text));

/** Of this process. */
export const memories = new TaskMemories();

/** The pause that holds now. */
export function pauseOf(memory: TaskMemory | undefined, now: number): Pause | undefined {
  const pause = memory?.pause;
  if (pause === undefined) return undefined;
  return pause.until !== undefined && Date.parse(pause.until) <= now ? undefined : pause;
}

export function describePause({ by, at, until, note }: Pause): string {
  const end = until === undefined ? '' : ` until ${until}`;
  return `paused by ${by} at ${at}${end}${note === undefined ? '' : `: ${note}`}`;
}
