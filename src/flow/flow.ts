// From the properties of nodes to flow JSON as the editor imports it: literal types beside **T** fields, defaults, places on
// the tab, wires. Knows no tool that is imported from and no wizard; both use it, the latter in the browser. Pure.
import type { Field, FieldTable, Json } from '../options/field';
import type { RawOptions } from '../options/read';
import { middleOf, widthOf } from './width';

export interface FlowNodeJson {
  [property: string]: unknown;
  id: string;
  type: string;
}

export interface NodeWriting {
  table: FieldTable;
  /**
   * `write`: every property of the table, so that what the editor shows and compares is complete. `omit`: those that differ
   * from their defaults, and the version, whose default is another thing in another release.
   */
  defaults: 'write' | 'omit';
}

/** A node with its properties in the order of its table. Throws for a property that the table does not know. */
export function flowNode(
  { id, type }: { id: string; type: string },
  values: RawOptions,
  { table, defaults }: NodeWriting,
): FlowNodeJson {
  const stranger = Object.keys(values).find((name) => !Object.hasOwn(table, name.replace(/Type$/, '')));
  if (stranger !== undefined) throw new Error(`${type} has no property "${stranger}"`);
  const node: FlowNodeJson = { id, type };
  for (const [name, field] of Object.entries(table)) {
    const value = values[name] ?? field.default;
    const from = values[`${name}Type`] ?? field.type;
    const isDefault = sameJson(value, field.default) && from === field.type;
    if (defaults === 'omit' && isDefault && name !== 'version') continue;
    node[name] = copied(value);
    if (field.typed && (defaults === 'write' || !isLiteral(field, from))) node[`${name}Type`] = from;
  }
  return node;
}

const isLiteral = (field: Field, from: unknown): boolean => from === field.type;

function sameJson(value: unknown, other: Json): boolean {
  return JSON.stringify(value) === JSON.stringify(other);
}

/** Two nodes never share a list. */
function copied(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? (JSON.parse(JSON.stringify(value)) as unknown) : value;
}

export function tabNode(id: string, label: string): FlowNodeJson {
  return { id, type: 'tab', label, disabled: false, info: '', env: [] };
}

export function commentNode(id: string, name: string, info: string): FlowNodeJson {
  return { id, type: 'comment', name, info };
}

/** A button that starts what it is wired to, and nothing else. */
export function buttonNode(id: string, name: string): FlowNodeJson {
  return {
    id,
    type: 'inject',
    name,
    props: [{ p: 'payload' }],
    repeat: '',
    crontab: '',
    once: false,
    onceDelay: 0.1,
    topic: '',
    payload: '',
    payloadType: 'date',
  };
}

/** Shows a part of what comes to it in the editor's sidebar. */
export function debugNode(id: string, name: string, complete: string): FlowNodeJson {
  return {
    id,
    type: 'debug',
    name,
    active: true,
    tosidebar: true,
    console: false,
    tostatus: false,
    complete,
    targetType: 'msg',
    statusVal: '',
    statusType: 'auto',
  };
}

/** A node and where each of its outputs leads. */
export interface Placed {
  node: FlowNodeJson;
  wires: readonly (readonly string[])[];
}

/** One line of work on a tab: what starts it on the left, what it leads to on the right, what is said of it above. */
export interface Row {
  comment?: FlowNodeJson;
  left: readonly Placed[];
  right: readonly Placed[];
}

/** Left edges of both columns; the right one begins farther to the right where the left one is wider. */
const LEFT = 60;
const RIGHT = 400;
const GAP = 40;
const TOP = 100;
const LINE = 60;
const COMMENT = 40;

/** What the editor shows on a node; one without a name has a label of its own, which is longer than its type alone. */
function labelOf({ type, name }: FlowNodeJson): string {
  return typeof name === 'string' && name !== '' ? name : type;
}

/** The nodes of the rows, one below the other on the tab `z`, none left of its edge and none over another. */
export function layRows(z: string, rows: readonly Row[]): FlowNodeJson[] {
  const nodes: FlowNodeJson[] = [];
  let y = TOP - COMMENT;
  for (const { comment, left, right } of rows) {
    if (comment !== undefined) nodes.push({ ...comment, z, x: middleOf(LEFT, labelOf(comment)), y, wires: [] });
    y += COMMENT;
    const end = Math.max(0, ...left.map(({ node }) => middleOf(LEFT, labelOf(node)) + widthOf(labelOf(node)) / 2));
    for (const [edge, column] of [[LEFT, left] as const, [Math.max(RIGHT, end + GAP), right] as const]) {
      column.forEach(({ node, wires }, line) => {
        const x = middleOf(edge, labelOf(node));
        nodes.push({ ...node, z, x, y: y + line * LINE, wires: wires.map((one) => [...one]) });
      });
    }
    y += Math.max(1, left.length, right.length) * LINE;
  }
  return nodes;
}
