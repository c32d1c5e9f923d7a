// What each control message does. They start nothing that a person would call a run, and complete whatever comes of them;
// what is wrong with one is said on output 2. How they are recognised is `control-message.ts`.
import { toZfsFlowError } from '../../src/base/errors';
import type { EventInput } from '../../src/base/events';
import type { Attachment } from '../../src/jobs/registry';
import type { Control } from './control-message';
import type { Ticket } from './job-registry';
import type { FlowMessage } from './red';
import type { Reports } from './reports';
import type { Done, Requests, Work } from './requests';
import type { TaskDefinition } from './task-definition';

export interface ControlSettings<O, R> {
  definition: TaskDefinition<O, R>;
  attachment: Attachment<Ticket>;
  reports: Reports;
  requests: Requests<O, R>;
  enabled: boolean;
  /** The next run of the schedule. */
  next: () => Date | null;
}

type ProtectionControl = Extract<Control, { action: 'protections' | 'release' }>;

export class Controls<O, R> {
  constructor(private readonly settings: ControlSettings<O, R>) {}

  async handle(control: Control, msg: FlowMessage, done: Done): Promise<void> {
    const { attachment, reports } = this.settings;
    switch (control.action) {
      case 'protections':
      case 'release':
        await this.protections(control, msg, done);
        return;
      case 'cancel':
        attachment.cancel(control.jobId);
        break;
      case 'speedLimit':
        attachment.setSpeedLimit(control.bytesPerSecond);
        break;
      case 'status':
        reports.say(this.status(), msg);
        break;
      case 'unknown':
        reports.say({ event: 'warning', level: 'warn', message: `control message: ${control.problem}` }, msg);
        break;
    }
    done();
  }

  /** A job of its own, which answers with an event. */
  private async protections(control: ProtectionControl, msg: FlowMessage, done: Done): Promise<void> {
    const { definition, requests, reports } = this.settings;
    const { protections, release } = definition;
    try {
      if (protections === undefined || release === undefined) throw new Error('this node leaves no protections');
      const request = await requests.resolve(msg, done);
      const { options } = request;
      const common = { key: control, overlap: 'queue', present: () => ({ payload: undefined }) } as const;
      if (control.action === 'protections') {
        const run: Work['run'] = (hosts, ctx) => protections(options, hosts, ctx);
        requests.submit(request, { ...common, control: 'protections', uses: [], run });
      } else {
        const run: Work['run'] = (hosts, ctx) => release(options, control.dstId, hosts, ctx);
        // What is let go must not be what a run relies on right now.
        const uses = definition.uses(options).map((use) => ({ ...use, access: 'write' as const }));
        requests.submit(request, { ...common, control: 'released', uses, run });
      }
    } catch (thrown) {
      const { code, message } = toZfsFlowError(thrown);
      reports.say({ event: 'warning', level: 'warn', message: `${control.action}: ${message}`, code }, msg);
      done();
    }
  }

  private status(): EventInput {
    const { attachment, requests, enabled } = this.settings;
    const jobs = requests.runs();
    const running = jobs.filter((job) => job.state === 'running');
    const waiting = jobs.filter((job) => job.state !== 'running');
    const next = this.settings.next()?.toISOString() ?? null;
    const last = attachment.last() ?? null;
    const message = `${running.length} running, ${waiting.length} waiting`;
    return { event: 'status', level: 'info', message, enabled, running, waiting, last, next };
  }
}
