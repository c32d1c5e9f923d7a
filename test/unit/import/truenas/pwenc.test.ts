// TrueNAS's own encryption. The vectors were made with PyCryptodome as plugins/pwenc.py uses it.
import assert from 'node:assert/strict';
import { decrypted, isSeedOf } from '../../../../src/import/truenas/pwenc';
import { encrypted, SEED } from './archives';

describe('what TrueNAS encrypts', () => {
  for (const [text, stored] of [
    ['Donuts!', 'AAECAwQFBgfsz++4vopMSlPFW2dw9OYxreM1/LgelO7sSbTI/664QQ=='],
    [
      '{"host": "vault.lan", "name": "Küche"}',
      'ZGVmZ2hpamuy6uMSUg3TepU8gqFMOY3ZUf5qPhNolZF8aMidQw3v/JiLx4N0m+3mzKUEN2vXqqhIgWAF77afgBThUkHgHAe4',
    ],
    [
      'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk',
      '///////////DNevzyWt4nvwmkSlSHC/L0p6xHWf6VOakAWS3YEdLU0f1fnIgSnMLj9fDS/mVb1BJaVWLdpBmnrgO+3H+L/06wQ7rfqZUc9uceSpOB3n0IEM/tGpFUkxNt8wdvp+yPZImWpQEv9IsJJJpyv3fztBchyGb8J3qufTM9SgRkXZ6UA==',
    ],
  ] as const) {
    it(`is read: ${text.slice(0, 20)}`, () => {
      assert.equal(decrypted(SEED, stored), text);
    });
  }
  it('is read again, whatever its length', () => {
    for (const text of ['x', 'ä'.repeat(31), 'y'.repeat(32), '{"a": {"b": 1}}', 'z'.repeat(5000)]) {
      assert.equal(decrypted(SEED, encrypted(text)), text);
    }
  });

  it('has no text without one', () => {
    assert.equal(decrypted(SEED, ''), '');
    assert.equal(decrypted(SEED, 'AAAA'), null);
    assert.equal(decrypted(Buffer.alloc(16), encrypted('x')), null);
  });

  it('belongs to one seed', () => {
    assert.ok(isSeedOf(SEED, encrypted('Donuts!')));
    assert.ok(!isSeedOf(Buffer.alloc(32, 1), encrypted('Donuts!')));
    assert.ok(!isSeedOf(SEED, ''));
  });
});
