// Whether a node's schedule, or a cron expression with a zone and a daily window, can be used. For the edit dialogs and for
// the runtime alike, so that both refuse the same; when it is due is `schedule.ts`. Pure.
import { invalidOption, type ZfsFlowError } from '../base/errors';
import { CronProblem, checkCron, hasTime, type CronFields } from './cron-guard';
import { DAY_BEGIN, DAY_END, inWindow, parseWindow, type TimeWindow } from './window';
import { checkTimeZone } from './zone';

/** The four properties of a node, as they are stored; a missing one has its default. */
export interface ScheduleOptions {
  schedule?: unknown;
  scheduleTimeZone?: unknown;
  scheduleBegin?: unknown;
  scheduleEnd?: unknown;
}

export interface CronScheduleOptions {
  timeZone: string;
  /** `HH:MM`, '' or missing = all day. */
  begin?: string;
  end?: string;
  /** Names of the properties, for errors. */
  fields: { cron: string; timeZone: string; begin?: string; end?: string };
}

/** A schedule that can be used. */
export interface CheckedSchedule {
  expression: string;
  timeZone: string;
  window: TimeWindow;
}

/**
 * Checks a node's schedule. Returns null for `''`: it runs by messages only. Throws INVALID_OPTIONS for the property
 * that is wrong (`schedule`, `scheduleTimeZone`, `scheduleBegin`, `scheduleEnd`).
 */
export function checkSchedule(options: ScheduleOptions): CheckedSchedule | null {
  const expression = text(options.schedule, 'schedule');
  if (expression === '') return null;
  return checkCronSchedule(expression, {
    timeZone: text(options.scheduleTimeZone, 'scheduleTimeZone'),
    begin: text(options.scheduleBegin, 'scheduleBegin'),
    end: text(options.scheduleEnd, 'scheduleEnd'),
    fields: { cron: 'schedule', timeZone: 'scheduleTimeZone', begin: 'scheduleBegin', end: 'scheduleEnd' },
  });
}

/**
 * Checks a cron expression that stands elsewhere: a filter on dates (`restrictSchedule`), a lifetime of a policy. Throws
 * INVALID_OPTIONS for the property of `options.fields` that is wrong.
 */
export function checkCronSchedule(expression: string, options: CronScheduleOptions): CheckedSchedule {
  const { fields } = options;
  const cron = checkExpression(expression, fields.cron);
  const timeZone = checkTimeZone(options.timeZone, fields.timeZone);
  const beginField = fields.begin ?? fields.cron;
  const window = parseWindow(options.begin ?? '', options.end ?? '', beginField, fields.end ?? fields.cron);
  if (!hasTime(cron, (minute) => inWindow(window, minute))) {
    const span = `${options.begin || DAY_BEGIN} to ${options.end || DAY_END}`;
    throw refusal(expression, beginField, `none of its times lies between begin and end (${span})`);
  }
  return { expression, timeZone, window };
}

function checkExpression(expression: string, field: string): CronFields {
  try {
    return checkCron(expression);
  } catch (error) {
    if (error instanceof CronProblem) throw refusal(expression, field, error.message);
    throw error;
  }
}

function text(value: unknown, field: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw invalidOption(field, `${field} must be a text`);
  return value;
}

function refusal(expression: string, field: string, why: string): ZfsFlowError {
  return invalidOption(
    field,
    `the schedule ${JSON.stringify(expression)} cannot be used: ${why}`,
    'a schedule is five fields such as "30 2 * * *" (every day at 2:30), or @hourly, @daily, @weekly, @monthly, @yearly',
  );
}
