// The choice of a jump connection: those that do not come back here, and no buttons. Node-RED would put a second dialog of
// this very kind over the first, with the same ids in it.
import type { Dialog } from '../../dialog/dialog';

/** Whether the jump connections of `id` lead to `to`. */
function leadsTo(id: string, to: string): boolean {
  const seen = new Set<string>();
  for (let at = id; at !== '' && !seen.has(at);) {
    if (at === to) return true;
    seen.add(at);
    const next = RED.nodes.node(at)?.['jumpConnection'];
    at = typeof next === 'string' ? next : '';
  }
  return false;
}

/** A connection that leads back to itself, or through one that is not there, can never be used. */
export const jumpValidator: EditorValidator = function (value, _nodeRed) {
  if (typeof value !== 'string' || value === '' || value === '_ADD_') return true;
  if (leadsTo(value, this.id)) return this._('invalid.jumpCircle');
  return (RED.nodes.node(value) ?? null) === null ? this._('invalid.noJump') : true;
};

/** Node-RED fills the list anew after each change of a connection, so it is gone over after each `change`. */
export function jumpSelect(dialog: Dialog): void {
  const select = dialog.input('jumpConnection');
  const goOver = (): void => {
    select.find('option').each((_, option) => {
      const id = $(option).attr('value') ?? '';
      if (id === '_ADD_') $(option).text(dialog.t('jumpConnection.none'));
      // What is stored is shown, also when it is wrong.
      else if (id !== dialog.node['jumpConnection'] && leadsTo(id, dialog.node.id)) $(option).remove();
    });
  };
  select.on('change', goOver);
  goOver();
  select.attr('aria-label', dialog.label('jumpConnection'));
  for (const button of ['add', 'edit']) $(`#${dialog.prefix}btn-jumpConnection-${button}`).remove();
}
