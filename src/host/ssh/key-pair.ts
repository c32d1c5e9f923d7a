// New key pairs for the editor's button.
import { generateKeyPair as cryptoGenerateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { utils } from 'ssh2';
import { opensshEd25519, publicKeyLine, readPrivateKey } from './private-key';

export interface KeyPair {
  /** OpenSSH format, not encrypted: it goes into Node-RED's encrypted credentials. */
  privateKey: string;
  /** The line for `authorized_keys`. */
  publicKey: string;
}

const COMMENT = 'node-red-zfs-replication';

/** RSA keys have 4096 bits. `comment` ends the public line. */
export async function generateKeyPair(type: 'ed25519' | 'rsa', comment = COMMENT): Promise<KeyPair> {
  const privateKey = type === 'rsa' ? await generateRsa(comment) : await generateEd25519(comment);
  // Reading it back proves that the pair is one, before anybody relies on it.
  return keyPairOf(privateKey, comment);
}

/** With the public half of a private key that has no passphrase. Throws AUTHENTICATION_FAILED for what is none. */
export function keyPairOf(privateKey: string, comment = COMMENT): KeyPair {
  return { privateKey, publicKey: publicKeyLine(readPrivateKey(privateKey, undefined), comment) };
}

/** Not with ssh2 1.17: it drops leading zero bytes, so that one in 256 of its Ed25519 keys cannot be read. */
async function generateEd25519(comment: string): Promise<string> {
  const { privateKey } = await promisify(cryptoGenerateKeyPair)('ed25519');
  return opensshEd25519(privateKey, comment);
}

async function generateRsa(comment: string): Promise<string> {
  return new Promise<string>((resolve, reject) => {
    utils.generateKeyPair('rsa', { bits: 4096, comment }, (error, keys) => {
      if (error) reject(error);
      else resolve(keys.private);
    });
  });
}
