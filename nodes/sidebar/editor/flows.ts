// What the editor itself knows of tasks: those in its flows, by the ids that the runtime gives or will give them (a subflow's
// by instance), which of them are not deployed as they stand here, and which node a task is.
import { NODE_TYPES } from '../../node-options';
import type { Task } from './task';

/** A look into a pool is no task; it has a row only while the runtime shows one. */
const WITHOUT_ROW = new Set(['zfs-ssh-connection', 'zfs-list-snapshots']);
const TASK_TYPES = new Set<string>(NODE_TYPES.filter((type) => type !== 'zfs-ssh-connection'));
const SUBFLOW = 'subflow:';
/** A subflow cannot hold itself, but a file that somebody edited may say so. */
const DEEPEST = 20;

export interface LocalTask {
  id: string;
  /** In a subflow its template, which serves all instances. */
  node: EditorNode;
  path: Task['path'];
  /** It, its connection or its subflow is edited and not deployed. */
  changed: boolean;
}

export function localTasks(): Map<string, LocalTask> {
  const inside = new Map<string, EditorNode[]>();
  RED.nodes.eachNode((node) => {
    if (node.z === undefined || (!TASK_TYPES.has(node.type) && !node.type.startsWith(SUBFLOW))) return;
    const siblings = inside.get(node.z);
    if (siblings === undefined) inside.set(node.z, [node]);
    else siblings.push(node);
  });
  const tasks = new Map<string, LocalTask>();
  const visit = (container: string, prefix: string, path: Task['path'], changed: boolean): void => {
    for (const node of inside.get(container) ?? []) {
      const id = `${prefix}${node.id}`;
      const isChanged = changed || node['changed'] === true;
      if (TASK_TYPES.has(node.type)) {
        tasks.set(id, { id, node, path, changed: isChanged || connectionChanged(node) });
        continue;
      }
      const subflow = RED.nodes.subflow(node.type.slice(SUBFLOW.length));
      if (subflow === null || subflow === undefined || path.length > DEEPEST) continue;
      const label = node.name || subflow.name || subflow.id;
      visit(subflow.id, `${id}-`, [...path, { id, label }], isChanged || subflow['changed'] === true);
    }
  };
  RED.nodes.eachWorkspace(({ id, label }) => visit(id, '', [{ id, label: label || id }], false));
  return tasks;
}

const CONNECTIONS = ['connection', 'sourceConnection', 'targetConnection'] as const;

function connectionChanged(node: EditorNode): boolean {
  return CONNECTIONS.some((property) => {
    const id = node[property];
    return typeof id === 'string' && id !== '' && RED.nodes.node(id)?.['changed'] === true;
  });
}

/** What the panel shows of a node that the runtime does not know yet. */
export function undeployedTask({ id, node, path }: LocalTask): Task {
  const hasTarget = node.type === 'zfs-replicate' || node.type === 'zfs-verify';
  const from = hasTarget ? endOf(node, 'sourceConnection', 'sourceDatasets') : endOf(node, 'connection', 'datasets');
  const to = hasTarget ? endOf(node, 'targetConnection', 'targetDataset') : undefined;
  return {
    id,
    type: node.type,
    name: node.name ?? '',
    path,
    state: 'undeployed',
    status: { text: '' },
    jobs: [],
    can: { run: false },
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

function endOf(node: EditorNode, connection: string, property: string): string | undefined {
  const type = node[`${property}Type`];
  if (type !== undefined && type !== 'str' && type !== 'list') return undefined;
  const value = node[property];
  const names = (Array.isArray(value) ? value : [value]).filter((name) => typeof name === 'string' && name !== '');
  if (names.length === 0) return undefined;
  const id = node[connection];
  const isHere = typeof id !== 'string' || id === '';
  const machine = isHere ? undefined : RED.nodes.node(id);
  const known = [machine?.name, machine?.['host'], id];
  const label = isHere ? 'local' : known.find((text) => typeof text === 'string' && text !== '');
  return `${String(label)}:${String(names[0])}${names.length > 1 ? ' …' : ''}`;
}

/** How what runs differs from what the editor shows. */
export type Difference = 'changed' | 'deleted' | undefined;

export interface Shown {
  task: Task;
  local: LocalTask | undefined;
  differs: Difference;
}

/** The runtime's tasks, and those that are not deployed. */
export function joined(deployed: ReadonlyMap<string, Task>, local: ReadonlyMap<string, LocalTask>): Shown[] {
  const known = [...deployed.values()].map((task): Shown => {
    const here = local.get(task.id);
    return { task, local: here, differs: here === undefined ? absence(task) : here.changed ? 'changed' : undefined };
  });
  const others = [...local.values()].filter(({ id, node }) => !deployed.has(id) && !WITHOUT_ROW.has(node.type));
  return [...known, ...others.map((one): Shown => ({ task: undeployedTask(one), local: one, differs: undefined }))];
}

/** A subflow that comes as a node type of a package has its tasks in no flow of the editor. */
function absence({ path }: Task): Difference {
  const instance = (path[1] ?? path[0])?.id ?? '';
  return (RED.nodes.node(instance) ?? null) === null ? 'deleted' : undefined;
}
