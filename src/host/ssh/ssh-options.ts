// The settings of one SSH connection, as the configuration node hands them over, and how its secret half is read.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ParsedKey } from 'ssh2';
import { ZfsFlowError } from '../../base/errors';
import type { Privilege } from '../shell/marked-output';
import { readPrivateKey } from './private-key';

export type SshAuth =
  | { method: 'privateKey'; privateKey: string; passphrase?: string }
  | { method: 'keyFile'; keyFile: string; passphrase?: string }
  | { method: 'agent'; agentSocket?: string }
  | { method: 'password'; password: string };

export interface SshHostOptions {
  id: string;
  /** The connection's name, or its host name where it has none. */
  label: string;
  host: string;
  port: number;
  username: string;
  auth: SshAuth;
  /** `type base64` or known_hosts lines. Nothing is trusted that is not in here. */
  hostKeys: string;
  /** `auto`, or names separated by commas or blanks, best first. */
  ciphers: string;
  /** Seconds for connection, banner and authentication together. */
  connectTimeout: number;
  /** Seconds; a dead peer is noticed after three. 0 = off. */
  keepaliveInterval: number;
  sudo: Privilege;
  /** Further directories for PATH on the host. */
  zfsPath: string;
  /** Exec channels used at once. */
  maxSessions: number;
  /** The host through which everything goes, which may be reached through another; each has keys and secrets of its own. */
  jump?: SshHostOptions;
}

/** What is needed to prove who we are, read when connecting: files and agents may change without a deploy. */
export type Credential =
  | { kind: 'key'; key: ParsedKey; origin: string }
  | { kind: 'agent'; socket: string }
  | { kind: 'password'; password: string };

/** Throws AUTHENTICATION_FAILED when a key cannot be read or there is no agent. */
export function readCredential(auth: SshAuth, label: string): Credential {
  try {
    return read(auth);
  } catch (error) {
    if (!(error instanceof ZfsFlowError)) throw error;
    const { hint, cause } = error;
    throw new ZfsFlowError('AUTHENTICATION_FAILED', `${label}: ${error.message}`, {
      host: label,
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

function read(auth: SshAuth): Credential {
  if (auth.method === 'password') return { kind: 'password', password: auth.password };
  if (auth.method === 'agent') return { kind: 'agent', socket: agentSocket(auth.agentSocket) };
  if (auth.method === 'keyFile') return readKeyFile(auth.keyFile, auth.passphrase);
  return { kind: 'key', key: readPrivateKey(auth.privateKey, auth.passphrase), origin: 'the private key' };
}

function readKeyFile(path: string, passphrase: string | undefined): Credential {
  let file = path;
  let text: string;
  try {
    // A user without a passwd entry and HOME has no home directory, which Node.js throws.
    if (path.startsWith('~/')) file = join(homedir(), path.slice(2));
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const message = `the key file ${file} cannot be read: ${(error as Error).message}`;
    const hint = 'The user that runs Node-RED must be able to read it.';
    throw new ZfsFlowError('AUTHENTICATION_FAILED', message, { hint, cause: error });
  }
  return { kind: 'key', key: readPrivateKey(text, passphrase), origin: `the key file ${file}` };
}

function agentSocket(configured: string | undefined): string {
  const socket = configured || process.env['SSH_AUTH_SOCK'];
  if (socket) return socket;
  throw new ZfsFlowError(
    'AUTHENTICATION_FAILED',
    'no SSH agent: no socket is configured and SSH_AUTH_SOCK is not set',
    {
      hint: 'Enter the agent socket, or start Node-RED with SSH_AUTH_SOCK.',
    },
  );
}
