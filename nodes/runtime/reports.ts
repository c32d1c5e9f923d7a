// How one instance of an action node passes on what its jobs report: events to output 2 and the runtime's log, outcomes
// to outputs 1 and 3, Complete and Catch. Also for jobs that a former instance started.
import type { NodeMessage } from 'node-red';
import type { EventInput, JobEvent, LogLevel } from '../../src/base/events';
import { toZfsFlowError, type ZfsFlowError } from '../../src/base/errors';
import { isShown } from '../../src/jobs/events';
import type { JobInfo, Outcome } from '../../src/jobs/job';
import type { Reporter } from '../../src/jobs/owner';
import { errorMessage, logMessage, partMessage } from './messages';
import type { FlowMessage, Red, RuntimeNode } from './red';
import type { Ticket } from './job-registry';

export interface ReportSettings {
  RED: Red;
  node: RuntimeNode;
  /** Name of the node, or its id. */
  task: string;
  logLevel: LogLevel;
  /** Stands for this instance in tickets. */
  instance: object;
  failedPayload(partial: object | undefined, error: ZfsFlowError, jobId: string | undefined): unknown;
  /** Something changed that the status may show. */
  changed(): void;
  /** A run is over; once, however many messages share it. */
  ended(outcome: Outcome, job: JobInfo): void;
  /** Every event, whatever the log level. */
  keep(event: JobEvent): void;
}

/**
 * Events after which the status changes again in the same moment, while what is shown is shown for a second: a queued run
 * starts as a rule, and `ended` follows the last event.
 */
const BRIEF: ReadonlySet<string> = new Set(['queued', 'finished', 'failed', 'cancelled', 'skipped']);

/** Messages of a sequence that are sent before other work gets its turn. */
const BATCH = 200;

export class Reports implements Reporter<Ticket> {
  constructor(private readonly settings: ReportSettings) {}

  event(event: JobEvent, _job: JobInfo, tickets: readonly Ticket[]): void {
    const [ticket] = tickets;
    // Of a control message's job only what it says by itself is told: it starts nothing that a person would call a run.
    if (ticket?.control !== undefined && event.event !== 'warning' && event.event !== 'command') return;
    this.settings.keep(event);
    if (!BRIEF.has(event.event)) this.settings.changed();
    if (!isShown(event.level, this.settings.logLevel)) return;
    this.send(1, logMessage(this.settings.RED, this.settings.node.type, event, ticket?.msg));
    this.log(event);
  }

  ended(outcome: Outcome, job: JobInfo, ticket: Ticket, index: number): void {
    if (ticket.control !== undefined) {
      this.answer(outcome, ticket.control, job, ticket);
      return;
    }
    if (index === 0) this.settings.ended(outcome, job);
    if (outcome.state === 'finished') this.succeed(outcome.result, ticket, index);
    else if (outcome.state !== 'skipped') this.fail(ticket, outcome.error, this.own(outcome.partial, index), job.jobId);
    // Skipped: neither a success nor an error, so neither Complete nor Catch; the event said it.
  }

  /** Output 3 and Catch, once. */
  fail(ticket: Pick<Ticket, 'msg' | 'done' | 'instance'>, error: ZfsFlowError, partial?: object, jobId?: string): void {
    const { msg } = ticket;
    this.send(2, errorMessage(msg, error, this.settings.failedPayload(partial, error, jobId)));
    this.complete(ticket, error);
  }

  /** An event that no job said: an answer to a control message, a schedule tick that was skipped. */
  say(event: EventInput, msg?: FlowMessage, jobId = ''): void {
    const whole = this.note(event, jobId);
    this.send(1, logMessage(this.settings.RED, this.settings.node.type, whole, msg));
    this.log(whole);
  }

  /** The same, where nobody has asked: by the log level. */
  tell(event: EventInput): void {
    if (isShown(event.level, this.settings.logLevel)) this.say(event);
    else this.note(event);
  }

  /** For the log that people look at, and not for the flow. */
  note(event: EventInput, jobId = ''): JobEvent {
    const whole: JobEvent = { ...event, time: new Date().toISOString(), jobId, task: this.settings.task };
    this.settings.keep(whole);
    return whole;
  }

  private succeed(result: unknown, ticket: Ticket, index: number): void {
    const shown = ticket.present(this.own(result, index));
    if ('sequence' in shown) {
      this.sendSequence(shown.sequence, ticket).catch((thrown: unknown) => {
        this.complete(ticket, toZfsFlowError(thrown));
      });
      return;
    }
    ticket.msg.payload = shown.payload;
    this.send(0, ticket.msg);
    this.complete(ticket);
  }

  /** Messages that share a run must not share an object: the flows behind them may change it. */
  private own<V>(value: V, index: number): V {
    return index === 0 ? value : this.settings.RED.util.cloneMessage({ payload: value }).payload;
  }

  private async sendSequence(items: readonly unknown[], ticket: Ticket): Promise<void> {
    const { RED } = this.settings;
    const id = RED.util.generateId();
    const count = items.length;
    for (let start = 0; start < count; start += BATCH) {
      // So many messages at once would stop everything else in this process.
      if (start > 0) await new Promise((resolve) => setImmediate(resolve));
      items.slice(start, start + BATCH).forEach((item, offset) => {
        this.send(0, partMessage(RED, ticket.msg, item, { id, index: start + offset, count }));
      });
    }
    this.complete(ticket);
  }

  private answer(outcome: Outcome, event: 'protections' | 'released', job: JobInfo, ticket: Ticket): void {
    if (outcome.state === 'finished') {
      const items = outcome.result as readonly object[];
      const message = `${items.length} ${event === 'released' ? 'let go' : 'found'}`;
      this.say({ event, level: 'info', message, items }, ticket.msg, job.jobId);
    } else if (outcome.state !== 'skipped') {
      const { code, message } = outcome.error;
      this.say({ event: 'warning', level: 'warn', message, code }, ticket.msg, job.jobId);
    }
    this.complete(ticket);
  }

  private complete(ticket: Pick<Ticket, 'msg' | 'done' | 'instance'>, error?: Error): void {
    if (ticket.instance === this.settings.instance) ticket.done(error);
    else this.settings.node._complete(ticket.msg, error);
  }

  private send(output: 0 | 1 | 2, message: NodeMessage): void {
    const outputs: (NodeMessage | null)[] = [null, null, null];
    outputs[output] = message;
    this.settings.node.send(outputs);
  }

  private log({ event, level, message }: JobEvent): void {
    const { node } = this.settings;
    // The failure itself is logged by the runtime, unless a Catch node takes it; progress would fill the log.
    if (event === 'failed') return;
    if (event === 'progress') node.trace(message);
    else if (level === 'error' || level === 'warn') node.warn(message);
    else if (level === 'info') node.log(message);
    else node.debug(message);
  }
}
