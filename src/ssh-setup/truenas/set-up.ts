// *Set up a TrueNAS* (face.md §5): from an administrator's login to an SSH login with a key of our own, through its API. Each
// step that changes something over there says so, also when a later one fails.
import { invalidOption, toZfsFlowError } from '../../base/errors';
import type { KeyPair } from '../../host/ssh/key-pair';
import { sudoChange } from './account';
import { addKey, findAccount, giveShell, giveSudo } from './authorize';
import { parsePin } from './certificate';
import { TrueNasClient } from './client';
import type { Limits } from './limits';
import type { TrueNasCredentials } from './login';
import { proveLogin, type NewLogin, type ProvenFacts } from './proof';
import { apiDetails } from './refusals';
import { sshService, startSsh } from './ssh-service';

export interface TrueNasSetUp {
  /** As a person types it. */
  url: string;
  credentials: TrueNasCredentials;
  /** SHA-256 fingerprint of the certificate that a person has confirmed; '' for none. */
  certificate: string;
  /** Account for SSH; '' for the administrator's own, root where there is no name. */
  sshUser: string;
  sudo: 'none' | 'sudo' | 'doas';
  /** A person insists on a password over plain http. */
  insecure: boolean;
  /** Asked for when the login has succeeded: a new pair, or that of an attempt that failed later on. */
  keyPair: () => Promise<KeyPair>;
  /** Whoever asked has gone: nothing further is begun. */
  signal?: AbortSignal | undefined;
  limits?: Partial<Limits>;
  /** PEM; besides those that Node.js knows. */
  authorities?: readonly string[];
}

export interface TrueNasSetUpResult {
  host: string;
  port: number;
  username: string;
  hostKeys: string;
  publicKey: string;
  /** For the store of credentials, and for nothing else. */
  privateKey: string;
  sudo: 'none' | 'sudo';
  /** What is another over there now, in sentences. */
  changed: string[];
  /** What a person should know: that http led to https, what the account cannot do. */
  warnings: string[];
  facts: Omit<ProvenFacts, 'missing'> & { truenas: string; protocol: string };
}

/** Where a failure belongs, in `details.stage`. */
type Stage = 'connect' | 'login' | 'account' | 'service' | 'ssh';

/**
 * Throws CERTIFICATE_UNKNOWN (details.certificate; nothing secret was sent), OTP_REQUIRED, AUTHENTICATION_FAILED, API_ERROR
 * (details.method, details.errname), INVALID_OPTIONS, and what makes a connection fail. `details.changed` says what was
 * changed by then, `details.stage` where it failed.
 */
export async function setUpTrueNas(request: TrueNasSetUp): Promise<TrueNasSetUpResult> {
  const changed: string[] = [];
  const at: { stage: Stage } = { stage: 'connect' };
  try {
    checkSudo(request.sudo);
    return await new SetUp(request, changed, at).run();
  } catch (thrown) {
    const error = toZfsFlowError(thrown);
    throw error.with({ details: { ...error.details, stage: at.stage, ...(changed.length === 0 ? {} : { changed }) } });
  }
}

function checkSudo(sudo: TrueNasSetUp['sudo']): void {
  if (sudo === 'doas') throw invalidOption('sudo', 'a TrueNAS has no doas', 'Choose sudo.');
}

class SetUp {
  constructor(
    private readonly request: TrueNasSetUp,
    private readonly changes: string[],
    private readonly at: { stage: Stage },
  ) {}

  async run(): Promise<TrueNasSetUpResult> {
    const { credentials, url, insecure, limits, authorities, keyPair, signal } = this.request;
    const trust = { pin: parsePin(this.request.certificate), authorities };
    const client = await TrueNasClient.connect({ url, secret: credentials.kind, insecure, trust, limits });
    let over: OverThere;
    try {
      this.begin('login');
      await client.login(credentials);
      over = await this.overThere(client, await keyPair());
    } finally {
      await client.close();
    }
    this.begin('ssh');
    const { login, truenas, publicKey } = over;
    const { missing, ...facts } = await proveLogin(login, signal);
    const warnings = [...client.notes, ...missing];
    return {
      ...login,
      publicKey,
      changed: this.changes,
      warnings,
      facts: { ...facts, truenas, protocol: client.protocol },
    };
  }

  private async overThere(client: TrueNasClient, { privateKey, publicKey }: KeyPair): Promise<OverThere> {
    const changed = (line: string): void => void this.changes.push(line);
    const { request } = this;
    const truenas = await versionOf(client);
    this.begin('account');
    const account = await findAccount(client, request.sshUser || request.credentials.username || 'root');
    const { username } = account;
    const sudo = account.uid === 0 || request.sudo !== 'sudo' ? 'none' : 'sudo';
    // Before anything is changed: it may be one that CORE cannot give.
    if (sudo === 'sudo') sudoChange(account);
    await addKey(client, account, publicKey, changed);
    await giveShell(client, account, changed);
    if (sudo === 'sudo') await giveSudo(client, account, changed);
    this.begin('service');
    await startSsh(client, changed);
    const { port, hostKeys } = await sshService(client);
    return { truenas, publicKey, login: { host: client.address.host, port, username, hostKeys, sudo, privateKey } };
  }

  private begin(stage: Stage): void {
    this.request.signal?.throwIfAborted();
    this.at.stage = stage;
  }
}

interface OverThere {
  truenas: string;
  publicKey: string;
  login: NewLogin;
}

/** For people; a login with few rights need not be told. */
async function versionOf(client: TrueNasClient): Promise<string> {
  try {
    const version = await client.call('system.version');
    return typeof version === 'string' ? version.slice(0, 100) : '';
  } catch (error) {
    if (apiDetails(error) === undefined) throw error;
    return '';
  }
}
