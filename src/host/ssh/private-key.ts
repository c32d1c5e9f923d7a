// Private keys as people have them: OpenSSH or PEM, pasted with Windows line ends, encrypted or not. Gives ssh2's key
// object or a message that says what is wrong. Generating keys is `key-pair.ts`.
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { utils, type ParsedKey } from 'ssh2';
import { ZfsFlowError } from '../../base/errors';

/** Throws AUTHENTICATION_FAILED with a message a person can act on. */
export function readPrivateKey(text: string, passphrase: string | undefined): ParsedKey {
  const tidy = `${text
    .replace(/^\uFEFF/, '')
    .replaceAll(/\r\n?/g, '\n')
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .trim()}\n`;
  if (tidy === '\n') throw bad('no private key is configured', 'Paste one or generate a key pair.');
  if (/^(ssh-|ecdsa-)/.test(tidy)) {
    throw bad('this is a public key, not a private one', 'Paste the private half; it begins with "-----BEGIN".');
  }
  const readable = /-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(tidy) ? fromPkcs8(tidy, passphrase) : tidy;
  const parsed = utils.parseKey(readable, passphrase === '' ? undefined : passphrase);
  const key = Array.isArray(parsed) ? (parsed[0] as ParsedKey | undefined) : parsed;
  if (key === undefined) throw bad('no key was found in the private key text');
  if (key instanceof Error) throw explain(key, passphrase);
  if (!key.isPrivateKey()) throw bad('this is a public key, not a private one');
  return key;
}

/** The line for `authorized_keys`. */
export function publicKeyLine(key: ParsedKey, comment = key.comment): string {
  return [key.type, key.getPublicSSH().toString('base64'), comment].filter((part) => part !== '').join(' ');
}

function bad(message: string, hint?: string, cause?: unknown): ZfsFlowError {
  return new ZfsFlowError('AUTHENTICATION_FAILED', message, { ...(hint === undefined ? {} : { hint }), cause });
}

function explain(error: Error, passphrase: string | undefined): ZfsFlowError {
  const text = error.message;
  if (/no passphrase given/i.test(text)) return encrypted(error);
  if (/integrity check|bad passphrase|bad decrypt|Malformed OpenSSH private key/i.test(text) && passphrase) {
    return bad('the passphrase does not fit the private key', undefined, error);
  }
  const supported = 'Supported are RSA, ECDSA and Ed25519 keys in OpenSSH or PEM format.';
  return bad(`the private key cannot be read: ${text}`, supported, error);
}

function encrypted(cause: unknown): ZfsFlowError {
  return bad('the private key is encrypted and no passphrase is configured', 'Enter its passphrase.', cause);
}

/** ssh2 reads no PKCS#8 (what `openssl genpkey` writes), so such keys are converted. */
function fromPkcs8(pem: string, passphrase: string | undefined): string {
  const isEncrypted = pem.includes('ENCRYPTED PRIVATE KEY');
  if (isEncrypted && !passphrase) throw encrypted(undefined);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: 'pem', ...(isEncrypted ? { passphrase } : {}) });
  } catch (error) {
    if (isEncrypted) throw bad('the passphrase does not fit the private key', undefined, error);
    throw bad('the private key cannot be read: it is not a valid PKCS#8 key', undefined, error);
  }
  if (key.asymmetricKeyType === 'rsa') return key.export({ type: 'pkcs1', format: 'pem' }).toString();
  if (key.asymmetricKeyType === 'ec') return key.export({ type: 'sec1', format: 'pem' }).toString();
  if (key.asymmetricKeyType === 'ed25519') return opensshEd25519(key);
  throw bad(`keys of type "${String(key.asymmetricKeyType)}" are not supported`, 'Use RSA, ECDSA or Ed25519.');
}

/** The OpenSSH format (PROTOCOL.key) of an Ed25519 key, not encrypted. */
export function opensshEd25519(key: KeyObject, comment = ''): string {
  const { d = '', x = '' } = key.export({ format: 'jwk' });
  const publicKey = Buffer.from(x, 'base64url');
  const publicBlob = Buffer.concat([sshString('ssh-ed25519'), sshString(publicKey)]);
  const check = Buffer.alloc(8);
  const body = Buffer.concat([
    check,
    publicBlob,
    sshString(Buffer.concat([Buffer.from(d, 'base64url'), publicKey])),
    sshString(comment),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (body.length % 8)) % 8 }, (_, index) => index + 1));
  const one = Buffer.from([0, 0, 0, 1]);
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0', 'latin1'),
    ...['none', 'none', ''].map((word) => sshString(word)),
    one,
    sshString(publicBlob),
    sshString(Buffer.concat([body, padding])),
  ]);
  const lines = file.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}

function sshString(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
