// What a node and its outputs are called in the editor, where the node has nothing better to say.

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
