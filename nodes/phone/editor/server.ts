// What the page asks of Node-RED: with the token of the editor where one is needed, which stands in no address.
import type { TaskList, TaskLog } from '../../admin/task-answers';

/** The path of the admin server, ending with a slash. */
const ROOT = location.pathname.replace(/zfs-flows\/phone\/?$/, '');

/** As the editor keeps it, so that who is logged in there is here too. */
const TOKENS = `auth-tokens${ROOT.replace(/\/$/, '').replaceAll('/', '-')}`;

/** A login is needed, or another. */
export class Unauthorized extends Error {}

export interface Refusal {
  ok: false;
  code: string;
  message: string;
}

export interface Login {
  /** Undefined: none is needed; `credentials`: user name and password; else it goes by another site. */
  type?: string;
}

function token(): string | undefined {
  try {
    const kept = JSON.parse(localStorage.getItem(TOKENS) ?? 'null') as { access_token?: string } | null;
    return kept?.access_token;
  } catch {
    return undefined;
  }
}

export const isLoggedIn = (): boolean => token() !== undefined;

async function request(path: string, body?: object): Promise<Response> {
  const mine = token();
  const response = await fetch(`${ROOT}${path}`, {
    cache: 'no-cache',
    headers: {
      accept: 'application/json',
      ...(mine === undefined ? {} : { authorization: `Bearer ${mine}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  if (response.status === 401) throw new Unauthorized();
  return response;
}

async function get<T>(path: string): Promise<T> {
  return (await request(path)).json() as Promise<T>;
}

const json = (body: object): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

export const tasks = (): Promise<TaskList> => get('zfs-flows/tasks');

export function log(id: string, page: string): Promise<TaskLog> {
  return get(`zfs-flows/tasks/log?id=${encodeURIComponent(id)}&${page}`);
}

export async function order(what: 'run' | 'cancel', id: string): Promise<{ ok: true } | Refusal> {
  return (await request(`zfs-flows/tasks/${what}`, { id })).json() as Promise<{ ok: true } | Refusal>;
}

/** Whether tasks may be run; where nobody says, it is tried. */
export async function mayRun(): Promise<boolean> {
  try {
    const { user } = await get<{ user?: { permissions?: string | string[] } }>('settings');
    const rights = user?.permissions === undefined ? ['*'] : [user.permissions].flat();
    return rights.some((right) => ['*', 'write', '*.write', 'zfs.tasks.write'].includes(right));
  } catch {
    return true;
  }
}

export const loginNeeded = (): Promise<Login> => get('auth/login');

export async function login(username: string, password: string): Promise<boolean> {
  const asked = { client_id: 'node-red-editor', grant_type: 'password', scope: '', username, password };
  const response = await fetch(`${ROOT}auth/token`, json(asked));
  if (!response.ok) return false;
  localStorage.setItem(TOKENS, await response.text());
  return true;
}

/** Of the editor in this browser too. */
export async function logout(): Promise<void> {
  const mine = token();
  localStorage.removeItem(TOKENS);
  if (mine !== undefined) await fetch(`${ROOT}auth/revoke`, json({ token: mine })).catch(() => undefined);
}

export const editorUrl = ROOT;
