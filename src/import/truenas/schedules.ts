// Schedules of TrueNAS: five fields and a daily window, in an answer of its API as an object. In our nodes a cron expression
// and two times of the day, '' for those that are no limit.
import { isRow, textOf, unwrapped, type Row } from './records';

export interface Schedule {
  cron: string;
  /** `HH:MM`, or '' each. */
  begin: string;
  end: string;
}

export const NEVER: Schedule = { cron: '', begin: '', end: '' };

const clockOf = (row: Row, name: string): string => /^\d\d:\d\d(?=:|$)/.exec(textOf(row, name))?.[0] ?? '';

/** The schedule in the property `name`; no cron where there is none. Equal times mean *always* there. */
export function scheduleOf(row: Row, name: string): Schedule {
  const value = unwrapped(row[name]);
  if (!isRow(value)) return NEVER;
  const cron = ['minute', 'hour', 'dom', 'month', 'dow'].map((field) => textOf(value, field, '*').trim() || '*');
  return { cron: cron.join(' '), ...windowOf(clockOf(value, 'begin'), clockOf(value, 'end')) };
}

function windowOf(begin: string, end: string): Pick<Schedule, 'begin' | 'end'> {
  const isAlways = begin === end || (begin === '00:00' && end === '23:59');
  return isAlways ? { begin: '', end: '' } : { begin, end };
}

/** The properties of a policy's rule `schedule`; the window only where there is one. */
export function ruleFields({ cron, begin, end }: Schedule): { cron: string; begin?: string; end?: string } {
  return { cron, ...(begin === '' ? {} : { begin }), ...(end === '' ? {} : { end }) };
}
