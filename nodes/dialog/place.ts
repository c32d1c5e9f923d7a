// Puts nodes that were made elsewhere into the flows as one change that one undo takes back (design/editor-study.md §4). Those
// that are there already, from an earlier time, get the new properties and stay where somebody has put them. Nothing here
// deploys, and nothing touches credentials.
import { widthOf } from '../../src/flow/width';
import { differences, type FlowNode } from './flow-node';

export type { FlowNode } from './flow-node';

export interface Placed {
  readonly ok: true;
  /** Ids of what was not there before, and of what was and is different now. */
  readonly added: readonly string[];
  readonly changed: readonly string[];
}

export interface NotPlaced {
  readonly ok: false;
  /** Why, for a person; nothing was changed then. */
  readonly why: string;
}

type Translate = (key: string, values?: Record<string, unknown>) => string;

/** Pixels of Node-RED's grid; between what is on a tab and what comes below it; from its left edge; half a node. */
const GRID = 20;
const GAP = 60;
/** Left edge of what is moved. */
const LEFT = 80;
const HALF = 20;

/**
 * `nodes`: a tab that is to be made first; config nodes and others that are there already only where they are to change.
 * Properties that are not given are left as they are, or get their default. Wires between two of `nodes` are made as given,
 * all others stay. On a tab that exists, new nodes go below what is there.
 */
export function place(nodes: readonly FlowNode[], t: Translate): Placed | NotPlaced {
  const why = objection(nodes, t);
  if (why !== null) return { ok: false, why };
  const dirty = RED.nodes.dirty();
  const fresh = nodes.filter(({ id, type }) => !isThere(id, type));
  const edits = nodes.filter(({ id, type }) => type !== 'tab' && isThere(id, type)).flatMap(changesOf);
  let made: EditorImport;
  try {
    made = RED.nodes.import(settled(fresh), {
      generateIds: false,
      reimport: true,
      markChanged: true,
      applyNodeDefaults: true,
    });
  } catch (error) {
    return {
      ok: false,
      why: t('common.place.failed', { why: error instanceof Error ? error.message : String(error) }),
    };
  }
  const events = edits.map(apply);
  const links = rewire(nodes, made);
  const result = { added: fresh.map(({ id }) => id), changed: edits.map(({ node }) => node.id) };
  if (fresh.length === 0 && events.length === 0 && links.made.length + links.removed.length === 0)
    return { ok: true, ...result };
  const add: EditorHistoryEvent = {
    t: 'add',
    nodes: made.nodes.map(({ id }) => id),
    links: links.made,
    removedLinks: links.removed,
    groups: made.groups,
    junctions: made.junctions,
    workspaces: made.workspaces,
    subflows: made.subflows,
  };
  RED.history.push({ t: 'multi', dirty, events: [add, ...events] });
  RED.nodes.dirty(true);
  RED.view.redraw(true);
  show(nodes);
  return { ok: true, ...result };
}

/** Null: it can be done. Node-RED itself would put nodes anywhere. */
export function objection(nodes: readonly FlowNode[], t: Translate): string | null {
  const tabs = new Set(nodes.filter(({ type }) => type === 'tab').map(({ id }) => id));
  for (const { id, type, z } of nodes) {
    const there = type === 'tab' ? null : (RED.nodes.node(id) ?? null);
    if (there !== null && there.type !== type) {
      return t('common.place.otherType', { name: there.name || id, type: there.type });
    }
    const tab = there === null ? z : there.z;
    if (tab === undefined || tab === '') continue;
    if (there === null && (RED.nodes.subflow(tab) ?? null) !== null) return t('common.place.subflow');
    const label = labelOf(tab);
    if (label === undefined) {
      if (tabs.has(tab)) continue;
      return t('common.place.noTab');
    }
    if (RED.workspaces.isLocked(tab)) return t('common.place.locked', { tab: label });
  }
  return null;
}

/** Of a tab or a subflow that exists. */
function labelOf(id: string): string | undefined {
  return RED.nodes.workspace(id)?.label ?? RED.nodes.subflow(id)?.name;
}

function isThere(id: string, type: string): boolean {
  const found = type === 'tab' ? RED.nodes.workspace(id) : RED.nodes.node(id);
  return found !== undefined && found !== null;
}

/** A long name reaches far to both sides of the middle, which is what `x` is. */
function leftEdge({ x, name, type }: FlowNode): number {
  return Number(x) - widthOf(typeof name === 'string' && name !== '' ? name : type) / 2;
}

/** New ones that go to a tab that exists, moved below what it has; they keep their places among themselves. */
function settled(fresh: readonly FlowNode[]): FlowNode[] {
  const own = new Set(fresh.filter(({ type }) => type === 'tab').map(({ id }) => id));
  const byTab = new Map<string, FlowNode[]>();
  for (const node of fresh) {
    if (node.z === undefined || own.has(node.z) || typeof node['y'] !== 'number') continue;
    byTab.set(node.z, [...(byTab.get(node.z) ?? []), node]);
  }
  const moves = new Map<string, { x: number; y: number }>();
  for (const [tab, nodes] of byTab) {
    const bottom = bottomOf(tab);
    const top = bottom === null ? GAP : Math.ceil((bottom + GAP) / GRID) * GRID;
    const left = Math.min(...nodes.map(leftEdge));
    const highest = Math.min(...nodes.map(({ y }) => Number(y)));
    moves.set(tab, { x: Math.ceil((LEFT - left) / GRID) * GRID, y: top - highest });
  }
  return fresh.map((node) => {
    const move = moves.get(node.z ?? '');
    if (move === undefined || typeof node['y'] !== 'number') return node;
    return { ...node, x: Number(node['x']) + move.x, y: node['y'] + move.y };
  });
}

/** Null: the tab is empty. */
function bottomOf(tab: string): number | null {
  const lowest = [
    ...RED.nodes.filterNodes({ z: tab }).map(({ y, h }) => Number(y) + (Number(h) || 2 * HALF) / 2),
    ...RED.nodes.groups(tab).map(({ y, h }) => y + h),
  ];
  return lowest.length === 0 ? null : Math.max(...lowest);
}

interface Edit {
  node: EditorNode;
  values: Record<string, unknown>;
}

function changesOf(given: FlowNode): Edit[] {
  const node = RED.nodes.node(given.id);
  if (node === null || node === undefined) return [];
  const names = differences(given, node);
  return names.length === 0
    ? []
    : [{ node, values: Object.fromEntries(names.map((name) => [name, copied(given[name])])) }];
}

/** An undo gives back the object that was there: nobody else may hold it. */
function copied(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? (JSON.parse(JSON.stringify(value)) as unknown) : value;
}

/** As a dialog does it: users of config nodes, validity, what is drawn. */
function apply({ node, values }: Edit): EditorHistoryEvent {
  const changes = Object.fromEntries(Object.keys(values).map((name) => [name, node[name]]));
  const changed = node['changed'] === true;
  RED.nodes.updateConfigNodeUsers(node, { action: 'remove' });
  Object.assign(node, values);
  RED.nodes.updateConfigNodeUsers(node, { action: 'add' });
  Object.assign(node, { changed: true, dirty: true, resize: true });
  RED.editor.validateNode(node);
  for (const user of (node['users'] as EditorNode[] | undefined) ?? []) {
    RED.editor.validateNode(user);
    user['dirty'] = true;
  }
  RED.events.emit('nodes:change', node);
  return { t: 'edit', node, changes, changed };
}

/** Makes the wires among `nodes` be as given: those that were imported with their nodes, and those from or to old ones. */
function rewire(nodes: readonly FlowNode[], { links }: EditorImport): { made: EditorLink[]; removed: EditorLink[] } {
  const given = new Map(nodes.filter(({ wires }) => wires !== undefined).map((node) => [node.id, node]));
  const made = [...links];
  const removed: EditorLink[] = [];
  for (const { id, wires = [] } of given.values()) {
    const source = RED.nodes.node(id);
    if (source === null || source === undefined) continue;
    const wanted = new Set(wires.flatMap((ends, port) => ends.map((end) => `${port} ${end}`)));
    for (const link of RED.nodes.filterLinks({ source })) {
      const isWanted = wanted.delete(`${link.sourcePort} ${link.target.id}`);
      if (isWanted || !given.has(link.target.id)) continue;
      RED.nodes.removeLink(link);
      removed.push(link);
    }
    for (const one of wanted) {
      const [port = '', end = ''] = one.split(' ');
      const target = RED.nodes.node(end);
      // Somebody has moved one of them to another tab.
      if (target === null || target === undefined || target.z !== source.z) continue;
      const link = { source, sourcePort: Number(port), target };
      RED.nodes.addLink(link);
      made.push(link);
    }
  }
  return { made, removed };
}

/** Selected and in view, on the tab of the first. */
function show(nodes: readonly FlowNode[]): void {
  const shown = nodes
    .flatMap(({ id, type }) => (type === 'tab' ? [] : (RED.nodes.node(id) ?? [])))
    .filter(({ z }) => z);
  const [first] = shown;
  if (first?.z === undefined) return;
  RED.workspaces.show(first.z);
  RED.view.select({ nodes: shown.filter(({ z }) => z === first.z) });
  RED.view.reveal(first.id, true);
}
