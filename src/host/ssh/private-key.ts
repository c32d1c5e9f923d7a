// Private keys as people have them: OpenSSH or PEM, encrypted or not, pasted or handed on somehow (key-text.ts). Gives
// ssh2's key object or a message that says what is wrong. Generating keys is `key-pair.ts`.
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { utils, type ParsedKey } from 'ssh2';
import { ZfsFlowError } from '../../base/errors';
import { findKeyBlock, tidyText, type KeyBlock } from './key-text';

const PUBLIC_LINE = /(^|\s)(ssh-(rsa|dss|ed25519)|ecdsa-sha2-\S+|sk-(ssh|ecdsa)-\S+)\s+AAAA/;
const NOT_PUTTY = 'In PuTTYgen: Conversions, Export OpenSSH key; or puttygen KEY.ppk -O private-openssh -o KEY.';

/** Throws AUTHENTICATION_FAILED with a message a person can act on. */
export function readPrivateKey(text: string, passphrase: string | undefined): ParsedKey {
  const tidy = tidyText(text);
  if (tidy === '') throw bad('no private key is configured', 'Paste one or generate a key pair.');
  const found = findKeyBlock(tidy);
  const parsed = utils.parseKey(found ? fromBlock(found, passphrase) : withoutMarkers(tidy), passphrase || undefined);
  const key = Array.isArray(parsed) ? (parsed[0] as ParsedKey | undefined) : parsed;
  if (key === undefined) throw bad('no key was found in the private key text');
  if (key instanceof Error) throw explain(key, passphrase);
  if (!key.isPrivateKey()) throw publicKey();
  return key;
}

/** A block in a form that ssh2 reads. */
function fromBlock({ label, text }: KeyBlock, passphrase: string | undefined): string {
  if (text === null)
    throw bad('the private key cannot be read: it is cut off, its "-----END" line is missing', 'Copy all of it.');
  if (label.startsWith('SSH2')) {
    throw bad('this is a key in the format of ssh.com', 'Convert it: ssh-keygen -i -f KEY.');
  }
  return label === '' || label === 'ENCRYPTED' ? fromPkcs8(text, passphrase) : text;
}

/** What is no PEM: a PuTTY key that ssh2 reads, or what a person took for a private key. */
function withoutMarkers(tidy: string): string {
  const putty = /PuTTY-User-Key-File-(\d+)/.exec(tidy);
  if (putty) {
    if (tidy.startsWith('PuTTY-User-Key-File-2: ssh-rsa\nEncryption: ')) return tidy;
    throw bad('this is a PuTTY key, export it as OpenSSH', NOT_PUTTY);
  }
  if (PUBLIC_LINE.test(tidy) || /BEGIN (\w+ )*PUBLIC KEY/.test(tidy)) throw publicKey();
  if (/-BEGIN (X509 |TRUSTED )?CERTIFICATE-/.test(tidy)) throw bad('this is a certificate, not a private key');
  if (/^(SHA256|MD5):/.test(tidy)) throw bad('this is the fingerprint of a key, not a private key');
  if (/^(~|\.{0,2}\/|[A-Za-z]:[\\/])[^\n]*$/.test(tidy)) {
    throw bad(
      'this is the path of a file, not a private key',
      'Choose the key file as authentication, or paste the key.',
    );
  }
  throw bad('the private key cannot be read: it has no "-----BEGIN … PRIVATE KEY-----"', SUPPORTED);
}

const SUPPORTED = 'Supported are RSA, ECDSA and Ed25519 keys in OpenSSH or PEM format.';

function publicKey(): ZfsFlowError {
  return bad('this is a public key, not a private one', 'Paste the private half; it begins with "-----BEGIN".');
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
  return bad(`the private key cannot be read: ${text}`, SUPPORTED, error);
}

function encrypted(cause: unknown): ZfsFlowError {
  return bad('the private key is encrypted and no passphrase is configured', 'Enter its passphrase.', cause);
}

function oldCipher(cause: unknown): ZfsFlowError {
  const hint =
    'Encrypt it anew: openssl pkcs8 -provider legacy -provider default -in KEY | openssl pkcs8 -topk8 -v2 aes256.';
  return bad('the private key is encrypted with a cipher that is no longer supported', hint, cause);
}

/** ssh2 reads no PKCS#8 (what `openssl genpkey` writes), so such keys are converted. */
function fromPkcs8(pem: string, passphrase: string | undefined): string {
  const isEncrypted = pem.includes('ENCRYPTED PRIVATE KEY');
  if (isEncrypted && !passphrase) throw encrypted(undefined);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: 'pem', ...(isEncrypted ? { passphrase } : {}) });
  } catch (error) {
    // OpenSSL 3 has left the ciphers of the 1990s behind (PBE with MD5, DES or RC2).
    if (isEncrypted && /unsupported/i.test((error as Error).message)) throw oldCipher(error);
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
