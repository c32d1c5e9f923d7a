// *Set up a TrueNAS* (face.md §5): from an administrator's login to an SSH login with a key of our own, through its API. Each
// step that changes something over there says so, also when a later one fails.
import { invalidOption, toZfsFlowError } from '../../base/errors';
import type { KeyPair } from '../../host/ssh/key-pair';
import { addKey, findAccount, giveShell, giveSudo } from './authorize';
import { parsePin } from './certificate';
import { TrueNasClient } from './client';
import type { Limits } from './limits';
import type { TrueNasCredentials } from './login';
import { proveLogin, type ProvenFacts } from './proof';
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
  keyPair(): Promise<KeyPair>;
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
  facts: ProvenFacts & { truenas: string; protocol: string; notes: string[] };
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
    const { credentials, url, insecure, limits, authorities } = this.request;
    const pin = parsePin(this.request.certificate);
    const client = await TrueNasClient.connect({
      url,
      secret: credentials.kind,
      insecure,
      trust: { pin, authorities },
      limits,
    });
    this.at.stage = 'login';
    try {
      await client.login(credentials);
      return await this.overThere(client);
    } finally {
      await client.close();
    }
  }

  private async overThere(client: TrueNasClient): Promise<TrueNasSetUpResult> {
    const changed = (line: string): void => void this.changes.push(line);
    const { at, request } = this;
    const truenas = await versionOf(client);
    at.stage = 'account';
    const account = await findAccount(client, request.sshUser || request.credentials.username || 'root');
    const sudo = account.uid === 0 || request.sudo !== 'sudo' ? 'none' : 'sudo';
    const { privateKey, publicKey } = await request.keyPair();
    await addKey(client, account, publicKey, changed);
    await giveShell(client, account, changed);
    if (sudo === 'sudo') await giveSudo(client, account, changed);
    at.stage = 'service';
    await startSsh(client, changed);
    const { port, hostKeys } = await sshService(client);
    at.stage = 'ssh';
    const login = { host: client.address.host, port, username: account.username, hostKeys, sudo } as const;
    const facts = await proveLogin({ ...login, privateKey });
    const { notes, protocol } = client;
    return {
      ...login,
      publicKey,
      privateKey,
      changed: this.changes,
      facts: { ...facts, truenas, protocol, notes: [...notes] },
    };
  }
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
