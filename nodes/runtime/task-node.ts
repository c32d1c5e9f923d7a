// One instance of an action node: takes messages, control messages and schedule ticks, shows how things stand, and lets a
// deploy's successor take over. How a message becomes a job is `requests.ts`, what the job does the node's definition, what
// comes of it `reports.ts`, what people see of it `task-record.ts`.
import type { Node, NodeStatus } from 'node-red';
import { toZfsFlowError, ZfsFlowError } from '../../src/base/errors';
import { stableHash } from '../../src/base/stable-hash';
import type { JobInfo, Outcome } from '../../src/jobs/job';
import type { Reporter } from '../../src/jobs/owner';
import type { Attachment } from '../../src/jobs/registry';
import { readString } from '../../src/options/read';
import { machineZoneProblem } from '../../src/time/machine-zone';
import { CREDENTIALS } from '../node-options';
import { attempt } from './attempt';
import { controlOf } from './control-message';
import { Controls } from './controls';
import { connectionHashes } from './host-leases';
import type { Ticket } from './job-registry';
import { jobRegistry } from './job-registry';
import { watchTasks } from './known-tasks';
import { beginLife, isEnding, watchForEnding, whenFlowsStarted } from './life-cycle';
import { NodeSchedule } from './node-schedule';
import { Origins } from './origins';
import { startPing } from './ping';
import type { FlowMessage, NodeConfig, Red, RuntimeNode, Translate } from './red';
import { translator } from './red';
import { forgetDeployed, isNewlyDeployed } from './remembered';
import { Reports } from './reports';
import { Requests, type Done } from './requests';
import { StatusLine } from './status-line';
import { errorText, statusOf } from './status-text';
import type { TaskDefinition } from './task-definition';
import { TaskRecord } from './task-record';
import { readTaskSettings, type TaskSettings } from './task-settings';
import { warmUpFor } from './warm-up';

/** Properties of the editor that change nothing of what a node does. */
const COSMETIC: ReadonlySet<string> = new Set(['x', 'y', 'z', 'g', 'l', 'wires', 'info', 'd']);

/** Milliseconds that the end of Node-RED may be delayed by; the contract says 5 seconds at most. */
const CLEAN_UP_MS = 4_000;

export function registerTask<O, R>(RED: Red, definition: TaskDefinition<O, R>): void {
  beginLife();
  watchTasks(RED);
  startPing(RED);
  watchForEnding();
  function construct(this: Node, config: NodeConfig): void {
    RED.nodes.createNode(this, config);
    warmUpFor(RED, 'task');
    new TaskNode(RED, this as RuntimeNode, config, definition).open();
  }
  const names: readonly string[] = CREDENTIALS[definition.type];
  const credentials = Object.fromEntries(names.map((name) => [name, { type: 'password' as const }]));
  RED.nodes.registerType(definition.type, construct, names.length > 0 ? { credentials } : undefined);
}

class TaskNode<O, R> {
  private readonly t: Translate;
  private readonly settings: TaskSettings;
  private readonly configHash: string;
  private readonly reports: Reports;
  private readonly status: StatusLine;
  private readonly schedule: NodeSchedule;
  private readonly attachment: Attachment<Ticket>;
  private readonly requests: Requests<O, R>;
  private readonly controls: Controls<O, R>;
  /** Why no message can be served at all. */
  private readonly problem: ZfsFlowError | undefined;
  private readonly origins = new Origins();
  private readonly record: TaskRecord;
  private closed = false;
  private last: { ok: boolean; text: string } | undefined;
  private stopWaiting: () => void = () => undefined;

  constructor(
    private readonly RED: Red,
    private readonly node: RuntimeNode,
    stored: NodeConfig,
    private readonly definition: TaskDefinition<O, R>,
  ) {
    this.t = translator(RED);
    this.settings = readTaskSettings(stored);
    this.configHash = hashOf(RED, node, stored);
    const { config, off, logLevel } = this.settings;
    const task = node.name || node.id;
    this.status = new StatusLine((status) => node.status(status));
    this.schedule = new NodeSchedule(RED, node.id, this.configHash, off ? {} : config, (at) => this.tick(at));
    this.problem = this.settings.problem ?? this.schedule.problem;
    const reports = new Reports({
      RED,
      node,
      task,
      logLevel,
      instance: this,
      failedPayload: (partial, error, jobId) => this.failedPayload(partial, error, jobId),
      changed: () => this.changed(),
      ended: (outcome, job) => this.ended(outcome, job),
      keep: (event) => this.record.event(event),
    });
    const attachment = jobRegistry(RED).attach(node.id, this.configHash, reports);
    const requests = new Requests<O, R>({ RED, node, task, config, definition, attachment, instance: this });
    const next = (): Date | null => this.schedule.next;
    this.controls = new Controls({ definition, attachment, reports, requests, enabled: !off, next });
    this.reports = reports;
    this.attachment = attachment;
    this.requests = requests;
    this.record = new TaskRecord({
      RED,
      node,
      type: definition.type,
      settings: this.settings,
      problem: this.problem,
      schedule: this.schedule,
      jobs: () => requests.runs(),
      status: () => this.currentStatus(),
      tell: (event) => reports.tell(event),
      note: (event) => void reports.note(event),
      changed: () => this.changed(),
      run: (startedBy) => this.asked(startedBy),
      cancel: (jobId) => attachment.cancel(jobId),
    });
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
      const waits = [cleanedUp, this.record.close(removed)].filter((one) => one !== undefined);
      if (waits.length === 0) done();
      else void Promise.all(waits).then(() => done());
    });
    this.stopWaiting = whenFlowsStarted(this.RED, () => this.begin());
  }

  /** All nodes of the deploy are there. */
  private begin(): void {
    const { off, runOnDeploy } = this.settings;
    this.attachment.resume();
    this.schedule.start();
    const misread = this.schedule.next !== null && this.scheduleZone === '' ? machineZoneProblem() : null;
    if (misread !== null) this.node.warn(misread);
    this.record.start();
    this.status.begin(this.currentStatus());
    if (off || !runOnDeploy) return;
    if (isNewlyDeployed(this.RED, this.node.id, this.configHash)) this.tick(new Date());
  }

  private get scheduleZone(): string {
    return attempt(() => readString(this.settings.config, 'scheduleTimeZone')).value ?? '';
  }

  /** Answers at once: what takes time goes on without this instance. */
  private close(removed: boolean): void {
    this.closed = true;
    this.requests.close();
    this.stopWaiting();
    this.schedule.stop(removed);
    this.status.close();
    if (isEnding()) for (const job of this.requests.runs()) this.record.interrupted(job);
    this.attachment.detach(removed, isEnding() ? undefined : this.witness);
    if (removed) forgetDeployed(this.RED, this.node.id);
  }

  /** For the log and the runs alone: what this instance has started, and no other one takes over. */
  private get witness(): Reporter<Ticket> {
    const { record } = this;
    return {
      event: (event, _job, [ticket]) => {
        if (ticket?.control === undefined && record.isKnown) record.event(event);
      },
      ended: (outcome, job, { control }, index) => {
        if (control === undefined && index === 0 && record.isKnown) this.ended(outcome, job);
      },
    };
  }

  private async input(msg: FlowMessage, done: Done): Promise<void> {
    try {
      const control = controlOf(msg);
      if (control === undefined) await this.accept(msg, done);
      else await this.controls.handle(control, msg, done);
    } catch (thrown) {
      this.refuse(msg, done, toZfsFlowError(thrown));
    }
  }

  private async accept(msg: FlowMessage, done: Done): Promise<void> {
    if (this.settings.off) throw new ZfsFlowError('DISABLED', 'this node is disabled');
    const paused = this.record.pauseError();
    if (paused !== undefined) throw paused;
    if (this.problem !== undefined) throw this.problem;
    const { by, scheduledAt, startedBy } = this.origins.of(msg);
    const request = await this.requests.resolve(msg, done, scheduledAt);
    const { options, occasion } = request;
    const { definition } = this;
    const jobId = this.requests.submit(request, {
      key: options,
      overlap: this.settings.overlap,
      by,
      startedBy,
      uses: definition.uses(options),
      run: (hosts, ctx) => definition.run(options, hosts, ctx, occasion),
      present: (result) => definition.present?.(result as R, options) ?? { payload: result },
    });
    if (jobId === undefined) this.origins.refused(msg, CLOSED);
    else this.origins.accepted(msg, jobId);
  }

  private refuse(msg: FlowMessage, done: Done, error: ZfsFlowError): void {
    const { by, scheduledAt } = this.origins.of(msg);
    const isSkipped = error.code === 'BUSY' || error.code === 'DISABLED';
    const message = `skipped: ${error.message}`;
    if (isSkipped && scheduledAt !== undefined) {
      this.reports.say({ event: 'skipped', level: 'info', message, scheduledAt: msg['scheduledAt'] }, msg);
      return;
    }
    // What still runs is shown again after it has ended; a refused message leaves it alone.
    if (isSkipped) this.reports.note({ event: 'skipped', level: 'info', message, code: error.code });
    else {
      this.last = { ok: false, text: errorText(error) };
      this.record.refused(error, by);
    }
    this.changed();
    this.reports.fail({ msg, done, instance: this }, error);
    this.origins.refused(msg, error);
  }

  /** As if a message had come in. Must not throw. */
  private tick(scheduledAt: Date): void {
    const topic = `zfs/${this.definition.type}/schedule`;
    const msg: FlowMessage = { _msgid: this.RED.util.generateId(), topic, scheduledAt: scheduledAt.toISOString() };
    this.origins.scheduled(msg, scheduledAt);
    this.node.receive(msg);
    this.changed();
  }

  /** A person wants it to run. */
  private asked(startedBy: string): Promise<string> {
    if (this.closed) return Promise.reject(CLOSED);
    const topic = `zfs/${this.definition.type}/run`;
    const msg: FlowMessage = { _msgid: this.RED.util.generateId(), topic, startedBy };
    return this.origins.asked(msg, startedBy, () => this.node.receive(msg));
  }

  private failedPayload(partial: object | undefined, error: ZfsFlowError, jobId: string | undefined): unknown {
    const { failed } = this.definition;
    if (failed !== undefined) return failed(partial, error, jobId);
    return partial ?? (jobId === undefined ? {} : { jobId });
  }

  private ended(outcome: Outcome, job: JobInfo): void {
    const { definition } = this;
    let text = '';
    let achieved = false;
    if (outcome.state === 'finished') {
      const result = outcome.result as R;
      text = attempt(() => definition.summary(result, this.t)).value ?? '';
      achieved = attempt(() => definition.achieved?.(result) ?? true).value ?? true;
      this.last = { ok: true, text };
    } else if (outcome.state !== 'skipped') this.last = { ok: false, text: errorText(outcome.error) };
    this.record.ended(outcome, job, { text, achieved });
    this.changed();
  }

  private changed(): void {
    this.status.set(this.currentStatus());
    this.record.changed();
  }

  private currentStatus(): NodeStatus {
    const { last, schedule, problem, record } = this;
    const { off } = this.settings;
    const [paused, late, next] = [record.isPaused, record.late(), schedule.next];
    const timeZone = this.scheduleZone;
    return statusOf({ off, paused, late, problem, jobs: this.requests.runs(), last, next, timeZone }, this.t);
  }
}

/** Its successor is not there yet. */
const CLOSED = new ZfsFlowError('BUSY', 'this node is just being deployed', { hint: 'try again in a moment' });

/** Equal for instances that do the same: the node's configuration and secrets and those of the connections it uses. */
function hashOf(RED: Red, node: Node, config: NodeConfig): string {
  const own = Object.fromEntries(Object.entries(config).filter(([name]) => !COSMETIC.has(name)));
  return stableHash({ own, credentials: node.credentials, connections: connectionHashes(RED, own) });
}
