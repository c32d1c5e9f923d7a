// Runs work over datasets, parents before children and siblings side by side, at most so many at once. A failure stops
// what is below it and nothing else.
import { isWithin } from '../../zfs/records';

export type Outcome<T> = { item: T; error?: unknown; skippedFor?: T };

interface Task<T> {
  item: T;
  parent: Task<T> | null;
  /** Neither above nor below it, but needed before it. */
  needs: Task<T> | null;
  state: 'waiting' | 'running' | 'done' | 'failed';
}

export interface Places<T> {
  /** Its place in the tree. */
  path: (item: T) => string;
  /** Place of another item that must be done before it; null for none. The caller rules out circles. */
  after?: (item: T) => string | null;
}

function buildTasks<T>(items: readonly T[], { path, after }: Places<T>): Task<T>[] {
  const tasks: Task<T>[] = [];
  for (const item of items.toSorted((a, b) => (path(a) < path(b) ? -1 : 1))) {
    const parent = tasks.filter((task) => isWithin(path(item), path(task.item))).at(-1) ?? null;
    tasks.push({ item, parent, needs: null, state: 'waiting' });
  }
  for (const task of tasks) {
    const place = after?.(task.item) ?? null;
    task.needs = tasks.find(({ item }) => path(item) === place) ?? null;
  }
  return tasks;
}

const before = <T>({ parent, needs }: Task<T>): Task<T>[] => [parent, needs].filter((task) => task !== null);

/** Leaves out what waits for something that failed; again and again, until nothing more follows from it. */
function leaveOut<T>(tasks: readonly Task<T>[], outcomes: Outcome<T>[]): void {
  for (;;) {
    const task = tasks.find((one) => one.state === 'waiting' && before(one).some(({ state }) => state === 'failed'));
    const failed = task && before(task).find(({ state }) => state === 'failed');
    if (!task || !failed) return;
    task.state = 'failed';
    outcomes.push({ item: task.item, skippedFor: failed.item });
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
      },
    );
    const tracked = ended.finally(() => running.delete(tracked));
    running.add(tracked);
  };

  for (;;) {
    leaveOut(tasks, outcomes);
    const ready = tasks.filter(
      (task) => task.state === 'waiting' && before(task).every(({ state }) => state === 'done'),
    );
    for (const task of ready.slice(0, parallel - running.size)) start(task);
    if (running.size === 0) break;
    await Promise.race(running);
  }
  return outcomes;
}
