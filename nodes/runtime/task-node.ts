// One instance of an action node: takes messages, control messages and schedule ticks, makes jobs of them, and lets a
// deploy's successor take over. What the job does is the node's definition, what comes of it `reports.ts`.
import type { Node, NodeStatus } from 'node-red';
import type { EventInput, LogLevel } from '../../src/base/events';
import type { DatasetUse, RunContext } from '../../src/base/run-context';
import type { HostResolver } from '../../src/host/host';
import { toZfsFlowError, ZfsFlowError } from '../../src/base/errors';
import type { JobInfo, Outcome } from '../../src/jobs/job';
import type { Attachment } from '../../src/jobs/registry';
import { stableHash } from '../../src/base/stable-hash';
import { readChoice, readString, type RawOptions } from '../../src/options/read';
import type { Control } from './control-message';
import { controlOf } from './control-message';
import { forgetDeployed, isNewlyDeployed } from './deployed';
import { isEnding, watchForEnding } from './life-cycle';
import type { FieldTable } from '../../src/options/field';
import { FIELDS } from '../fields';
import { CREDENTIALS } from '../node-options';
import { whenFlowsStarted } from './flows-started';
import { connectionHashes, leaseHosts } from './host-leases';
import { migrate } from './migrate';
import type { Presentation } from './messages';
import { NodeSchedule } from './node-schedule';
import type { FlowMessage, NodeConfig, Red, RuntimeNode, Translate } from './red';
import { translator } from './red';
import type { Ticket } from './job-registry';
import { jobRegistry } from './job-registry';
import { Reports } from './reports';
import { StatusLine } from './status-line';
import type { Occasion, TaskDefinition } from './task-definition';
import { errorText, statusOf } from './status-text';
import { resolveFields } from './resolve-fields';

type Done = (error?: Error) => void;

/** A message with everything resolved that it refers to. */
interface Request<O> {
  msg: FlowMessage;
  done: Done;
  /** Property values, for naming the one that is wrong. */
  values: RawOptions;
  options: O;
  occasion: Occasion;
}

/** What is to be done for a request. */
interface Work {
  /** Equal for work that is the same. */
  key: unknown;
  overlap: 'skip' | 'queue';
  uses: readonly DatasetUse[];
  run: (hosts: HostResolver, ctx: RunContext) => Promise<unknown>;
  present: (result: unknown) => Presentation;
  control?: 'protections' | 'released';
}

/** Properties of the editor that change nothing of what a node does. */
const COSMETIC: ReadonlySet<string> = new Set(['x', 'y', 'z', 'g', 'l', 'wires', 'info', 'd']);

/** Milliseconds that the end of Node-RED may be delayed by; the contract says 5 seconds at most. */
const CLEAN_UP_MS = 4_000;

const LOG_LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];

export function registerTask<O, R>(RED: Red, definition: TaskDefinition<O, R>): void {
  if (definition.cleansUp === true) watchForEnding();
  function construct(this: Node, config: NodeConfig): void {
    RED.nodes.createNode(this, config);
    new TaskNode(RED, this as RuntimeNode, config, definition).open();
  }
  const names: readonly string[] = CREDENTIALS[definition.type];
  const credentials = Object.fromEntries(names.map((name) => [name, { type: 'password' as const }]));
  RED.nodes.registerType(definition.type, construct, names.length > 0 ? { credentials } : undefined);
}

class TaskNode<O, R> {
  private readonly t: Translate;
  private readonly config: Readonly<Record<string, unknown>>;
  private readonly configHash: string;
  private readonly task: string;
  private readonly reports: Reports;
  private readonly status: StatusLine;
  private readonly schedule: NodeSchedule;
  private readonly attachment: Attachment<Ticket>;
  /** Why no message can be served at all. */
  private readonly problem: ZfsFlowError | undefined;
  private readonly scheduledRuns = new WeakMap<FlowMessage, Date>();
  private readonly controlJobs = new Set<string>();
  private last: { ok: boolean; text: string } | undefined;
  private stopWaiting: () => void = () => undefined;
  private closed = false;

  constructor(
    private readonly RED: Red,
    private readonly node: RuntimeNode,
    config: NodeConfig,
    private readonly definition: TaskDefinition<O, R>,
  ) {
    this.t = translator(RED);
    this.task = node.name || node.id;
    const migrated = attempt(() => migrate(config));
    this.config = migrated.value ?? config;
    this.configHash = hashOf(RED, node, config);
    this.status = new StatusLine((status) => node.status(status));
    this.reports = new Reports({
      RED,
      node,
      task: this.task,
      logLevel: attempt(() => readChoice(this.config, 'logLevel', LOG_LEVELS, 'info')).value ?? 'info',
      instance: this,
      failedPayload: (partial, error, jobId) => this.failedPayload(partial, error, jobId),
      changed: (outcome) => this.changed(outcome),
    });
    this.schedule = new NodeSchedule(RED, node.id, this.configHash, this.enabled ? this.config : {}, (at) =>
      this.tick(at),
    );
    this.problem = migrated.error ?? this.schedule.problem;
    this.attachment = jobRegistry(RED).attach(node.id, this.configHash, this.reports);
  }

  open(): void {
    this.node.on('input', (msg: FlowMessage, _send: unknown, done: Done) => {
      // A rejection that nobody takes would end the whole process.
      this.input(msg, done).catch((thrown: unknown) => done(toZfsFlowError(thrown)));
    });
    this.node.on('close', (removed: boolean, done: () => void) => {
      const cleanedUp =
        this.definition.cleansUp === true && isEnding()
          ? this.attachment.end('cancelled: Node-RED ends', CLEAN_UP_MS)
          : undefined;
      this.close(removed);
      if (cleanedUp === undefined) done();
      else void cleanedUp.then(done);
    });
    this.stopWaiting = whenFlowsStarted(this.RED, () => {
      this.attachment.resume();
      this.schedule.start();
      this.status.begin(this.currentStatus());
      if (this.enabled && isTrue(this.config['runOnDeploy'])) {
        if (isNewlyDeployed(this.RED, this.node.id, this.configHash)) this.tick(new Date());
      }
    });
  }

  private get enabled(): boolean {
    return this.config['enabled'] !== false && this.config['enabled'] !== 'false';
  }

  /** Answers at once: what takes time goes on without this instance. */
  private close(removed: boolean): void {
    this.closed = true;
    this.stopWaiting();
    this.schedule.stop(removed);
    this.status.close();
    this.attachment.detach(removed);
    if (removed) forgetDeployed(this.RED, this.node.id);
  }

  private async input(msg: FlowMessage, done: Done): Promise<void> {
    try {
      const control = controlOf(msg);
      if (control === undefined) await this.accept(msg, done);
      else await this.control(control, msg, done);
    } catch (thrown) {
      this.refuse(msg, done, toZfsFlowError(thrown));
    }
  }

  private async accept(msg: FlowMessage, done: Done): Promise<void> {
    if (!this.enabled) throw new ZfsFlowError('DISABLED', 'this node is disabled');
    if (this.problem !== undefined) throw this.problem;
    readChoice(this.config, 'logLevel', LOG_LEVELS, 'info');
    const overlap = readChoice(this.config, 'overlap', ['skip', 'queue'] as const, 'skip');
    const request = await this.resolve(msg, done);
    const { options, occasion } = request;
    const { definition } = this;
    this.submit(request, {
      key: options,
      overlap,
      uses: definition.uses(options),
      run: (hosts, ctx) => definition.run(options, hosts, ctx, occasion),
      present: (result) => definition.present?.(result as R, options) ?? { payload: result },
    });
  }

  private readonly credential = (name: string): string => {
    const values = this.node.credentials as Readonly<Record<string, unknown>> | undefined;
    return typeof values?.[name] === 'string' ? values[name] : '';
  };

  /** Options for this message. Throws INVALID_OPTIONS. */
  private async resolve(msg: FlowMessage, done: Done): Promise<Request<O>> {
    const table = FIELDS[this.definition.type];
    const { values, dynamic } = await resolveFields(this.RED, this.node, this.config, table, msg);
    const occasion: Occasion = { msg, dynamic, scheduledAt: this.scheduledRuns.get(msg), credential: this.credential };
    return { msg, done, values, occasion, options: this.definition.parse(values, occasion) };
  }

  /** Throws BUSY, and INVALID_OPTIONS for a connection that does not exist. */
  private submit({ msg, done, values }: Request<O>, work: Work): void {
    // A deploy replaced this instance while the message's fields were looked up; like any message on its way it is lost.
    if (this.closed) return;
    const { key, control, present, overlap, uses, run } = work;
    const { hosts, release } = leaseHosts(this.RED, values);
    const spec = { task: this.task, optionsKey: stableHash({ control, key }), overlap, uses, hosts, run, release };
    const ticket: Ticket = { msg, done, present, instance: this, ...(control === undefined ? {} : { control }) };
    try {
      // Also those that are not locked: an unknown connection is refused before anything is queued.
      for (const id of this.connectionIds(values)) hosts(id);
      const { jobId } = this.attachment.submit(spec, ticket);
      if (control !== undefined) this.controlJobs.add(jobId);
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  private connectionIds(values: RawOptions): string[] {
    const table: FieldTable = FIELDS[this.definition.type];
    return Object.entries(table).flatMap(([name, field]) => (field.connection ? [readString(values, name)] : []));
  }

  /** Control messages complete, whatever comes of them; what is wrong with one is said on output 2. */
  private async control(control: Control, msg: FlowMessage, done: Done): Promise<void> {
    if (control.action === 'protections' || control.action === 'release') {
      await this.protections(control, msg, done);
      return;
    }
    if (control.action === 'cancel') this.attachment.cancel(control.jobId);
    else if (control.action === 'speedLimit') this.attachment.setSpeedLimit(control.bytesPerSecond);
    else if (control.action === 'status') this.reports.say(this.statusEvent(), msg);
    else this.reports.say({ event: 'warning', level: 'warn', message: `control message: ${control.problem}` }, msg);
    done();
  }

  private async protections(
    control: Extract<Control, { action: 'protections' | 'release' }>,
    msg: FlowMessage,
    done: Done,
  ): Promise<void> {
    const { definition } = this;
    const { protections, release } = definition;
    try {
      if (protections === undefined || release === undefined) throw new Error('this node leaves no protections');
      const request = await this.resolve(msg, done);
      const { options } = request;
      const common = { key: control, overlap: 'queue', present: () => ({ payload: undefined }) } as const;
      if (control.action === 'protections') {
        const run: Work['run'] = (hosts, ctx) => protections(options, hosts, ctx);
        this.submit(request, { ...common, control: 'protections', uses: [], run });
      } else {
        const run: Work['run'] = (hosts, ctx) => release(options, control.dstId, hosts, ctx);
        // What is let go must not be what a run relies on right now.
        const uses = definition.uses(options).map((use) => ({ ...use, access: 'write' as const }));
        this.submit(request, { ...common, control: 'released', uses, run });
      }
    } catch (thrown) {
      const { code, message } = toZfsFlowError(thrown);
      this.reports.say({ event: 'warning', level: 'warn', message: `${control.action}: ${message}`, code }, msg);
      done();
    }
  }

  private statusEvent(): EventInput {
    const jobs = this.jobs();
    const running = jobs.filter((job) => job.state === 'running');
    const waiting = jobs.filter((job) => job.state !== 'running');
    const next = this.schedule.next?.toISOString() ?? null;
    const last = this.attachment.last() ?? null;
    const message = `${running.length} running, ${waiting.length} waiting`;
    return { event: 'status', level: 'info', message, enabled: this.enabled, running, waiting, last, next };
  }

  /** Those that a person would call runs. */
  private jobs(): JobInfo[] {
    const jobs = this.attachment.jobs();
    const alive = new Set(jobs.map(({ jobId }) => jobId));
    for (const jobId of this.controlJobs) if (!alive.has(jobId)) this.controlJobs.delete(jobId);
    return jobs.filter(({ jobId }) => !this.controlJobs.has(jobId));
  }

  private refuse(msg: FlowMessage, done: Done, error: ZfsFlowError): void {
    if (error.code === 'BUSY' && this.scheduledRuns.has(msg)) {
      const message = `skipped: ${error.message}`;
      this.reports.say({ event: 'skipped', level: 'info', message, scheduledAt: msg['scheduledAt'] }, msg);
      return;
    }
    // What still runs is shown again after it has ended; a refused message leaves it alone.
    if (error.code !== 'BUSY' && error.code !== 'DISABLED') this.last = { ok: false, text: errorText(error) };
    this.changed();
    this.reports.fail({ msg, done, instance: this }, error);
  }

  /** As if a message had come in. Must not throw. */
  private tick(scheduledAt: Date): void {
    const topic = `zfs/${this.definition.type}/schedule`;
    const msg: FlowMessage = { _msgid: this.RED.util.generateId(), topic, scheduledAt: scheduledAt.toISOString() };
    this.scheduledRuns.set(msg, scheduledAt);
    this.node.receive(msg);
    this.changed();
  }

  private failedPayload(partial: object | undefined, error: ZfsFlowError, jobId: string | undefined): unknown {
    const { failed } = this.definition;
    if (failed !== undefined) return failed(partial, error, jobId);
    return partial ?? (jobId === undefined ? {} : { jobId });
  }

  private changed(outcome?: Outcome): void {
    if (outcome?.state === 'finished') {
      const summary = attempt(() => this.definition.summary(outcome.result as R, this.t));
      this.last = { ok: true, text: summary.value ?? '' };
    } else if (outcome?.state === 'failed' || outcome?.state === 'cancelled') {
      this.last = { ok: false, text: errorText(outcome.error) };
    }
    this.status.set(this.currentStatus());
  }

  private currentStatus(): NodeStatus {
    const { enabled, last, schedule } = this;
    const timeZone = attempt(() => readString(this.config, 'scheduleTimeZone')).value ?? '';
    const state = { enabled, last, jobs: this.jobs(), scheduleProblem: this.problem, next: schedule.next, timeZone };
    return statusOf(state, this.t);
  }
}

function isTrue(value: unknown): boolean {
  return value === true || value === 'true';
}

/** Equal for instances that do the same: the node's configuration and secrets and those of the connections it uses. */
function hashOf(RED: Red, node: Node, config: NodeConfig): string {
  const own = Object.fromEntries(Object.entries(config).filter(([name]) => !COSMETIC.has(name)));
  return stableHash({ own, credentials: node.credentials, connections: connectionHashes(RED, own) });
}

function attempt<T>(work: () => T): { value: T; error?: undefined } | { value?: undefined; error: ZfsFlowError } {
  try {
    return { value: work() };
  } catch (thrown) {
    return { error: toZfsFlowError(thrown) };
  }
}
