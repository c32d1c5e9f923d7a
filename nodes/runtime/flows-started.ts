// Calls back once all nodes of a deploy exist: before that a message that a new node sends reaches nobody, and no Catch
// or Complete node is known to the flow.
import type { Red } from './red';

/** One listener for all nodes, or Node.js warns of a leak from the eleventh on. */
const waiting = new Set<() => void>();
const listening = new WeakSet<object>();

/** Returns a function that calls it off. What the callback throws is logged. */
export function whenFlowsStarted(RED: Red, callback: () => void): () => void {
  if (!listening.has(RED.events)) {
    listening.add(RED.events);
    RED.events.on('flows:started', () => callAll(RED));
  }
  waiting.add(callback);
  return () => void waiting.delete(callback);
}

function callAll(RED: Red): void {
  const due = [...waiting];
  waiting.clear();
  for (const callback of due) {
    try {
      callback();
    } catch (error) {
      RED.log.error(`zfs: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
}
