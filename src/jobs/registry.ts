// All jobs of this process: accepts runs, starts them when their datasets and a place are free, hands events and
// results to the node that asked. Lives at module level, because Node-RED's deploy replaces every node.
import { randomBytes } from 'node:crypto';
import type { JobEvent } from '../base/events';
import { ZfsFlowError } from '../base/errors';
import { learnPlaces } from './claims';
import type { JobInfo, JobSpec, Outcome } from './job';
import { Job } from './job';
import type { Reporter } from './owner';
import { Owner } from './owner';
import type { Blocked } from './queue';
import { decide } from './queue';

export interface RegistryOptions {
  /** Jobs that run at the same time. */
  maxParallelJobs?: number;
  /** Milliseconds that jobs of a closed node go on without a successor. */
  orphanGrace?: number;
  /** Milliseconds between two progress events of one job. */
  progressInterval?: number;
  now?: () => Date;
  /** A reporter threw, or something else that must not end the process. */
  onError?: (thrown: unknown) => void;
}

/** What one instance of a node can do with its jobs. */
export interface Attachment<T> {
  /**
   * Accepts a run. `ticket` comes back with its outcome. With `overlap: 'queue'` it may share a run that waits.
   * Throws `BUSY` when the same run is there already, and what the host resolver throws.
   */
  submit(spec: JobSpec, ticket: T): JobInfo;
  /** Cancels one job of this node, or all of them; returns how many. */
  cancel(jobId?: string): number;
  setSpeedLimit(bytesPerSecond: number): void;
  /** Waiting and running jobs, in the order they came. */
  jobs(): JobInfo[];
  last(): JobInfo | undefined;
  /** From now on the reporter is called, first with what happened meanwhile. */
  resume(): void;
  /** Cancels all jobs of this node and resolves when they have ended, at the latest after `graceMs` milliseconds. */
  end(reason: string, graceMs: number): Promise<void>;
  /**
   * The instance is closed; `removed`: the node is gone for good, or disabled, its jobs are cancelled. `witness` hears
   * what no successor takes over.
   */
  detach(removed: boolean, witness?: Reporter<T>): void;
}

export class JobRegistry<T> {
  private readonly owners = new Map<string, Owner<T>>();
  private waiting: Job[] = [];
  private running: Job[] = [];
  private readonly learning = new Set<Job>();
  private readonly options: Required<RegistryOptions>;

  constructor(options: RegistryOptions = {}) {
    this.options = {
      maxParallelJobs: 5,
      orphanGrace: 10_000,
      progressInterval: 1_000,
      now: () => new Date(),
      onError: () => undefined,
      ...options,
    };
  }

  /** Takes effect at once; running jobs go on. */
  configure(options: Pick<RegistryOptions, 'maxParallelJobs' | 'onError'>): void {
    Object.assign(this.options, options);
    this.pump();
  }

  /**
   * A node instance takes over the jobs of its id. When its configuration is another than theirs they are cancelled;
   * their messages still end through it.
   */
  attach(id: string, configHash: string, reporter: Reporter<T>): Attachment<T> {
    const owner = this.owners.get(id) ?? new Owner<T>(id, configHash, (thrown) => this.options.onError(thrown));
    this.owners.set(id, owner);
    const changed = owner.configHash !== configHash;
    owner.adopt(reporter, configHash);
    if (changed) {
      owner.last = undefined;
      owner.cancelAll('cancelled: the node or one of its connections was changed');
    }
    return {
      submit: (spec, ticket) => this.submit(owner, spec, ticket),
      cancel: (jobId) => this.cancel(owner, jobId),
      setSpeedLimit: (bytesPerSecond) => {
        for (const job of owner.jobs.keys()) job.setSpeedLimit(bytesPerSecond);
      },
      jobs: () => [...owner.jobs.keys()].map((job) => job.info),
      last: () => owner.last,
      resume: () => {
        if (owner.isCurrent(reporter)) owner.resume();
      },
      end: async (reason, graceMs) => {
        owner.cancelAll(reason);
        await owner.idle(graceMs);
      },
      detach: (removed, witness) => {
        if (owner.isCurrent(reporter)) this.detach(owner, removed, witness);
      },
    };
  }

  /** Cancels everything; for the end of the process. */
  cancelAll(reason: string): void {
    for (const owner of this.owners.values()) owner.cancelAll(reason);
  }

  private submit(owner: Owner<T>, spec: JobSpec, ticket: T): JobInfo {
    const group = `${owner.id} ${spec.optionsKey}`;
    // One that is being cancelled is no obstacle: the new run waits until it has ended.
    const same = [...owner.jobs.keys()].filter((job) => job.group === group && !job.isCancelled);
    if (same.length > 0 && spec.overlap === 'skip') {
      throw new ZfsFlowError('BUSY', `the same run is not over yet (job ${same[0]?.id})`, {
        hint: "choose overlap 'queue' to run it again afterwards",
      });
    }
    const joined = same.find((job) => job.info.state !== 'running');
    if (joined !== undefined) {
      owner.jobs.get(joined)?.push(ticket);
      spec.release?.();
      return joined.info;
    }
    const job = new Job(spec, {
      id: this.newId(),
      group,
      now: this.options.now,
      progressInterval: this.options.progressInterval,
      deliver: (job, event) => this.deliver(owner, job, event),
      ended: (job, outcome) => this.ended(owner, job, outcome),
    });
    owner.jobs.set(job, [ticket]);
    this.waiting.push(job);
    const who = spec.startedBy === undefined ? {} : { startedBy: spec.startedBy };
    const message = spec.startedBy === undefined ? 'accepted' : `accepted, asked for by ${spec.startedBy}`;
    job.emit({ event: 'queued', level: 'info', message, ...who });
    this.pump();
    return job.info;
  }

  private cancel(owner: Owner<T>, jobId: string | undefined): number {
    if (jobId === undefined) return owner.cancelAll('cancelled on request');
    const job = [...owner.jobs.keys()].find(({ id }) => id === jobId);
    if (job === undefined || job.isCancelled) return 0;
    job.cancel('cancelled on request');
    return 1;
  }

  private detach(owner: Owner<T>, removed: boolean, witness: Reporter<T> | undefined): void {
    if (removed || owner.jobs.size === 0) {
      // Reports reach no node from here on, but claims stay taken until the jobs have really ended.
      this.owners.delete(owner.id);
      owner.abandon();
      owner.hear(witness);
      owner.cancelAll('cancelled: the node was removed or disabled');
      return;
    }
    owner.orphan(this.options.orphanGrace, () => {
      this.owners.delete(owner.id);
      owner.hear(witness);
      owner.cancelAll('cancelled: no new instance of the node took over');
    });
  }

  private deliver(owner: Owner<T>, job: Job, event: JobEvent): void {
    const info = { ...job.info };
    const tickets = owner.jobs.get(job) ?? [];
    owner.tell((reporter) => reporter.event(event, info, tickets));
  }

  private ended(owner: Owner<T>, job: Job, outcome: Outcome): void {
    this.waiting = this.waiting.filter((other) => other !== job);
    this.running = this.running.filter((other) => other !== job);
    const tickets = owner.jobs.get(job) ?? [];
    owner.remove(job);
    owner.last = job.info;
    try {
      job.spec.release?.();
    } catch (thrown) {
      this.options.onError(thrown);
    }
    tickets.forEach((ticket, index) => owner.tell((reporter) => reporter.ended(outcome, job.info, ticket, index)));
    this.pump();
  }

  /** Starts whatever may start, and tells the others why not. */
  private pump(): void {
    const { start, blocked } = decide(this.running, this.waiting, this.options.maxParallelJobs);
    this.waiting = this.waiting.filter((job) => !start.includes(job));
    this.running.push(...start);
    for (const [job, block] of blocked) this.explain(job, block);
    for (const job of start) void job.start();
  }

  private explain(job: Job, block: Blocked<Job>): void {
    if (block.reason === 'limit') {
      const limit = this.options.maxParallelJobs;
      job.waits(`a free place (${limit} jobs at once)`, { limit });
    } else if (block.reason === 'jobs') {
      const names = block.jobs.map(({ entry, dataset }) =>
        dataset === '' && entry.group === job.group ? 'the run before it' : `${entry.spec.task} (${dataset || 'all'})`,
      );
      const jobs = block.jobs.map(({ entry, dataset }) => ({ jobId: entry.id, task: entry.spec.task, dataset }));
      job.waits([...new Set(names)].join(', '), { jobs });
    } else {
      this.learn([job, ...block.with]);
    }
  }

  /** Finds out where these jobs' claims are, then looks again. */
  private learn(jobs: readonly Job[]): void {
    const fresh = jobs.filter(
      (job) => !this.learning.has(job) && job.claims.some((claim) => claim.place === undefined),
    );
    if (fresh.length === 0) return;
    for (const job of fresh) this.learning.add(job);
    void this.askPlaces(fresh);
  }

  private async askPlaces(jobs: readonly Job[]): Promise<void> {
    await learnPlaces(jobs.flatMap((job) => job.claims));
    for (const job of jobs) this.learning.delete(job);
    this.pump();
  }

  /** Short enough to type, and not in use. */
  private newId(): string {
    const taken = new Set([...this.waiting, ...this.running].map((job) => job.id));
    for (;;) {
      const id = randomBytes(5).toString('hex');
      if (!taken.has(id)) return id;
    }
  }
}
