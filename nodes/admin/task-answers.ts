// What the endpoints about tasks answer (face.md §2): plain data for both halves, this one and what asks in a browser. All times
// are ISO 8601 in UTC. Runs and pauses are written out, since the runtime's own types lead to what no browser has.

export const TASK_STATES = ['running', 'waiting', 'ok', 'failed', 'idle', 'paused', 'off', 'invalid'] as const;
export type TaskState = (typeof TASK_STATES)[number];

/** Of a running or waiting job. */
export interface TaskJob {
  jobId: string;
  state: 'queued' | 'waiting' | 'running' | 'finished' | 'skipped' | 'failed' | 'cancelled';
  createdAt: string;
  startedAt?: string;
  waitingFor?: string;
  by?: 'schedule' | 'message' | 'person';
  startedBy?: string;
  progress?: Readonly<Record<string, number>>;
}

/** Why it cannot be run by hand: an error code. */
export type Obstacle = 'DISABLED' | 'INVALID_OPTIONS' | 'NEEDS_MESSAGE';

export interface Task {
  id: string;
  /** Node type. */
  type: string;
  name: string;
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
  can: { run: boolean; why?: Obstacle };
  /** A run may destroy snapshots or a dataset: whoever starts it by hand is asked first. */
  destructive?: true;
  from?: string;
  to?: string;
}

export interface Run {
  /** '' when it was refused before it became a job. */
  jobId: string;
  state: 'success' | 'failed' | 'cancelled' | 'partial';
  startedAt: string;
  endedAt: string;
  code?: string;
  text: string;
  bytes?: number;
  by: 'schedule' | 'message' | 'person';
}

export interface Pause {
  by: string;
  at: string;
  until?: string;
  note?: string;
}

/** `tasks` */
export interface TaskList {
  /** Grows with each change; begins anew with each start of Node-RED. */
  seq: number;
  now: string;
  tasks: Task[];
}

export interface LoggedEvent {
  n: number;
  event: string;
  level: 'error' | 'warn' | 'info' | 'debug';
  time: string;
  jobId: string;
  task: string;
  message: string;
  [more: string]: unknown;
}

/** `tasks/log` */
export interface TaskLog {
  id: string;
  first: number;
  last: number;
  more: boolean;
  events: LoggedEvent[];
  runs: Run[];
}
