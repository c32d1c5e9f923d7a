// Control messages: recognised here, and told apart from those that ask for a run. What each does is `controls.ts`.
import { parseSize } from '../../src/options/read';
import type { FlowMessage } from './red';

export type Control =
  | { action: 'cancel'; jobId: string | undefined }
  | { action: 'speedLimit'; bytesPerSecond: number }
  | { action: 'status' }
  | { action: 'protections' }
  | { action: 'release'; dstId: string }
  /** Meant as a control message, but not understood; it must not start anything either. */
  | { action: 'unknown'; problem: string };

/** Undefined for a message that asks for a run. `msg.reset` is Node-RED's own word for `cancel`. */
export function controlOf(msg: FlowMessage): Control | undefined {
  const { control, reset } = msg;
  if (control === undefined || control === null) {
    const resets = reset !== undefined && reset !== null && reset !== false;
    return resets ? { action: 'cancel', jobId: undefined } : undefined;
  }
  if (typeof control !== 'object') return unknown(`msg.control must be an object such as {"action": "cancel"}`);
  const { action, jobId, bytesPerSecond, dstId } = control as Record<string, unknown>;
  switch (action) {
    case 'cancel':
      if (jobId === undefined || jobId === null) return { action, jobId: undefined };
      return typeof jobId === 'string' ? { action, jobId } : unknown('jobId must be a text');
    case 'speedLimit': {
      const limit = parseSize(bytesPerSecond);
      if (limit !== null) return { action, bytesPerSecond: limit };
      return unknown('bytesPerSecond must be a number of bytes, 0 = no limit');
    }
    case 'status':
    case 'protections':
      return { action };
    case 'release':
      return typeof dstId === 'string' && dstId !== ''
        ? { action, dstId }
        : unknown('dstId must name a destination; the control message "protections" lists them');
    default:
      return unknown(`there is no action ${JSON.stringify(action)}`);
  }
}

function unknown(problem: string): Control {
  return { action: 'unknown', problem };
}
