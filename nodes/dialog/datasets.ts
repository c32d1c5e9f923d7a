// Choosing datasets from a tree of what a machine really has, in a panel below a button. Stores nothing.
import { ask } from './admin';
import { datasetTree } from './dataset-tree';
import type { Dialog } from './dialog';

interface BrowseOptions {
  dialog: Dialog;
  anchor: JQuery;
  /** Connection id, '' = the machine that runs Node-RED. */
  connection: string;
  multiple: boolean;
  selected: readonly string[];
  done: (names: string[]) => void;
}

/** Opens the tree below `anchor`; `done` gets the chosen names when the user accepts. */
export function browseDatasets(options: BrowseOptions): void {
  const { dialog, connection, multiple } = options;
  const content = $('<div>', { class: 'zfs-browse' });
  const panel = RED.popover.panel(content);
  let names = options.selected.filter((name) => name !== '');
  const tree = datasetTree({
    container: content,
    ask: (endpoint, question, signal) => ask(endpoint, question, (key, values) => dialog.t(key, values), signal),
    connection: () => connection,
    multiple,
    recursive: () => dialog.checked('recursive'),
    selected: names,
    changed: (chosen) => {
      names = chosen;
    },
    t: (key, values) => dialog.t(key, values),
    test: () => {
      hide();
      RED.editor.editConfig('', 'zfs-ssh-connection', connection);
    },
  });
  const hide = (): void => {
    tree.dispose();
    panel.hide(true);
  };
  const footer = $('<div>', { class: 'zfs-browse-footer' }).appendTo(content);
  const button = (label: string, primary: boolean): JQuery =>
    $('<button>', { type: 'button', class: `red-ui-button${primary ? ' primary' : ''}` })
      .text(label)
      .appendTo(footer);
  button(dialog.t('common.browse.cancel'), false).on('click', hide);
  button(dialog.t('common.browse.choose'), true).on('click', () => {
    hide();
    options.done(names);
  });
  panel.show({ target: options.anchor, align: 'right', onclose: () => tree.dispose() });
  dialog.onClose(hide);
  tree.focus();
}
