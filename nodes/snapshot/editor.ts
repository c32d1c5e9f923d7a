// The zfs-snapshot dialog. What its properties mean is nodes/fields.ts; taking snapshots is src/snapshots.
import type { RetentionPolicy } from '../../src/retention/plan/policy';
import { sourceSection } from '../dialog/dataset-fields';
import { defaultsOf } from '../dialog/defaults';
import { dialogOf } from '../dialog/dialog-life';
import { type Dialog, textOf } from '../dialog/dialog';
import { LABELS } from '../dialog/labels';
import { presetsForOne, previewName } from '../dialog/naming';
import { retentionPreview } from '../dialog/preview';
import { policyEditor, summarizePolicy } from '../dialog/retention';
import { propertyTable } from '../dialog/rows';
import { RUN_BUTTON } from '../dialog/run-button';
import { runningSection, scheduleSection } from '../dialog/running';
import { typedText } from '../dialog/typed';
import { userPropertyNameProblem } from '../dialog/checks';
import { timeZoneInput } from '../dialog/zones';

const TYPE = 'zfs-snapshot';

interface Hooks {
  before: string;
  after: string;
  timeout: number;
}

function namingSection(open: Dialog): void {
  typedText(open, 'namingSchema');
  timeZoneInput(open, 'timeZone');
  presetsForOne(open);
  const preview = open.form.find('.zfs-naming-preview');
  open.onChange(() => {
    const literal = open.shown('namingSchemaType') === 'str';
    const name = literal ? previewName(open.shown('namingSchema'), open.shown('timeZone')) : null;
    preview
      .text(name === null ? '' : open.t('common.naming.preview', { name }))
      .toggleClass('zfs-hidden', name === null);
  });
  open.summary('naming', () => open.shown('namingSchema'));
}

function hooksSection(open: Dialog): void {
  const stored = open.value('hooks') as Partial<Hooks>;
  const before = open.form.find('#zfs-hook-before').val(stored.before ?? '');
  const after = open.form.find('#zfs-hook-after').val(stored.after ?? '');
  const timeout = open.form.find('#zfs-hook-timeout').val(stored.timeout ?? 60);
  const read = (): Hooks => ({ before: textOf(before), after: textOf(after), timeout: Number(textOf(timeout)) });
  open.store('hooks', read);
  open.summary('hooks', () => {
    const { before, after } = read();
    const set = [before === '' ? '' : open.t('hooks.before'), after === '' ? '' : open.t('hooks.after')];
    return set.filter((part) => part !== '').join(', ') || open.t('hooks.none');
  });
}

function retentionSection(open: Dialog): void {
  const stored = open.value('retention') as RetentionPolicy | null;
  const enabled = open.form.find('#zfs-retention-enabled').prop('checked', stored !== null);
  const isOn = (): boolean => enabled.prop('checked') === true;
  const policy = policyEditor(open, open.form.find('#zfs-retention'), open.form.find('.zfs-retention-words'), stored);
  retentionPreview(open, open.form.find('.zfs-preview-holder'), () => {
    const { namingSchema, timeZone, connection, datasets, recursive, exclude, ...rest } = open.present();
    const { datasetsType, namingSchemaType } = rest;
    const scope = { namingSchemas: [namingSchema], nameRegex: '' };
    const where = { connection, datasets, datasetsType, recursive, exclude };
    return { ...where, namingSchemaType, scope, policy: policy(), timeZone, scheduleByName: true };
  });
  open.showWhen('.zfs-retention', isOn);
  open.store('retention', () => (isOn() ? policy() : null));
  open.summary('retention', () => (isOn() ? summarizePolicy(open, policy()) : open.t('retention.off')));
}

function build(open: Dialog): void {
  sourceSection(open);
  namingSection(open);
  const properties = propertyTable({
    dialog: open,
    element: open.form.find('#zfs-properties'),
    initial: open.value('properties') as Record<string, string>,
    addLabel: open.t('properties.add'),
    namePlaceholder: 'com.example:purpose',
    valuePlaceholder: 'nightly',
    check: userPropertyNameProblem,
  });
  open.store('properties', properties);
  open.summary('properties', () => Object.keys(properties()).join(', ') || open.t('properties.none'));
  retentionSection(open);
  hooksSection(open);
  scheduleSection(open);
  runningSection(open);
}

const life = dialogOf(TYPE, build);

export const definition: EditorNodeDefinition = {
  category: 'ZFS',
  color: '#C7E9C0',
  icon: 'zfs-snapshot.svg',
  defaults: defaultsOf(TYPE),
  inputs: 1,
  outputs: 3,
  outputLabels: LABELS.outputLabels,
  paletteLabel: 'zfs snapshot',
  label: LABELS.label,
  labelStyle: LABELS.labelStyle,
  button: RUN_BUTTON,
  oneditprepare: life.prepare,
  oneditsave: life.save,
  oneditcancel: life.close,
};
