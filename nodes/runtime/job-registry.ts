// The one job registry of this process, shared by all nodes and by all their instances over deploys.
import { JobRegistry } from '../../src/jobs/registry';
import type { Presentation } from './messages';
import type { FlowMessage, Red } from './red';
import { setting } from './red';

/** What is kept with each accepted message until its run is over. */
export interface Ticket {
  msg: FlowMessage;
  /** Belongs to the instance that received the message; see `RuntimeNode._complete` for the others. */
  done: (error?: Error) => void;
  instance: object;
  /** Sends what came of it as an event of this name, and nothing to outputs 1 and 3: a control message. */
  control?: 'protections' | 'released';
  present: (result: unknown) => Presentation;
}

let registry: JobRegistry<Ticket> | undefined;

export function jobRegistry(RED: Red): JobRegistry<Ticket> {
  if (registry === undefined) {
    const created = new JobRegistry<Ticket>();
    // A process that ends takes its transfers along; cancelled ones leave a state that can be resumed.
    process.once('exit', () => created.cancelAll('cancelled: Node-RED ends'));
    registry = created;
  }
  const limit = setting(RED, 'zfsMaxParallelJobs');
  registry.configure({
    maxParallelJobs: typeof limit === 'number' && Number.isInteger(limit) && limit > 0 ? limit : 5,
    onError: (error) =>
      RED.log.error(`zfs: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
  });
  return registry;
}
