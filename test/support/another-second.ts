import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves in the next second of the clock: a naming schema with `%S` then gives another name than before. */
export async function anotherSecond(): Promise<void> {
  await sleep(1000 - (Date.now() % 1000) + 5);
}
