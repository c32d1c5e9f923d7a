// Turns what ssh2, the operating system and the `ssh` program say about a connection into the contract's error codes.
import { ZfsFlowError, type ErrorCode } from '../base/errors';

export interface Endpoint {
  host: string;
  port: number;
  /** The host's name in messages. */
  label: string;
}

interface SshError extends Error {
  code?: string | number;
  level?: string;
}

const SYSTEM_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOTFOUND: 'HOST_NOT_FOUND',
  EAI_AGAIN: 'HOST_NOT_FOUND',
  EAI_NONAME: 'HOST_NOT_FOUND',
  ECONNREFUSED: 'CONNECTION_REFUSED',
  EHOSTUNREACH: 'HOST_UNREACHABLE',
  ENETUNREACH: 'HOST_UNREACHABLE',
  EHOSTDOWN: 'HOST_UNREACHABLE',
  EADDRNOTAVAIL: 'HOST_UNREACHABLE',
  ETIMEDOUT: 'CONNECTION_TIMEOUT',
};

const TEXTS: Partial<Record<ErrorCode, { text: string; hint: string }>> = {
  HOST_NOT_FOUND: { text: 'the host name cannot be resolved', hint: 'Check the host name and the DNS settings.' },
  CONNECTION_REFUSED: { text: 'the connection was refused', hint: 'Is sshd running there, on this port?' },
  HOST_UNREACHABLE: { text: 'the host cannot be reached', hint: 'Check routes, firewalls and whether it is up.' },
  CONNECTION_TIMEOUT: {
    text: 'no SSH connection within the time allowed',
    hint: 'Is the host up? A firewall may drop the packets. Otherwise raise "connectTimeout".',
  },
};

const NO_ANSWER = {
  text: 'the host name cannot be resolved at the moment',
  hint: 'The name server does not answer. Check the DNS settings if this lasts.',
};

/** For a server that takes the connection and closes it without a word. */
const SHUT_OUT =
  'The server may be shutting this machine out for a while after failed logins (PerSourcePenalties, fail2ban), or it has too many connections (MaxStartups).';

/**
 * A name server that does not answer now – at boot, in a container that has just started – in the words of Node.js, of
 * glibc and the BSDs, of musl, and in our own. That a name does not exist is another answer, and a lasting one.
 */
const NO_ANSWER_YET = /EAI_AGAIN|Temporary failure in name resolution|: Try again$|cannot be resolved at the moment/;

/** Why a connection could not be made. Host keys and authentication are judged in `ssh/connect.ts`. */
export function connectError(error: SshError, endpoint: Endpoint): ZfsFlowError {
  // With several addresses Node reports an AggregateError with an empty message.
  const first = error instanceof AggregateError ? (error.errors[0] as SshError | undefined) : undefined;
  const systemCode = String(error.code ?? first?.code ?? '');
  const code: ErrorCode =
    SYSTEM_CODES[systemCode] ?? (error.level === 'client-timeout' ? 'CONNECTION_TIMEOUT' : 'CONNECTION_LOST');
  const forNow = systemCode === 'EAI_AGAIN';
  const known = forNow ? NO_ANSWER : TEXTS[code];
  const where = `${endpoint.label} (${endpoint.host}:${endpoint.port})`;
  const text = known?.text ?? `the connection was lost while it was being made: ${error.message}`;
  const hint = known?.hint ?? (/before handshake/.test(error.message) ? SHUT_OUT : undefined);
  return new ZfsFlowError(code, `${where}: ${text}`, {
    host: endpoint.label,
    cause: error,
    ...(forNow ? { retryable: true } : {}),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** An established connection has ended. `cause` as ssh2 reports it, undefined for a plain close. */
export function connectionLost(label: string, cause: SshError | undefined): ZfsFlowError {
  const why =
    cause?.level === 'client-timeout'
      ? 'the host no longer answers'
      : (cause?.message ?? 'the other side closed the connection');
  return new ZfsFlowError('CONNECTION_LOST', `lost the connection to ${label}: ${why}`, { host: label, cause });
}

/** Patterns of the `ssh` program's own messages (OpenSSH, readconf.c … clientloop.c), most specific first. */
const SSH_MESSAGES: readonly [RegExp, ErrorCode][] = [
  [/REMOTE HOST IDENTIFICATION HAS CHANGED/, 'HOST_KEY_MISMATCH'],
  [/Host key verification failed|No \S+ host key is known|no matching host key type found/, 'HOST_KEY_UNKNOWN'],
  [
    /Permission denied \(|Too many authentication failures|No supported authentication methods/,
    'AUTHENTICATION_FAILED',
  ],
  [/Could not resolve hostname/, 'HOST_NOT_FOUND'],
  // Of `ssh -W`, which leads through a jump host.
  [/open failed: administratively prohibited/, 'PERMISSION_DENIED'],
  [/open failed: connect failed: .*refused/i, 'CONNECTION_REFUSED'],
  [/open failed: connect failed: .*timed out/i, 'CONNECTION_TIMEOUT'],
  [/open failed: connect failed: .*(not known|resolution)/i, 'HOST_NOT_FOUND'],
  [/open failed: connect failed: /, 'HOST_UNREACHABLE'],
  [/connect to .*: Connection refused/, 'CONNECTION_REFUSED'],
  [/connect to .*: (No route to host|Network is unreachable|Host is down)/, 'HOST_UNREACHABLE'],
  [/connect to .*timed out|Connection timed out during banner exchange/, 'CONNECTION_TIMEOUT'],
  [
    /client_loop: |Timeout, server .* not responding|Connection (closed|reset|to .* closed)|kex_exchange_identification|Broken pipe|Connection timed out/,
    'CONNECTION_LOST',
  ],
];

/** Prefix of the one line in which our own SSH helper process reports why it failed: code, then the message. */
export const HELPER_ERROR = 'zfsflow-ssh-error:';

export interface ConnectionFailure {
  code: ErrorCode;
  message: string;
  /** Set where the code does not say it. */
  retryable?: boolean;
}

/**
 * What broke, when the process that carries a connection (`ssh` or our helper) exited with 255; undefined when its
 * messages are not about the connection, so that 255 came from the remote command.
 */
export function connectionFailure(stderr: string): ConnectionFailure | undefined {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  for (const line of lines) {
    const at = line.indexOf(HELPER_ERROR);
    if (at < 0) continue;
    const [, code = 'CONNECTION_LOST', message = ''] =
      /^\s*(\w+) (.*)$/.exec(line.slice(at + HELPER_ERROR.length)) ?? [];
    return failure(code as ErrorCode, message);
  }
  for (const [pattern, code] of SSH_MESSAGES) {
    const line = lines.find((text) => pattern.test(text));
    if (line !== undefined) return failure(code, line.trim());
  }
  return undefined;
}

function failure(code: ErrorCode, message: string): ConnectionFailure {
  const forNow = code === 'HOST_NOT_FOUND' && NO_ANSWER_YET.test(message);
  return { code, message, ...(forNow ? { retryable: true } : {}) };
}
