// New key pairs for the editor's button, and the public line of a key that is already there.
import { utils } from 'ssh2';
import { publicKeyLine, readPrivateKey } from './private-key';

export interface KeyPair {
  /** OpenSSH format, not encrypted: it goes into Node-RED's encrypted credentials. */
  privateKey: string;
  /** The line for `authorized_keys`. */
  publicKey: string;
}

/** RSA keys have 4096 bits. `comment` ends the public line. */
export async function generateKeyPair(type: 'ed25519' | 'rsa', comment = 'node-red-zfs-replication'): Promise<KeyPair> {
  const privateKey = await new Promise<string>((resolve, reject) => {
    const done = (error: Error | null, keys: { private: string }): void => {
      if (error) reject(error);
      else resolve(keys.private);
    };
    if (type === 'rsa') utils.generateKeyPair('rsa', { bits: 4096, comment }, done);
    else utils.generateKeyPair('ed25519', { comment }, done);
  });
  // Reading it back proves that the pair is one, before anybody relies on it.
  return { privateKey, publicKey: publicKeyLine(readPrivateKey(privateKey, undefined), comment) };
}

/** The `authorized_keys` line of a private key. Throws AUTHENTICATION_FAILED when it cannot be read. */
export function publicKeyOf(privateKey: string, passphrase?: string, comment?: string): string {
  return publicKeyLine(readPrivateKey(privateKey, passphrase), comment);
}
