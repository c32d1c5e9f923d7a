// Where each source has its copy, for dialogs that name sources and a target: in the form, and as the name of a node that has none.
import { commonPath, mapDataset } from '../../src/zfs/mapping';
import type { Dialog } from './dialog';
import type { TypedList } from './typed';

/** How many landing places the dialog lists. */
const MAX_LANDINGS = 6;

/** What a node without a name is called: `tank/data → backup/data`, '' while source or target is not known. */
export function suggestedName(node: EditorNode): string {
  const { sourceDatasets: sources, targetDataset: target } = node;
  if (!Array.isArray(sources) || sources.length === 0 || typeof target !== 'string' || target === '') return '';
  if ((node['targetDatasetType'] ?? 'str') !== 'str') return '';
  const [first] = sources as string[];
  return `${first ?? ''}${sources.length > 1 ? ' …' : ''} → ${target}`;
}

/** Where each source will be on the target, below `intro`; shown as soon as both are known. */
export function showLandings(dialog: Dialog, sources: TypedList, intro: string): void {
  const holder = dialog.form.find('.zfs-landings');
  dialog.onChange(() => {
    const names = sources.values()?.filter((name) => name !== '') ?? [];
    const target = dialog.shown('targetDataset');
    const known = names.length > 0 && target !== '' && dialog.shown('targetDatasetType') === 'str';
    holder.empty().toggleClass('zfs-hidden', !known);
    if (!known) return;
    const common = commonPath(names);
    $('<div>').text(intro).appendTo(holder);
    const list = $('<ul>').appendTo(holder);
    for (const name of names.slice(0, MAX_LANDINGS)) {
      $('<li>', { class: 'zfs-mono' })
        .text(`${name} → ${mapDataset(name, common, target)}`)
        .appendTo(list);
    }
    if (names.length > MAX_LANDINGS) $('<li>').text('…').appendTo(list);
    if (dialog.checked('recursive')) $('<div>').text(dialog.t('common.landing.recursive')).appendTo(holder);
  });
}
