// A session with the API of a TrueNAS, CORE 13 to SCALE 26: connect → login → call → close. Which language it speaks, and what
// differs between versions before a call, is found out here; what is called for is the caller's.
import { setTimeout as sleep } from 'node:timers/promises';
import { invalidOption, ZfsFlowError } from '../../base/errors';
import { followable, parseAddress, shownUrl, type Address } from './address';
import { ApiSocket, NoWebSocket } from './api-socket';
import { dial, type Trust } from './dial';
import { LIMITS, type Limits } from './limits';
import { loginOverJsonRpc, loginOverOldSocket, type TrueNasCredentials } from './login';
import { probe, type Probed } from './probe';
import { apiError, isUnknownMethod } from './refusals';
import { JSON_RPC, OLD_SOCKET, type Language } from './wire';

export interface TrueNasConnection {
  /** As a person types it; a name alone means https. */
  url: string;
  trust: Trust;
  /** What will be sent to log in. */
  secret: SecretKind;
  /** A person insists on sending a password over plain http; an API key never is. */
  insecure?: boolean | undefined;
  limits?: Partial<Limits> | undefined;
}

export type SecretKind = TrueNasCredentials['kind'];

/** One look at `core.get_jobs`. */
interface Job {
  state?: unknown;
  error?: unknown;
  result?: unknown;
}

export class TrueNasClient {
  private constructor(
    /** Where it was found in the end. */
    readonly address: Address,
    /** What a person should know: that http led to https. */
    readonly notes: readonly string[],
    private readonly trust: Trust,
    private readonly limits: Limits,
    private language: Language,
    private socket: ApiSocket,
  ) {}

  /**
   * Sends nothing secret. Throws INVALID_OPTIONS (field `url`: not one, or plain http without `insecure`), CERTIFICATE_UNKNOWN
   * (details.certificate), API_ERROR when nothing there speaks the API, HOST_NOT_FOUND, HOST_UNREACHABLE,
   * CONNECTION_REFUSED, CONNECTION_TIMEOUT, CONNECTION_LOST, TIMEOUT.
   */
  static async connect(to: TrueNasConnection): Promise<TrueNasClient> {
    const { trust } = to;
    const limits: Limits = { ...LIMITS, ...to.limits };
    const { address, answer, notes } = await find(to, limits);
    const languages = answer.kind === 'versions' ? [JSON_RPC, OLD_SOCKET] : [OLD_SOCKET, JSON_RPC];
    const statuses: number[] = [];
    for (const language of languages) {
      try {
        const socket = await open(address, trust, language, limits);
        return new TrueNasClient(address, notes, trust, limits, language, socket);
      } catch (error) {
        if (!(error instanceof NoWebSocket)) throw error;
        statuses.push(error.status);
      }
    }
    throw noApi(address, statuses);
  }

  /** `json-rpc` or `websocket`, the old one; may change with the login. */
  get protocol(): Language['name'] {
    return this.language.name;
  }

  /** Throws AUTHENTICATION_FAILED, OTP_REQUIRED, API_ERROR, and what breaks a connection. */
  async login(credentials: TrueNasCredentials): Promise<void> {
    if (credentials.kind === 'apiKey' && !this.address.secure) throw plainHttp(this.address, 'apiKey');
    if (this.language === JSON_RPC) {
      try {
        return await this.loginIn(JSON_RPC, credentials);
      } catch (error) {
        if (!isUnknownMethod(error)) throw error;
        await this.socket.close();
        this.socket = await open(this.address, this.trust, OLD_SOCKET, this.limits);
        this.language = OLD_SOCKET;
      }
    }
    return this.loginIn(OLD_SOCKET, credentials);
  }

  /** What the method answers, as JSON. Throws API_ERROR (details: `ApiErrorDetails`), TIMEOUT, CONNECTION_LOST. */
  async call(method: string, ...params: readonly unknown[]): Promise<unknown> {
    return this.socket.call(method, params, this.limits.callMs);
  }

  /** The same for a method that starts a job: waits for its end, and answers its result. */
  async job(method: string, ...params: readonly unknown[]): Promise<unknown> {
    const id = await this.call(method, ...params);
    if (typeof id !== 'number') return id;
    const deadline = Date.now() + this.limits.jobMs;
    for (;;) {
      const found = await this.call('core.get_jobs', [['id', '=', id]], { get: true });
      const job = (Array.isArray(found) ? found[0] : found) as Job | null | undefined;
      if (job?.state === 'SUCCESS') return job.result;
      if (job?.state === 'FAILED' || job?.state === 'ABORTED') {
        const reason = typeof job.error === 'string' ? this.socket.withoutSecrets(job.error) : '';
        throw apiError(method, { errname: job.state, reason, fields: [] });
      }
      if (Date.now() > deadline) {
        throw new ZfsFlowError('TIMEOUT', `the job ${method} on ${shownUrl(this.address)} does not end`, {
          details: { method },
        });
      }
      await sleep(this.limits.pollMs);
    }
  }

  /** Logs out first. Never rejects, and does not wait long. */
  async close(): Promise<void> {
    if (this.socket.usable) await this.socket.call('auth.logout', [], 2000).catch(() => undefined);
    await this.socket.close();
  }

  private async loginIn(language: Language, credentials: TrueNasCredentials): Promise<void> {
    const { socket, limits } = this;
    const secrets = credentials.kind === 'password' ? [credentials.password, credentials.otp] : [credentials.apiKey];
    for (const secret of secrets) if (secret !== undefined) socket.keepSecret(secret);
    const call = async (method: string, ...params: readonly unknown[]): Promise<unknown> =>
      socket.call(method, params, limits.loginMs);
    await (language === JSON_RPC ? loginOverJsonRpc : loginOverOldSocket)(call, credentials);
  }
}

interface Found {
  address: Address;
  answer: Probed;
  notes: string[];
}

/** Asks what is there; from plain http it goes on to https once, where that is what the answer says. */
async function find({ url, trust, secret, insecure }: TrueNasConnection, limits: Limits): Promise<Found> {
  const typed = parseAddress(url);
  const may = typed.secure || (secret === 'password' && insecure === true);
  let answer: Probed;
  try {
    answer = await probe(typed, trust, limits);
  } catch (error) {
    // Whatever is wrong there, no secret would be sent over it.
    if (may) throw error;
    throw plainHttp(typed, secret);
  }
  const location = answer.kind === 'redirect' ? answer.location : await upgradeRedirect(typed, trust, limits);
  const target = followable(typed, location);
  if (target !== undefined) {
    const told = `${shownUrl(typed)} leads to ${shownUrl(target)}`;
    try {
      return {
        address: target,
        answer: await probe(target, trust, limits),
        notes: [`${told}, which was used instead`],
      };
    } catch (error) {
      throw error instanceof ZfsFlowError ? error.with({ message: `${told}; ${error.message}` }) : error;
    }
  }
  if (!may) throw plainHttp(typed, secret);
  return { address: typed, answer, notes: [] };
}

/** A plain port may serve pages and redirect only the websocket. */
async function upgradeRedirect(address: Address, trust: Trust, limits: Limits): Promise<string | undefined> {
  if (address.secure) return undefined;
  try {
    await (await open(address, trust, OLD_SOCKET, limits)).close();
    return undefined;
  } catch (error) {
    // What else is wrong with it is seen when it is to be used.
    return error instanceof NoWebSocket ? error.location : undefined;
  }
}

async function open(address: Address, trust: Trust, language: Language, limits: Limits): Promise<ApiSocket> {
  const socket = await dial(address, trust, limits.connectMs);
  return ApiSocket.open(socket, address, language, limits);
}

function plainHttp(address: Address, secret: SecretKind): ZfsFlowError {
  const [what, hint] = PLAIN[secret];
  return invalidOption('url', `${what} would be sent unencrypted to ${shownUrl(address)}`, hint);
}

const PLAIN: Readonly<Record<SecretKind, readonly [string, string]>> = {
  password: ['a password', 'Use https. Over http whoever is on the way can read it.'],
  apiKey: ['an API key', 'Use https. A TrueNAS revokes an API key for good that it sees over plain http.'],
};

function noApi(address: Address, statuses: readonly number[]): ZfsFlowError {
  const message = `${shownUrl(address)} does not offer TrueNAS's API (HTTP status ${statuses.join(', ')} instead of a websocket)`;
  const hint =
    'Is this the web interface of a TrueNAS? A reverse proxy in front of it has to let websockets through, at /websocket and /api/current.';
  const details = { method: 'connect', errname: `HTTP ${statuses[0] ?? 0}` };
  return new ZfsFlowError('API_ERROR', message, { hint, details });
}
