// How wide the editor draws a node. It places one by its middle and makes it as wide as its label, which only a browser can
// measure. Pure.

/** Pixels between the points that the editor places nodes at. */
const GRID = 20;
/** Of the editor's letters, and of what else a node has: its icon and its ports. */
const LETTER = 7;
const FRAME = 60;
const NARROWEST = 100;

const snap = (pixels: number): number => Math.ceil(pixels / GRID) * GRID;

/** Estimated from the label, rather too wide than too narrow. */
export const widthOf = (label: string): number => Math.max(NARROWEST, snap(FRAME + label.length * LETTER));

/** The middle of a node whose left edge is at `left`, on the grid. */
export const middleOf = (left: number, label: string): number => snap(left + widthOf(label) / 2);
