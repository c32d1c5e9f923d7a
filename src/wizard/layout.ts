// Where the nodes of one task stand: what is said of it above, then a line from left to right, each as wide as its label.
// The editor places a node by its middle. Pure.
import type { FlowNodeJson } from '../flow/flow';
import { middleOf, widthOf } from '../flow/width';

export interface Place {
  /** Id of the tab. */
  z: string;
  /** Left edge and height of the line of the comment, which are free down to `HEIGHT` below. */
  x: number;
  y: number;
}

const LINE = 60;
/** Narrow, so that a whole task is seen beside an open sidebar. */
const GAP = 40;

/** Pixels that a task takes from top to bottom. */
export const HEIGHT = 2 * LINE;

export interface Cell {
  node: FlowNodeJson;
  wires: readonly (readonly string[])[];
  /** What the editor shows on it. */
  label: string;
}

/** `columns`: cells that stand above each other. */
export function layLine(comment: Cell, columns: readonly (readonly Cell[])[], { z, x, y }: Place): FlowNodeJson[] {
  const at = (cell: Cell, left: number, top: number): FlowNodeJson => ({
    ...cell.node,
    z,
    x: middleOf(left, cell.label),
    y: top,
    wires: cell.wires.map((one) => [...one]),
  });
  const nodes = [at(comment, x, y)];
  let left = x;
  for (const column of columns.filter(({ length }) => length > 0)) {
    nodes.push(...column.map((cell, row) => at(cell, left, y + LINE * (row + 1))));
    left += Math.max(...column.map(({ label }) => widthOf(label))) + GAP;
  }
  return nodes;
}
