// "Start from": a task that exists fills in everything but its name and its target. It is only read.
import { textOf } from '../../dialog/dialog';
import { type Form, make } from './form';
import type { Stage } from './step';
import { t } from './translate';

export function startFromRow(form: Form, { store }: Stage): void {
  const select = make('select');
  make('option', { value: '' }).text(t('start.none')).appendTo(select);
  let count = 0;
  RED.nodes.eachNode((node) => {
    if (node.type !== 'zfs-replicate') return;
    count++;
    make('option', { value: node.id }).text(RED.utils.getNodeLabel(node, node.id)).appendTo(select);
  });
  if (count === 0) return;
  const part = make('section', { class: 'zfs-wizard-part' }).appendTo(form.element);
  form.row(part, 'startFrom', select, { label: t('start.label'), hint: t('start.hint') });
  select.on('change', () => store.set({ startFrom: textOf(select) }));
}
