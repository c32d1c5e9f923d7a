// Step 5: how long snapshots are kept, on both sides. Nothing is ever deleted that was not asked for here.
import { LIFETIME_UNITS, takesForLifetime, takesSnapshots } from '../../../src/wizard/answers';
import { newSchema } from '../../../src/wizard/node-values';
import { textOf } from '../../dialog/dialog';
import { Form, make } from './form';
import { sourcePreview, targetPreview } from './preview';
import type { Stage, Step } from './step';
import { machineName } from './words';
import { t } from './translate';

/** What TrueNAS does without a word. */
const SUGGESTED = { sourceLifetime: '2', sourceLifetimeUnit: 'week' } as const;

export function lifetimeStep(stage: Stage): Step {
  const { store, machines } = stage;
  const form = new Form(make('div', { class: 'zfs-wizard-step' }), store);
  const source = form.part(t('lifetime.sourceTitle'));
  const row = lifetimeRow(form, stage, source, 'sourceLifetime', t('lifetime.keep'));
  const suggestion = make('button', { type: 'button', class: 'red-ui-button', 'data-zfs-action': 'suggest' });
  suggestion.text(t('lifetime.suggestion')).on('click', () => store.set(SUGGESTED));
  row.find('.zfs-wizard-line').append(suggestion);
  const others = make('div', { class: 'zfs-sentence' }).text(t('lifetime.others')).appendTo(source);
  const scheduled = (): boolean => store.answers.schedule !== '';
  form.showWhen(scheduled, row);
  form.showWhen(() => !scheduled(), others);
  form.live(() => {
    const { sourceLifetime, sourceConnection } = store.answers;
    const key = sourceLifetime.trim() === '' ? 'forEver' : takesSnapshots(store.answers) ? 'ours' : 'nobodys';
    const values = { machine: machineName(machines, sourceConnection), schema: newSchema(store.answers) };
    const about = t(`lifetime.about.${key}`, values);
    const changes = takesForLifetime(store.answers);
    form.hint('sourceLifetime', changes ? `${t('lifetime.takes', values)} ${about}` : about);
    suggestion.toggleClass('zfs-hidden', sourceLifetime.trim() !== '');
  });
  sourcePreview(form, stage, source);
  targetPart(form, stage);
  return { form };
}

function targetPart(form: Form, stage: Stage): void {
  const { store, machines } = stage;
  const target = form.part(t('lifetime.targetTitle'));
  const choices = (['none', 'source', 'custom'] as const).map((value) => [value, t(`lifetime.${value}`)] as const);
  form.choice(target, 'targetRetention', choices, { label: t('lifetime.old') });
  const row = lifetimeRow(form, stage, target, 'targetLifetime', t('lifetime.keep'));
  form.showWhen(() => store.answers.targetRetention === 'custom', row);
  form.live(() => {
    const machine = machineName(machines, store.answers.targetConnection);
    form.hint('targetRetention', t(`lifetime.targetAbout.${store.answers.targetRetention}`, { machine }));
  });
  targetPreview(form, stage, target);
}

/** So much of a unit, or, with no number, for ever. */
function lifetimeRow(
  form: Form,
  { store }: Stage,
  parent: JQuery,
  name: 'sourceLifetime' | 'targetLifetime',
  label: string,
): JQuery {
  const unitName = `${name}Unit` as const;
  const number = make('input', { type: 'number', min: 1, step: 1 });
  const unit = make('select', { name: unitName, 'aria-label': t('common.rule.unitLabel') });
  const forEver = name === 'sourceLifetime';
  if (forEver) make('option', { value: '' }).text(t('lifetime.forEver')).appendTo(unit);
  for (const value of LIFETIME_UNITS)
    make('option', { value })
      .text(t(`common.rule.unit.${value}`))
      .appendTo(unit);
  const row = form.row(parent, name, number, { label });
  number.wrap(make('div', { class: 'zfs-wizard-line' })).after(unit);
  form.bind(name, number);
  /** The unit stays while the number is gone: whoever types one again means the same. */
  let endless = store.answers[name] === '';
  number.on('input', () => (endless = forEver && textOf(number) === '' && textOf(unit) === ''));
  unit.on('change', () => {
    const value = textOf(unit);
    endless = value === '';
    store.set(endless ? { [name]: '' } : { [unitName]: value });
    if (!endless && textOf(number) === '') number.trigger('focus');
  });
  form.live(() => {
    if (store.answers[name] !== '') endless = false;
    unit.val(forEver && endless ? '' : store.answers[unitName]);
  });
  return row;
}
