// What could not be reached, and whether it is worth trying again, in the words of Node.js and of several builds of `ssh`.
import assert from 'node:assert/strict';
import { connectError, connectionFailure, HELPER_ERROR } from '../../../src/host/connection-errors';

const ENDPOINT = { host: 'nas', port: 22, label: 'NAS' };

function failed(code: string): ReturnType<typeof connectError> {
  return connectError(Object.assign(new Error(`getaddrinfo ${code} nas`), { code }), ENDPOINT);
}

describe('a host name that cannot be resolved', () => {
  it('is tried again while the name server does not answer [B10]', () => {
    const error = failed('EAI_AGAIN');
    assert.deepEqual([error.code, error.retryable], ['HOST_NOT_FOUND', true]);
    assert.match(error.message, /at the moment/);
    // glibc and the BSDs, macOS with a tail, musl, our helper with the message of above.
    for (const said of [
      'ssh: Could not resolve hostname nas: Temporary failure in name resolution',
      'ssh: Could not resolve hostname nas: Temporary failure in name resolution\r',
      'ssh: Could not resolve hostname nas: Try again',
      `${HELPER_ERROR} ${error.code} ${error.message}`,
      `some line of a library\n${HELPER_ERROR} ${error.code} ${error.message}\n`,
    ]) {
      const failure = connectionFailure(said);
      assert.deepEqual([failure?.code, failure?.retryable], ['HOST_NOT_FOUND', true], said);
    }
  });

  it('is not when there is no such name [B10]', () => {
    for (const code of ['ENOTFOUND', 'EAI_NONAME']) {
      const error = failed(code);
      assert.deepEqual([error.code, error.retryable], ['HOST_NOT_FOUND', false]);
    }
    for (const said of [
      'ssh: Could not resolve hostname nas: Name or service not known',
      'ssh: Could not resolve hostname nas: nodename nor servname provided, or not known',
      'ssh: Could not resolve hostname nas: Name does not resolve',
      'ssh: Could not resolve hostname nas: No address associated with hostname',
      `${HELPER_ERROR} HOST_NOT_FOUND ${failed('ENOTFOUND').message}`,
    ]) {
      const failure = connectionFailure(said);
      assert.deepEqual([failure?.code, failure?.retryable], ['HOST_NOT_FOUND', undefined], said);
    }
  });
});
