// Tasks as the panel has them: what the endpoints tell (nodes/admin/task-answers.ts), and those that only the editor knows,
// since they are not deployed.
import type * as answers from '../../admin/task-answers';

export type { LoggedEvent as LogEvent, Run, TaskLog as LogPage } from '../../admin/task-answers';

export type TaskState = answers.TaskState | 'undeployed';

export type Task = Omit<answers.Task, 'state'> & { state: TaskState };

export type TaskJob = answers.TaskJob;

export interface Progress {
  bytes?: number;
  totalBytes?: number;
  /** 0–100 */
  percent?: number;
  /** Bytes a second. */
  rate?: number;
  etaSeconds?: number;
}

export type Pause = NonNullable<Task['pause']>;

export interface TaskList {
  seq: number;
  now: string;
  tasks: Task[];
}

export type Level = answers.LoggedEvent['level'];
