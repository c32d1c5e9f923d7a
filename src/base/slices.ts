// Long work on many items without keeping the event loop from anything else for more than a moment: done in slices, with
// a turn of the loop between them.

/** Milliseconds of work between two turns of the loop. */
const SLICE_MS = 8;
/** Items sorted at a stretch: 4096 take about 2 ms. */
const SORT_RUN = 4096;

const nextTurn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Takes items as they come, works on them in slices, and says when all is done. */
export class SlicedQueue<T> {
  private items: T[] = [];
  private done = 0;
  private scheduled = false;
  private failure: { error: unknown } | null = null;
  private waiting: (() => void)[] = [];

  constructor(private readonly take: (item: T) => void) {}

  push(item: T): void {
    if (this.failure !== null) return;
    this.items.push(item);
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.work());
  }

  /** Resolves when everything pushed so far has been taken; rejects with what `take` threw, after which nothing is. */
  async drained(): Promise<void> {
    if (this.scheduled) await new Promise<void>((resolve) => this.waiting.push(resolve));
    if (this.failure !== null) throw this.failure.error;
  }

  private work(): void {
    const until = performance.now() + SLICE_MS;
    try {
      while (this.done < this.items.length && performance.now() < until) this.take(this.items[this.done++] as T);
    } catch (error) {
      this.failure = { error };
      this.done = this.items.length;
    }
    if (this.done < this.items.length) {
      setImmediate(() => this.work());
      return;
    }
    this.items = [];
    this.done = 0;
    this.scheduled = false;
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

/** Calls `take` for each item. */
export async function forEachInSlices<T>(items: readonly T[], take: (item: T) => void): Promise<void> {
  let until = performance.now() + SLICE_MS;
  for (const item of items) {
    take(item);
    if (performance.now() < until) continue;
    await nextTurn();
    until = performance.now() + SLICE_MS;
  }
}

function isSorted<T>(items: readonly T[], compare: (a: T, b: T) => number): boolean {
  return items.every((item, index) => index === 0 || compare(items[index - 1] as T, item) <= 0);
}

/** A stably sorted copy, or the items themselves where they are in order already. */
export async function sortInSlices<T>(items: T[], compare: (a: T, b: T) => number): Promise<T[]> {
  if (isSorted(items, compare)) return items;
  let runs: T[][] = [];
  for (let start = 0; start < items.length; start += SORT_RUN) {
    runs.push(items.slice(start, start + SORT_RUN).toSorted(compare));
    await nextTurn();
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let i = 0; i < runs.length; i += 2) merged.push(await merge(runs[i] ?? [], runs[i + 1] ?? [], compare));
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<T>(left: readonly T[], right: readonly T[], compare: (a: T, b: T) => number): Promise<T[]> {
  const merged: T[] = [];
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const takeLeft = r >= right.length || (l < left.length && compare(left[l] as T, right[r] as T) <= 0);
    merged.push((takeLeft ? left[l++] : right[r++]) as T);
    if (merged.length % SORT_RUN === 0) await nextTurn();
  }
  return merged;
}
