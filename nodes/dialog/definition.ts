// The parts of a definition that are the same for each node: labels, and the life of its dialog. Given by name, not spread:
// the flow library and the scorecard read the object literal itself.
import type { NodeType } from '../node-options';
import { Dialog } from './dialog';

/** Called by the editor with the node as `this`. */
export const LABELS: Readonly<Required<Pick<EditorNodeDefinition, 'outputLabels' | 'label' | 'labelStyle'>>> = {
  outputLabels(index) {
    return this._(`common.output.${['result', 'log', 'error'][index] ?? 'result'}`);
  },
  label() {
    return this.name || this._('label');
  },
  labelStyle() {
    return this.name ? 'node_label_italic' : '';
  },
};

export interface DialogLife {
  readonly prepare: (this: EditorNode) => void;
  readonly save: (this: EditorNode) => void;
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
      dialog?.save();
      dialog = null;
    },
    close() {
      dialog?.close();
      dialog = null;
    },
  };
}
