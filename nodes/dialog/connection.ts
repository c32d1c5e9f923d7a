// The choice of a machine: Node-RED's list of connections, in which the empty choice is the machine it runs on itself.
import type { Dialog } from './dialog';

/** Node-RED fills the list anew after each change of a connection, so the label is set after each `change`. */
export function connectionSelect(dialog: Dialog, property: string): void {
  const select = dialog.input(property);
  const relabel = (): void => {
    select.find('option[value="_ADD_"]').text(dialog.t('common.thisMachine'));
  };
  select.on('change', relabel);
  relabel();
  select.attr('aria-label', dialog.label(property));
}

/** The machine as a summary names it. */
export function connectionLabel(dialog: Dialog, id: string): string {
  if (id === '') return dialog.t('common.here');
  const node = RED.nodes.node(id);
  return node ? RED.utils.getNodeLabel(node, id) : id;
}
