// Tasks of one schema that are due in the same minute on the same dataset. TrueNAS takes one snapshot for both; of two nodes the
// second would find the name taken. One whose times are all among another's is done by that one's node; another is moved by
// minutes. Pure.
import { matchesDay, parseCron } from '../../time/cron';
import { inWindow, parseWindow } from '../../time/window';
import type { Schedule } from './schedules';
import { isReadable, overlap, type Owner } from './shared-schema';

/** When it is due, as bits: minutes of the day, and days of a calendar of four years. */
interface Times {
  minutes: bigint;
  days: bigint;
}

export interface Scheduled extends Owner {
  enabled: boolean;
  allowEmpty: boolean;
}

export type Meeting<T> =
  | { kind: 'merged'; task: T; into: T }
  | { kind: 'moved'; task: T; from: Schedule; because: T }
  /** There is no minute to move it to. */
  | { kind: 'stuck'; task: T; because: T };

const DAY_MS = 86_400_000;
/** With a 29 February, beginning on a Saturday. */
const FIRST_DAY = Date.UTC(2000, 0, 1);
const DAYS = 4 * 365 + 1;
const MINUTES = 1440;

function bits(size: number, has: (index: number) => boolean): bigint {
  let digits = '';
  for (let index = size - 1; index >= 0; index--) digits += has(index) ? '1' : '0';
  return BigInt(`0b${digits}`);
}

const known = new WeakMap<Schedule, Times>();

function timesOf(schedule: Schedule): Times {
  let times = known.get(schedule);
  if (times === undefined) {
    const cron = parseCron(schedule.cron);
    const window = parseWindow(schedule.begin, schedule.end, 'begin', 'end');
    times = {
      minutes: bits(
        MINUTES,
        (minute) =>
          cron.hours.has(Math.floor(minute / 60)) && cron.minutes.has(minute % 60) && inWindow(window, minute),
      ),
      days: bits(DAYS, (index) => {
        const date = new Date(FIRST_DAY + index * DAY_MS);
        return matchesDay(cron, date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCDay());
      }),
    };
    known.set(schedule, times);
  }
  return times;
}

const meet = (a: Times, b: Times): boolean => (a.minutes & b.minutes) !== 0n && (a.days & b.days) !== 0n;

const isAmong = (a: Times, b: Times): boolean => (a.minutes & b.minutes) === a.minutes && (a.days & b.days) === a.days;

const sameTree = (a: Owner, b: Owner): boolean =>
  a.dataset === b.dataset &&
  a.recursive === b.recursive &&
  JSON.stringify(a.exclude.toSorted()) === JSON.stringify(b.exclude.toSorted());

/**
 * What to do about the tasks of a group, in the order given; moved ones have their new schedule afterwards. Tasks that are
 * disabled, or whose schedule cannot be read, meet nobody.
 */
export function meetings<T extends Scheduled>(group: readonly T[]): Meeting<T>[] {
  const tasks = group.filter(({ enabled, schedule }) => enabled && isReadable(schedule));
  const result: Meeting<T>[] = [];
  const merged = new Set<T>();
  for (const [index, task] of tasks.entries()) {
    const into = tasks.find(
      (other, place) => other !== task && !merged.has(other) && takesOver(other, task, place < index),
    );
    if (into === undefined) continue;
    merged.add(task);
    result.push({ kind: 'merged', task, into });
  }
  const staying = tasks.filter((task) => !merged.has(task));
  for (const [index, task] of staying.entries()) {
    const before = staying.slice(0, index).filter((other) => overlap(other, task));
    const because = before.find((other) => meet(timesOf(other.schedule), timesOf(task.schedule)));
    if (because === undefined) continue;
    const others = staying.filter((other) => other !== task && overlap(other, task));
    const from = task.schedule;
    const moved = moveAway(
      from,
      others.map(({ schedule }) => timesOf(schedule)),
    );
    if (moved !== undefined) task.schedule = moved;
    result.push(moved === undefined ? { kind: 'stuck', task, because } : { kind: 'moved', task, from, because });
  }
  return result.map((one) => (one.kind === 'merged' ? { ...one, into: lastOf(one.into, result) } : one));
}

/** `other` is there whenever `task` is due, and takes what it takes. Of two with equal times the first stays. */
function takesOver(other: Scheduled, task: Scheduled, isFirst: boolean): boolean {
  if (!sameTree(other, task) || (task.allowEmpty && !other.allowEmpty)) return false;
  const [its, own] = [timesOf(other.schedule), timesOf(task.schedule)];
  return isAmong(own, its) && (!isAmong(its, own) || isFirst || (other.allowEmpty && !task.allowEmpty));
}

/** Which one does the work in the end: what took over may have been taken over. */
function lastOf<T>(into: T, all: readonly Meeting<T>[]): T {
  let last = into;
  for (let step = 0; step < all.length; step++) {
    const next = all.find((one) => one.kind === 'merged' && one.task === last);
    if (next?.kind !== 'merged') break;
    last = next.into;
  }
  return last;
}

const FURTHEST = 30;

/** The same times a few minutes later, in the same hour, where nobody else is due. */
function moveAway(schedule: Schedule, others: readonly Times[]): Schedule | undefined {
  const [minute = '', ...rest] = schedule.cron.split(' ');
  if (!/^\d{1,2}(?:,\d{1,2})*$/.test(minute)) return undefined;
  const minutes = minute.split(',').map(Number);
  for (let by = 1; by <= FURTHEST; by++) {
    const later = minutes.map((one) => one + by);
    if (later.some((one) => one > 59)) return undefined;
    const moved = { ...schedule, cron: [later.join(','), ...rest].join(' ') };
    if (!isReadable(moved)) continue;
    // As often as before: a window must not swallow some of them.
    const times = timesOf(moved);
    if (count(times.minutes) === count(timesOf(schedule).minutes) && !others.some((one) => meet(one, times)))
      return moved;
  }
  return undefined;
}

const count = (set: bigint): number => set.toString(2).replaceAll('0', '').length;
