// Which side of a failed transfer is the cause, and when it is the connection.
import assert from 'node:assert/strict';
import { judgeTransfer, TransferError, type FailedTransfer, type StageReport } from '../../../src/stream/judge';

function stage(
  role: 'send' | 'receive',
  code: number | null,
  stderr = '',
  more: Partial<StageReport> = {},
): StageReport {
  return { role, host: role === 'send' ? 'A' : 'B', isRemote: true, code, signal: null, stderr, ended: false, ...more };
}

function judge(stages: StageReport[], more: Partial<FailedTransfer> = {}): ReturnType<typeof judgeTransfer> {
  return judgeTransfer({ stages, thrown: undefined, cancelled: false, stalledAfterMs: 0, bytes: 7, ...more });
}

describe('transfer errors', () => {
  const brokenPipe = stage('send', 1, "warning: cannot send 'tank@a': Broken pipe\n");
  const incomplete = stage('receive', 1, 'cannot receive: incomplete stream\n');

  it('name the side that failed first, not the one that followed', () => {
    for (const [stages, primary, text] of [
      [
        [stage('send', 1, 'cannot open tank@a: dataset does not exist\n'), incomplete],
        'send',
        /dataset does not exist/,
      ],
      [[brokenPipe, stage('receive', 1, 'cannot receive: out of space\n')], 'receive', /out of space/],
      [[stage('send', 141), stage('receive', 1, 'cannot receive: out of space\n')], 'receive', /out of space/],
      [[stage('send', 1, 'x: Input/output error\n'), stage('receive', 0)], 'send', /Input\/output error/],
      [[stage('send', null, '', { signal: 'SIGKILL' }), incomplete], 'send', /SIGKILL/],
      [[stage('send', 0), incomplete], 'receive', /incomplete stream/],
      [[stage('send', 255, '', { ended: true }), stage('receive', 1, 'busy\n')], 'receive', /busy/],
    ] as const) {
      const error = judge([...stages]);
      assert.equal(error.code, 'TRANSFER_FAILED');
      assert.equal(error.details?.['primary'], primary);
      assert.match(error.message, text);
      assert.equal(error.host, primary === 'send' ? 'A' : 'B');
      assert.equal(error.retryable, false);
    }
  });

  it('go by what the commands say themselves, not by what is printed around them', () => {
    const noise = 'sudo: unable to resolve host ghost: Name or service not known\n';
    const wordsOf = (stderr: string): string => stderr.replace(noise, '').trim();
    const silent = stage('send', 1, noise);
    const full = stage('receive', 1, `${noise}cannot receive: out of space\n`);
    const error = judge([silent, full], { wordsOf });
    assert.deepEqual(
      [error.details?.['primary'], error.message],
      ['receive', 'receiving on B failed: cannot receive: out of space'],
    );
    assert.equal(error.stderr, full.stderr);
    assert.match(
      judge([stage('send', 3, noise), stage('receive', 0)], { wordsOf }).message,
      /^sending from A failed: sudo:/,
    );
  });

  it('have both sides in their details', () => {
    const error = judge([brokenPipe, incomplete]);
    assert.deepEqual(error.details?.['stages'], [
      { role: 'send', host: 'A', code: 1, signal: null, stderr: brokenPipe.stderr, ended: false },
      { role: 'receive', host: 'B', code: 1, signal: null, stderr: incomplete.stderr, ended: false },
    ]);
    assert.equal(error.details?.['bytes'], 7);
    assert.ok(error instanceof TransferError);
    assert.deepEqual([error.primary, error.stages], ['send', error.details?.['stages']]);
  });

  it('tell a broken connection from failed work', () => {
    for (const [text, code] of [
      ['client_loop: send disconnect: Broken pipe', 'CONNECTION_LOST'],
      ['Timeout, server nas not responding.', 'CONNECTION_LOST'],
      ['Connection to nas closed by remote host.', 'CONNECTION_LOST'],
      ['', 'CONNECTION_LOST'],
      ['ssh: connect to host nas port 22: Connection refused', 'CONNECTION_REFUSED'],
      ['ssh: connect to host nas port 22: No route to host', 'HOST_UNREACHABLE'],
      ['ssh: connect to host nas port 22: Connection timed out', 'CONNECTION_TIMEOUT'],
      ['ssh: Could not resolve hostname nas: Name or service not known', 'HOST_NOT_FOUND'],
      ['root@nas: Permission denied (publickey).', 'AUTHENTICATION_FAILED'],
      ['No ED25519 host key is known for zfsflow and you have requested strict checking.', 'HOST_KEY_UNKNOWN'],
      ['@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.', 'HOST_KEY_MISMATCH'],
      ['zfsflow-ssh-error: AUTHENTICATION_FAILED nas: no', 'AUTHENTICATION_FAILED'],
    ] as const) {
      const error = judge([brokenPipe, stage('receive', 255, `${text}\n`)]);
      assert.equal(error.code, code, text);
      assert.equal(error.host, 'B');
      assert.equal(error.retryable, !/^(HOST_KEY|AUTH|HOST_NOT)/.test(code), code);
    }
  });

  it('take 255 for the connection only where it carried something', () => {
    const local = judge([stage('send', 255, 'odd\n', { isRemote: false }), incomplete]);
    assert.equal(local.code, 'TRANSFER_FAILED');
    const own = judge([stage('send', 255, '', { ended: true }), stage('receive', 1, 'out of space\n')]);
    assert.equal(own.code, 'TRANSFER_FAILED');
  });

  it('leave out of a broken connection what both ends only report', () => {
    const text = 'receiving full stream of a@1 into b@1\n12:00:01\t12345\ta@1\nmux_client: odd\n';
    const error = judge([brokenPipe, stage('receive', 255, text)]);
    assert.equal(error.message, 'B: the connection broke: mux_client: odd');
  });

  it('say cancelled and stalled before anything else', () => {
    assert.equal(judge([brokenPipe, incomplete], { cancelled: true }).code, 'CANCELLED');
    const stalled = judge([brokenPipe, incomplete], { stalledAfterMs: 5000 });
    assert.deepEqual([stalled.code, stalled.retryable], ['TRANSFER_STALLED', true]);
    assert.match(stalled.message, /for 5 s/);
  });

  it('keep what was thrown before anything ran', () => {
    const error = judge([], { thrown: new Error('odd') });
    assert.deepEqual([error.code, error.message], ['TRANSFER_FAILED', 'odd']);
  });

  it('say when a program could not be started', () => {
    const missing = stage('receive', null, '', {
      spawnError: Object.assign(new Error('spawn ssh ENOENT'), { code: 'ENOENT' }),
    });
    assert.equal(judge([brokenPipe, missing]).code, 'COMMAND_NOT_FOUND');
  });
});
