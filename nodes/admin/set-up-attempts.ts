// A set-up that failed half-way goes on where it stopped: with the same key, instead of leaving one more on the other machine each
// time, and with all that was changed there so far, which a person is told in the end.
import { toZfsFlowError, ZfsFlowError } from '../../src/base/errors';
import type { RawOptions } from '../../src/options/read';
import { engine } from '../runtime/engine';
import { stagedCredentials } from './staged-keys';

type KeyPair = Awaited<ReturnType<ReturnType<typeof engine.ssh>['generateKeyPair']>>;
export type KeyType = 'ed25519' | 'rsa';

interface Attempt {
  pair: Promise<KeyPair>;
  /** By attempts that failed since the last that did not. */
  changed: string[];
  /** Where the key works; undefined until then. */
  account?: RawOptions;
}

/** By connection, machine and type of key; the oldest first. */
const known = new Map<string, Attempt>();
const MOST = 20;
/** Milliseconds until one is forgotten, as staged keys are. */
const PATIENCE = 3_600_000;
/** Connections that are being set up: of two at once one would lose its key. */
const inWork = new Set<string>();

export interface Attempts<T> {
  /** Connection. */
  id: string;
  /** Whatever names the other machine. */
  machine: string;
  keyType: KeyType;
  /** `keyPair` is asked for when the pair is needed. Failures have `details.changed` where something was changed. */
  work: (keyPair: () => Promise<KeyPair>) => Promise<T & Done>;
}

/** `host`, `port` and `username` are where the key works. */
type Done = RawOptions & { changed: readonly string[] };

/** What `work` answers and throws, with all that was changed since the last success. Throws BUSY while one is at work. */
export async function attempt<T>({ id, machine, keyType, work }: Attempts<T>): Promise<T & { changed: string[] }> {
  if (inWork.has(id)) throw new ZfsFlowError('BUSY', 'this connection is being set up already');
  inWork.add(id);
  const name = JSON.stringify([id, machine, keyType]);
  try {
    const done = await work(() => pairOf(id, name, keyType));
    const changed = [...(known.get(name)?.changed ?? []), ...done.changed];
    const { host, port, username } = done;
    Object.assign(known.get(name) ?? {}, { changed: [], account: { host, port, username } });
    return { ...done, changed };
  } catch (thrown) {
    const error = toZfsFlowError(thrown);
    const now = error.details?.['changed'];
    const all = known.get(name)?.changed ?? [];
    if (Array.isArray(now)) all.push(...(now as string[]));
    throw all.length === 0 ? error : error.with({ details: { ...error.details, changed: [...all] } });
  } finally {
    inWork.delete(id);
  }
}

/** One that worked is good for another try as long as it waits for its deploy: afterwards whoever asks wants another. */
async function pairOf(id: string, name: string, keyType: KeyType): Promise<KeyPair> {
  const last = known.get(name);
  if (last !== undefined) {
    const pair = await last.pair;
    const waits = last.account && stagedCredentials(id, last.account)?.['privateKey'] === pair.privateKey;
    if (waits !== false) return pair;
    known.delete(name);
  }
  const made: Attempt = { pair: engine.ssh().generateKeyPair(keyType), changed: [] };
  const [oldest] = known.keys();
  if (known.size >= MOST && oldest !== undefined) known.delete(oldest);
  known.set(name, made);
  setTimeout(() => known.get(name) === made && known.delete(name), PATIENCE).unref();
  return made.pair;
}
