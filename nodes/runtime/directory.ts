// The tasks of this process: every live instance of an action node, those inside subflow instances each by itself. Filled by
// the instances, read by the endpoints; and what tells the editors that something has changed. Over a deploy, which closes
// and builds instances, what a closed one last said stands until its successor is there.
import type { NodeStatus } from 'node-red';
import type { ZfsFlowError } from '../../src/base/errors';
import { History } from '../../src/jobs/history';
import type { JobInfo } from '../../src/jobs/job';
import type { Config } from './migrate';
import type { RuntimeNode } from './red';
import type { ActionType } from './task-definition';

/** What a live instance tells, and can be asked to do. */
export interface LiveTask {
  readonly id: string;
  readonly type: ActionType;
  readonly node: RuntimeNode;
  /** Its properties, environment variables substituted as far as Node-RED does it. */
  readonly config: Config;
  /** Turned off in the flow. */
  readonly off: boolean;
  /** Why no message can be served. */
  readonly problem: ZfsFlowError | undefined;
  status(): NodeStatus;
  /** Waiting and running, with who or what started them. */
  jobs(): (JobInfo & { by?: string })[];
  next(): Date | null;
  /** IANA name of the zone of its schedule, '' = the machine's. */
  timeZone(): string;
  late(): { since: string; missed: number } | undefined;
  /** As if a message had come in. Resolves with the job's id when it was accepted, rejects when it was refused. */
  run(startedBy: string): Promise<string>;
  cancel(jobId?: string): number;
  /** It was paused, or goes on. */
  pauseChanged(message: string): void;
}

/** Milliseconds that a closed instance stands for its successor. */
const GAP = 10_000;

export class Directory {
  readonly history = new History();
  private readonly tasks = new Map<string, LiveTask>();
  private readonly leaving = new Map<string, NodeJS.Timeout>();
  private readonly listeners = new Set<(id: string) => void>();

  enter(task: LiveTask): void {
    this.cancelLeaving(task.id);
    this.tasks.set(task.id, task);
    this.changed(task.id);
  }

  /** `removed`: there will be no successor. */
  leave(task: LiveTask, removed: boolean): void {
    if (this.tasks.get(task.id) !== task) return;
    const gone = (): void => {
      this.leaving.delete(task.id);
      if (this.tasks.get(task.id) === task) this.tasks.delete(task.id);
      this.changed(task.id);
    };
    if (removed) {
      gone();
      return;
    }
    const timer = setTimeout(gone, GAP);
    timer.unref();
    this.leaving.set(task.id, timer);
  }

  /** All nodes of a deploy are there: nobody takes over any more. */
  settle(): void {
    for (const [id, timer] of this.leaving) {
      clearTimeout(timer);
      this.leaving.delete(id);
      this.tasks.delete(id);
      this.changed(id);
    }
  }

  get(id: string): LiveTask | undefined {
    return this.tasks.get(id);
  }

  all(): LiveTask[] {
    return [...this.tasks.values()];
  }

  /** Calls back with the id of each task that has changed in any way. Must not throw. */
  onChange(listener: (id: string) => void): void {
    this.listeners.add(listener);
  }

  changed(id: string): void {
    for (const listener of this.listeners) listener(id);
  }

  private cancelLeaving(id: string): void {
    clearTimeout(this.leaving.get(id));
    this.leaving.delete(id);
  }
}

/** Of this process, so that it survives deploys. */
export const directory = new Directory();
