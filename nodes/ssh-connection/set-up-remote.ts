// `set-up-remote` (face.md §5): lets a new key into an account, with its password, and keeps the private half on the server
// for the connection that is deployed later. The password lives for this request only.
import { invalidOption, ZfsFlowError } from '../../src/base/errors';
import { readBoolean, readChoice, readString, type RawOptions } from '../../src/options/read';
import type { KeyPair } from '../../src/host/ssh/key-pair';
import type { SshHostOptions } from '../../src/host/ssh/ssh-options';
import { assertMayStage, stagedCredentials, stageKey } from '../admin/staged-keys';
import { engine } from '../runtime/engine';
import type { Red } from '../runtime/red';
import { shownFacts } from './connection-tools';
import { sshHostOptions } from './ssh-options';

/** Ids that are being set up: of two at once one would lose its key. */
const inWork = new Set<string>();

/** Throws INVALID_OPTIONS, BUSY, HOST_KEY_UNKNOWN with all keys of the host, and what `setUpByPassword` throws. */
export async function setUpRemote(RED: Red, body: RawOptions, signal: AbortSignal): Promise<Record<string, unknown>> {
  const id = readString(body, 'id');
  const replace = readBoolean(body, 'replace', false);
  assertMayStage(RED, id, replace);
  const options = optionsOf(body);
  if (inWork.has(id)) throw new ZfsFlowError('BUSY', 'this connection is being set up already');
  inWork.add(id);
  try {
    if (options.hostKeys === '') throw await unknownHost(options);
    const key = await keyFor(id, body);
    const done = await engine.sshSetup().setUpByPassword(options, key, signal).catch(mismatch);
    stageKey(RED, id, { privateKey: key.privateKey }, { replace, account: body });
    const { changed, warnings, facts } = done;
    const { hostKeys } = options;
    return { ok: true, hostKeys, publicKey: key.publicKey, changed, warnings, facts: shownFacts(facts) };
  } finally {
    inWork.delete(id);
  }
}

/** Logs in with the password, and with what else the dialog shows. */
function optionsOf(body: RawOptions): SshHostOptions {
  const password = readString(body, 'password');
  if (password === '') throw invalidOption('password', 'the password is missing');
  const given = { ...body, name: '', authMethod: 'password', hostKeys: readString(body, 'hostKey') };
  const options = sshHostOptions('set-up', given, { password });
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
async function unknownHost({ label, host, port, connectTimeout }: SshHostOptions): Promise<ZfsFlowError> {
  const keys = await engine.ssh().discoverHostKeys(host, port, connectTimeout);
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

/** One that waits already is good for another try: a new one each time would leave many behind over there. */
async function keyFor(id: string, body: RawOptions): Promise<KeyPair> {
  const type = readChoice(body, 'keyType', ['ed25519', 'rsa'], 'ed25519');
  const privateKey = stagedCredentials(id, body)?.['privateKey'];
  const waiting = privateKey === undefined ? undefined : engine.ssh().keyPairOf(privateKey);
  return waiting?.publicKey.startsWith(`ssh-${type} `) === true ? waiting : engine.ssh().generateKeyPair(type);
}
