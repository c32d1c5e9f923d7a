// What the dialog asks to set up a TrueNAS (face.md §5): reads the request, has it done, and keeps the new key on the server.
// The secrets of the request are used for it and kept nowhere.
import { invalidOption, toZfsFlowError } from '../../src/base/errors';
import { Secret } from '../../src/base/secret';
import { readBoolean, readChoice, readString, type RawOptions } from '../../src/options/read';
import { engine } from '../runtime/engine';
import type { Red } from '../runtime/red';
import { assertMayStage, stageKey } from './staged-keys';

/** Answers `{ok: true, host, port, username, hostKeys, publicKey, sudo, changed, facts}`. Throws what `setUpTrueNas` of the engine does. */
export async function setUpTrueNas(RED: Red, body: RawOptions): Promise<Record<string, unknown>> {
  const id = readString(body, 'id');
  const replace = readBoolean(body, 'replace', false);
  assertMayStage(RED, id, replace);
  const username = readString(body, 'username').trim();
  const attempt = new Attempt(id, readChoice(body, 'keyType', ['ed25519', 'rsa'], 'ed25519'));
  const done = await engine.trueNas().setUpTrueNas({
    url: readString(body, 'url'),
    credentials: credentialsOf(body, username),
    certificate: readString(body, 'certificate'),
    sshUser: readString(body, 'sshUser').trim(),
    sudo: readChoice(body, 'sudo', ['none', 'sudo', 'doas'], 'none'),
    insecure: readBoolean(body, 'insecure', false),
    keyPair: () => attempt.keyPair(),
  });
  const { privateKey, ...answer } = done;
  const { host, port, changed } = done;
  try {
    stageKey(RED, id, { privateKey }, { replace, account: { host, port, username: done.username } });
  } catch (thrown) {
    // Somebody deployed a node of this id meanwhile. What was changed over there is still so.
    const error = toZfsFlowError(thrown);
    throw error.with({ details: { ...error.details, changed } });
  }
  attempt.succeeded();
  return { ok: true, ...answer };
}

type KeyType = 'ed25519' | 'rsa';
type KeyPair = Awaited<ReturnType<ReturnType<typeof engine.ssh>['generateKeyPair']>>;

/** Pairs of attempts that failed, by connection and type; the oldest first. */
const unfinished = new Map<string, KeyPair>();
const MOST_UNFINISHED = 20;
/** Milliseconds until such a pair is forgotten, as a staged one is. */
const PATIENCE = 3_600_000;

/** A set-up that failed after its key was over there goes on with that key, instead of leaving one more each time. */
class Attempt {
  private readonly name: string;

  constructor(
    id: string,
    private readonly type: KeyType,
  ) {
    this.name = `${id} ${type}`;
  }

  async keyPair(): Promise<KeyPair> {
    const { name } = this;
    const known = unfinished.get(name);
    if (known !== undefined) return known;
    const pair = await engine.ssh().generateKeyPair(this.type);
    const [oldest] = unfinished.keys();
    if (unfinished.size >= MOST_UNFINISHED && oldest !== undefined) unfinished.delete(oldest);
    unfinished.set(name, pair);
    setTimeout(() => unfinished.get(name) === pair && unfinished.delete(name), PATIENCE).unref();
    return pair;
  }

  succeeded(): void {
    unfinished.delete(this.name);
  }
}

type Request = Parameters<ReturnType<typeof engine.trueNas>['setUpTrueNas']>[0];

function credentialsOf(body: RawOptions, username: string): Request['credentials'] {
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
