// What the endpoints tell of tasks (design/face.md §2), as the panel reads it; and what the editor adds: tasks that are not
// deployed. A test holds it against what the runtime sends.

export type TaskState = 'running' | 'waiting' | 'ok' | 'failed' | 'idle' | 'paused' | 'off' | 'invalid' | 'undeployed';

export interface Run {
  jobId: string;
  state: 'success' | 'failed' | 'cancelled' | 'partial';
  /** ISO 8601, as all times here. */
  startedAt: string;
  endedAt: string;
  code?: string;
  text: string;
  bytes?: number;
  by: 'schedule' | 'message' | 'person';
}

export interface Progress {
  bytes?: number;
  totalBytes?: number;
  /** 0–100 */
  percent?: number;
  /** Bytes a second. */
  rate?: number;
  etaSeconds?: number;
}

export interface TaskJob {
  jobId: string;
  state: string;
  startedAt?: string;
  waitingFor?: string;
  progress?: Progress;
}

export interface Pause {
  by: string;
  at: string;
  until?: string;
  note?: string;
}

export interface Task {
  id: string;
  type: string;
  name: string;
  /** The tab, then subflow instances. */
  path: { id: string; label: string }[];
  state: TaskState;
  status: { fill?: string; shape?: string; text: string };
  jobs: TaskJob[];
  last?: Run;
  lastSuccess?: string;
  next?: string;
  timeZone?: string;
  late?: { since: string; missed: number };
  pause?: Pause;
  can: { run: boolean; why?: string };
  from?: string;
  to?: string;
}

export interface TaskList {
  seq: number;
  now: string;
  tasks: Task[];
}

export type Level = 'error' | 'warn' | 'info' | 'debug';

export interface LogEvent {
  n: number;
  event: string;
  level: Level;
  time: string;
  jobId: string;
  message: string;
}

export interface LogPage {
  id: string;
  /** Numbers of the events that are kept; 0: none. */
  first: number;
  last: number;
  /** There are more on the side that was asked for. */
  more: boolean;
  events: LogEvent[];
  runs: Run[];
}
