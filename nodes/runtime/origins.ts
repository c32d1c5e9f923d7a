// Where a message comes from that an action node gets: from a flow, from its own schedule, or from a person who pressed a
// button – who wants to know what became of it. The latter two go the way of every message, so that outputs, Catch and
// Complete nodes work, and are recognised here.
import { ZfsFlowError } from '../../src/base/errors';
import type { StartedBy } from '../../src/jobs/job';
import type { FlowMessage } from './red';

export interface Origin {
  by: StartedBy;
  scheduledAt?: Date;
  /** Name of the person. */
  startedBy?: string;
}

interface Asked {
  accepted: (jobId: string) => void;
  refused: (error: ZfsFlowError) => void;
}

/** Milliseconds until a message counts as lost: a hook of the runtime may keep it. */
const PATIENCE = 15_000;

const FROM_FLOW: Origin = { by: 'message' };

export class Origins {
  private readonly known = new WeakMap<FlowMessage, Origin & Partial<Asked>>();

  scheduled(msg: FlowMessage, scheduledAt: Date): void {
    this.known.set(msg, { by: 'schedule', scheduledAt });
  }

  /** `send` hands the message to the node. Resolves with the id of its job; rejects with the reason when it is refused. */
  asked(msg: FlowMessage, startedBy: string, send: () => void): Promise<string> {
    return new Promise((resolve, reject) => {
      const lost = new ZfsFlowError('TIMEOUT', 'the run was asked for, and nothing has been heard of it');
      const timer = setTimeout(() => reject(lost), PATIENCE);
      timer.unref();
      const accepted = (jobId: string): void => {
        clearTimeout(timer);
        resolve(jobId);
      };
      const refused = (error: ZfsFlowError): void => {
        clearTimeout(timer);
        reject(error);
      };
      this.known.set(msg, { by: 'person', startedBy, accepted, refused });
      send();
    });
  }

  of(msg: FlowMessage): Origin {
    return this.known.get(msg) ?? FROM_FLOW;
  }

  accepted(msg: FlowMessage, jobId: string): void {
    this.known.get(msg)?.accepted?.(jobId);
  }

  refused(msg: FlowMessage, error: ZfsFlowError): void {
    this.known.get(msg)?.refused?.(error);
  }
}
