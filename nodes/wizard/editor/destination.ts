// Step 2: where the copies go, what they will be called there, and whether they are encrypted there.
import { commonPath, mapDataset } from '../../../src/zfs/mapping';
import { textOf } from '../../dialog/dialog';
import { encryptionPart } from './encryption';
import { Form, make } from './form';
import { MachineField } from './machine';
import { machineName } from './words';
import type { Stage, Step } from './step';
import { targetTree } from './trees';
import { t } from './translate';

/** So many landing places are listed. */
const MOST_LANDINGS = 8;

export function destinationStep(stage: Stage): Step {
  const { store, machines } = stage;
  const form = new Form(make('div', { class: 'zfs-wizard-step' }), store);
  const where = form.part(t('destination.where'));
  const machine = new MachineField({
    form,
    parent: where,
    name: 'targetConnection',
    label: t('destination.machine'),
    store,
    machines,
    leading: (leads) => stage.lead(leads),
    next: () => form.input('targetDataset').trigger('focus'),
  });
  const pair = make('div', { class: 'zfs-wizard-pair' }).appendTo(where);
  targetTree(form, stage, make('div', { class: 'zfs-wizard-tree' }).appendTo(pair));
  const beside = make('div', { class: 'zfs-wizard-beside' }).appendTo(pair);
  form.text(beside, 'targetDataset', {
    label: t('destination.dataset'),
    hint: t('destination.datasetHint'),
    placeholder: 'backup/data',
    mono: true,
  });
  // ZFS takes a blank at the end of a name, which nobody means who has pasted one.
  const name = form.input('targetDataset');
  name.on('change', () => store.set({ targetDataset: textOf(name).trim() }));
  proposal(form, stage, beside);
  landings(form, stage, where);
  encryptionPart(form, stage);
  return {
    form,
    complaints: () => (machine.problem === '' ? [] : [{ field: 'targetConnection', text: machine.problem }]),
    dispose: (kept) => machine.dispose(kept),
  };
}

/** A dataset that is there already has things of its own; a copy belongs below it, under the name of its source. */
function proposal(form: Form, { store }: Stage, parent: JQuery): void {
  const button = make('button', {
    type: 'button',
    class: 'red-ui-button zfs-wizard-propose',
    'data-zfs-action': 'below',
  });
  parent.append(button);
  const below = (): string => {
    const { targetDataset: target, sourceDatasets: sources } = store.answers;
    const common = commonPath(sources);
    const last = common.slice(common.lastIndexOf('/') + 1);
    return target === '' || last === '' || target.endsWith(`/${last}`) ? '' : `${target}/${last}`;
  };
  button.on('click', () => {
    store.set({ targetDataset: below() });
    form.input('targetDataset').trigger('focus');
  });
  form.live(() => {
    const name = below();
    button.toggleClass('zfs-hidden', name === '').text(t('destination.below', { name }));
  });
}

/** A plain sentence for each source. */
function landings(form: Form, { store, machines }: Stage, parent: JQuery): void {
  const place = make('div', { class: 'zfs-sentence zfs-wizard-landings', role: 'status' }).appendTo(parent);
  form.live(() => {
    const { sourceDatasets: sources, targetDataset: target, recursive } = store.answers;
    place.toggleClass('zfs-hidden', sources.length === 0 || target === '').empty();
    if (sources.length === 0 || target === '') return;
    const common = commonPath(sources);
    const to = machineName(machines, store.answers.targetConnection);
    make('div')
      .text(t('destination.lands', { machine: to }))
      .appendTo(place);
    const list = make('ul', { class: 'zfs-mono' }).appendTo(place);
    for (const source of sources.slice(0, MOST_LANDINGS)) {
      const item = make('li').appendTo(list);
      item.append(
        make('span').text(source),
        make('span', { class: 'zfs-wizard-arrow' }).text(' → '),
        make('strong').text(mapDataset(source, common, target)),
      );
    }
    const more = sources.length - MOST_LANDINGS;
    if (more > 0)
      make('li')
        .text(t('destination.moreLandings', { count: more }))
        .appendTo(list);
    if (recursive) make('div').text(t('destination.recursive')).appendTo(place);
  });
}
