// A set-up that failed half-way goes on where it stopped: with the same key, instead of leaving one more on the other machine each
// time, and with all that was changed there so far, which a person is told in the end.
import { toZfsFlowError } from '../../src/base/errors';
import { engine } from '../runtime/engine';

type KeyPair = Awaited<ReturnType<ReturnType<typeof engine.ssh>['generateKeyPair']>>;
export type KeyType = 'ed25519' | 'rsa';

interface Attempt {
  pair: Promise<KeyPair>;
  changed: string[];
}

/** By connection, machine and type of key; the oldest first. */
const unfinished = new Map<string, Attempt>();
const MOST = 20;
/** Milliseconds until one is forgotten, as staged keys are. */
const PATIENCE = 3_600_000;

export interface Attempts<T> {
  /** Connection. */
  id: string;
  /** Whatever names the other machine. */
  machine: string;
  keyType: KeyType;
  /** `keyPair` is asked for when the pair is needed. Failures have `details.changed` where something was changed. */
  readonly work: (keyPair: () => Promise<KeyPair>) => Promise<T & { changed: readonly string[] }>;
}

/** What `work` answers and throws, with all that was changed since the first attempt. */
export async function attempt<T>({ id, machine, keyType, work }: Attempts<T>): Promise<T & { changed: string[] }> {
  const name = JSON.stringify([id, machine, keyType]);
  try {
    const done = await work(() => pairOf(name, keyType));
    const changed = [...(unfinished.get(name)?.changed ?? []), ...done.changed];
    unfinished.delete(name);
    return { ...done, changed };
  } catch (thrown) {
    const error = toZfsFlowError(thrown);
    const now = error.details?.['changed'];
    const all = unfinished.get(name)?.changed ?? [];
    if (Array.isArray(now)) all.push(...(now as string[]));
    throw all.length === 0 ? error : error.with({ details: { ...error.details, changed: [...all] } });
  }
}

function pairOf(name: string, keyType: KeyType): Promise<KeyPair> {
  const known = unfinished.get(name);
  if (known !== undefined) return known.pair;
  const made: Attempt = { pair: engine.ssh().generateKeyPair(keyType), changed: [] };
  const [oldest] = unfinished.keys();
  if (unfinished.size >= MOST && oldest !== undefined) unfinished.delete(oldest);
  unfinished.set(name, made);
  setTimeout(() => unfinished.get(name) === made && unfinished.delete(name), PATIENCE).unref();
  return made.pair;
}
