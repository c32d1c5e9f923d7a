// The fields that name datasets: several, one, and those to leave out; each with a tree to choose from.
import type { Dialog } from './dialog';
import { browseDatasets } from './datasets';
import { datasetProblem, excludeProblem } from './checks';
import { connectionLabel, connectionSelect } from './connection';
import { textList } from './rows';
import { type TypedList, typedList, typedText } from './typed';

/** The section `source`: a machine, and datasets on it. */
export function sourceSection(dialog: Dialog, connection = 'connection', datasets = 'datasets'): TypedList {
  connectionSelect(dialog, connection);
  const list = datasetList(dialog, datasets, connection);
  excludeList(dialog);
  dialog.summary('source', () => {
    const machine = connectionLabel(dialog, dialog.connection(connection));
    return `${machine}: ${summarizeDatasets(dialog, list, datasets)}`;
  });
  return list;
}

/** A **T** list of datasets on the machine chosen in `connectionProperty`. */
export function datasetList(dialog: Dialog, property: string, connectionProperty: string): TypedList {
  return typedList(dialog, property, {
    addLabel: dialog.t('common.dataset.add'),
    itemLabel: dialog.t('common.dataset.one'),
    placeholder: 'tank/data',
    check: datasetProblem,
    buttons: [
      {
        label: dialog.t('common.browse.open'),
        icon: 'fa fa-sitemap',
        click: (anchor, selected, set) =>
          browseDatasets({
            dialog,
            anchor,
            connection: dialog.connection(connectionProperty),
            multiple: true,
            selected,
            done: set,
          }),
      },
    ],
  });
}

/** A **T** text that names one dataset; the form has a button `.zfs-browse-<property>` beside it. */
export function datasetText(dialog: Dialog, property: string, connectionProperty: string): void {
  typedText(dialog, property);
  const button = dialog.form.find(`.zfs-browse-${property}`);
  dialog.showWhen(`.zfs-browse-${property}`, () => dialog.shown(`${property}Type`) === 'str');
  button.on('click', (event) => {
    event.preventDefault();
    browseDatasets({
      dialog,
      anchor: button,
      connection: dialog.connection(connectionProperty),
      multiple: false,
      selected: [dialog.shown(property)],
      done: ([name]) => {
        if (name !== undefined) dialog.input(property).typedInput('value', name);
      },
    });
  });
}

/** The list of datasets and patterns to leave out, shown while `recursive` is on. */
export function excludeList(dialog: Dialog): void {
  const list = textList({
    dialog,
    element: dialog.form.find('#zfs-exclude'),
    initial: dialog.value('exclude') as string[],
    addLabel: dialog.t('common.exclude.add'),
    itemLabel: dialog.t('common.exclude.one'),
    placeholder: 'tank/data/scratch',
    check: excludeProblem,
  });
  dialog.showWhen('.zfs-exclude', () => dialog.checked('recursive') || list.values().length > 0);
  dialog.store('exclude', () => list.values());
}

/** `tank/a, tank/b (recursive)`, or where they come from. */
export function summarizeDatasets(dialog: Dialog, datasets: TypedList, property: string): string {
  const values = datasets.values();
  if (values === null) return `${dialog.shown(`${property}Type`)}.${dialog.shown(property)}`;
  if (values.length === 0) return dialog.t('common.dataset.none');
  return values.join(', ') + (dialog.checked('recursive') ? ` ${dialog.t('common.dataset.recursive')}` : '');
}
