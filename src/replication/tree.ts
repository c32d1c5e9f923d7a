// Runs work over datasets, parents before children and siblings side by side, at most so many at once. A failure stops
// what is below it and nothing else.
import { isWithin } from '../zfs/records';

export type Outcome<T> = { item: T; error?: unknown; skippedFor?: T };

interface Task<T> {
  item: T;
  parent: Task<T> | null;
  state: 'waiting' | 'running' | 'done' | 'failed';
}

function buildTasks<T>(items: readonly T[], path: (item: T) => string): Task<T>[] {
  const tasks: Task<T>[] = [];
  for (const item of items.toSorted((a, b) => (path(a) < path(b) ? -1 : 1))) {
    const parent = tasks.filter((task) => isWithin(path(item), path(task.item))).at(-1) ?? null;
    tasks.push({ item, parent, state: 'waiting' });
  }
  return tasks;
}

/**
 * Calls `work` for every item; `path` gives its place in the tree. Never rejects: what `work` threw is in the outcomes,
 * as are the items that were left out because one above them failed (`skippedFor`).
 */
export async function runTree<T>(
  items: readonly T[],
  path: (item: T) => string,
  parallel: number,
  work: (item: T) => Promise<void>,
): Promise<Outcome<T>[]> {
  const tasks = buildTasks(items, path);
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
      },
    );
    const tracked = ended.finally(() => running.delete(tracked));
    running.add(tracked);
  };

  for (;;) {
    for (const task of tasks) {
      if (task.state === 'waiting' && task.parent?.state === 'failed') {
        task.state = 'failed';
        outcomes.push({ item: task.item, skippedFor: task.parent.item });
      }
    }
    const ready = tasks.filter(
      ({ state, parent }) => state === 'waiting' && (parent === null || parent.state === 'done'),
    );
    for (const task of ready.slice(0, parallel - running.size)) start(task);
    if (running.size === 0) break;
    await Promise.race(running);
  }
  return outcomes;
}
