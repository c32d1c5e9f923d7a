// Logging in, as each version wants it: `auth.login_ex` with its answers over JSON-RPC, true or false over the old socket.
// A login that is refused is told apart as far as the TrueNAS tells: wrong, second factor, no rights, revoked.
import { ZfsFlowError } from '../../base/errors';
import type { Secret } from '../../base/secret';
import { apiDetails, isUnknownMethod } from './refusals';

export type TrueNasCredentials =
  | { kind: 'password'; username: string; password: Secret; otp?: Secret | undefined }
  /** `username` may be '' where the key tells whose it is: everywhere but in a later TrueNAS. */
  | { kind: 'apiKey'; username: string; apiKey: Secret };

/** Calls a method with the time that logins are given. */
export type Caller = (method: string, ...params: readonly unknown[]) => Promise<unknown>;

/** Over JSON-RPC. Throws AUTHENTICATION_FAILED, OTP_REQUIRED, API_ERROR (`isUnknownMethod`: speak the old language). */
export async function loginOverJsonRpc(call: Caller, credentials: TrueNasCredentials): Promise<void> {
  if (credentials.kind === 'apiKey' && credentials.username === '') return loginWithKeyAlone(call, credentials.apiKey);
  const { username } = credentials;
  const options = { login_options: { user_info: false } };
  const secret =
    credentials.kind === 'password'
      ? { mechanism: 'PASSWORD_PLAIN', username, password: credentials.password.reveal(), ...options }
      : { mechanism: 'API_KEY_PLAIN', username, api_key: credentials.apiKey.reveal(), ...options };
  let answer = await answerOf(call, 'auth.login_ex', secret);
  if (answer.type !== 'OTP_REQUIRED') return accept(answer, credentials);
  const otp = credentials.kind === 'password' ? credentials.otp : undefined;
  if (otp === undefined) throw otpRequired('this login needs the code of the second factor');
  answer = await answerOf(call, 'auth.login_ex_continue', { mechanism: 'OTP_TOKEN', otp_token: otp.reveal() });
  // It asks once more, or says that something was wrong; the password was right.
  if (answer.type === 'OTP_REQUIRED' || answer.type === 'AUTH_ERR') throw wrongCode();
  accept(answer, credentials);
}

interface LoginAnswer {
  type: string;
  urls: string[];
}

async function answerOf(call: Caller, method: string, data: object): Promise<LoginAnswer> {
  const answer = (await explained(call(method, data))) as { response_type?: unknown; urls?: unknown } | null;
  const urls = Array.isArray(answer?.urls)
    ? answer.urls.filter((url): url is string => typeof url === 'string').slice(0, 8)
    : [];
  return { type: typeof answer?.response_type === 'string' ? answer.response_type : '', urls };
}

function accept({ type, urls }: LoginAnswer, credentials: TrueNasCredentials): void {
  if (type === 'SUCCESS') return;
  const details = { method: 'auth.login_ex', errname: type };
  if (type === 'REDIRECT') {
    const hint =
      urls.length === 0 ? 'Use the address of the active one.' : `Use one of these addresses: ${urls.join(', ')}`;
    throw new ZfsFlowError('API_ERROR', 'this is the standby of a pair of TrueNAS', {
      hint,
      details: { ...details, urls },
    });
  }
  if (type === 'DENIED') {
    const hint =
      'Give it the role of a full administrator (Credentials › Groups › Privileges), or take another account.';
    throw refused(`the account "${credentials.username}" has no access to the API`, hint, details);
  }
  if (type === 'EXPIRED') {
    const hint =
      credentials.kind === 'apiKey'
        ? 'A key that was once sent over plain http is revoked for good. Make a new one.'
        : 'Log in to the web interface and set a new password.';
    throw refused(
      credentials.kind === 'apiKey' ? 'the API key has run out or was revoked' : 'the password has run out',
      hint,
      details,
    );
  }
  throw wrong(credentials, 'unknown');
}

/**
 * Over the old socket. Throws AUTHENTICATION_FAILED, OTP_REQUIRED, API_ERROR. CORE lets only root in, and has one second
 * factor for all.
 */
export async function loginOverOldSocket(call: Caller, credentials: TrueNasCredentials): Promise<void> {
  if (credentials.kind === 'apiKey') return loginWithKeyAlone(call, credentials.apiKey);
  const { username, password, otp } = credentials;
  const params = [username, password.reveal(), ...(otp === undefined ? [] : [otp.reveal()])];
  if ((await explained(call('auth.login', ...params))) === true) return;
  const core = await isCore(call);
  if (core && username !== 'root') throw wrong(credentials, 'core');
  const factor = await secondFactor(call, username, password);
  if (factor !== 'off' && otp === undefined) throw otpRequired('this login needs the code of the second factor');
  if (factor === 'password right') throw wrongCode();
  throw wrong(credentials, core ? 'core' : 'unknown');
}

async function loginWithKeyAlone(call: Caller, apiKey: Secret): Promise<void> {
  const ok = await explained(call('auth.login_with_api_key', apiKey.reveal()));
  if (ok !== true) throw wrong({ kind: 'apiKey', username: '', apiKey }, 'unknown');
}

/** CORE 13 answers this before a login, with `CORE` or `ENTERPRISE`; SCALE asks for a login first. */
async function isCore(call: Caller): Promise<boolean> {
  try {
    return typeof (await call('system.product_type')) === 'string';
  } catch (error) {
    if (apiDetails(error) === undefined) throw error;
    return false;
  }
}

/** SCALE says it of this account, and only to the right password; CORE of the whole machine; later ones not at all. */
async function secondFactor(
  call: Caller,
  username: string,
  password: Secret,
): Promise<'off' | 'on' | 'password right'> {
  try {
    return (await call('auth.two_factor_auth', username, password.reveal())) === true ? 'password right' : 'off';
  } catch (error) {
    if (apiDetails(error) === undefined) throw error;
  }
  try {
    return (await call('auth.two_factor_auth')) === true ? 'on' : 'off';
  } catch (error) {
    if (apiDetails(error) === undefined) throw error;
    return 'off';
  }
}

/** A revoked key, or one without a user, is answered by words of the TrueNAS's own inside. */
async function explained(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    const details = apiDetails(error);
    if (details === undefined || isUnknownMethod(error)) throw error;
    if (!/unexpected authenticator run state/.test((error as Error).message)) throw error;
    throw refused('the API key was revoked, or has no user any more', 'Make a new one.', details);
  }
}

function refused(what: string, hint: string, details?: Readonly<Record<string, unknown>>): ZfsFlowError {
  return new ZfsFlowError('AUTHENTICATION_FAILED', `TrueNAS did not let us in: ${what}`, {
    hint,
    ...(details === undefined ? {} : { details }),
  });
}

function wrong(credentials: TrueNasCredentials, version: 'core' | 'unknown'): ZfsFlowError {
  if (credentials.kind === 'apiKey') {
    const whose = credentials.username === '' ? '' : ` of the user "${credentials.username}"`;
    return refused(
      `it does not take this as an API key${whose}`,
      'Since 25.04 a key belongs to a user: is it this one?',
    );
  }
  const { username } = credentials;
  if (version === 'core' && username !== 'root') {
    return refused(`on TrueNAS CORE only root can log in, not "${username}"`, 'Enter root and its password.');
  }
  const core = 'On TrueNAS CORE only root can log in.';
  const hint =
    version === 'core'
      ? 'Is the password of root right, and the code of the second factor?'
      : `A right password is refused too where the account (root, say) has its password disabled, needs a second factor, or has no administrator's privilege. ${core}`;
  return refused(`wrong user name or password for "${username}"`, hint);
}

function otpRequired(message: string): ZfsFlowError {
  return new ZfsFlowError('OTP_REQUIRED', message, { hint: 'Enter the six digits that the authenticator shows now.' });
}

function wrongCode(): ZfsFlowError {
  return otpRequired('this code of the second factor was not accepted');
}
