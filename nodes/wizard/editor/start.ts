// "Start from": a task that exists fills in everything but its name and its target. It is only read.
import { defaultAnswers } from '../../../src/wizard/answers';
import { type Original, startFrom, type StartNote } from '../../../src/wizard/start-from';
import { textOf } from '../../dialog/dialog';
import { FIELDS } from '../../fields';
import { type Form, make } from './form';
import type { Stage } from './step';
import { t } from './translate';

export function startFromRow(form: Form, { store }: Stage): void {
  const tasks = tasksThatExist();
  if (tasks.length === 0) return;
  const part = make('section', { class: 'zfs-wizard-part' }).appendTo(form.element);
  const select = make('select');
  make('option', { value: '' }).text(t('start.none')).appendTo(select);
  for (const [id, label] of tasks) make('option', { value: id }).text(label).appendTo(select);
  form.row(part, 'startFrom', select, { label: t('start.label'), hint: t('start.hint') });
  const told = make('div', { class: 'zfs-sentence zfs-hidden', role: 'status', 'data-zfs-notes': '' }).appendTo(part);
  select.on('change', () => {
    const id = textOf(select);
    const { tab, name, targetDataset } = store.answers;
    const original = id === '' ? null : originalOf(id);
    const start = original === null ? null : startFrom(original, FIELDS, tab);
    // These are never taken from a task, and what was typed stays.
    store.set({ ...(start?.answers ?? defaultAnswers(tab)), name, targetDataset });
    tell(told, start?.notes ?? [], start?.carried ?? []);
  });
  form.live(() => {
    if (textOf(select) !== store.answers.startFrom) select.val(store.answers.startFrom);
  });
}

/** Id and label, by label. */
function tasksThatExist(): [string, string][] {
  const tasks: [string, string][] = [];
  RED.nodes.eachNode((node) => {
    if (node.type !== 'zfs-replicate') return;
    const tab = RED.nodes.workspace(node.z ?? '')?.label ?? RED.nodes.subflow(node.z ?? '')?.name ?? '';
    const label = RED.utils.getNodeLabel(node, node.id);
    tasks.push([node.id, tab === '' ? label : t('start.task', { label, tab })]);
  });
  return tasks.toSorted(([, a], [, b]) => a.localeCompare(b));
}

/** The task as the editor has it, and the snapshots whose result starts it. */
function originalOf(id: string): Original | null {
  const node = RED.nodes.node(id) ?? null;
  if (node === null) return null;
  const before: EditorNode[] = [];
  RED.nodes.eachLink(({ source, sourcePort, target }) => {
    if (target.id === id && sourcePort === 0 && source.type === 'zfs-snapshot') before.push(source);
  });
  return { id, replicate: propertiesOf(node), snapshot: before[0] && propertiesOf(before[0]) };
}

/** What the node stores, without what the editor keeps of it. */
export function propertiesOf(node: EditorNode): Record<string, unknown> {
  const { defaults } = node['_def'] as EditorNodeDefinition;
  return Object.fromEntries(Object.keys(defaults).flatMap((name) => (node[name] === undefined ? [] : [[name, node[name]]]))); // prettier-ignore
}

function tell(place: JQuery, notes: readonly StartNote[], carried: readonly string[]): void {
  place.empty().toggleClass('zfs-hidden', notes.length + carried.length === 0);
  const list = make('ul').appendTo(place);
  for (const note of notes)
    make('li')
      .text(t(`start.note.${note}`))
      .appendTo(list);
  if (carried.length > 0)
    make('li')
      .text(t('start.carried', { names: carried.join(', ') }))
      .appendTo(list);
}
