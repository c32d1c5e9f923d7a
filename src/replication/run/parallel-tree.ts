// Runs work over datasets, parents before children and siblings side by side, at most so many at once. A failure stops
// what is below it and nothing else.
import { above } from '../../zfs/records';

export type Outcome<T> = { item: T; error?: unknown; skippedFor?: T };

interface Task<T> {
  item: T;
  /** What it waits for: the nearest above it, and what else it needs. */
  before: readonly Task<T>[];
  state: 'waiting' | 'running' | 'done' | 'failed';
}

export interface Places<T> {
  /** Its place in the tree; no two have the same. */
  path: (item: T) => string;
  /** Place of another item that must be done before it; null for none. The caller rules out circles. */
  after?: (item: T) => string | null;
}

/** In the order of their places. */
function buildTasks<T>(items: readonly T[], { path, after }: Places<T>): Task<T>[] {
  const tasks = items
    .toSorted((a, b) => (path(a) < path(b) ? -1 : 1))
    .map((item): Task<T> => ({ item, before: [], state: 'waiting' }));
  const byPath = new Map(tasks.map((task) => [path(task.item), task]));
  for (const task of tasks) {
    const parent = [...above(path(task.item))].find((place) => byPath.has(place));
    task.before = [parent, after?.(task.item)].flatMap((place) => byPath.get(place ?? '') ?? []);
  }
  return tasks;
}

const hasFailed = ({ state }: Task<unknown>): boolean => state === 'failed';
const isDone = ({ state }: Task<unknown>): boolean => state === 'done';

/** Leaves out what waits for something that failed; again and again, until nothing more follows from it. */
function leaveOut<T>(tasks: readonly Task<T>[], outcomes: Outcome<T>[]): void {
  for (let count = -1; count !== outcomes.length;) {
    count = outcomes.length;
    for (const task of tasks) {
      const failed = task.state === 'waiting' ? task.before.find(hasFailed) : undefined;
      if (!failed) continue;
      task.state = 'failed';
      outcomes.push({ item: task.item, skippedFor: failed.item });
    }
  }
}

/**
 * Calls `work` for every item. Never rejects: what `work` threw is in the outcomes, as are the items that were left out
 * because one above them, or one that they need, failed (`skippedFor`).
 */
export async function runTree<T>(
  items: readonly T[],
  places: Places<T>,
  parallel: number,
  work: (item: T) => Promise<void>,
): Promise<Outcome<T>[]> {
  const tasks = buildTasks(items, places);
  const outcomes: Outcome<T>[] = [];
  const running = new Set<Promise<void>>();

  const start = (task: Task<T>): void => {
    task.state = 'running';
    const ended = work(task.item).then(
      () => {
        task.state = 'done';
        outcomes.push({ item: task.item });
      },
      (error: unknown) => {
        task.state = 'failed';
        outcomes.push({ item: task.item, error });
        leaveOut(tasks, outcomes);
      },
    );
    const tracked = ended.finally(() => running.delete(tracked));
    running.add(tracked);
  };

  // None before it waits.
  let first = 0;
  for (;;) {
    while (first < tasks.length && tasks[first]?.state !== 'waiting') first++;
    for (let at = first; at < tasks.length && running.size < parallel; at++) {
      const task = tasks[at];
      if (task?.state === 'waiting' && task.before.every(isDone)) start(task);
    }
    if (running.size === 0) break;
    await Promise.race(running);
  }
  return outcomes;
}
