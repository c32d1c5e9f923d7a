// From a message to a job: what the message decides is looked up, the engine reads the options, the registry takes the run.
// What is done is the node's definition; what comes of it goes through `reports.ts`.
import type { DatasetUse, RunContext } from '../../src/base/run-context';
import { stableHash } from '../../src/base/stable-hash';
import type { HostResolver } from '../../src/host/host';
import type { JobInfo, StartedBy } from '../../src/jobs/job';
import type { Attachment } from '../../src/jobs/registry';
import type { FieldTable } from '../../src/options/field';
import { readString, type RawOptions } from '../../src/options/read';
import { engine } from './engine';
import { leaseHosts } from './host-leases';
import type { Ticket } from './job-registry';
import type { Presentation } from './messages';
import type { Config } from './migrate';
import type { FlowMessage, Red, RuntimeNode } from './red';
import { resolveFields } from './resolve-fields';
import type { Occasion, TaskDefinition } from './task-definition';
import { memories } from './task-memory';

export type Done = (error?: Error) => void;

/** A message with everything resolved that it refers to. */
export interface Request<O> {
  msg: FlowMessage;
  done: Done;
  /** Property values, for naming the one that is wrong. */
  values: RawOptions;
  options: O;
  occasion: Occasion;
}

/** What is to be done for a request. */
export interface Work {
  /** Equal for work that is the same. */
  key: unknown;
  overlap: 'skip' | 'queue';
  uses: readonly DatasetUse[];
  run: (hosts: HostResolver, ctx: RunContext) => Promise<unknown>;
  present: (result: unknown) => Presentation;
  control?: 'protections' | 'released';
  by?: StartedBy;
  startedBy?: string | undefined;
}

export interface RequestSettings<O, R> {
  RED: Red;
  node: RuntimeNode;
  /** Name of the node, or its id. */
  task: string;
  config: Config;
  definition: TaskDefinition<O, R>;
  attachment: Attachment<Ticket>;
  /** Stands for this instance in tickets. */
  instance: object;
}

export class Requests<O, R> {
  private readonly controlJobs = new Set<string>();
  private closed = false;

  constructor(private readonly settings: RequestSettings<O, R>) {}

  /** Options for this message. Throws INVALID_OPTIONS and UNSUPPORTED. */
  async resolve(msg: FlowMessage, done: Done, scheduledAt?: Date): Promise<Request<O>> {
    const { RED, node, config, definition } = this.settings;
    const { values, dynamic } = await resolveFields(RED, node, config, engine.fields()[definition.type], msg);
    const occasion: Occasion = {
      msg,
      dynamic,
      scheduledAt,
      credential: (name) => this.credential(name),
      turns: {
        last: () => memories.find(RED, node.id)?.turn,
        took: (turn) => memories.setTurn(memories.of(RED, node.id), turn),
      },
    };
    return { msg, done, values, occasion, options: definition.parse(values, occasion) };
  }

  /**
   * The job that it has become, or that it joined; undefined when a deploy replaced this instance while the message's
   * fields were looked up: like any message on its way it is lost. Throws BUSY, and INVALID_OPTIONS for a connection that
   * does not exist.
   */
  submit({ msg, done, values }: Request<O>, work: Work): string | undefined {
    if (this.closed) return undefined;
    const { RED, task, attachment, instance } = this.settings;
    const { key, control, present, overlap, uses, run, by = 'message', startedBy } = work;
    const { hosts, release } = leaseHosts(RED, values);
    const optionsKey = stableHash({ control, key });
    const spec = { task, optionsKey, overlap, by, startedBy, uses, hosts, run, release };
    const ticket: Ticket = { msg, done, present, instance, ...(control === undefined ? {} : { control }) };
    try {
      // Also those that are not locked: an unknown connection is refused before anything is queued.
      for (const id of this.connectionIds(values)) hosts(id);
      const { jobId } = attachment.submit(spec, ticket);
      if (control !== undefined) this.controlJobs.add(jobId);
      return jobId;
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  /** Waiting and running jobs that a person would call runs. */
  runs(): JobInfo[] {
    const jobs = this.settings.attachment.jobs();
    const alive = new Set(jobs.map(({ jobId }) => jobId));
    for (const jobId of this.controlJobs) if (!alive.has(jobId)) this.controlJobs.delete(jobId);
    return jobs.filter(({ jobId }) => !this.controlJobs.has(jobId));
  }

  /** From now on nothing is submitted. */
  close(): void {
    this.closed = true;
  }

  private credential(name: string): string {
    const values = this.settings.node.credentials as Readonly<Record<string, unknown>> | undefined;
    return typeof values?.[name] === 'string' ? values[name] : '';
  }

  private connectionIds(values: RawOptions): string[] {
    const table: FieldTable = engine.fields()[this.settings.definition.type];
    return Object.entries(table).flatMap(([name, field]) => (field.connection ? [readString(values, name)] : []));
  }
}
