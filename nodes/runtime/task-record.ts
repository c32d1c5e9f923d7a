// What people see of a task and may do with it (face.md §2), for one live instance: its entry in the directory, its events and
// runs, its pause, whether it is late. The node is `task-node.ts`; what survives it `directory.ts` and `task-memory.ts`.
import type { NodeStatus } from 'node-red';
import { ZfsFlowError } from '../../src/base/errors';
import type { EventInput, JobEvent } from '../../src/base/events';
import type { JobInfo, Outcome, StartedBy } from '../../src/jobs/job';
import { refusedRun, summaryOf } from '../../src/jobs/run-summary';
import { readString } from '../../src/options/read';
import { attempt } from './attempt';
import { directory, type LiveTask } from './directory';
import type { Config } from './migrate';
import type { NodeSchedule } from './node-schedule';
import type { Red, RuntimeNode } from './red';
import type { ActionType } from './task-definition';
import { describePause, memories, pauseOf } from './task-memory';
import type { TaskSettings } from './task-settings';
import { TaskWatch } from './task-watch';

export interface RecordSettings {
  RED: Red;
  node: RuntimeNode;
  type: ActionType;
  settings: TaskSettings;
  problem: ZfsFlowError | undefined;
  schedule: NodeSchedule;
  jobs: () => JobInfo[];
  status: () => NodeStatus;
  /** Says something on output 2, by the log level. */
  tell: (event: EventInput) => void;
  /** Puts something into the log that people look at, and nowhere else. */
  note: (event: EventInput) => void;
  /** The status may be another. */
  changed: () => void;
  run: (startedBy: string) => Promise<string>;
  cancel: (jobId?: string) => number;
}

export class TaskRecord implements LiveTask {
  readonly id: string;
  readonly type: ActionType;
  readonly node: RuntimeNode;
  readonly config: Config;
  readonly off: boolean;
  readonly problem: ZfsFlowError | undefined;
  readonly jobs: () => JobInfo[];
  readonly status: () => NodeStatus;
  readonly run: (startedBy: string) => Promise<string>;
  readonly cancel: (jobId?: string) => number;
  private readonly RED: Red;
  private readonly watch: TaskWatch;

  constructor(private readonly settings: RecordSettings) {
    const { RED, node, type, problem, schedule } = settings;
    const { config, off, alertAfter } = settings.settings;
    this.RED = RED;
    this.node = node;
    this.id = node.id;
    this.type = type;
    this.config = config;
    this.off = off;
    this.problem = problem;
    this.jobs = settings.jobs;
    this.status = settings.status;
    this.run = settings.run;
    this.cancel = settings.cancel;
    this.watch = new TaskWatch({
      RED,
      id: this.id,
      off,
      alertAfter,
      scheduleText: schedule.text,
      schedule: () => schedule.rule,
      tell: settings.tell,
      changed: settings.changed,
    });
    directory.enter(this);
  }

  /** All nodes of the deploy are there: what is told reaches somebody. */
  start(): void {
    this.watch.start();
  }

  /** Undefined where there is nothing to wait for. */
  close(removed: boolean): Promise<void> | undefined {
    this.watch.stop();
    directory.leave(this, removed);
    return memories.save();
  }

  next(): Date | null {
    return this.settings.schedule.next;
  }

  timeZone(): string {
    return attempt(() => readString(this.config, 'scheduleTimeZone')).value ?? '';
  }

  late(): { since: string; missed: number } | undefined {
    return this.watch.late();
  }

  get isPaused(): boolean {
    return this.pause !== undefined;
  }

  /** It is deployed, be it disabled: what is remembered of others is forgotten. */
  get isKnown(): boolean {
    return memories.find(this.RED, this.id) !== undefined;
  }

  private get pause(): ReturnType<typeof pauseOf> {
    return pauseOf(memories.find(this.RED, this.id), Date.now());
  }

  /** Why a message is not served. */
  pauseError(): ZfsFlowError | undefined {
    const { pause } = this;
    if (pause === undefined) return undefined;
    const details = { pause };
    return new ZfsFlowError('DISABLED', `this task is ${describePause(pause)}`, { hint: PAUSE_HINT, details });
  }

  pauseChanged(message: string): void {
    this.settings.note({ event: 'status', level: 'info', message });
    this.watch.ask();
    this.settings.changed();
  }

  event(event: JobEvent): void {
    directory.history.add(this.id, event);
    directory.changed(this.id);
  }

  ended(outcome: Outcome, job: JobInfo, { text, achieved }: { text: string; achieved: boolean }): void {
    const run = summaryOf(outcome, job, text);
    if (run === null) return;
    memories.addRun(memories.of(this.RED, this.id), run, run.state === 'success' && achieved);
    this.watch.ask();
  }

  /** Node-RED ends while it runs: nobody will be there to tell how it went. */
  interrupted(job: JobInfo): void {
    if (job.state !== 'running') return;
    const error = new ZfsFlowError('CANCELLED', 'cancelled: Node-RED ended while it was running');
    const endedAt = new Date().toISOString();
    const run = summaryOf({ state: 'cancelled', error, partial: undefined }, { ...job, endedAt }, '');
    if (run !== null) memories.addRun(memories.of(this.RED, this.id), run, false);
  }

  /** A message that could not be served at all. */
  refused(error: ZfsFlowError, by: StartedBy): void {
    const { code, message } = error;
    this.settings.note({ event: 'failed', level: 'error', message, code });
    memories.addRun(memories.of(this.RED, this.id), refusedRun(error, new Date().toISOString(), by), false);
  }

  changed(): void {
    directory.changed(this.id);
  }
}

const PAUSE_HINT = 'it goes on when somebody ends the pause, or when its time is over';
