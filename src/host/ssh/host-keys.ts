// Pinned host keys: reading the text of the `hostKeys` field, fingerprints as OpenSSH prints them, and asking a server
// for its keys. Deciding whether to trust what a server shows is `connect.ts`.
import { createHash } from 'node:crypto';
import type { Duplex, Readable } from 'node:stream';
import { Client, type Algorithms, type ServerHostKeyAlgorithm } from 'ssh2';
import { invalidOption } from '../../base/errors';
import { connectError } from '../connection-errors';

export interface HostKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` … */
  type: string;
  /** The key blob in base64, as in a known_hosts file. */
  base64: string;
}

/** Signature algorithms by key type. An RSA key signs with SHA-2; SHA-1 (`ssh-rsa`) is not accepted. */
const ALGORITHMS: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/** Host key types this package can verify, best first. */
const HOST_KEY_TYPES: readonly string[] = Object.keys(ALGORITHMS);

export function hostKeyAlgorithms(types: Iterable<string>): ServerHostKeyAlgorithm[] {
  return [...new Set(types)].flatMap((type) => ALGORITHMS[type] ?? []);
}

/** `SHA256:` and the digest in base64 without padding, as `ssh-keygen -l` prints it. */
export function fingerprint(key: HostKey): string {
  const digest = createHash('sha256').update(Buffer.from(key.base64, 'base64')).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}

/** The key in a blob as the SSH protocol sends it (RFC 4253, section 6.6: the type's name comes first). */
export function hostKeyFromBlob(blob: Buffer): HostKey {
  return { type: blobType(blob), base64: blob.toString('base64') };
}

function blobType(blob: Buffer): string {
  if (blob.length < 4) return '';
  return blob.subarray(4, 4 + blob.readUInt32BE(0)).toString('latin1');
}

/**
 * Reads `type base64` and known_hosts lines; `#` begins a comment. What clipboards, environment variables and JSON do to
 * line breaks is undone. Throws INVALID_OPTIONS (field `hostKeys`) for a line that is neither, because a typo must not look
 * like "no key pinned".
 */
export function parseHostKeys(text: string): HostKey[] {
  return tidy(text)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap(parseLine);
}

function tidy(text: string): string {
  return (
    text
      .replaceAll(/[\u200B-\u200D\u2060\uFEFF"'`]/g, '')
      .replaceAll(/\\+[nr]|\r\n?|[\u0085\u2028\u2029]/g, '\n')
      .replaceAll(/[^\S\n]+/g, ' ')
      .replaceAll(/ ?\n ?/g, '\n')
      // A terminal's window breaks long lines: what is nothing but base64 goes on the line before.
      .replaceAll(/(?<=AAAA[A-Za-z0-9+/\n]*)\n(?=[A-Za-z0-9+/]+={0,2}(\n|$))/g, '')
  );
}

const KEY = /(?:^| )((?:ssh|ecdsa|sk)-[\w.@-]+) (AAAA[A-Za-z0-9+/]+={0,2})(?= |$)/g;

function parseLine(line: string): HostKey[] {
  const [first = ''] = line.split(' ', 1);
  if (first.startsWith('@')) {
    throw invalidOption('hostKeys', `"${first}" lines are not supported: ${line}`, 'Pin the host key itself.');
  }
  // Several where the breaks between lines were lost; not what a comment says.
  const said = line.replace(/ #.*$/, '');
  const found = [...said.matchAll(KEY)].map(([, type = '', base64 = '']) => hostKey(type, base64));
  if (found.length > 0 && found.every((key) => key !== undefined)) return found;
  const cutOff = found.length > 0;
  const message = cutOff ? `this host key is cut off or changed: ${line}` : `this line is not a host key: ${line}`;
  throw invalidOption('hostKeys', message, 'Expected "type base64", one a line.');
}

function hostKey(type: string, base64: string): HostKey | undefined {
  const blob = Buffer.from(base64, 'base64');
  return blobType(blob) === type && isWhole(blob) ? { type, base64: blob.toString('base64') } : undefined;
}

/** Strings and numbers with their lengths before them, to the last byte (RFC 4253, section 6.6). */
function isWhole(blob: Buffer): boolean {
  let at = 0;
  let fields = 0;
  for (; at + 4 <= blob.length; fields++) at += 4 + blob.readUInt32BE(at);
  return at === blob.length && fields > 1;
}

/** The line for the `hostKeys` field. */
export function hostKeyLine(key: HostKey): string {
  return `${key.type} ${key.base64}`;
}

export interface DiscoveredHostKey extends HostKey {
  fingerprint: string;
  /** Ready for the `hostKeys` field. */
  line: string;
}

/** A server has at most one key of each, and shows one of them a connection. */
const FAMILIES = [['ssh-ed25519'], HOST_KEY_TYPES.filter((type) => type.startsWith('ecdsa-')), ['ssh-rsa']] as const;

/** Opens a stream to a server that no socket of this machine leads to. */
export type Dial = () => Promise<Duplex>;

/**
 * Asks a server for every host key it has, with one short connection per kind – few, because OpenSSH since 9.8 shuts
 * out clients that come too often without logging in (PerSourcePenalties). Nothing is authenticated, so a person must
 * compare the fingerprints. Throws HOST_NOT_FOUND, HOST_UNREACHABLE, CONNECTION_REFUSED, CONNECTION_TIMEOUT,
 * CONNECTION_LOST. `timeout` in seconds, for each connection.
 */
export async function discoverHostKeys(
  host: string,
  port: number,
  timeout = 10,
  dial?: Dial,
): Promise<DiscoveredHostKey[]> {
  const found: DiscoveredHostKey[] = [];
  for (const types of FAMILIES) {
    const key = await presentedKey(host, port, timeout, { types, dial });
    if (key) found.push({ ...key, fingerprint: fingerprint(key), line: hostKeyLine(key) });
  }
  return found;
}

/** The key a server shows when offered these types; undefined when it has none of them. Throws like `discoverHostKeys`. */
export async function presentedKey(
  host: string,
  port: number,
  timeout: number,
  { types = HOST_KEY_TYPES, dial }: { types?: readonly string[]; dial?: Dial | undefined } = {},
): Promise<HostKey | undefined> {
  const sock = (await dial?.()) as Readable | undefined;
  return new Promise((resolve, reject) => {
    let key: HostKey | undefined;
    const client = new Client();
    const algorithms: Algorithms = { serverHostKey: hostKeyAlgorithms(types) };
    client.on('error', (error: Error & { level?: string }) => {
      if (key || /no matching host key format/.test(error.message)) resolve(key);
      else reject(connectError(error, { host, port, label: host }));
      client.destroy();
    });
    client.on('close', () => {
      resolve(key);
    });
    client.connect({
      ...(sock === undefined ? { host, port } : { sock }),
      username: 'host-key-discovery',
      readyTimeout: timeout * 1000,
      algorithms,
      authHandler: [],
      hostVerifier: (blob: Buffer) => {
        key = hostKeyFromBlob(blob);
        return false;
      },
    });
  });
}
