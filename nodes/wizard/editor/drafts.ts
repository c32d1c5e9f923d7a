// What a question about machines has to bring along: the connections that are not deployed yet, as the runtime takes them
// (nodes/admin/draft-connections.ts). Keys that were made on the server wait there and are not in it.
import type { Answers } from '../../../src/wizard/answers';
import type { Machines } from './machines';

const NOT_PROPERTIES: ReadonlySet<string> = new Set(['id', 'type', 'z', 'name', 'users', 'valid', 'changed', 'dirty']);

/** Of a connection in the editor that is new or has changes, so that it is asked as it is shown. */
function draftOf(node: EditorNode): Record<string, unknown> | null {
  if (node['changed'] !== true) return null;
  const { defaults } = node['_def'] as EditorNodeDefinition;
  const names = Object.keys(defaults).filter((name) => !NOT_PROPERTIES.has(name) && node[name] !== undefined);
  const typed = Object.entries(node.credentials ?? {}).filter(([name, value]) => !name.startsWith('_') && !name.startsWith('has_') && typeof value === 'string' && value !== '__PWRD__'); // prettier-ignore
  return {
    ...Object.fromEntries(names.map((name) => [name, node[name]])),
    ...(typed.length === 0 ? {} : { credentials: Object.fromEntries(typed) }),
  };
}

/** `{}` where everything is deployed. Who brings any needs the right to connect to hosts. */
export function draftsOf(machines: Machines, ids: readonly string[]): { connections?: Record<string, object> } {
  const drafts: Record<string, object> = {};
  for (const { id, values, credentials } of machines.madeOf(ids)) {
    drafts[id] = credentials === undefined ? values : { ...values, credentials };
  }
  const undeployed = (id: string): void => {
    const node = id === '' || id in drafts ? null : RED.nodes.node(id);
    const draft = node ? draftOf(node) : null;
    if (draft === null) return;
    drafts[id] = draft;
    const jump = draft['jumpConnection'];
    if (typeof jump === 'string') undeployed(jump);
  };
  for (const id of ids) undeployed(id);
  return Object.keys(drafts).length === 0 ? {} : { connections: drafts };
}

export function connectionDrafts(machines: Machines, answers: Answers): { connections?: Record<string, object> } {
  return draftsOf(machines, [answers.sourceConnection, answers.targetConnection]);
}
