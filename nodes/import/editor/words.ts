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
      const to = at('targetConnection', text('targetDataset'));
      return joined(`${from} → ${to}`, when(item, node, t), goesOnTarget(node, t));
    }
    case 'zfs-snapshot': {
      const of = at('connection', datasetsOf(node, 'datasets', t));
      return joined(t('becomes.snapshot', { of }), when(item, node, t), kept(node['retention'], t));
    }
    default: {
      const of = at('connection', datasetsOf(node, 'datasets', t));
      return joined(t('becomes.prune', { of }), when(item, node, t), kept(node['policy'], t));
    }
  }
}

const joined = (...parts: string[]): string => parts.filter((part) => part !== '').join(' · ');

function datasetsOf(node: FlowNode, property: string, t: Translate): string {
  const value = node[property];
  const some = shortened((Array.isArray(value) ? value : [value]).map(String), t);
  const names = node['recursive'] === true ? t('becomes.below', { names: some }) : some;
  const exclude = Array.isArray(node['exclude']) ? node['exclude'].map((glob) => excluded(String(glob), t)) : [];
  return exclude.length === 0 ? names : t('becomes.without', { names, excluded: shortened(exclude, t) });
}

function shortened([first = '…', ...others]: readonly string[], t: Translate): string {
  return others.length === 0 ? first : t('becomes.more', { first, count: others.length });
}

/** `tank/home[e]`, which the import writes for a dataset without those below it, is nothing that people know. */
function excluded(glob: string, t: Translate): string {
  const [, begin, end] = /^([^*?[\]]+)\[([^*?[\]!^-])\]$/.exec(glob) ?? [];
  return begin === undefined || end === undefined ? glob : t('becomes.alone', { name: `${begin}${end}` });
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
export function cronWords(expression: string, t: Translate): string {
  const cron = expression.trim().replaceAll(/\s+/g, ' ');
  if (/^\*(?:\/1)? \* \* \* \*$/.test(cron)) return t('becomes.everyMinutes', { count: 1 });
  // Where the hour, or the day, is no multiple of it, one of the spans is shorter.
  const [, minutes = ''] = /^\*\/(\d{1,2}) \* \* \* \*$/.exec(cron) ?? [];
  if (Number(minutes) < 60 && 60 % Number(minutes || NaN) === 0)
    return t('becomes.everyMinutes', { count: Number(minutes) });
  const two = (text: string): string => text.padStart(2, '0');
  const [, past = '', hours = ''] = /^(\d{1,2}) \*\/(\d{1,2}) \* \* \*$/.exec(cron) ?? [];
  if (hours !== '1' && 24 % Number(hours || NaN) === 0) {
    return t('becomes.everyHours', { hours: Number(hours), minute: two(past) });
  }
  const [, minute = '', hour = '', day = ''] = /^(\d{1,2}) (\d{1,2}|\*) (\d{1,2}|\*) \* \*$/.exec(cron) ?? [];
  if (minute === '' || (hour === '*' && day !== '*')) return cron;
  if (hour === '*') return t('becomes.hourly', { minute: two(minute) });
  const time = `${two(hour)}:${two(minute)}`;
  return day === '*' ? t('becomes.daily', { time }) : t('becomes.monthly', { day: Number(day), time });
}

interface Rule {
  type?: string;
  count?: number;
  value?: number;
  unit?: string;
}

const rulesOf = (policy: unknown): readonly Rule[] =>
  (policy as { keep?: readonly Rule[] } | null | undefined)?.keep ?? [];

/** What stays; each rule keeps, whatever the others say. */
function kept(policy: unknown, t: Translate): string {
  const [first, ...others] = rulesOf(policy);
  if (first === undefined) return t('becomes.keptForEver');
  const { type, count, value, unit } = first;
  if (others.length > 0) return t('becomes.keptByRules', { count: others.length + 1 });
  if (type === 'last' && count !== undefined) return t('becomes.keptNewest', { count });
  if (value === undefined || unit === undefined) return t('becomes.keptByRules', { count: 1 });
  return t('becomes.kept', { lifetime: t(`unit.${unit}`, { count: value }) });
}

/** '' where a run deletes nothing there. */
function goesOnTarget({ targetRetention, targetRetentionPolicy: policy }: FlowNode, t: Translate): string {
  if (targetRetention === 'source') return t('becomes.targetAsSource');
  if (targetRetention !== 'custom' || rulesOf(policy).length === 0) return '';
  return t('becomes.onTarget', { kept: kept(policy, t) });
}

export function changeText({ property, from, to }: Change): string {
  return `${property}: ${shown(from)} → ${shown(to)}`;
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value || '–' : value === undefined ? '–' : JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
