// What will be made, in sentences: those of src/wizard in the words of the catalogue, each with a picture of what it is about.
import type { Answers } from '../../../src/wizard/answers';
import { type Line, summaryOf } from '../../../src/wizard/summary';
import type { Machines } from './machines';
import { withConnections } from './problems';
import { t } from './translate';
import { machineName } from './words';

export interface Sentence {
  icon: string;
  text: string;
}

/** By the first word of a line's key. */
const ICONS: Readonly<Record<string, string>> = {
  connection: 'fa-plug',
  from: 'fa-database',
  fromTree: 'fa-database',
  exclude: 'fa-minus-circle',
  select: 'fa-camera',
  to: 'fa-arrow-right',
  lands: 'fa-angle-right',
  landsMore: 'fa-angle-right',
  encryption: 'fa-lock',
  transport: 'fa-shield',
  readonly: 'fa-eye',
  schedule: 'fa-clock-o',
  scheduleZone: 'fa-clock-o',
  once: 'fa-hand-o-up',
  take: 'fa-camera',
  alert: 'fa-bell-o',
  sourceLifetime: 'fa-history',
  targetRetention: 'fa-history',
  targetLifetime: 'fa-history',
  carried: 'fa-clone',
};

/** Hours and days in words, anything else as it is. */
function spokenDuration(text: string): string {
  const [, count, unit] = /^(\d+)([hd])$/.exec(text) ?? [];
  return unit === undefined ? text : t(`line.duration.${unit}`, { count: Number(count) });
}

/** A preset in words, anything else as it is. */
function spoken({ key, values }: Line): Line['values'] {
  if (key === 'alert') return { duration: spokenDuration(String(values['duration'])) };
  if (!key.startsWith('schedule')) return values;
  const schedule = String(values['schedule']);
  const words = schedule.startsWith('@') ? t(`schedule.preset.${schedule.slice(1)}`) : t('line.cron', { schedule });
  return { ...values, schedule: words };
}

export function sentencesOf(answers: Answers, machines: Machines): Sentence[] {
  return summaryOf(withConnections(answers, machines), (id) => machineName(machines, id)).map((line) => ({
    icon: ICONS[line.key.split('.')[0] ?? ''] ?? 'fa-circle-o',
    text: t(`line.${line.key}`, { ...spoken(line) }),
  }));
}
