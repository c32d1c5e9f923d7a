// Inputs of **T** fields: a literal of its own kind, or a value from msg, flow, global, env or JSONata. Stores `field` and
// `fieldType`; list literals are kept as real JSON arrays.
import type { FieldTable } from '../../src/options/field';
import { FIELDS } from '../fields';
import { TYPED_SOURCES } from '../node-options';
import type { Dialog } from './dialog';
import { textOf } from './dialog';
import { type Check, type Rows, textList } from './rows';

/** Node-RED fills and reads `#node-input-<field>Type`; it is made here, since it is never seen. */
function addTypeInput(dialog: Dialog, property: string): JQuery {
  const field = (FIELDS[dialog.type] as FieldTable)[property];
  const stored = dialog.node[`${property}Type`];
  const known = (TYPED_SOURCES as readonly unknown[]).includes(stored);
  return $('<input>', { type: 'hidden', id: `${dialog.prefix}${property}Type` })
    .val(known ? String(stored) : (field?.type ?? 'str'))
    .insertAfter(dialog.input(property));
}

function makeTypedInput(dialog: Dialog, property: string, literal: string | TypedInputType): JQuery {
  const input = dialog.input(property);
  const typeInput = addTypeInput(dialog, property);
  input.attr('style', 'width:100%').typedInput({
    default: textOf(typeInput),
    types: [literal, ...TYPED_SOURCES],
    typeField: `#${dialog.prefix}${property}Type`,
  });
  const name = dialog.label(property);
  const container = input.next('.red-ui-typedInput-container');
  container.find('.red-ui-typedInput-input, .red-ui-typedInput-option-trigger').attr('aria-label', name);
  container.find('.red-ui-typedInput-type-select').attr('aria-label', dialog.t('common.typed.source', { field: name }));
  return input;
}

/** A text that may come from elsewhere. */
export function typedText(dialog: Dialog, property: string): void {
  makeTypedInput(dialog, property, 'str');
}

/** A choice that may come from elsewhere; the words for the choices are `choice.<property>.<value>` in the catalogue. */
export function typedChoice(dialog: Dialog, property: string): void {
  const { choices = [] } = (FIELDS[dialog.type] as FieldTable)[property] ?? {};
  makeTypedInput(dialog, property, {
    value: 'str',
    label: dialog.t('common.typed.choice'),
    icon: 'fa fa-list-ul',
    options: choices.map((value) => ({ value, label: dialog.t(`choice.${property}.${value}`) })),
  });
}

export interface TypedListOptions {
  addLabel: string;
  itemLabel: string;
  placeholder: string;
  check: Check;
  /** Further buttons below the list; `set` replaces its rows. */
  buttons?: {
    label: string;
    icon: string;
    click: (anchor: JQuery, values: readonly string[], set: (values: readonly string[]) => void) => void;
  }[];
}

export interface TypedList {
  element: JQuery;
  rows: Rows<string>;
  /** The texts, null while they come from elsewhere. */
  values: () => string[] | null;
}

/** A list of texts that may come from elsewhere. */
export function typedList(dialog: Dialog, property: string, options: TypedListOptions): TypedList {
  const stored = dialog.value(property);
  const isLiteral = (): boolean => dialog.shown(`${property}Type`) === 'list';
  const initial = Array.isArray(stored) ? stored.map(String) : [];
  const input = dialog.input(property);
  if (Array.isArray(stored)) input.val(JSON.stringify(stored));
  makeTypedInput(dialog, property, {
    value: 'list',
    label: dialog.t('common.typed.list'),
    icon: 'fa fa-list',
    hasValue: false,
  });

  const holder = $('<div>', { class: 'zfs-typed-list' }).insertAfter(input.next('.red-ui-typedInput-container'));
  const element = $('<ol>').appendTo(holder);
  const rows = textList({
    dialog,
    element,
    initial,
    addLabel: options.addLabel,
    itemLabel: options.itemLabel,
    placeholder: options.placeholder,
    check: options.check,
    buttons: (options.buttons ?? []).map((button) => ({
      label: button.label,
      icon: button.icon,
      click: (event) =>
        button.click($(event.currentTarget as HTMLElement), rows.values(), (values) => rows.replace(values)),
    })),
  });
  dialog.onChange(() => {
    holder.toggleClass('zfs-hidden', !isLiteral());
    const text = JSON.stringify(rows.values());
    if (isLiteral() && textOf(input) !== text) input.typedInput('value', text);
  });
  dialog.store(property, () => (isLiteral() ? rows.values() : input.typedInput('value')));
  return { element, rows, values: () => (isLiteral() ? rows.values() : null) };
}
