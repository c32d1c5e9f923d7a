// What the runtime answers to an import, and asking it. Keys that it has found wait on the server: whatever becomes of the
// dialog, those that nobody takes over are forgotten there, also when the answer comes after the dialog has gone.
import { ask, isRefusal, type Refusal } from '../../dialog/admin';
import type { ImportAnswer } from './answer-types';
import { t } from './translate';

const CANCELLED: Refusal = { ok: false, code: 'CANCELLED', message: '' };

/** Not ended with its signal: the server goes on, and what it has kept must be known to be forgotten. */
export function askImport(question: object, signal: AbortSignal): Promise<ImportAnswer | Refusal> {
  const coming = ask<ImportAnswer>('truenas-import', question, t);
  void coming.then((answer) => {
    if (signal.aborted && !isRefusal(answer)) forget(answer.secrets);
  });
  return new Promise((resolve) => {
    if (signal.aborted) resolve(CANCELLED);
    signal.addEventListener('abort', () => resolve(CANCELLED));
    void coming.then(resolve);
  });
}

/** Ids of nodes that were put into the flows here and are not deployed: their keys still wait for that. */
const placed = new Set<string>();
let isListening = false;

export function keepFor(ids: readonly string[]): void {
  for (const id of ids) placed.add(id);
  if (!isListening) RED.events.on('deploy', () => placed.clear());
  isListening = true;
}

export function forget(ids: readonly string[]): void {
  for (const id of ids) if (!placed.has(id)) void ask('forget-staged-key', { id }, t);
}
