// The time of the day between which a schedule is active, as TrueNAS's `begin` and `end`: both ends belong to it, and it
// may span midnight. Pure.
import { invalidOption } from '../base/errors';

/** Minutes after midnight, both inclusive. `begin` > `end` spans midnight. */
export interface TimeWindow {
  begin: number;
  end: number;
}

export const DAY_BEGIN = '00:00';
export const DAY_END = '23:59';

function minuteOfDay(text: unknown, field: string): number {
  const match = typeof text === 'string' ? /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) : null;
  if (match === null) {
    throw invalidOption(
      field,
      `${field}: ${JSON.stringify(text)} is no time of the day`,
      'write it as HH:MM, 00:00 to 23:59',
    );
  }
  return Number(match[1]) * 60 + Number(match[2]);
}

/** `HH:MM` each, '' = the begin or end of the day. Equal times are refused: they could mean a minute or all day. */
export function parseWindow(begin: unknown, end: unknown, beginField: string, endField: string): TimeWindow {
  const window = {
    begin: minuteOfDay(begin === '' ? DAY_BEGIN : begin, beginField),
    end: minuteOfDay(end === '' ? DAY_END : end, endField),
  };
  if (window.begin === window.end) {
    throw invalidOption(
      endField,
      `the schedule's begin and end are equal (${String(end)})`,
      `for all day use ${DAY_BEGIN} and ${DAY_END}`,
    );
  }
  return window;
}

export function inWindow({ begin, end }: TimeWindow, minute: number): boolean {
  return begin <= end ? minute >= begin && minute <= end : minute >= begin || minute <= end;
}
