// The life of a node's dialog, as its definition gives it to Node-RED: built when it opens, saved or dropped when it closes.
import type { NodeType } from '../node-options';
import { Dialog } from './dialog';

export interface DialogLife {
  readonly prepare: (this: EditorNode) => void;
  /** `true`: changed, also where no property is another. */
  readonly save: (this: EditorNode) => boolean;
  readonly close: (this: EditorNode) => void;
}

/** `build` wires the inputs of a dialog that was just opened. Only one dialog of a type is open at a time. */
export function dialogOf(type: NodeType, build: (open: Dialog) => void): DialogLife {
  let dialog: Dialog | null = null;
  return {
    prepare() {
      dialog = new Dialog(this, type);
      build(dialog);
    },
    save() {
      const changed = dialog?.save() ?? false;
      dialog = null;
      return changed;
    },
    close() {
      dialog?.close();
      dialog = null;
    },
  };
}
