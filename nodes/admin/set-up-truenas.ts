// What the dialog asks to set up a TrueNAS (face.md §5): reads the request, has it done, and keeps the new key on the server.
// The secrets of the request are used for it and kept nowhere.
import { invalidOption, toZfsFlowError } from '../../src/base/errors';
import { Secret } from '../../src/base/secret';
import { readBoolean, readChoice, readString, type RawOptions } from '../../src/options/read';
import { engine } from '../runtime/engine';
import type { Red } from '../runtime/red';
import { attempt } from './set-up-attempts';
import { assertMayStage, stageKey } from './staged-keys';

/** Answers `{ok: true, host, port, username, hostKeys, publicKey, sudo, changed, warnings, facts}`. Throws what `setUpTrueNas` of the engine does. */
export async function setUpTrueNas(RED: Red, body: RawOptions, signal: AbortSignal): Promise<Record<string, unknown>> {
  const id = readString(body, 'id');
  const replace = readBoolean(body, 'replace', false);
  assertMayStage(RED, id, replace);
  const url = readString(body, 'url').trim();
  const request = {
    url,
    credentials: credentialsOf(body, readString(body, 'username').trim()),
    certificate: readString(body, 'certificate'),
    sshUser: readString(body, 'sshUser').trim(),
    sudo: readChoice(body, 'sudo', ['none', 'sudo', 'doas'], 'none'),
    insecure: readBoolean(body, 'insecure', false),
  };
  const keyType = readChoice(body, 'keyType', ['ed25519', 'rsa'], 'ed25519');
  const answer = await attempt({
    id,
    machine: url,
    keyType,
    async work(keyPair) {
      const { privateKey, ...done } = await engine.trueNas().setUpTrueNas({ ...request, keyPair, signal });
      stage(RED, id, privateKey, replace, done);
      return done;
    },
  });
  return { ok: true, ...answer };
}

type Done = Omit<Awaited<ReturnType<ReturnType<typeof engine.trueNas>['setUpTrueNas']>>, 'privateKey'>;

/** Somebody may have deployed a node of this id meanwhile; what was changed over there is still so. */
function stage(RED: Red, id: string, privateKey: string, replace: boolean, done: Done): void {
  const { host, port, username, changed } = done;
  try {
    stageKey(RED, id, { privateKey }, { replace, account: { host, port, username } });
  } catch (thrown) {
    const error = toZfsFlowError(thrown);
    throw error.with({ details: { ...error.details, changed } });
  }
}

type Request = Parameters<ReturnType<typeof engine.trueNas>['setUpTrueNas']>[0];

/** The login of a request. Throws INVALID_OPTIONS. */
export function credentialsOf(body: RawOptions, username: string): Request['credentials'] {
  const password = readSecret(body, 'password');
  const apiKey = readSecret(body, 'apiKey').trim();
  if (password !== '' && apiKey !== '') throw invalidOption('apiKey', 'give either a password or an API key, not both');
  if (apiKey !== '') return { kind: 'apiKey', username, apiKey: new Secret(apiKey) };
  if (username === '') throw invalidOption('username', 'the user name is missing');
  if (password === '') throw invalidOption('password', 'a password or an API key is missing');
  const otp = readSecret(body, 'otp').replaceAll(/\s/g, '');
  return { kind: 'password', username, password: new Secret(password), otp: otp === '' ? undefined : new Secret(otp) };
}

/** A code of digits may come as a number. What is wrong with a secret is said without repeating it. */
function readSecret(body: RawOptions, field: string): string {
  const value = body[field] ?? '';
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') throw invalidOption(field, `${field} must be a text`);
  return value;
}
