// Step 1: what is copied, and which of its snapshots.
import { type Answers, isIdle, takesSnapshots } from '../../../src/wizard/answers';
import { textOf } from '../../dialog/dialog';
import { Form, make } from './form';
import { MachineField } from './machine';
import { startFromRow } from './start';
import type { Stage, Step } from './step';
import { snapshotCounts } from './counts';
import { sourceTree } from './trees';
import { t } from './translate';
import { warning } from './warning';
import { machineName } from './words';

export function sourceStep(stage: Stage): Step {
  const { store, machines } = stage;
  const form = new Form(make('div', { class: 'zfs-wizard-step' }), store);
  startFromRow(form, stage);
  const what = form.part(t('source.what'));
  const machine = new MachineField({
    form,
    parent: what,
    name: 'sourceConnection',
    label: t('source.machine'),
    store,
    machines,
    leading: (leads) => stage.lead(leads),
    next: () => form.input('sourceDatasets').trigger('focus'),
  });
  const pair = make('div', { class: 'zfs-wizard-pair' }).appendTo(what);
  sourceTree(form, stage, make('div', { class: 'zfs-wizard-tree' }).appendTo(pair));
  const beside = make('div', { class: 'zfs-wizard-beside' }).appendTo(pair);
  form.lines(beside, 'sourceDatasets', {
    label: t('source.datasets'),
    hint: t('source.datasetsHint'),
    placeholder: 'tank/data',
    mono: true,
  });
  warning(form, stage, beside, 'sourceDatasets');
  form.check(beside, 'recursive', { label: t('common.recursive') });
  const exclude = form.lines(beside, 'exclude', {
    label: t('common.exclude.label'),
    hint: t('source.excludeHint'),
    placeholder: 'tank/data/cache',
    mono: true,
  });
  form.showWhen(() => store.answers.recursive || store.answers.exclude.length > 0, exclude);
  snapshotsPart(form, stage);
  return {
    form,
    complaints: () => (machine.problem === '' ? [] : [{ field: 'sourceConnection', text: machine.problem }]),
    dispose: (kept) => machine.dispose(kept),
  };
}

function snapshotsPart(form: Form, stage: Stage): void {
  const { store } = stage;
  const part = form.part(t('source.which'), t('source.whichAbout'));
  const choices = (['all', 'schema', 'regex'] as const).map((value) => [value, t(`source.${value}`)] as const);
  form.choice(part, 'snapshotSelection', choices, { label: t('source.selection') });
  const schemas = form.lines(part, 'namingSchemas', {
    label: t('source.schemas'),
    hint: t('source.schemasHint'),
    placeholder: 'auto-%Y-%m-%d_%H-%M',
    mono: true,
  });
  const regex = form.text(part, 'nameRegex', {
    label: t('source.nameRegex'),
    hint: t('source.regexHint'),
    placeholder: '^daily-',
    mono: true,
  });
  form.showWhen(() => store.answers.snapshotSelection === 'schema', schemas);
  form.showWhen(() => store.answers.snapshotSelection === 'regex', regex);
  newSnapshots(form, stage, part);
  snapshotCounts(form, stage, part);
}

/** Who takes the snapshots that are sent. */
function newSnapshots(form: Form, { store, machines }: Stage, parent: JQuery): void {
  const ways = ['here', 'ifNone', 'always', 'never'] as const;
  const select = make('select');
  for (const way of ways)
    make('option', { value: way })
      .text(t(`source.new.${way}`))
      .appendTo(select);
  form.row(parent, 'takeSnapshots', select, { label: t('source.new.label') });
  const way = (): string => (takesSnapshots(store.answers) ? 'here' : store.answers.createSnapshot);
  select.on('change', () => {
    const chosen = textOf(select) as (typeof ways)[number];
    store.set(chosen === 'here' ? { takeSnapshots: true } : { takeSnapshots: false, createSnapshot: chosen });
  });
  form.live(() => {
    select.val(way());
    // By hand alone there is nothing that could take them meanwhile.
    select.find('option[value="here"]').prop('disabled', store.answers.schedule === '');
    form.hint('takeSnapshots', aboutNew(store.answers, way(), machineName(machines, store.answers.sourceConnection)));
  });
}

const DAY_MS = 24 * 3_600_000;

/** What comes of it; where that could be seen, with whether somebody else takes any. */
function aboutNew(answers: Answers, way: string, machine: string): string {
  const { sourceConnection, sourceIdle } = answers;
  const isOpen = sourceConnection !== '' && (way === 'here' || way === 'ifNone');
  if (!isOpen || sourceIdle === null || !isIdle(answers)) return t(`source.new.about.${way}`);
  if (!Number.isFinite(sourceIdle)) return t(`source.new.about.${way}None`, { machine });
  return t(`source.new.about.${way}Old`, { machine, count: Math.floor(sourceIdle / DAY_MS) });
}
