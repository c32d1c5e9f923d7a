// A connection that cannot be made, and the time until it is tried again.
import assert from 'node:assert/strict';
import { SshHost } from '../../../../src/host/ssh/ssh-host';
import { closedPort } from '../../../support/flow-bench';

describe('a connection that cannot be made', () => {
  it('is tried again as soon, whatever somebody does to the clock of this machine', async () => {
    const host = new SshHost({
      id: 'gone',
      label: 'gone',
      host: '127.0.0.1',
      port: await closedPort(),
      username: 'root',
      auth: { method: 'password', password: 'none' },
      hostKeys: '',
      ciphers: 'auto',
      connectTimeout: 2,
      keepaliveInterval: 2,
      sudo: 'none',
      zfsPath: '',
      maxSessions: 1,
    });
    const real = Date.now;
    try {
      await assert.rejects(host.run(['true']));
      Date.now = () => real() - 4 * 3_600_000;
      const start = performance.now();
      await assert.rejects(host.run(['true']), { code: 'CONNECTION_REFUSED' });
      assert.ok(performance.now() - start < 5_000);
    } finally {
      Date.now = real;
      await host.close();
    }
  }).timeout(20_000);
});
