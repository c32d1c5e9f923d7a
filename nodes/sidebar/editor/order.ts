// The order of the rows (design/face.md §3): failed and late first, then running, then by next run. And which rows have to be
// moved for it: a row that moves loses focus and scroll position, so as few as possible do. Pure.
import type { Task } from './task';

/** Somebody has to look. */
export function needsAttention({ state, late }: Task): boolean {
  return state === 'failed' || state === 'invalid' || late !== undefined;
}

const LAST: Partial<Record<Task['state'], number>> = { paused: 4, undeployed: 5, off: 6 };

function rankOf(task: Task): number {
  if (needsAttention(task)) return task.state === 'failed' || task.state === 'invalid' ? 0 : 1;
  if (task.state === 'running' || task.state === 'waiting') return 2;
  return LAST[task.state] ?? 3;
}

const { compare: compareNames } = new Intl.Collator(undefined, { numeric: true });

export function compareTasks(a: Task, b: Task): number {
  return (
    rankOf(a) - rankOf(b) ||
    // Without a next run: after those with one. ISO 8601 in UTC sorts as text.
    compareTexts(a.next ?? '~', b.next ?? '~') ||
    compareNames(a.name || a.type, b.name || b.type) ||
    compareTexts(a.id, b.id)
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Items of `wanted` that can stay where they are in `current`: the longest row of them that is in order already. */
export function staying<T>(current: readonly T[], wanted: readonly T[]): Set<T> {
  const places = new Map(current.map((item, index) => [item, index]));
  const known = wanted.filter((item) => places.has(item));
  /** Of all rows of one length, the one that ends first: `ends[length - 1]` is an index in `known`. */
  const ends: number[] = [];
  const before: (number | undefined)[] = [];
  known.forEach((item, index) => {
    const place = places.get(item) ?? 0;
    const placeOf = (end: number | undefined): number => places.get(known[end ?? 0] as T) ?? 0;
    let low = 0;
    for (let high = ends.length; low < high;) {
      const middle = (low + high) >> 1;
      if (placeOf(ends[middle]) < place) low = middle + 1;
      else high = middle;
    }
    before[index] = ends[low - 1];
    ends[low] = index;
  });
  const stay = new Set<T>();
  for (let at = ends.at(-1); at !== undefined; at = before[at]) stay.add(known[at] as T);
  return stay;
}
