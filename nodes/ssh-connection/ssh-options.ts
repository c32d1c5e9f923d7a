// The options of a zfs-ssh-connection, as a table of its properties, and from them and its credentials to the settings of
// an SSH host. Used by the node and by the buttons of its dialog, which ask with values that are not deployed yet.
import { invalidOption } from '../../src/base/errors';
import type { SshAuth, SshHostOptions } from '../../src/host/ssh/ssh-options';
import { section, type FieldTable, type OptionsOf } from '../../src/options/field';
import { choice, connection, count, field, json, number, text } from '../../src/options/kinds';
import { readString, type RawOptions } from '../../src/options/read';

function readHost(raw: RawOptions, name: string): string {
  const host = readString(raw, name).trim();
  if (host === '') throw invalidOption(name, 'the SSH connection has no host name');
  return host;
}

/** Stored as `'auto'` or as a list of names; names separated by commas. */
function readCiphers(raw: RawOptions, name: string): string {
  const value = raw[name] ?? 'auto';
  const names: unknown[] = Array.isArray(value) ? value : [value];
  if (!names.every((cipher) => typeof cipher === 'string')) {
    throw invalidOption(name, `${name} must be "auto" or a list of cipher names`);
  }
  return names.length === 0 ? 'auto' : names.join(',');
}

/** The properties of `zfs-ssh-connection`. */
export const SSH_CONNECTION = {
  ...section('machine', {
    host: field('host', { type: 'str', default: '' }, readHost, { required: true }),
    port: count(22, { min: 1, max: 65_535 }),
    username: text('root'),
    sudo: choice('none', 'sudo', 'doas'),
    /** Everything goes through it, bulk data included. */
    jumpConnection: connection(),
  }),
  ...section('authentication', {
    authMethod: choice('privateKey', 'keyFile', 'agent', 'password'),
    /** Read when connecting. */
    keyFile: text('', { kind: 'path' }),
    agentSocket: text('', { kind: 'path' }),
  }),
  /** One `type base64` or known_hosts line each; judged when connecting. */
  ...section('hostKey', { hostKeys: text('', { kind: 'hostKeys' }) }),
  ...section('advanced', {
    /** Seconds, as is the next. */
    connectTimeout: number(10, { min: 1, kind: 'seconds' }),
    keepaliveInterval: number(15, { min: 0, kind: 'seconds' }),
    maxSessions: count(8, { min: 1 }),
    ciphers: json('ciphers', 'auto', readCiphers),
    zfsPath: text('', { kind: 'path' }),
  }),
} satisfies FieldTable;

type Options = OptionsOf<typeof SSH_CONNECTION>;

export interface SshCredentials {
  privateKey?: string;
  passphrase?: string;
  password?: string;
}

/** Throws INVALID_OPTIONS with the property in `field`. Reads no file and opens nothing. */
export function sshHostOptions(id: string, values: RawOptions, credentials: SshCredentials): SshHostOptions {
  // One at a time: what belongs to another way of authentication is not looked at.
  const option = <K extends keyof Options>(name: K): Options[K] =>
    SSH_CONNECTION[name].read(values, name) as Options[K];
  const host = option('host');
  return {
    id,
    label: readString(values, 'name') || host,
    host,
    port: option('port'),
    username: option('username') || 'root',
    auth: authOf(option, credentials),
    hostKeys: option('hostKeys'),
    ciphers: option('ciphers'),
    connectTimeout: option('connectTimeout'),
    keepaliveInterval: option('keepaliveInterval'),
    sudo: option('sudo'),
    zfsPath: option('zfsPath'),
    maxSessions: option('maxSessions'),
  };
}

type Reader = <K extends keyof Options>(name: K) => Options[K];

function authOf(option: Reader, { privateKey = '', passphrase, password = '' }: SshCredentials): SshAuth {
  const method = option('authMethod');
  const secret = passphrase === undefined || passphrase === '' ? {} : { passphrase };
  if (method === 'privateKey') return { method, privateKey, ...secret };
  if (method === 'keyFile') return { method, keyFile: option('keyFile'), ...secret };
  if (method === 'password') return { method, password };
  const agentSocket = option('agentSocket');
  return { method, ...(agentSocket === '' ? {} : { agentSocket }) };
}
