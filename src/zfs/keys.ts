// Keys of encrypted datasets (zfs-load-key(8)): loading and unloading them, and where each is kept. A key itself goes over
// standard input only.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host, RunOptions } from '../host/host';
import { groupBy } from '../base/group-by';
import { commandError } from './command';
import { getProperties } from './get';
import { says, saysOnly } from './stderr';

const UNLOAD_ATTEMPTS = 5;
const UNLOAD_PAUSE_MS = 400;

export interface KeyRecord {
  name: string;
  /** '-' where it is not encrypted. */
  encryptionRoot: string;
  /** 'prompt', a URL, or 'none'. */
  location: string;
  /** 'available', 'unavailable', or '-'. */
  status: string;
}

/** Keys of these datasets; those that do not exist are left out. Throws the classified error. */
export async function listKeys(
  host: Host,
  datasets: readonly string[],
  options: Pick<RunOptions, 'signal' | 'timeoutMs'> = {},
): Promise<KeyRecord[]> {
  if (datasets.length === 0) return [];
  const request = { of: datasets, properties: ['encryptionroot', 'keylocation', 'keystatus'] };
  const values = await getProperties(host, request, { ...options, missingOk: true });
  return [...groupBy(values, ({ name }) => name)].map(([name, own]) => {
    const value = (of: string): string => own.find(({ property }) => property === of)?.value ?? '-';
    return {
      name,
      encryptionRoot: value('encryptionroot'),
      location: value('keylocation'),
      status: value('keystatus'),
    };
  });
}

/**
 * Loads the key of an encryption root from `location` ('prompt': from `stdin`). False when it was loaded already: somebody
 * may have been quicker. Throws the classified error.
 */
export async function loadKey(
  host: Host,
  root: string,
  location: string,
  options: Pick<RunOptions, 'stdin' | 'signal'> = {},
): Promise<boolean> {
  const argv = ['zfs', 'load-key', '-L', location, root];
  const result = await host.run(argv, options);
  if (result.code === 0) return true;
  if (says(result.stderr, /already loaded/i)) return false;
  throw commandError(host, argv, result, root);
}

/**
 * Unloads the key of an encryption root; that it is gone already is fine. Tries a few times: a volume that has just come
 * into being is looked at by the system for a moment, which makes its key busy. Throws the classified error.
 */
export async function unloadKey(host: Host, root: string, options: Pick<RunOptions, 'timeoutMs'> = {}): Promise<void> {
  const argv = ['zfs', 'unload-key', root];
  for (let attempt = 1; ; attempt++) {
    const result = await host.run(argv, options);
    if (result.code === 0 || saysOnly(result.stderr, /already unloaded|does not exist/)) return;
    if (attempt === UNLOAD_ATTEMPTS || !says(result.stderr, /busy/)) throw commandError(host, argv, result, root);
    await sleep(UNLOAD_PAUSE_MS);
  }
}
