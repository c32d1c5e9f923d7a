// Whether each task ran when it was due, and whether its history is what came out of it: schedules, runs and counters against the
// messages that were heard. Pure; seconds.
import type { Run } from '../../../nodes/admin/task-answers';
import { type Book, type Heard, overlaps } from '../book';

export type TaskBook = Pick<Book, 'lives' | 'deploys' | 'clockSets' | 'pauses' | 'wall'> & {
  heard: readonly Heard[];
  slack: number;
  end: number;
};

/** What a run begins with, or what is said where it does not begin. */
const SIGNS: ReadonlySet<string> = new Set(['queued', 'waiting', 'started', 'skipped']);
/** Nothing ran. */
const REFUSED: ReadonlySet<string> = new Set(['BUSY', 'DISABLED']);
/** Seconds that a timer sleeps at the most; after its clock was set it is as late as that. */
const LOOK = 95;

/** Each minute that nothing stood in the way of. */
export function judgeSchedule(id: string, book: TaskBook): string[] {
  const signs = book.heard.filter((one) => one.id === id && (one.kind === 'error' || SIGNS.has(one.event ?? '')));
  const first = (60_000 - (book.wall % 60_000)) / 1000;
  const faults: string[] = [];
  for (let due = first; due + book.slack < book.end; due += 60) {
    const [from, to] = [due - 5, due + book.slack + 5];
    const alive = book.lives.some((life) => life.from < from && life.to > to);
    const disturbed =
      book.deploys.some((span) => overlaps(span, from - 10, to)) ||
      book.clockSets.some((at) => at > from - LOOK && at < to) ||
      (book.pauses.get(id) ?? []).some((span) => overlaps(span, from, to));
    if (!alive || disturbed) continue;
    if (!signs.some(({ at }) => at > due - 1 && at < due + book.slack))
      faults.push(`${id}: nothing came of the minute at ${due.toFixed(1)} s`);
  }
  return faults;
}

interface Ended {
  jobId: string;
  success: boolean;
  at: number;
}

/** Runs that have come to an end before somebody's ears, in order. */
function endedOf(id: string, heard: readonly Heard[]): Ended[] {
  return heard.flatMap((one): Ended[] => {
    if (one.id !== id || one.jobId === undefined || one.jobId === '') return [];
    if (one.kind === 'result') return [{ jobId: one.jobId, success: true, at: one.at }];
    const isRun = one.kind === 'error' && !REFUSED.has(one.code ?? '');
    return isRun ? [{ jobId: one.jobId, success: false, at: one.at }] : [];
  });
}

/** The last runs, as they are remembered. */
export function judgeHistory(id: string, runs: readonly Run[], book: TaskBook): string[] {
  const ended = endedOf(id, book.heard);
  const known = new Map(ended.map((one) => [one.jobId, one]));
  const faults: string[] = [];
  for (const { jobId, state, text } of runs) {
    if (jobId === '') continue;
    const heard = known.get(jobId);
    // One that Node-RED took with it has told nobody.
    if (heard === undefined && !(state === 'cancelled' && /Node-RED end(?:ed|s)/.test(text)))
      faults.push(`${id}: the history has run ${jobId} (${state}), of which nothing was heard`);
    if (heard !== undefined && heard.success !== (state === 'success'))
      faults.push(`${id}: run ${jobId} is ${state} in the history, and was heard to be otherwise`);
  }
  // What was heard in the last life is all there, as far back as the history goes.
  const since = book.lives.at(-1)?.from ?? 0;
  const remembered = runs.map(({ jobId }) => jobId);
  const wanted = ended.filter(({ at }) => at > since).map(({ jobId }) => jobId);
  const tail = wanted.slice(-Math.min(wanted.length, runs.length));
  const missing = tail.filter((jobId) => !remembered.includes(jobId));
  if (missing.length > 0) faults.push(`${id}: the history lacks ${missing.join(', ')}`);
  if (new Set(remembered.filter(Boolean)).size !== remembered.filter(Boolean).length)
    faults.push(`${id}: the history has a run twice`);
  return faults;
}

/** Counted over all lives; what a kill took with it may be missing. */
export function judgeCount(id: string, counted: number, book: TaskBook): string[] {
  const successes = endedOf(id, book.heard).filter(({ success }) => success);
  const killed = book.lives.filter(({ end }) => end === 'SIGKILL');
  const unsure = successes.filter(({ at }) => killed.some(({ to }) => at > to - 7 && at <= to + 1)).length;
  const [least, most] = [successes.length - unsure, successes.length + killed.length];
  return counted >= least && counted <= most
    ? []
    : [`${id}: ${counted} successes are counted, ${successes.length} were heard (${unsure} just before a kill)`];
}
