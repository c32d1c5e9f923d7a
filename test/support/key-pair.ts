// SSH keys for tests.
import { generateKeyPairSync } from 'node:crypto';
import { opensshEd25519, publicKeyLine, readPrivateKey } from '../../src/host/ssh/private-key';

/**
 * A new pair of Ed25519 keys, the private one in OpenSSH's format. Not with ssh2's generator: of 1,000 of its keys, 4 lack a byte
 * and cannot be read, by ssh2 neither.
 */
export function newKeyPair(): { private: string; public: string } {
  const text = opensshEd25519(generateKeyPairSync('ed25519').privateKey, 'test');
  return { private: text, public: publicKeyLine(readPrivateKey(text, undefined)) };
}
