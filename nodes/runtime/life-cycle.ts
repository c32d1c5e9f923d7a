// The life of Node-RED's process, as far as the nodes have to know of it: when it has begun, when all nodes of a deploy are
// there, and whether it was asked to end.
import { startClockWatch } from '../../src/time/clock-watch';
import type { Red } from './red';

/** Called for each node type that is loaded: a clock that is set from now on is noticed, also before the first run. */
export function beginLife(): void {
  startClockWatch();
}

/** One listener for all nodes, or Node.js warns of a leak from the eleventh on. */
const waiting = new Set<() => void>();
const listening = new WeakSet<object>();

/**
 * Calls back once all nodes of a deploy exist: before that a message that a new node sends reaches nobody, and no Catch or
 * Complete node is known to the flow. Returns a function that calls it off. What the callback throws is logged.
 */
export function whenFlowsStarted(RED: Red, callback: () => void): () => void {
  if (!listening.has(RED.events)) {
    listening.add(RED.events);
    RED.events.on('flows:started', () => {
      const due = [...waiting];
      waiting.clear();
      for (const each of due) guarded(RED, each);
    });
  }
  waiting.add(callback);
  return () => void waiting.delete(callback);
}

/** Nobody is there to take an exception: it would end the whole process. */
export function guarded(RED: Red, work: () => void): void {
  try {
    work();
  } catch (error) {
    RED.log.error(`zfs: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

let ending = false;
let watching = false;

/**
 * Whether this process was asked to end. Node-RED closes its nodes then as it does at a deploy, and does not tell them why;
 * what must not be left half done has to know the difference.
 */
export const isEnding = (): boolean => ending;

/** From now on `isEnding` knows. A process that nobody else keeps from ending by a signal still ends by it. */
export function watchForEnding(): void {
  if (watching) return;
  watching = true;
  for (const signal of SIGNALS) {
    const noticed = (): void => {
      ending = true;
      if (process.listenerCount(signal) > 0) return;
      process.kill(process.pid, signal);
    };
    // Before Node-RED's own listener, which closes the nodes.
    process.prependOnceListener(signal, noticed);
  }
}
