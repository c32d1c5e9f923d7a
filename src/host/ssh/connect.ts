// One attempt to connect and authenticate with ssh2: pinned host keys, one credential, and errors that say what was
// wrong. Keeping a connection and connecting again is `connection.ts`.
import type { Duplex } from 'node:stream';
import { Client, type AuthHandlerMiddleware, type CipherAlgorithm, type ConnectConfig } from 'ssh2';
import { ZfsFlowError, type ErrorCode } from '../../base/errors';
import { forward } from './forward';
import {
  fingerprint,
  hostKeyAlgorithms,
  hostKeyFromBlob,
  parseHostKeys,
  presentedKey,
  discoverHostKeys,
  type Dial,
  type DiscoveredHostKey,
  type HostKey,
} from './host-keys';
import { connectError, connectionLost } from '../connection-errors';
import { readCredential, type Credential, type SshHostOptions } from './ssh-options';

export type ConnectOptions = Pick<
  SshHostOptions,
  | 'label'
  | 'host'
  | 'port'
  | 'username'
  | 'auth'
  | 'hostKeys'
  | 'ciphers'
  | 'connectTimeout'
  | 'keepaliveInterval'
  | 'jump'
>;

/**
 * Resolves with an authenticated client, through the jump hosts there are, whose connections are this one's alone and end
 * with it. Its `error` event has a listener for good, so that a late error can never end the process. Throws the
 * connection codes of the contract, with the hop in the message that they were met at; INVALID_OPTIONS for unreadable
 * `hostKeys`.
 */
export async function connect(options: ConnectOptions, signal?: AbortSignal): Promise<Client> {
  const pinned = parseHostKeys(options.hostKeys);
  const credential = readCredential(options.auth, options.label);
  const route = await openRoute(options, signal);
  try {
    if (pinned.length === 0) throw await unknownHostKey(options, 'no host key is pinned for it', route.dial);
    const client = await new Attempt(options, pinned, credential).run(await route.dial?.(), signal);
    route.carry(client);
    return client;
  } catch (error) {
    try {
      if (!(error instanceof NoPinnedType)) throw route.lost ?? error;
      const types = [...new Set(pinned.map((key) => key.type))].join(', ');
      throw await unknownHostKey(options, `it has no key of the pinned type (${types})`, route.dial);
    } finally {
      route.close();
    }
  }
}

/** How a host is reached. */
interface Route {
  /** Of a host behind a jump host. */
  readonly dial: Dial | undefined;
  /** Why it is no more. */
  readonly lost: ZfsFlowError | undefined;
  /** From now on it ends with this client, and the client is told what broke it. */
  carry(client: Client): void;
  close(): void;
}

/** Throws what kept the jump host from being logged in to. */
export async function openRoute(
  options: Pick<ConnectOptions, 'label' | 'host' | 'port' | 'connectTimeout' | 'jump'>,
  signal?: AbortSignal,
): Promise<Route> {
  const { jump, label } = options;
  if (jump === undefined) return { dial: undefined, lost: undefined, carry: () => undefined, close: () => undefined };
  const hop = await connect(jump, signal).catch((error: unknown) => {
    if (!(error instanceof ZfsFlowError) || error.code === 'CANCELLED') throw error;
    throw error.with({ message: `${label} is reached through ${jump.label}: ${error.message}` });
  });
  let lost: ZfsFlowError | undefined;
  let carried: Client | undefined;
  const over = (cause?: Error): void => {
    if (lost !== undefined) return;
    const { message } = connectionLost(jump.label, cause);
    lost = new ZfsFlowError('CONNECTION_LOST', `${label} is reached through ${jump.label}: ${message}`, {
      host: jump.label,
      cause,
    });
    carried?.emit('error', lost);
  };
  hop.on('error', (error) => {
    over(error);
    hop.destroy();
  });
  hop.on('end', over).on('close', over);
  return {
    dial: () => forward(hop, jump.label, options, options.connectTimeout, signal),
    get lost() {
      return lost;
    },
    carry: (client) => {
      carried = client;
      client.on('close', () => {
        carried = undefined;
        hop.end();
      });
    },
    close: () => void hop.end(),
  };
}

/** All host keys of a host, over its jump hosts. Nothing is authenticated but those; throws as `connect` does. */
export async function hostKeysOf(
  options: Pick<ConnectOptions, 'label' | 'host' | 'port' | 'connectTimeout' | 'jump'>,
): Promise<DiscoveredHostKey[]> {
  const route = await openRoute(options);
  try {
    return await discoverHostKeys(options.host, options.port, options.connectTimeout, route.dial);
  } finally {
    route.close();
  }
}

class NoPinnedType extends Error {}

type PromptListener = (
  name: string,
  instructions: string,
  language: string,
  prompts: readonly { prompt: string; echo?: boolean }[],
  answer: (answers: string[]) => void,
) => void;

/** Of a second factor, or for a new password. */
const OTHER_QUESTION = /verification|one-time|\bOTP\b|\bcode\b|token|passcode|\bnew\b/i;

class Attempt {
  private readonly client = new Client();
  private refused: ZfsFlowError | undefined;
  private readonly tried: string[] = [];
  private serverAccepts: readonly string[] = [];
  private agentError: string | undefined;
  /** What was asked for that is no password. */
  private question: string | undefined;

  constructor(
    private readonly options: ConnectOptions,
    private readonly pinned: readonly HostKey[],
    private readonly credential: Credential,
  ) {}

  /** `sock`: a stream to the host, where it takes no socket of this machine. */
  async run(sock: Duplex | undefined, signal: AbortSignal | undefined): Promise<Client> {
    const { client } = this;
    return new Promise<Client>((resolve, reject) => {
      const settle = (error: Error | undefined): void => {
        signal?.removeEventListener('abort', abort);
        if (!error) return resolve(client);
        client.destroy();
        reject(error);
      };
      const abort = (): void =>
        settle(new ZfsFlowError('CANCELLED', `connecting to ${this.options.label} was cancelled`));
      signal?.addEventListener('abort', abort, { once: true });
      client.on('ready', () => {
        // Nagle's algorithm costs 40 ms a message and more, and a command takes several.
        client.setNoDelay(true);
        settle(undefined);
      });
      client.on('error', (error: Error & { level?: string }) => {
        // The agent's refusal is one failed attempt; ssh2 goes on and ends with "all methods failed".
        if (error.level === 'agent') this.agentError = error.message;
        else settle(this.explain(error));
      });
      client.on('close', () => settle(this.explain(new Error('the other side closed the connection'))));
      try {
        const config = this.config();
        client.connect(sock === undefined ? config : { ...config, sock });
      } catch (error) {
        settle(this.explain(error as Error));
      }
    });
  }

  private config(): ConnectConfig {
    const { options } = this;
    const ciphers = options.ciphers.split(/[\s,]+/).filter((cipher) => cipher !== '');
    return {
      host: options.host,
      port: options.port,
      username: options.username,
      readyTimeout: options.connectTimeout * 1000,
      keepaliveInterval: options.keepaliveInterval * 1000,
      keepaliveCountMax: 3,
      algorithms: {
        serverHostKey: hostKeyAlgorithms(this.pinned.map((key) => key.type)),
        ...(ciphers.length === 0 || ciphers[0] === 'auto' ? {} : { cipher: ciphers as CipherAlgorithm[] }),
      },
      hostVerifier: (blob: Buffer) => this.verify(hostKeyFromBlob(blob)),
      authHandler: this.authHandler(),
    };
  }

  private verify(key: HostKey): boolean {
    if (this.pinned.some((pin) => pin.type === key.type && pin.base64 === key.base64)) return true;
    const { label } = this.options;
    const expected = this.pinned.filter((pin) => pin.type === key.type).map(fingerprint);
    const found = fingerprint(key);
    const message = `${label} shows another host key (${key.type} ${found}) than the pinned one (${expected.join(', ')})`;
    this.refused = new ZfsFlowError('HOST_KEY_MISMATCH', message, {
      host: label,
      hint: 'Somebody may be intercepting the connection. If the host was reinstalled, pin its new key.',
      details: { type: key.type, found, expected },
    });
    return false;
  }

  private authHandler(): AuthHandlerMiddleware {
    const { credential, options } = this;
    const { username } = options;
    const attempts =
      credential.kind === 'key'
        ? [{ type: 'publickey' as const, username, key: credential.key }]
        : credential.kind === 'agent'
          ? [{ type: 'agent' as const, username, agent: credential.socket }]
          : [
              { type: 'password' as const, username, password: credential.password },
              {
                type: 'keyboard-interactive' as const,
                username,
                // PAM asks for the password this way where sshd's own password method is off.
                prompt: this.passwordPrompt(credential.password),
              },
            ];
    return (methodsLeft, _partial, next) => {
      this.serverAccepts = methodsLeft ?? this.serverAccepts;
      const attempt = attempts.shift();
      if (!attempt) return next(false as never);
      this.tried.push(attempt.type);
      // The type declarations want a key's text where ssh2 also takes the parsed key.
      next(attempt);
    };
  }

  /**
   * Gives the password once, to a single question that is not shown on a screen. Whoever asks again or for more has
   * another question: a second factor, or – where the password has expired – a new one, which must never be the old.
   */
  private passwordPrompt(password: string): PromptListener {
    let given = false;
    return (_name, _instructions, _language, prompts, answer) => {
      const [first] = prompts;
      if (first === undefined) return answer([]);
      const isPassword = !given && prompts.length === 1 && first.echo !== true && !OTHER_QUESTION.test(first.prompt);
      if (!isPassword) this.question ??= prompts.map(({ prompt }) => prompt.trim()).join(' ');
      given = true;
      answer(isPassword ? [password] : []);
    };
  }

  private explain(error: Error & { level?: string; code?: string }): Error {
    if (this.refused) return this.refused;
    if (/no matching host key format/.test(error.message)) return new NoPinnedType(error.message);
    const { options } = this;
    const failedAuth =
      error.level === 'client-authentication' ||
      // What is not answered, a server may take for a breach of the protocol.
      this.question !== undefined ||
      /Too many authentication failures/i.test(error.message);
    if (failedAuth) return this.authenticationFailed(error);
    const noCipher = /Handshake failed: no matching/.test(error.message) || /Unsupported algorithm/.test(error.message);
    if (noCipher) return this.failed('UNSUPPORTED', error.message, { hint: 'Set "ciphers" to "auto".', cause: error });
    return connectError(error, options);
  }

  private authenticationFailed(cause: Error): ZfsFlowError {
    const { credential, options } = this;
    const shown =
      credential.kind === 'key'
        ? `${credential.origin} (${credential.key.type} ${keyFingerprint(credential)})`
        : credential.kind === 'agent'
          ? `the keys of the agent at ${credential.socket}${this.agentError ? ` (${this.agentError})` : ''}`
          : 'the password';
    const asked = this.question === undefined ? '' : `; it asks: ${this.question}`;
    const accepts = this.serverAccepts.length > 0 ? `; it accepts: ${this.serverAccepts.join(', ')}` : '';
    const message = `the server did not accept ${shown} for the user "${options.username}"${asked}${accepts}`;
    const hint =
      credential.kind === 'password'
        ? 'Check user name and password, and whether sshd allows passwords (PermitRootLogin for root).'
        : `Is the public key in ~/.ssh/authorized_keys of "${options.username}" there, and does sshd allow this user?`;
    return this.failed('AUTHENTICATION_FAILED', message, { hint, cause });
  }

  private failed(code: ErrorCode, text: string, more: { hint: string; cause: unknown }): ZfsFlowError {
    const { label } = this.options;
    return new ZfsFlowError(code, `${label}: ${text}`, { host: label, ...more });
  }
}

function keyFingerprint(credential: Extract<Credential, { kind: 'key' }>): string {
  return fingerprint(hostKeyFromBlob(credential.key.getPublicSSH()));
}

async function unknownHostKey(options: ConnectOptions, why: string, dial: Dial | undefined): Promise<ZfsFlowError> {
  const key = await presentedKey(options.host, options.port, options.connectTimeout, { dial });
  const found = key ? { type: key.type, found: fingerprint(key) } : undefined;
  const shows = found ? `; it shows ${found.type} ${found.found}` : '';
  return new ZfsFlowError('HOST_KEY_UNKNOWN', `the host key of ${options.label} is not known: ${why}${shows}`, {
    host: options.label,
    hint: 'Compare the fingerprint with the one on the host (ssh-keygen -l), then pin it in the connection.',
    ...(found ? { details: found } : {}),
  });
}
