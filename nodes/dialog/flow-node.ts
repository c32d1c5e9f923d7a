// A node as flow JSON has it, and what it would change in one that is there. Pure.

/** Flow JSON with its final id. */
export interface FlowNode {
  readonly id: string;
  readonly type: string;
  readonly z?: string;
  readonly wires?: readonly (readonly string[])[];
  readonly [property: string]: unknown;
}

/** What a node of the editor has beside the properties of its type. */
const NOT_PROPERTIES: ReadonlySet<string> = new Set([
  'id',
  'type',
  'x',
  'y',
  'z',
  'g',
  'd',
  'l',
  'wires',
  'credentials',
]);
/** Properties of a node that `given` would change. */
export function differences(given: FlowNode, node: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(given).filter((name) => !NOT_PROPERTIES.has(name) && !same(given[name], node[name]));
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
