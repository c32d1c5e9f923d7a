// "Check now": what the first run would do on both machines, before anything is created. Planned by the runtime as a run
// plans it, and changing nothing: sizes, what stands in the way, and the way out.
import { storesKey, type Answers } from '../../../src/wizard/answers';
import { replicateValues, snapshotValues } from '../../../src/wizard/node-values';
import type { CheckAnswer, CheckedDataset } from '../../admin/check-answer';
import { ask, isRefusal, type Refusal } from '../../dialog/admin';
import { connectionDrafts } from './drafts';
import { type Form, make } from './form';
import type { Machines } from './machines';
import type { Stage } from './step';
import { t } from './translate';
import { sizeOf } from './words';

/** Datasets that are told one by one. */
const MOST = 50;

function questionOf(answers: Answers, machines: Machines): object {
  return {
    ...replicateValues(answers),
    snapshot: snapshotValues(answers),
    ...(storesKey(answers) ? { encryptionKey: answers.encryptionKey } : {}),
    ...connectionDrafts(machines, answers),
  };
}

export function checkPart(form: Form, { store, machines, closed }: Stage): void {
  const part = form.part(t('check.heading'), t('check.about'));
  const button = make('button', { type: 'button', class: 'red-ui-button', 'data-zfs-action': 'check' });
  button.append(make('i', { class: 'fa fa-stethoscope', 'aria-hidden': 'true' }), ` ${t('check.now')}`).appendTo(part);
  const result = make('div', { class: 'zfs-wizard-check', role: 'status', 'aria-live': 'polite' }).appendTo(part);
  let checked = '';
  const run = async (): Promise<void> => {
    const question = questionOf(store.answers, machines);
    checked = JSON.stringify(store.answers);
    const mine = checked;
    button.prop('disabled', true);
    result.removeAttr('data-zfs-check').empty().append(make('p', { class: 'zfs-wizard-busy' }).append(make('i', { class: 'fa fa-spinner fa-spin' }), ` ${t('check.working')}`)); // prettier-ignore
    const answer = await ask<CheckAnswer>('check-replication', question, t, closed);
    if (closed.aborted) return;
    button.prop('disabled', false);
    if (mine !== checked) return;
    show(result.empty(), answer);
    result.attr('data-zfs-check', isRefusal(answer) || !answer.ready ? 'refused' : 'ready');
    result.get(0)?.scrollIntoView({ block: 'nearest' });
  };
  button.on('click', () => void run());
  // It is about other answers now.
  form.live(() => {
    const now = JSON.stringify({ ...store.answers, name: '', tab: '' });
    if (checked === '' || now === JSON.stringify({ ...(JSON.parse(checked) as Answers), name: '', tab: '' })) return;
    checked = '';
    button.prop('disabled', false);
    result.empty().removeAttr('data-zfs-check');
  });
}

function sentence(parent: JQuery, text: string, kind = ''): JQuery {
  return make('div', { class: `zfs-sentence ${kind}` })
    .text(text)
    .appendTo(parent);
}

function show(parent: JQuery, answer: CheckAnswer | Refusal): void {
  if (isRefusal(answer)) {
    const place = sentence(parent, '', 'zfs-error').attr('role', 'alert');
    make('strong').text(t('check.failed')).appendTo(place);
    make('div').text(answer.message).appendTo(place);
    if (answer.hint !== undefined && answer.hint !== '')
      make('div', { class: 'zfs-hint' }).text(answer.hint).appendTo(place);
    return;
  }
  const { refused, snapshots, bytes, taken } = answer;
  if (refused > 0) sentence(parent, t('check.refused', { count: refused }), 'zfs-error');
  else if (snapshots + taken === 0) sentence(parent, t('check.nothing'));
  else sentence(parent, t('check.sends', { count: snapshots + taken, size: sizeOf(bytes) }));
  for (const text of answer.warnings) sentence(parent, text, 'zfs-warning');
  const list = make('ul', { class: 'zfs-wizard-checked' }).appendTo(parent);
  for (const dataset of answer.datasets.slice(0, MOST)) list.append(datasetRow(dataset));
  const more = answer.moreDatasets + Math.max(0, answer.datasets.length - MOST);
  if (more > 0)
    make('li')
      .text(t('check.more', { count: more }))
      .appendTo(list);
}

function datasetRow(dataset: CheckedDataset): JQuery {
  const { source, target, refusal, warnings } = dataset;
  const item = make('li', { 'data-zfs-checked': source });
  const head = make('div', { class: 'zfs-mono' }).appendTo(item);
  head.append(make('span').text(source));
  if (target !== '') head.append(make('span', { class: 'zfs-wizard-arrow' }).text(' → '), make('span').text(target));
  if (refusal === undefined) make('div', { class: 'zfs-hint' }).text(words(dataset)).appendTo(item);
  else {
    item.addClass('zfs-wizard-refused').attr('data-zfs-code', refusal.code);
    make('div', { class: 'zfs-problem' }).text(refusal.message).appendTo(item);
    if (refusal.hint !== undefined) make('div', { class: 'zfs-hint' }).text(t('check.wayOut', { hint: refusal.hint })).appendTo(item); // prettier-ignore
  }
  for (const text of warnings) make('div', { class: 'zfs-hint' }).text(text).appendTo(item);
  return item;
}

function words({ action, snapshots, bytes, base }: CheckedDataset): string {
  const values = { count: snapshots, size: sizeOf(bytes), base };
  switch (action) {
    case 'current':
      return t('check.action.current');
    case 'skip':
      return t('check.action.skip');
    case 'snapshot':
      return t('check.action.snapshot', values);
    case 'full':
      return t('check.action.full', values);
    default:
      return t('check.action.incremental', values);
  }
}
