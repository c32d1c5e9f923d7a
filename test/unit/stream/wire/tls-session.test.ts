// The key of a transfer in the form that openssl reads.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tlsSession } from '../../../../src/stream/wire/tls-session';
import { freePort } from '../../../package/node-red';

const pem = (der: Buffer): string =>
  `-----BEGIN SSL SESSION PARAMETERS-----\n${der.toString('base64')}\n-----END SSL SESSION PARAMETERS-----\n`;

const KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => index));

describe('the key of a transfer', () => {
  it('is a session that openssl reads', () => {
    const der = tlsSession(KEY, 'TLS_AES_128_GCM_SHA256', 1_700_000_000);
    const expected =
      '303d' +
      '020101' +
      '02020304' +
      '04021301' +
      '0400' +
      `0420${KEY.toString('hex')}` +
      'a1060204' +
      '7fffffff' +
      'a20402020e10';
    assert.equal(der.toString('hex'), expected);
    const shown = execFileSync('openssl', ['sess_id', '-noout', '-text'], { input: pem(der), encoding: 'utf8' });
    assert.match(shown, /Protocol *: TLSv1\.3/);
    assert.match(shown, /Cipher *: TLS_AES_128_GCM_SHA256/);
    assert.match(shown, new RegExp(KEY.toString('hex'), 'i'));
    assert.match(shown, /Timeout *: 3600/);
    // One line, which every openssl takes.
    assert.equal(der.toString('base64').length, 84);
    assert.throws(() => tlsSession(Buffer.alloc(16), 'TLS_AES_128_GCM_SHA256', 0), RangeError);
  });

  it('is taken by machines whose clocks are ahead by years', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'zfs-flows-session-'));
    const port = await freePort();
    const file = path.join(folder, 'k');
    // Made by a clock that shows 2001: to it, these programs are a quarter of a century ahead.
    const der = tlsSession(KEY, 'TLS_AES_128_GCM_SHA256', 1_000_000_000);
    await writeFile(file, pem(der));
    const common = ['-tls1_3', '-ciphersuites', 'TLS_AES_128_GCM_SHA256', '-brief', '-psk_session', file];
    const listening = ['s_server', '-accept', `127.0.0.1:${port}`, '-naccept', '1', '-nocert', '-num_tickets', '0'];
    const server = spawn('openssl', [...listening, ...common], { stdio: ['pipe', 'ignore', 'ignore'] });
    try {
      const connect = (): SpawnSyncReturns<string> =>
        spawnSync('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...common], {
          input: '',
          encoding: 'utf8',
          timeout: 10_000,
        });
      let client = connect();
      for (let turn = 0; turn < 50 && /refused/i.test(client.stderr); turn++) {
        await sleep(100);
        client = connect();
      }
      assert.match(client.stdout + client.stderr, /CONNECTION ESTABLISHED/);
    } finally {
      server.kill();
      await rm(folder, { recursive: true });
    }
  });
});
