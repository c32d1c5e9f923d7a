// A replication from machine a to machine b of a pair (machines.ts), as tests want it: what it is asked for, and that it
// leaves nothing behind.
import assert from 'node:assert/strict';
import type { Machine } from '../lab/machine';
import { marks } from './engine';

/** Options of every run from a to b. */
export const relay = { sourceConnection: 'a', targetConnection: 'b' } as const;

export interface Job {
  source: string;
  target: string;
  options: Record<string, unknown>;
}

export function jobOf(source: string, target: string, more: Readonly<Record<string, unknown>> = {}): Job {
  return { source, target, options: { ...relay, sourceDatasets: [source], targetDataset: target, ...more } };
}

/** Only what is meant to stay is left of runs that are over: a few final bookmarks on the source, a hold on the target. */
export async function assertTidy(source: Machine, dataset: string, target: Machine, copy: string): Promise<void> {
  const [left, right] = await Promise.all([marks(source, dataset), marks(target, copy)]);
  assert.deepEqual([left.tentative, left.holds, right.holds.length], [[], [], 1]);
  assert.ok(left.final.length >= 1 && left.final.length <= 16, `${left.final.length} bookmarks`);
}

/** Looks every 50 ms; a minute at the most. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('what was waited for did not happen within a minute');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
