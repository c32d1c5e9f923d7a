// Sets up an account for logins by key, with its password: any Linux or BSD (design/truenas-api.md §1.10). The proof is a
// login with the new key over a connection of its own; until then the password stays at hand to ask what went wrong.
import { ZfsFlowError } from '../base/errors';
import type { HostFacts } from '../host/host';
import type { KeyPair } from '../host/ssh/key-pair';
import { SshHost } from '../host/ssh/ssh-host';
import type { SshHostOptions } from '../host/ssh/ssh-options';
import { installKey, whyNoKey, type Installed } from './install-key';
import { findRights } from './rights';

export interface SetUp extends Installed {
  /** Of the machine, found out with the new key. */
  facts: HostFacts;
  /** What the connection has to say for its commands to have rights; undefined where it says it, or needs nothing. */
  sudo?: 'sudo' | 'doas';
}

/**
 * `options` log in with the password, and hold the host keys that a person has confirmed. Throws the connection codes
 * before anything is changed (HOST_KEY_MISMATCH before the password is sent), what `installKey` throws, and
 * AUTHENTICATION_FAILED when the key is in place and does not work; `details.changed` says what was changed.
 */
export async function setUpByPassword(options: SshHostOptions, key: KeyPair, signal?: AbortSignal): Promise<SetUp> {
  const byPassword = new SshHost(options);
  const withKey: SshHostOptions = { ...options, auth: { method: 'privateKey', privateKey: key.privateKey } };
  const byKey = new SshHost(withKey);
  const stop = (): void => void Promise.allSettled([byPassword.close(), byKey.close()]);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const installed = await installKey(byPassword, key.publicKey, signal);
    try {
      const facts = await byKey.facts({ signal });
      const found = await findRights(withKey, { host: byKey, facts }, signal);
      return { ...installed, ...found, warnings: [...installed.warnings, ...found.warnings] };
    } catch (error) {
      throw await explained(error, byPassword, options.username, installed, signal);
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    await Promise.allSettled([byPassword.close(), byKey.close()]);
  }
}

/** The key is in place, and logging in with it failed. */
async function explained(
  error: unknown,
  host: SshHost,
  username: string,
  { changed, warnings }: Installed,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (!(error instanceof ZfsFlowError)) return error;
  const details = { ...error.details, changed, ...(warnings.length === 0 ? {} : { warnings }) };
  if (error.code !== 'AUTHENTICATION_FAILED') return error.with({ details });
  // Asking is a favour; what it fails with is not what went wrong.
  const why = await whyNoKey(host, username, signal).catch(() => undefined);
  const reason = why ?? warnings[0] ?? error.message;
  return error.with({
    message: `${host.label}: the key is in place, but a login with it failed: ${reason}`,
    hint:
      why === undefined ? UNKNOWN_REASON : 'Change that on the server, or put the public key where it looks for it.',
    details,
  });
}

const UNKNOWN_REASON =
  "The server's log says why: AllowUsers, AuthorizedKeysFile, StrictModes (who may write to the home directory), SELinux.";
