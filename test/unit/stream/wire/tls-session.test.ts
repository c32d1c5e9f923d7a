// The key of a transfer in the form that openssl reads.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { tlsSession } from '../../../../src/stream/wire/tls-session';

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
      '6553f100' +
      'a20402020e10';
    assert.equal(der.toString('hex'), expected);
    const text = `-----BEGIN SSL SESSION PARAMETERS-----\n${der.toString('base64')}\n-----END SSL SESSION PARAMETERS-----\n`;
    const shown = execFileSync('openssl', ['sess_id', '-noout', '-text'], { input: text, encoding: 'utf8' });
    assert.match(shown, /Protocol *: TLSv1\.3/);
    assert.match(shown, /Cipher *: TLS_AES_128_GCM_SHA256/);
    assert.match(shown, new RegExp(KEY.toString('hex'), 'i'));
    assert.match(shown, /Timeout *: 3600/);
    // One line, which every openssl takes.
    assert.equal(der.toString('base64').length, 84);
    assert.throws(() => tlsSession(Buffer.alloc(16), 'TLS_AES_128_GCM_SHA256', 0), RangeError);
  });
});
