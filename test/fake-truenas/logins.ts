// The ways into a fake TrueNAS, by version: truenas-api.md 1.4.
import { setTimeout as sleep } from 'node:timers/promises';
import { OTP, Refused, UnknownMethod, type FakeUser, type Session, type State } from './state';

type Method = (state: State, session: Session, params: readonly unknown[]) => Promise<unknown>;

/** An account with this password that may use the API at all. */
function withPassword({ users, profile }: State, username: unknown, password: unknown): FakeUser | null {
  const user = users.find((one) => one.username === username && one.foreign !== true);
  if (user === undefined || user.password === null || user.password !== password) return null;
  return profile.core && username !== 'root' ? null : user;
}

const needsOtp = ({ profile, machineOtp }: State, user: FakeUser): boolean =>
  profile.core ? machineOtp : user.otp === true;

/** True or false, never an exception. */
const login: Method = async (state, session, [username, password, otp]) => {
  const user = withPassword(state, username, password);
  if (user === null || user.privilege === 'none' || (needsOtp(state, user) && otp !== OTP)) {
    await sleep(state.wrongMs);
    return false;
  }
  session.user = user;
  return true;
};

const twoFactor: Method = (state, _session, params) => {
  if (state.profile.twoFactor === 'machine') {
    if (params.length > 0) throw new Refused(22, 'EINVAL', `Too many arguments (expected 0, found ${params.length})`);
    return Promise.resolve(state.machineOtp);
  }
  if (state.profile.twoFactor === null) throw new UnknownMethod('auth.two_factor_auth');
  const user = withPassword(state, params[0], params[1]);
  return Promise.resolve(user !== null && needsOtp(state, user));
};

const keyAlone: Method = (state, session, [key]) => {
  const username = state.apiKeys.get(String(key));
  if (!session.secure && state.profile.versions !== null) state.revoked.add(String(key));
  if (username === undefined || state.revoked.has(String(key))) return Promise.resolve(false);
  session.user = state.users.find((user) => user.username === (state.profile.core ? 'root' : username)) ?? null;
  return Promise.resolve(session.user !== null);
};

interface LoginData {
  mechanism?: unknown;
  username?: unknown;
  password?: unknown;
  api_key?: unknown;
  otp_token?: unknown;
}

const success = (session: Session, user: FakeUser): object => {
  session.user = user;
  session.challenged = null;
  return { response_type: 'SUCCESS', user_info: null, authenticator: 'LEVEL_1' };
};

const loginEx: Method = async (state, session, [given]) => {
  if (state.profile.versions === null) throw new UnknownMethod('auth.login_ex');
  if (state.redirect !== null) return { response_type: 'REDIRECT', urls: state.redirect };
  const data = (given ?? {}) as LoginData;
  const wrong = async (): Promise<object> => (await sleep(state.wrongMs), { response_type: 'AUTH_ERR' });
  if (data.mechanism === 'API_KEY_PLAIN') {
    const key = String(data.api_key);
    if (!session.secure) state.revoked.add(key);
    if (state.revoked.has(key)) return { response_type: 'EXPIRED' };
    const user = state.users.find(({ username }) => username === data.username);
    return user !== undefined && state.apiKeys.get(key) === user.username ? success(session, user) : wrong();
  }
  if (data.mechanism === 'OTP_TOKEN') return continued(state, session, [given]);
  const user = withPassword(state, data.username, data.password);
  if (user === null) return wrong();
  if (user.privilege === 'none') return state.profile.denies ? { response_type: 'DENIED' } : wrong();
  if (!needsOtp(state, user)) return success(session, user);
  session.challenged = user;
  return { response_type: 'OTP_REQUIRED', username: user.username };
};

const continued: Method = async (state, session, [given]) => {
  if (state.profile.versions === null) throw new UnknownMethod('auth.login_ex_continue');
  const user = session.challenged;
  if (user === null) throw new Refused(22, 'EINVAL', '[EINVAL] no authentication in progress');
  if ((given as LoginData | undefined)?.otp_token === OTP) return success(session, user);
  await sleep(state.wrongMs);
  return { response_type: 'OTP_REQUIRED', username: user.username };
};

const logout: Method = (_state, session) => {
  session.user = null;
  return Promise.resolve(true);
};

/** None needs a login. */
export const LOGINS: Readonly<Record<string, Method>> = {
  'auth.login': login,
  'auth.two_factor_auth': twoFactor,
  'auth.login_with_api_key': keyAlone,
  'auth.login_ex': loginEx,
  'auth.login_ex_continue': continued,
  'auth.logout': logout,
};
