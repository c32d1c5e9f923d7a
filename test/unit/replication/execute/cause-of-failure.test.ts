// Which of two failed ends caused it, and whether another try can help.
import assert from 'node:assert/strict';
import { ZfsFlowError } from '../../../../src/base/errors';
import { AttemptFailure } from '../../../../src/replication/execute/attempt-failure';
import type { DatasetPlan } from '../../../../src/replication/plan/plan-types';
import { causeOfFailure } from '../../../../src/replication/execute/cause-of-failure';
import { TransferError, type EndedStage } from '../../../../src/stream/judge';

interface End {
  code: number | null;
  signal?: string | null;
  says?: string;
}

const PLAN = { source: 'tank/s' } as DatasetPlan;

function judge(send: End, receive: End, primary: 'send' | 'receive' = 'receive'): AttemptFailure {
  const stage = (role: EndedStage['role'], host: string, { code, signal = null, says = '' }: End): EndedStage => {
    return { role, host, code, signal, stderr: says, ended: false };
  };
  const stages = [stage('send', 'a', send), stage('receive', 'b', receive)];
  const error = new TransferError(`${primary} failed`, primary, stages, {});
  return causeOfFailure(error, PLAN);
}

describe('the error of a failed transfer', () => {
  it('is worth another try when a process was killed, which over SSH only its exit code says', () => {
    for (const receive of [{ code: 143 }, { code: 137 }, { code: null, signal: 'SIGKILL' }]) {
      const { error } = judge({ code: 141 }, receive);
      assert.deepEqual(
        [error.code, error.retryable, error.host, error.dataset],
        ['TRANSFER_FAILED', true, 'b', 'tank/s'],
      );
    }
    assert.equal(judge({ code: 3, says: 'odd' }, { code: 0 }, 'send').next, 'giveUp');
  });

  it('names what the receiver refused, not the broken pipe of the sender, and does not try that again', () => {
    const { error: quota } = judge(
      { code: 1, says: 'warning: cannot send: Broken pipe' },
      { code: 1, says: 'receiving full stream of a@1 into b@1\ncannot receive new filesystem stream: destination b space quota exceeded.' },
    ); // prettier-ignore
    assert.deepEqual([quota.code, quota.retryable, quota.host], ['QUOTA_EXCEEDED', false, 'b']);
    assert.doesNotMatch(quota.message, /receiving full stream/);
    const { error: pool } = judge(
      { code: 141 },
      { code: 1, says: 'cannot receive incremental stream: pool is read-only' },
    );
    assert.deepEqual([pool.code, pool.retryable], ['POOL_UNAVAILABLE', false]);
    assert.match(pool.hint ?? '', /without readonly=on/);
  });

  it('is worth another try where a token has become useless, or a peer or the pipe failed', () => {
    const dead = judge(
      { code: 1, says: "cannot resume send: 'a@1' used in the initial send no longer exists" },
      { code: 1, says: 'cannot receive: failed to read from stream' },
      'send',
    );
    assert.equal(dead.next, 'lookAgain');
    const cut = judge({ code: 0 }, { code: 1, says: 'cannot receive incremental stream: checksum mismatch or incomplete stream.\nPartially received snapshot is saved.' }); // prettier-ignore
    assert.deepEqual([cut.error.code, cut.next], ['TRANSFER_FAILED', 'wait']);
  });

  it('says what the next attempt does beside the error, of which nothing is in its details', () => {
    const { next, error } = judge(
      { code: 0 },
      { code: 1, says: 'cannot receive incremental stream: incremental send stream requires -L (--large-block), to match previous receive.' },
    ); // prettier-ignore
    assert.deepEqual([next, error.retryable, error.details], ['withLargeBlocks', true, undefined]);
    const slower = new AttemptFailure(new ZfsFlowError('TRANSFER_FAILED', 'slower', { retryable: true }), 'again');
    const passed = causeOfFailure(slower, PLAN);
    assert.deepEqual([passed.next, passed.error.dataset, passed.error.details], ['again', 'tank/s', undefined]);
  });
});
