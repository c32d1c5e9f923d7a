// Naming schemas in dialogs: the lists of schemas, the presets of other tools, and what a name would look like now.
import { DEFAULT_NAMING_SCHEMA, NAMING_PRESETS, namingPreset } from '../../src/naming/presets';
import { formatSnapshotName, parseNamingSchema } from '../../src/naming/schema';
import type { Dialog } from './dialog';
import { textOf } from './dialog';
import { type Rows, textList } from './rows';
import { schemaProblem } from './checks';

/** The name that a snapshot would get now, or null for a schema or zone that is refused. */
export function previewName(schema: string, timeZone: string): string | null {
  try {
    return formatSnapshotName(parseNamingSchema(schema), new Date(), timeZone);
  } catch {
    return null;
  }
}

/** A select that offers the schemas of other tools; `choose` gets those of the chosen one. */
function presetSelect(label: string, choose: (schemas: readonly string[]) => void): JQuery {
  const select = $('<select>', { class: 'zfs-presets', 'aria-label': label });
  $('<option>', { value: '' }).text(label).appendTo(select);
  for (const preset of NAMING_PRESETS) $('<option>', { value: preset.id }).text(preset.label).appendTo(select);
  select.on('change', () => {
    const preset = namingPreset(textOf(select));
    select.val('');
    if (preset !== undefined) choose(preset.schemas);
  });
  return select;
}

/** The presets for a form with one input `namingSchema`, which takes the first schema of the chosen one. */
export function presetsForOne(dialog: Dialog): void {
  const select = presetSelect(dialog.t('common.naming.use'), ([schema]) => {
    if (schema === undefined) return;
    dialog.input('namingSchema').typedInput('type', 'str');
    dialog.input('namingSchema').typedInput('value', schema);
  });
  dialog.form.find('.zfs-naming-presets').append(select);
}

/** A list of naming schemas with the presets below it. */
export function schemaList(dialog: Dialog, element: JQuery, initial: readonly string[]): () => string[] {
  const list = textList({
    dialog,
    element,
    initial,
    addLabel: dialog.t('common.naming.add'),
    itemLabel: dialog.t('common.naming.schema'),
    placeholder: DEFAULT_NAMING_SCHEMA,
    check: schemaProblem,
  });
  addPresets(dialog, element, list);
  return () => list.values();
}

export function addPresets(dialog: Dialog, element: JQuery, list: Rows<string>): void {
  const select = presetSelect(dialog.t('common.naming.presets'), (schemas) => {
    const present = new Set(list.values());
    list.replace([...present, ...schemas.filter((schema) => !present.has(schema))]);
  });
  element.closest('.red-ui-editableList').append(select);
}
