// Which tasks there are: what is deployed, and what is live. What is remembered of tasks that no flow has any more is
// forgotten after each deploy.
import { directory } from './directory';
import { tasksOf, type FlowTask, type StoredNode } from './flow-tasks';
import { guarded } from './life-cycle';
import type { Red } from './red';
import { memories } from './task-memory';

/** What the runtime has deployed last. */
export function deployedTasks(RED: Red): Map<string, FlowTask> {
  const nodes: StoredNode[] = [];
  RED.nodes.eachNode((node) => nodes.push(node as unknown as StoredNode));
  return tasksOf(nodes);
}

const listening = new WeakSet<object>();

/** Once for all node types. */
export function watchTasks(RED: Red): void {
  if (listening.has(RED.events)) return;
  listening.add(RED.events);
  RED.events.on('flows:started', () => guarded(RED, () => tidyUp(RED)));
}

function tidyUp(RED: Red): void {
  directory.settle();
  const known = new Set([...deployedTasks(RED).keys(), ...directory.all().map(({ id }) => id)]);
  memories.retain(RED, known);
  for (const id of directory.history.ids()) if (!known.has(id)) directory.history.forget(id);
}
