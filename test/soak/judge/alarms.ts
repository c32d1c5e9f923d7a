// Whether each task was called late when it was, and only then, and said to be well again when it was: `late` and `recovered`
// against the successes that were heard, whatever happened to clocks and processes meanwhile. Pure; seconds.
import type { Book, Heard, Span } from '../book';
import { overlaps } from '../book';
import type { TaskFacts } from '../flows';

export type AlarmBook = Pick<Book, 'lives' | 'deploys' | 'clockSets' | 'pauses' | 'lateShown'> & {
  heard: readonly Heard[];
  /** Seconds that a message may take to be heard. */
  slack: number;
  end: number;
};

/** What a Node-RED that is killed had not written down yet (nodes/runtime/task-memory.ts), and a bit. */
const FORGOTTEN = 7;
/** After a start or a deploy nothing is told at once. */
const SETTLE = 12;
/** After it has noticed that its clock was set, within half a minute (look-out.ts), nothing is said for five minutes. */
const HOLD = 335;
/** Two minutes that were due, and five more; the first comes up to a minute after a success. */
const BY_SCHEDULE = { least: 60 + 300, most: 120 + 300 };

interface Alarm {
  at: number;
  event: 'late' | 'recovered';
}

export function judgeAlarms(task: TaskFacts, book: AlarmBook): string[] {
  // Where there was no success yet, it counts from the first deploy.
  const heard = [book.deploys[0]?.to ?? 0, ...timesOf(task, book, ({ kind }) => kind === 'result')];
  const shown = unheard(task, book);
  const successes = [...heard, ...shown.map(({ to }) => to)].toSorted((one, other) => one - other);
  const alarms = book.heard.flatMap(({ id, at, event }): Alarm[] =>
    id === task.id && (event === 'late' || event === 'recovered') ? [{ at, event }] : [],
  );
  return [
    ...wrongOnes(task, book, successes, alarms),
    ...missing(task, book, successes, alarms),
    ...shownOtherwise(task, book, alarms),
    ...shown
      .filter((span) => !book.lives.some(({ to }) => to > span.from && to < span.to))
      .map(({ to }) => `the list told at ${to.toFixed(1)} of a success that nobody has heard of`),
  ].map((fault) => `${task.id}: ${fault}`);
}

const timesOf = ({ id }: TaskFacts, { heard }: AlarmBook, wanted: (one: Heard) => boolean): number[] =>
  heard.filter((one) => one.id === id && wanted(one)).map(({ at }) => at);

/**
 * Between which looks the list got another success, of which nothing was heard: a run that ended in the moment in which its
 * Node-RED did.
 */
function unheard(task: TaskFacts, book: AlarmBook): Span[] {
  const looks = book.lateShown.filter(({ id }) => id === task.id);
  const results = timesOf(task, book, ({ kind }) => kind === 'result');
  return looks.flatMap(({ at: to, success }, index) => {
    const before = looks[index - 1];
    if (success === undefined || before === undefined || before.success === success) return [];
    const isHeard = results.some((at) => at > before.at - book.slack && at < to + book.slack);
    return isHeard ? [] : [{ from: before.at, to }];
  });
}

const leastOf = ({ alertAfter }: TaskFacts): number => alertAfter ?? BY_SCHEDULE.least;

/** Heard, and perhaps forgotten with the process before `at`. */
const mayBeForgotten = ({ lives }: AlarmBook, moment: number, at: number): boolean =>
  lives.some(({ to, end }) => end === 'SIGKILL' && moment <= to + 1 && moment > to - FORGOTTEN && to <= at);

function wrongOnes(task: TaskFacts, book: AlarmBook, successes: readonly number[], alarms: readonly Alarm[]): string[] {
  const faults: string[] = [];
  alarms.forEach(({ at, event }, index) => {
    const before = alarms[index - 1];
    const known = successes.findLast((success) => success < at && !mayBeForgotten(book, success, at)) ?? 0;
    if (event === 'late') {
      if (at - known < leastOf(task) - book.slack)
        faults.push(`late at ${at.toFixed(1)}, ${(at - known).toFixed(1)} s after a success`);
      if (before?.event === 'late' && !mayBeForgotten(book, before.at, at))
        faults.push(`late twice, at ${before.at.toFixed(1)} and ${at.toFixed(1)}`);
      return;
    }
    const newest = successes.findLast((success) => success < at + book.slack) ?? 0;
    if (before === undefined || before.event === 'recovered') {
      // The one before may have been told by a process that wrote nothing down any more.
      if (before === undefined || !mayBeForgotten(book, before.at, at))
        faults.push(`recovered at ${at.toFixed(1)} without having been late`);
    } else if (newest < before.at - book.slack)
      faults.push(`recovered at ${at.toFixed(1)} without a success since it was late at ${before.at.toFixed(1)}`);
  });
  return faults;
}

/** Moments by which it must have been told. */
function missing(task: TaskFacts, book: AlarmBook, successes: readonly number[], alarms: readonly Alarm[]): string[] {
  const faults: string[] = [];
  // A clock that is set may make it begin anew.
  const bases = [...successes, ...book.clockSets].toSorted((a, b) => a - b);
  bases.forEach((base, index) => {
    const next = bases[index + 1] ?? book.end;
    const due = base + allowed(task, book, base, next) + book.slack;
    const moment = firstCalm(book, due, next);
    if (moment === null) return;
    const until = alarms.filter(({ at }) => at <= moment + book.slack);
    // What comes within the slack may be the end of it already.
    const isTold = until.some(({ at, event }) => event === 'late' && at > base) || until.at(-1)?.event === 'late';
    if (!isTold) faults.push(`not late at ${moment.toFixed(1)}, after no success since ${base.toFixed(1)}`);
  });
  for (const success of successes.slice(1)) {
    const alarm = alarms.findLast(({ at }) => at < success - book.slack);
    if (alarm?.event !== 'late') continue;
    const moment = firstCalm(book, success + book.slack, book.end);
    const told = alarms.some(({ at, event }) => event === 'recovered' && at > alarm.at && at <= (moment ?? Infinity));
    if (moment !== null && !told)
      faults.push(
        `not recovered by ${moment.toFixed(1)}, after a success at ${success.toFixed(1)}, late since ${alarm.at.toFixed(1)}`,
      );
  }
  return faults;
}

/** Seconds after a success. What is due while a task is paused does not count for its schedule. */
function allowed({ id, alertAfter }: TaskFacts, { pauses }: AlarmBook, from: number, to: number): number {
  if (alertAfter !== null) return alertAfter;
  const paused = (pauses.get(id) ?? []).reduce(
    (sum, span) => sum + (overlaps(span, from, to) ? Math.min(span.to, to) - Math.max(span.from, from) + 60 : 0),
    0,
  );
  return BY_SCHEDULE.most + paused;
}

/** The first moment from `from` on, before `to`, at which nothing keeps a Node-RED from having told what it had to. */
function firstCalm(book: AlarmBook, from: number, to: number): number | null {
  for (let moment = from; moment < to; moment++) {
    const alive = book.lives.some((life) => life.from <= moment - SETTLE && life.to > moment);
    const deployed = book.deploys.some((span) => overlaps(span, moment - SETTLE, moment));
    const held = book.clockSets.some((at) => at <= moment && at > moment - HOLD);
    if (alive && !deployed && !held) return moment;
  }
  return null;
}

/** What the list of tasks shows is what was told. */
function shownOtherwise({ id }: TaskFacts, { lateShown, slack }: AlarmBook, alarms: readonly Alarm[]): string[] {
  return lateShown
    .filter((shown) => shown.id === id)
    .filter(({ at, late }) => {
      const before = alarms.findLast((alarm) => alarm.at <= at)?.event === 'late';
      const changed = alarms.some((alarm) => Math.abs(alarm.at - at) <= slack);
      return before !== late && !changed;
    })
    .map(({ at, late }) => `the list called it ${late ? 'late' : 'not late'} at ${at.toFixed(1)}, other than was told`);
}
