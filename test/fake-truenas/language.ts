// How a fake TrueNAS writes answers and errors: the old socket and JSON-RPC, as truenas-api.md 1.3 has them. Errors carry a
// `trace` with the parameters in it, as the real ones do, so that a client which passes it on is found out.
import type { Profile } from './profiles';
import { Refused, UnknownMethod } from './state';

export interface Call {
  id: unknown;
  method: string;
  params: unknown[];
}

export interface FakeLanguage {
  path: string;
  /** Null: no call. */
  call(message: Record<string, unknown>): Call | null;
  result(id: unknown, value: unknown): string;
  error(call: Call, error: unknown, profile: Profile): string;
}

function traceOf({ method, params }: Call): object {
  const argspec = params.map((param) => JSON.stringify(param));
  return { class: 'CallError', frames: [{ method, argspec }], formatted: argspec.join(' '), repr: argspec.join(' ') };
}

function asRefused(error: unknown): Refused {
  return error instanceof Refused ? error : new Refused(22, 'EINVAL', String(error));
}

const unknownText = (method: string): string => {
  const at = method.lastIndexOf('.');
  return `Method '${method.slice(at + 1)}' not found in '${method.slice(0, at)}'`;
};

export const OLD: FakeLanguage = {
  path: '/websocket',
  call: (message) =>
    message['msg'] === 'method'
      ? { id: message['id'], method: String(message['method']), params: (message['params'] ?? []) as unknown[] }
      : null,
  result: (id, value) => JSON.stringify({ id, msg: 'result', result: value }),
  error: (call, thrown, { named, eagain }) => {
    const known =
      thrown instanceof UnknownMethod ? new Refused(201, 'ENOMETHOD', unknownText(call.method)) : asRefused(thrown);
    const { errname, reason, extra } = known;
    const error = {
      error: extra === null ? known.errno : eagain,
      ...(named ? { errname: extra === null ? errname : 'EAGAIN' } : {}),
      type: extra === null ? null : 'VALIDATION',
      reason,
      trace: traceOf(call),
      extra,
    };
    return JSON.stringify({ msg: 'result', id: call.id, error });
  },
};

export const RPC: FakeLanguage = {
  path: '/api/current',
  call: (message) =>
    message['jsonrpc'] === '2.0' && Array.isArray(message['params'])
      ? { id: message['id'], method: String(message['method']), params: message['params'] as unknown[] }
      : null,
  result: (id, value) => JSON.stringify({ jsonrpc: '2.0', result: value, id }),
  error: (call, thrown) => {
    const base = { jsonrpc: '2.0', id: call.id };
    if (thrown instanceof UnknownMethod) {
      return JSON.stringify({ ...base, error: { code: -32_601, message: 'Method does not exist' } });
    }
    const { errno, errname, reason, extra } = asRefused(thrown);
    const data = { error: errno, errname, reason, trace: traceOf(call), extra };
    const [code, message] = extra === null ? [-32_001, 'Method call error'] : [-32_602, 'Invalid params'];
    return JSON.stringify({ ...base, error: { code, message, data } });
  },
};
