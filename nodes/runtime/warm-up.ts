// Loads what is behind `engine.ts` ahead of the first message, a moment after the flows have started: whoever starts Node-RED
// does not wait for it, and the first run does not either. In several turns of the loop, so that no flow waits for all of it.
import { engine } from './engine';
import { guarded, whenFlowsStarted } from './life-cycle';
import type { Red } from './red';

/** What kind of node there is: what nobody needs is not loaded. */
export type Need = 'task' | 'connection';

interface Turn {
  need: Need;
  load: () => void;
}

/** Yet to be taken, in this order: ssh2, which is half of the whole, comes last. */
const turns: Turn[] = [
  { need: 'task', load: () => void [engine.snapshots(), engine.retention(), engine.localHost()] },
  { need: 'task', load: () => void [engine.replication(), engine.fields()] },
  { need: 'connection', load: () => void engine.ssh() },
];

/** Milliseconds after the start of the flows: Node-RED and the other nodes have other things to do until then. */
const DELAY = 2_000;

const needs = new Set<Need>();

/** There is such a node. Nothing happens at once, and a process that wants to end is not kept from it. */
export function warmUpFor(RED: Red, need: Need): void {
  if (needs.has(need)) return;
  needs.add(need);
  whenFlowsStarted(RED, () => {
    setTimeout(() => takeTurn(RED), DELAY).unref();
  });
}

function takeTurn(RED: Red): void {
  const next = turns.findIndex(({ need }) => needs.has(need));
  const [turn] = next < 0 ? [] : turns.splice(next, 1);
  if (turn === undefined) return;
  guarded(RED, turn.load);
  setImmediate(() => takeTurn(RED)).unref();
}
