// From the properties and credentials of a zfs-ssh-connection to the settings of an SSH host. Used by the node and by
// the buttons of its dialog, which ask with values that are not deployed yet.
import { invalidOption } from '../../src/base/errors';
import type { SshAuth, SshHostOptions } from '../../src/host/ssh/ssh-options';
import { readChoice, readNumber, readString, type RawOptions } from '../../src/options/read';

export interface SshCredentials {
  privateKey?: string;
  passphrase?: string;
  password?: string;
}

/** Throws INVALID_OPTIONS with the property in `field`. Reads no file and opens nothing. */
export function sshHostOptions(id: string, values: RawOptions, credentials: SshCredentials): SshHostOptions {
  const host = readString(values, 'host').trim();
  if (host === '') throw invalidOption('host', 'the SSH connection has no host name');
  return {
    id,
    label: readString(values, 'name') || host,
    host,
    port: readNumber(values, 'port', 22, { min: 1, max: 65_535, integer: true }),
    username: readString(values, 'username', 'root') || 'root',
    auth: authOf(values, credentials),
    hostKeys: readString(values, 'hostKeys'),
    ciphers: ciphersOf(values),
    connectTimeout: readNumber(values, 'connectTimeout', 10, { min: 1 }),
    keepaliveInterval: readNumber(values, 'keepaliveInterval', 15, { min: 0 }),
    sudo: readChoice(values, 'sudo', ['none', 'sudo', 'doas'], 'none'),
    zfsPath: readString(values, 'zfsPath'),
    maxSessions: readNumber(values, 'maxSessions', 8, { min: 1, integer: true }),
  };
}

function authOf(values: RawOptions, { privateKey = '', passphrase, password = '' }: SshCredentials): SshAuth {
  const method = readChoice(values, 'authMethod', ['privateKey', 'keyFile', 'agent', 'password'], 'privateKey');
  const secret = passphrase === undefined || passphrase === '' ? {} : { passphrase };
  if (method === 'privateKey') return { method, privateKey, ...secret };
  if (method === 'keyFile') return { method, keyFile: readString(values, 'keyFile'), ...secret };
  if (method === 'password') return { method, password };
  const agentSocket = readString(values, 'agentSocket');
  return { method, ...(agentSocket === '' ? {} : { agentSocket }) };
}

/** Stored as `'auto'` or as a list of names. */
function ciphersOf(values: RawOptions): string {
  const value = values['ciphers'] ?? 'auto';
  const names: unknown[] = Array.isArray(value) ? value : [value];
  if (!names.every((name) => typeof name === 'string')) {
    throw invalidOption('ciphers', 'ciphers must be "auto" or a list of cipher names');
  }
  return names.length === 0 ? 'auto' : names.join(',');
}
