// Which tasks there are: what is deployed, and what is live. What is remembered of tasks that no flow has any more is
// forgotten after each deploy, and nothing is expected of those that a deploy has disabled.
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
  const deployed = deployedTasks(RED);
  const known = new Set([...deployed.keys(), ...directory.all().map(({ id }) => id)]);
  memories.retain(RED, known);
  for (const { id, disabled } of deployed.values()) {
    // There is no instance that would do it.
    const memory = disabled ? memories.find(RED, id) : undefined;
    if (memory !== undefined) memories.rest(memory);
  }
  for (const id of directory.history.ids()) if (!known.has(id)) directory.history.forget(id);
}
