// The two languages of TrueNAS's API as pure functions: the old socket of every version (like Meteor's DDP, at /websocket) and
// JSON-RPC 2.0 (at /api/current, since 25.04). What both say in the end is the same, and nothing else of an answer is kept:
// `trace` holds parameters, and so passwords.

/** Why a call was refused. */
export interface Refusal {
  /** `EINVAL`, `ENOENT`, `EACCES`, `ENOTAUTHENTICATED`, `ENOMETHOD`; '' where nothing says it. */
  errname: string;
  /** What TrueNAS says, without the error's name before it. */
  reason: string;
  /** What is wrong with which parameter: `user_update.sshpubkey`. */
  fields: { field: string; message: string }[];
}

export type Incoming =
  | { kind: 'connected' }
  /** The greeting was not taken. */
  | { kind: 'failed' }
  | { kind: 'answer'; id: string; value: unknown }
  | { kind: 'refusal'; id: string; refusal: Refusal }
  /** Events and other things that nobody asked for. */
  | { kind: 'other' };

export interface Language {
  readonly name: 'websocket' | 'json-rpc';
  readonly path: string;
  /** Has to be sent first, and answered by `connected`, before anything else. */
  readonly greeting?: string;
  request(id: string, method: string, params: readonly unknown[]): string;
  read(text: string): Incoming;
}

type Json = Record<string, unknown>;

const OTHER: Incoming = { kind: 'other' };

function objectOf(text: string): Json | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : '');

export const OLD_SOCKET: Language = {
  name: 'websocket',
  path: '/websocket',
  greeting: JSON.stringify({ msg: 'connect', version: '1', support: ['1'] }),
  request: (id, method, params) => JSON.stringify({ id, msg: 'method', method, params }),
  read(text) {
    const message = objectOf(text);
    if (message?.['msg'] === 'connected') return { kind: 'connected' };
    if (message?.['msg'] === 'failed') return { kind: 'failed' };
    if (message?.['msg'] !== 'result' || typeof message['id'] !== 'string') return OTHER;
    const id = message['id'];
    const error = asObject(message['error']);
    if (error === undefined) return { kind: 'answer', id, value: message['result'] };
    // The number of a refused parameter is that of EAGAIN, another one on FreeBSD: only the type says what it is.
    const errname = error['type'] === 'VALIDATION' ? 'EINVAL' : asText(error['errname']) || numbered(error['error']);
    return { kind: 'refusal', id, refusal: refusal(errname, error) };
  },
};

/** Call errors; anything else is a mistake in the call itself, and says so in its message. */
const METHOD_NOT_FOUND = -32_601;
const INVALID_PARAMS = -32_602;

export const JSON_RPC: Language = {
  name: 'json-rpc',
  path: '/api/current',
  request: (id, method, params) => JSON.stringify({ jsonrpc: '2.0', id, method, params }),
  read(text) {
    const message = objectOf(text);
    if (message?.['jsonrpc'] !== '2.0' || typeof message['id'] !== 'string') return OTHER;
    const id = message['id'];
    const error = asObject(message['error']);
    if (error === undefined) return 'result' in message ? { kind: 'answer', id, value: message['result'] } : OTHER;
    const { code } = error;
    const data = asObject(error['data']) ?? { reason: error['message'] };
    const known = code === METHOD_NOT_FOUND ? 'ENOMETHOD' : code === INVALID_PARAMS ? 'EINVAL' : '';
    const errname = known || asText(data['errname']) || numbered(data['error']);
    return { kind: 'refusal', id, refusal: refusal(errname, data) };
  },
};

/** CORE gives numbers alone. Those above 200 are TrueNAS's own, the same in all versions. */
const NUMBERS: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  13: 'EACCES',
  16: 'EBUSY',
  17: 'EEXIST',
  22: 'EINVAL',
  201: 'ENOMETHOD',
  207: 'ENOTAUTHENTICATED',
};

function numbered(number: unknown): string {
  return typeof number === 'number' ? (NUMBERS[number] ?? `E${number}`) : '';
}

function refusal(errname: string, error: Json): Refusal {
  const extra = Array.isArray(error['extra']) ? (error['extra'] as unknown[]) : [];
  const fields = extra
    .filter((one): one is unknown[] => Array.isArray(one) && typeof one[0] === 'string')
    .map(([field, message]) => ({ field: asText(field), message: asText(message) }));
  const said = fields.map(({ field, message }) => `${field}: ${message}`).join('; ');
  const reason = said || asText(error['reason']).replace(/^\[[A-Z]+\] /, '');
  // What was called with the wrong name is told apart by its words too: numbers differ.
  const unknown = /^Method '?[^ ]+'? not found/.test(reason) || reason === 'Method does not exist';
  return { errname: unknown ? 'ENOMETHOD' : errname, reason, fields };
}
