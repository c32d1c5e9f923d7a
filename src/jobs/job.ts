// One run: its state, its events, its cancellation. When it may start is `queue.ts`, who hears of it `registry.ts`.
import { AsyncLocalStorage } from 'node:async_hooks';
import { debug } from '../base/debug-log';
import type { EventInput, JobEvent } from '../base/events';
import type { DatasetUse, RunContext } from '../base/run-context';
import type { Host, HostResolver } from '../host/host';
import { toZfsFlowError, ZfsFlowError } from '../base/errors';
import type { Claim } from './claims';
import { claimsOf } from './claims';
import { EventStream } from './events';

export type JobState = 'queued' | 'waiting' | 'running' | 'finished' | 'skipped' | 'failed' | 'cancelled';

/** Thrown by a run that finds out that there was nothing for it to do: neither a result nor an error. */
export class SkipRun extends Error {
  override readonly name = 'SkipRun';
}

/** Who or what asked for a run. */
export type StartedBy = 'schedule' | 'message' | 'person';

/** What is to be run, for whom, and what it touches. */
export interface JobSpec {
  /** Name of the node, or its id where it has none. */
  task: string;
  /** Equal for runs that do the same: `stableHash` of the resolved options. */
  optionsKey: string;
  /** What a further run with the same options does while this one waits or runs. */
  overlap: 'skip' | 'queue';
  by?: StartedBy;
  /** Name of the person. */
  startedBy?: string | undefined;
  uses: readonly DatasetUse[];
  hosts: HostResolver;
  run(hosts: HostResolver, ctx: RunContext): Promise<unknown>;
  /** Called once when the job is over, however it ended. */
  release?(): void;
}

export type Outcome =
  | { state: 'finished'; result: unknown }
  | { state: 'skipped'; reason: string }
  | { state: 'failed' | 'cancelled'; error: ZfsFlowError; partial: object | undefined };

/** For the control message `status` and the status line. Times are ISO 8601 in UTC. */
export interface JobInfo {
  jobId: string;
  state: JobState;
  createdAt: string;
  startedAt?: string;
  endedAt?: string;
  /** Why it waits, a sentence. */
  waitingFor?: string;
  /** The last progress event. */
  progress?: JobEvent;
  /** Error code, when it failed or was cancelled. */
  code?: string;
  by?: StartedBy;
  startedBy?: string;
}

export interface JobSettings {
  id: string;
  group: string;
  now: () => Date;
  progressInterval: number;
  deliver: (job: Job, event: JobEvent) => void;
  ended: (job: Job, outcome: Outcome) => void;
}

/** Tells apart whose command a shared host is running: it is called within the job that wants it. */
const currentJob = new AsyncLocalStorage<Job>();

export class Job {
  readonly id: string;
  readonly group: string;
  readonly claims: readonly Claim[];
  readonly info: JobInfo;
  private readonly abort = new AbortController();
  private readonly events: EventStream;
  private readonly speedListeners: ((bytesPerSecond: number) => void)[] = [];
  private readonly unsubscribe = new Map<Host, () => void>();
  private partial: object | undefined;
  private cancelReason: string | undefined;
  /** When it started, by `performance.now()`. */
  private began: number | undefined;

  /** Throws what the host resolver throws for an unknown connection. */
  constructor(
    readonly spec: JobSpec,
    private readonly settings: JobSettings,
  ) {
    this.id = settings.id;
    this.group = settings.group;
    this.claims = claimsOf(spec.uses, spec.hosts);
    this.info = { jobId: this.id, state: 'queued', createdAt: settings.now().toISOString() };
    if (spec.by !== undefined) this.info.by = spec.by;
    if (spec.startedBy !== undefined) this.info.startedBy = spec.startedBy;
    this.enter('queued');
    this.events = new EventStream({
      jobId: this.id,
      task: spec.task,
      now: settings.now,
      progressInterval: settings.progressInterval,
      deliver: (event) => {
        if (event.event === 'progress') this.info.progress = event;
        settings.deliver(this, event);
      },
    });
  }

  get isOver(): boolean {
    return this.info.endedAt !== undefined;
  }

  /** Cancelled, though it may need a moment to end. */
  get isCancelled(): boolean {
    return this.cancelReason !== undefined;
  }

  emit(event: EventInput): void {
    this.events.emit(event);
  }

  /** Says why it waits, once per reason. */
  waits(reason: string, more: Record<string, unknown>): void {
    if (this.isOver || (this.info.state === 'waiting' && this.info.waitingFor === reason)) return;
    this.enter('waiting', `for ${reason}`);
    this.info.waitingFor = reason;
    this.emit({ event: 'waiting', level: 'info', message: `waits for ${reason}`, ...more });
  }

  /** Never rejects. */
  async start(): Promise<void> {
    if (this.isOver) return;
    this.enter('running');
    this.info.startedAt = this.settings.now().toISOString();
    this.began = performance.now();
    delete this.info.waitingFor;
    this.emit({ event: 'started', level: 'info', message: 'started' });
    const hosts: HostResolver = (connection) => this.listen(this.spec.hosts(connection));
    let outcome: Outcome;
    try {
      // `await` of a call that may throw at once: both ways of failing end here.
      const result = await currentJob.run(this, () => this.spec.run(hosts, this.context()));
      outcome = { state: 'finished', result };
    } catch (thrown) {
      outcome = this.outcomeOf(thrown);
    }
    this.end(outcome);
  }

  /** A job that has not started ends at once, a running one as soon as it has stopped. Idempotent. */
  cancel(reason: string): void {
    if (this.isOver || this.isCancelled) return;
    this.cancelReason = reason;
    const started = this.info.state === 'running';
    this.abort.abort(new ZfsFlowError('CANCELLED', reason));
    if (!started) this.end(this.outcomeOf(this.abort.signal.reason));
  }

  setSpeedLimit(bytesPerSecond: number): void {
    for (const listener of this.speedListeners) {
      try {
        listener(bytesPerSecond);
      } catch (thrown) {
        this.emit({ event: 'warning', level: 'warn', message: `the speed limit was not set: ${String(thrown)}` });
      }
    }
  }

  private enter(state: JobState, why = ''): void {
    this.info.state = state;
    debug('job %s of %s: %s %s', this.id, this.spec.task, state, why);
  }

  private context(): RunContext {
    return {
      jobId: this.id,
      task: this.spec.task,
      signal: this.abort.signal,
      now: this.settings.now,
      emit: (event) => this.emit(event),
      partial: (result) => {
        this.partial = result;
      },
      onSpeedLimit: (listener) => {
        this.speedListeners.push(listener);
      },
    };
  }

  /** Turns the commands that this job runs on `host` into `command` events. */
  private listen(host: Host): Host {
    if (!this.unsubscribe.has(host)) {
      const off = host.onCommand((line, level) => {
        if (currentJob.getStore() !== this) return;
        this.emit({ event: 'command', level, message: line, host: host.label });
      });
      this.unsubscribe.set(host, off);
    }
    return host;
  }

  private outcomeOf(thrown: unknown): Outcome {
    const { partial } = this;
    if (this.cancelReason !== undefined) {
      // Whatever a process said while it was being ended is a consequence, not the reason.
      const cause = toZfsFlowError(thrown).code === 'CANCELLED' ? {} : { cause: thrown };
      return { state: 'cancelled', error: new ZfsFlowError('CANCELLED', this.cancelReason, cause), partial };
    }
    if (thrown instanceof SkipRun) return { state: 'skipped', reason: thrown.message };
    const error = toZfsFlowError(thrown);
    return { state: error.code === 'CANCELLED' ? 'cancelled' : 'failed', error, partial };
  }

  private end(outcome: Outcome): void {
    for (const off of this.unsubscribe.values()) off();
    this.enter(outcome.state, 'error' in outcome ? outcome.error.code : '');
    this.info.endedAt = this.settings.now().toISOString();
    delete this.info.waitingFor;
    this.emit(this.lastEvent(outcome));
    this.events.close();
    this.settings.ended(this, outcome);
  }

  private lastEvent(outcome: Outcome): EventInput {
    const durationMs = this.durationMs();
    if (outcome.state === 'finished') return { event: 'finished', level: 'info', message: 'finished', durationMs };
    if (outcome.state === 'skipped') {
      return { event: 'skipped', level: 'warn', message: `skipped: ${outcome.reason}`, durationMs };
    }
    const { code, message, retryable, hint, dataset, host, field } = outcome.error;
    this.info.code = code;
    const more = { hint, dataset, host, field };
    const known = Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined));
    const level = outcome.state === 'cancelled' ? 'warn' : 'error';
    return { event: outcome.state, level, message, code, retryable, durationMs, ...known };
  }

  /** Milliseconds since it started, by a clock that nobody sets; 0 when it never did. */
  private durationMs(): number {
    return this.began === undefined ? 0 : Math.round(performance.now() - this.began);
  }
}
