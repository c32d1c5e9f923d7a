// Choosing datasets from a tree of what a machine really has. Reads the list through the runtime; stores nothing.
import { ask, isRefusal } from './admin';
import type { Dialog } from './dialog';
import { textOf } from './dialog';

interface DatasetEntry {
  name: string;
  type: string;
}

interface BrowseOptions {
  dialog: Dialog;
  anchor: JQuery;
  /** Connection id, '' = the machine that runs Node-RED. */
  connection: string;
  multiple: boolean;
  selected: readonly string[];
  done: (names: string[]) => void;
}

/** A tree of so many is shown whole; a larger one down to what is chosen. */
const MAX_EXPANDED = 40;

interface DatasetItem extends TreeListItem {
  id: string;
  children?: DatasetItem[];
}

/** Datasets as a tree; the pools are its roots. A parent that is not listed itself is not shown. */
function treeOf(entries: readonly DatasetEntry[], options: BrowseOptions): DatasetItem[] {
  const chosen = new Set(options.selected);
  const items = new Map<string, DatasetItem>();
  const roots: DatasetItem[] = [];
  for (const { name, type } of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const slash = name.lastIndexOf('/');
    const parent = slash < 0 ? undefined : items.get(name.slice(0, slash));
    const item: DatasetItem = {
      id: name,
      label: parent === undefined ? name : name.slice(slash + 1),
      icon: slash < 0 ? 'fa fa-database' : type === 'volume' ? 'fa fa-hdd-o' : 'fa fa-folder-o',
      selected: chosen.has(name),
      expanded:
        entries.length <= MAX_EXPANDED || slash < 0 || [...chosen].some((other) => other.startsWith(`${name}/`)),
      ...(options.multiple ? { checkbox: true } : { radio: 'zfs-browse' }),
    };
    items.set(name, item);
    if (parent === undefined) roots.push(item);
    else (parent.children ??= []).push(item);
  }
  return roots;
}

function flatten(items: readonly DatasetItem[]): DatasetItem[] {
  return items.flatMap((item) => [item, ...flatten(item.children ?? [])]);
}

/** Opens the tree below `anchor`; `done` gets the chosen names when the user accepts. */
export function browseDatasets(options: BrowseOptions): void {
  const { dialog } = options;
  const content = $('<div>', { class: 'zfs-browse' });
  const search = $('<input>', {
    type: 'text',
    placeholder: dialog.t('common.browse.search'),
    'aria-label': dialog.t('common.browse.search'),
  }).appendTo(content);
  const body = $('<div>', { class: 'zfs-browse-tree' }).appendTo(content);
  const note = $('<div>', { class: 'zfs-browse-note', role: 'status' })
    .text(dialog.t('common.browse.loading'))
    .appendTo(body);
  const footer = $('<div>', { class: 'zfs-browse-footer' }).appendTo(content);
  const panel = RED.popover.panel(content);
  const button = (label: string, primary: boolean): JQuery =>
    $('<button>', { type: 'button', class: `red-ui-button${primary ? ' primary' : ''}` })
      .text(label)
      .appendTo(footer);
  const hide = (): void => panel.hide(true);
  button(dialog.t('common.browse.cancel'), false).on('click', hide);
  const accept = button(dialog.t('common.browse.choose'), true).prop('disabled', true);
  panel.show({ target: options.anchor, align: 'right' });
  dialog.onClose(hide);
  search.trigger('focus');

  const load = async (): Promise<void> => {
    const answer = await ask<{ datasets: DatasetEntry[] }>(
      'datasets',
      { connection: options.connection },
      (key, replacements) => dialog.t(key, replacements),
    );
    if (isRefusal(answer)) {
      note.addClass('zfs-failed').text([answer.message, answer.hint ?? ''].filter((text) => text !== '').join(' – '));
      return;
    }
    if (answer.datasets.length === 0) {
      note.text(dialog.t('common.browse.empty'));
      return;
    }
    note.remove();
    const roots = treeOf(answer.datasets, options);
    showTree(body, search, roots, options.multiple);
    accept.prop('disabled', false).on('click', () => {
      hide();
      options.done(
        flatten(roots)
          .filter((item) => item.selected === true)
          .map((item) => item.id),
      );
    });
  };
  void load();
}

function showTree(body: JQuery, search: JQuery, roots: DatasetItem[], multiple: boolean): void {
  const tree = $('<div>').css({ width: '100%', height: '100%' }).appendTo(body);
  tree.treeList({ data: roots, autoSelect: !multiple });
  search.on('input', () => {
    const wanted = textOf(search).trim().toLowerCase();
    tree.treeList('filter', wanted === '' ? null : (item) => (item.id ?? '').toLowerCase().includes(wanted));
  });
}
