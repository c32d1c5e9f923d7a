import assert from 'node:assert/strict';
import { utils } from 'ssh2';
import { readSshConfig } from '../../../../src/ssh-setup/truenas/ssh-service';
import { newKeyPair } from '../../../support/key-pair';

const encoded = (line: string): string => Buffer.from(`${line}\n`).toString('base64');

describe('the SSH service of a TrueNAS', () => {
  it('tells its port and the host keys as a connection pins them', () => {
    const [ed25519, rsa] = [newKeyPair(), utils.generateKeyPairSync('rsa', { bits: 2048 })];
    const config = {
      tcpport: 2222,
      host_rsa_key_pub: encoded(`${rsa.public} root@truenas`),
      host_ed25519_key_pub: encoded(ed25519.public),
      host_ecdsa_key_pub: null,
      host_ed25519_key: 'private',
      privatekey: 'private',
    };
    const short = (line: string): string => line.split(' ').slice(0, 2).join(' ');
    assert.deepEqual(readSshConfig(config), { port: 2222, hostKeys: `${short(ed25519.public)}\n${short(rsa.public)}` });
  });

  it('tells no key that is none', () => {
    for (const text of ['', encoded('ssh-ed25519 AAAA'), encoded('ssh-ed25519'), encoded('# x'), '%%', 'c3No']) {
      assert.deepEqual(readSshConfig({ tcpport: 22, host_rsa_key_pub: text }), { port: 22, hostKeys: '' }, text);
    }
    assert.deepEqual(readSshConfig(null), { port: 22, hostKeys: '' });
  });
});
