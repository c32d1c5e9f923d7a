// What a row says: what a task or a connection becomes, in one line, and what changes in one that is there already.
import type { FlowNode } from '../../dialog/flow-node';
import type { Change, Item } from './items';

type Translate = (key: string, values?: Record<string, unknown>) => string;

/** Names of machines, by the id of their connection. */
type MachineName = (id: string) => string;

/** Characters of a value. */
const LONGEST = 60;

export function titleOf({ item, node }: Item): string {
  const name = node?.['name'];
  return typeof name === 'string' && name !== '' ? name : item;
}

export function becomes(item: Item, machine: MachineName, t: Translate): string {
  const { node } = item;
  if (node === undefined) return '';
  const text = (name: string): string => (typeof node[name] === 'string' ? node[name] : '');
  const at = (connection: string, datasets: string): string => `${machine(text(connection))}:${datasets}`;
  switch (node.type) {
    case 'zfs-ssh-connection': {
      const { port: number } = node;
      const port = typeof number === 'number' && number !== 22 ? `:${number}` : '';
      return `${text('username') || 'root'}@${text('host') || '…'}${port}`;
    }
    case 'zfs-replicate': {
      const from = at('sourceConnection', datasetsOf(node, 'sourceDatasets', t));
      return joined(`${from} → ${at('targetConnection', text('targetDataset'))}`, when(item, node, t));
    }
    case 'zfs-snapshot': {
      const of = at('connection', datasetsOf(node, 'datasets', t));
      return joined(t('becomes.snapshot', { of }), when(item, node, t), kept(node, t));
    }
    default:
      return joined(t('becomes.prune', { of: at('connection', datasetsOf(node, 'datasets', t)) }), when(item, node, t));
  }
}

const joined = (...parts: string[]): string => parts.filter((part) => part !== '').join(' · ');

function datasetsOf(node: FlowNode, property: string, t: Translate): string {
  const value = node[property];
  const [first = '…', ...others] = (Array.isArray(value) ? value : [value]).map(String);
  const names = others.length === 0 ? first : t('becomes.more', { first, count: others.length });
  return node['recursive'] === true ? t('becomes.below', { names }) : names;
}

function when({ startedBy }: Item, node: FlowNode, t: Translate): string {
  const { schedule, scheduleTimeZone, scheduleBegin, scheduleEnd } = node;
  if (typeof schedule !== 'string' || schedule === '') {
    return t(startedBy.length > 0 ? 'becomes.afterSnapshot' : 'becomes.byHand');
  }
  const window = [scheduleBegin, scheduleEnd].map((time) => (typeof time === 'string' ? time : ''));
  const between = window.every((time) => time === '') ? '' : `${window[0] || '00:00'}–${window[1] || '24:00'}`;
  const zone = typeof scheduleTimeZone === 'string' ? scheduleTimeZone : '';
  return [cronWords(schedule, t), between, zone].filter((part) => part !== '').join(', ');
}

/** The expressions that most tasks have, as people say them. */
export function cronWords(cron: string, t: Translate): string {
  const [, minute = '', hour = ''] = /^(\d{1,2}) (\d{1,2}|\*) \* \* \*$/.exec(cron) ?? [];
  if (minute === '') return cron;
  const two = (text: string): string => text.padStart(2, '0');
  if (hour === '*') return t('becomes.hourly', { minute: two(minute) });
  return t('becomes.daily', { time: `${two(hour)}:${two(minute)}` });
}

/** The longest that something is kept. */
function kept(node: FlowNode, t: Translate): string {
  const policy = node['retention'] as { keep?: { type?: string; value?: number; unit?: string }[] } | null | undefined;
  const rules = (policy?.keep ?? []).filter(({ value, unit }) => value !== undefined && unit !== undefined);
  const [first, ...others] = rules;
  if (first === undefined) return t('becomes.keptForEver');
  const lifetime = t(`unit.${first.unit ?? ''}`, { count: first.value });
  return others.length === 0 ? t('becomes.kept', { lifetime }) : t('becomes.keptByRules', { count: rules.length });
}

export function changeText({ property, from, to }: Change): string {
  return `${property}: ${shown(from)} → ${shown(to)}`;
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value || '–' : value === undefined ? '–' : JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
