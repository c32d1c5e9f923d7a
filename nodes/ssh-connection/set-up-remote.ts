// `set-up-remote` (face.md §5): lets a new key into an account, with its password, and keeps the private half on the server
// for the connection that is deployed later. The password lives for this request only.
import { invalidOption, toZfsFlowError, ZfsFlowError } from '../../src/base/errors';
import { readBoolean, readChoice, readString, type RawOptions } from '../../src/options/read';
import type { KeyPair } from '../../src/host/ssh/key-pair';
import type { SshHostOptions } from '../../src/host/ssh/ssh-options';
import { accountOf } from '../admin/account';
import { attempt } from '../admin/set-up-attempts';
import { assertMayStage, stagedCredentials, stageKey, type StageOptions } from '../admin/staged-keys';
import { engine } from '../runtime/engine';
import type { Red } from '../runtime/red';
import { shownFacts } from './connection-tools';
import { routeOptions } from './route';

/** Ids that are being set up: of two at once one would lose its key. */
const inWork = new Set<string>();

/** Throws INVALID_OPTIONS, BUSY, HOST_KEY_UNKNOWN with all keys of the host, and what `setUpByPassword` throws. */
export async function setUpRemote(RED: Red, body: RawOptions, signal: AbortSignal): Promise<Record<string, unknown>> {
  const id = readString(body, 'id');
  const replace = readBoolean(body, 'replace', false);
  assertMayStage(RED, id, replace);
  const options = optionsOf(RED, id, body);
  if (inWork.has(id)) throw new ZfsFlowError('BUSY', 'this connection is being set up already');
  inWork.add(id);
  try {
    if (options.hostKeys === '') throw await unknownHost(options);
    if (readString(body, 'password') === '') throw invalidOption('password', 'the password is missing');
    const keyType = readChoice(body, 'keyType', ['ed25519', 'rsa'], 'ed25519');
    const answer = await attempt({
      id,
      machine: accountOf(body),
      keyType,
      async work(keyPair) {
        const { privateKey, publicKey } = waiting(id, body, keyType) ?? (await keyPair());
        const done = await engine
          .sshSetup()
          .setUpByPassword(options, { privateKey, publicKey }, signal)
          .catch(mismatch);
        stage(RED, id, privateKey, { replace, account: body }, done.changed);
        const { changed, warnings, facts, sudo } = done;
        return { publicKey, changed, warnings, facts: shownFacts(facts), ...(sudo === undefined ? {} : { sudo }) };
      },
    });
    return { ok: true, hostKeys: options.hostKeys, ...answer };
  } finally {
    inWork.delete(id);
  }
}

/** Logs in with the password, and with what else the dialog shows. */
function optionsOf(RED: Red, id: string, body: RawOptions): SshHostOptions {
  const password = readString(body, 'password');
  const given = { ...body, name: '', authMethod: 'password', hostKeys: readString(body, 'hostKey') };
  const options = routeOptions(RED, id, given, { password });
  return { ...options, hostKeys: confirmed(options.hostKeys) };
}

/** The keys that a person has confirmed, as the property `hostKeys` has them. */
function confirmed(text: string): string {
  const { parseHostKeys, hostKeyLine } = engine.ssh();
  try {
    return parseHostKeys(text).map(hostKeyLine).join('\n');
  } catch (error) {
    throw error instanceof ZfsFlowError ? error.with({ field: 'hostKey' }) : error;
  }
}

/** Nothing is sent but what shows the keys. */
async function unknownHost(options: SshHostOptions): Promise<ZfsFlowError> {
  const { label } = options;
  const keys = await engine.ssh().hostKeysOf(options);
  const shown = keys.map(({ type, fingerprint }) => `${type} ${fingerprint}`).join(', ');
  return new ZfsFlowError('HOST_KEY_UNKNOWN', `the host key of ${label} is not confirmed yet; it shows ${shown}`, {
    host: label,
    hint: 'Compare the fingerprint with the one on the host (ssh-keygen -l), and confirm it.',
    details: {
      hostKeys: keys.map(({ type, base64, fingerprint, line }) => ({ type, key: base64, fingerprint, line })),
    },
  });
}

/** A host that has no key of the confirmed one's type shows another one, like any other that is not the confirmed one. */
function mismatch(error: unknown): never {
  if (!(error instanceof ZfsFlowError) || error.code !== 'HOST_KEY_UNKNOWN') throw error;
  const { message, hint = '', host = '', details = {} } = error;
  throw new ZfsFlowError('HOST_KEY_MISMATCH', message, { hint, host, details });
}

/** The key that waits for this account already is good for another try: a new one each time would leave many over there. */
function waiting(id: string, body: RawOptions, type: string): KeyPair | undefined {
  const privateKey = stagedCredentials(id, body)?.['privateKey'];
  const pair = privateKey === undefined ? undefined : engine.ssh().keyPairOf(privateKey);
  return pair?.publicKey.startsWith(`ssh-${type} `) === true ? pair : undefined;
}

/** Somebody may have deployed a node of this id meanwhile; what was changed over there is still so. */
function stage(RED: Red, id: string, privateKey: string, options: StageOptions, changed: readonly string[]): void {
  try {
    stageKey(RED, id, { privateKey }, options);
  } catch (thrown) {
    const error = toZfsFlowError(thrown);
    throw error.with({ details: { ...error.details, changed } });
  }
}
