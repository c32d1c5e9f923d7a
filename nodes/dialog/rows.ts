// Editable rows: the list of texts and the table of properties, and the base for retention rules. A row checks itself
// as it is typed, because Node-RED marks only whole inputs.
import type { Dialog } from './dialog';
import { textOf } from './dialog';

/** Why a value is refused, or null. */
export type Check<T = string> = (value: T) => string | null;

export interface Rows<T> {
  values(): T[];
  add(value: T): void;
  replace(values: readonly T[]): void;
}

export interface RowsOptions<T> {
  dialog: Dialog;
  /** The `<ol>` that becomes the list. */
  element: JQuery;
  initial: readonly T[];
  addLabel: string;
  /** What a new row begins with. */
  blank: () => T;
  /** Builds the inputs of one row and returns how to read it. */
  build: (row: JQuery, value: T) => () => T;
  buttons?: { label: string; icon: string; click: (event: JQuery.TriggeredEvent) => void }[];
}

interface RowData<T> {
  value: T;
  read?: () => T;
}

export function rows<T>(options: RowsOptions<T>): Rows<T> {
  const { dialog, element } = options;
  const add = (value: T): void => element.editableList('addItem', { value } satisfies RowData<T>);
  const all = (): RowData<T>[] =>
    element
      .editableList('items')
      .get()
      .map((item) => $(item).data('data') as RowData<T>);

  element.editableList<RowData<T>>({
    addButton: false,
    height: 'auto',
    removable: true,
    sortable: true,
    scrollOnAdd: false,
    buttons: [
      {
        label: options.addLabel,
        icon: 'fa fa-plus',
        click: () => {
          add(options.blank());
          element.children().last().find('input, select').first().trigger('focus');
        },
      },
      ...(options.buttons ?? []),
    ],
    addItem: (row, _index, data) => {
      data.read = options.build($('<div>', { class: 'zfs-row' }).appendTo(row), data.value);
      nameButtons(dialog, row);
      dialog.changed();
    },
    removeItem: () => dialog.changed(),
    sortItems: () => dialog.changed(),
  });
  for (const value of options.initial) add(value);
  dialog.onChange(() => {
    element.closest('.red-ui-editableList').toggleClass('zfs-list-empty', all().length === 0);
  });
  return {
    values: () => all().map((data) => data.read?.() ?? data.value),
    add,
    replace: (values) => {
      element.editableList('empty');
      for (const value of values) add(value);
      dialog.changed();
    },
  };
}

/** The handles that Node-RED adds have no text; screen readers need one. */
function nameButtons(dialog: Dialog, row: JQuery): void {
  const item = row.closest('li');
  item.find('.red-ui-editableList-item-remove').attr('aria-label', dialog.t('common.list.remove'));
}

/** Marks `input` while `check` refuses its text. Empty texts are refused too unless the check allows them. */
export function checkWhileTyping(dialog: Dialog, input: JQuery, check: Check): void {
  const update = (): void => {
    const problem = check(textOf(input));
    input.toggleClass('input-error', problem !== null).attr('title', problem ?? '');
  };
  input.on('change keyup paste input', update);
  dialog.onChange(update);
}

export interface TextListOptions {
  dialog: Dialog;
  element: JQuery;
  initial: readonly string[];
  addLabel: string;
  /** Accessible name of each row's input. */
  itemLabel: string;
  placeholder?: string;
  check: Check;
  buttons?: RowsOptions<string>['buttons'];
}

/** A list of texts, one a row. Several lines pasted into a row become rows. */
export function textList(options: TextListOptions): Rows<string> {
  const { dialog } = options;
  const list: Rows<string> = rows<string>({
    dialog,
    element: options.element,
    initial: options.initial,
    addLabel: options.addLabel,
    blank: () => '',
    build: (row, value) => {
      const input = $<HTMLInputElement>('<input>', {
        type: 'text',
        class: 'zfs-mono',
        placeholder: options.placeholder ?? '',
        'aria-label': options.itemLabel,
      })
        .val(value)
        .appendTo(row);
      checkWhileTyping(dialog, input, (text) => options.check(text.trim()));
      input.on('paste', (event) => {
        const lines = pastedLines(event);
        if (lines.length < 2) return;
        event.preventDefault();
        input.val(lines[0] ?? '').trigger('change');
        for (const line of lines.slice(1)) list.add(line);
      });
      return () => textOf(input).trim();
    },
    ...(options.buttons === undefined ? {} : { buttons: options.buttons }),
  });
  return { ...list, values: () => list.values().filter((text) => text !== '') };
}

function pastedLines(event: JQuery.TriggeredEvent): string[] {
  const clipboard = (event.originalEvent as ClipboardEvent | undefined)?.clipboardData;
  return (clipboard?.getData('text/plain') ?? '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

export interface PropertyTableOptions {
  dialog: Dialog;
  element: JQuery;
  initial: Readonly<Record<string, string>>;
  addLabel: string;
  namePlaceholder: string;
  valuePlaceholder: string;
  check: Check;
}

/** A table of ZFS properties: name and value. */
export function propertyTable(options: PropertyTableOptions): () => Record<string, string> {
  const { dialog } = options;
  const table = rows<[string, string]>({
    dialog,
    element: options.element,
    initial: Object.entries(options.initial),
    addLabel: options.addLabel,
    blank: () => ['', ''],
    build: (row, [name, value]) => {
      const field = (text: string, placeholder: string, label: string): JQuery =>
        $('<input>', { type: 'text', class: 'zfs-mono', placeholder, 'aria-label': label }).val(text).appendTo(row);
      const nameInput = field(name, options.namePlaceholder, dialog.t('common.property.name'));
      $('<span>', { class: 'zfs-row-text' }).text('=').appendTo(row);
      const valueInput = field(value, options.valuePlaceholder, dialog.t('common.property.value'));
      checkWhileTyping(dialog, nameInput, (text) => options.check(text.trim()));
      return () => [textOf(nameInput).trim(), textOf(valueInput)];
    },
  });
  return () => Object.fromEntries(table.values().filter(([name]) => name !== ''));
}
