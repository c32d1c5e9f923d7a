// What a refusal repeats of a value, and what it never does.
import assert from 'node:assert/strict';
import { readObject, readString } from '../../../src/options/read';

describe('values of the wrong type', () => {
  it('are shown', () => {
    assert.throws(() => readString({ name: 12_345 }, 'name'), /name must be a text, not 12345/);
  });

  it('are not repeated where they are secrets', () => {
    for (const field of ['password', 'passphrase', 'privateKey', 'apiKey', 'otp', 'encryptionKey']) {
      assert.throws(
        () => readString({ [field]: 12_345 }, field),
        (error: Error) => error.message === `${field} must be a text`,
      );
    }
    assert.throws(
      () => readObject({ credentials: 'hunter2' }, 'credentials'),
      (error: Error) => error.message === 'credentials must be an object',
    );
  });
});
