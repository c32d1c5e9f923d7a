// When a partial receive is given up: after the same token was seen three times, once, and never for a lost connection.
import assert from 'node:assert/strict';
import { ZfsFlowError, type ErrorCode } from '../../../../src/base/errors';
import { failureOf } from '../../../../src/replication/execute/attempt-failure';
import { planReplication } from '../../../../src/replication/plan/plan';
import type { DatasetPlan } from '../../../../src/replication/plan/plan-types';
import { StuckReceives } from '../../../../src/replication/run/stuck-receives';
import type { TokenContents } from '../../../../src/zfs/send';
import { dataset, OPTIONS, pair } from '../../../support/model';

/** One attempt that finds this token ('' = none) and fails with this error (null = succeeds); what was planned. */
function attempt(
  stuck: StuckReceives,
  token: string,
  bytes: number,
  code: ErrorCode | null = 'TRANSFER_FAILED',
): string {
  const contents: TokenContents = {
    toName: 'tank/s@a',
    toGuid: '1',
    fromGuid: '',
    bytes,
    raw: false,
    largeBlocks: true,
    compressedBlocks: true,
    embeddedBlocks: false,
    usable: true,
    problem: '',
  };
  const found = pair({
    source: 'a:1',
    target: token === '' ? null : '',
    targetMore: { receiveResumeToken: token },
    more: token === '' ? {} : { partial: { token: contents, isOwn: true } },
  });
  const { datasets } = planReplication({
    pairs: stuck.mark([found]),
    ancestors: [dataset('bk')],
    existing: new Set(['bk']),
    options: OPTIONS,
  });
  const failures = new Map(code === null ? [] : [['tank/s', failureOf(new ZfsFlowError(code, 'failed'))]]);
  stuck.note(datasets, failures);
  return describePlan(datasets[0]);
}

function describePlan(plan: DatasetPlan | undefined): string {
  if (plan?.refusal) return plan.refusal.code;
  if (plan?.resume) return 'resume';
  return plan?.prepare.some((step) => step.do === 'abortReceive') === true ? 'fresh' : 'full';
}

describe('partial receives that do not get on', () => {
  it('are discarded once, and given up after that', () => {
    const stuck = new StuckReceives();
    const seen = [attempt(stuck, 't', 5), attempt(stuck, 't', 5), attempt(stuck, 't', 5), attempt(stuck, '', 0)];
    assert.deepEqual(seen, ['resume', 'resume', 'fresh', 'TRANSFER_STALLED']);
  });

  it('are gone on with as long as bytes arrive, and after a fresh try that came further', () => {
    const stuck = new StuckReceives();
    const moving = [1, 2, 3, 4, 5].map((bytes) => attempt(stuck, `t${bytes}`, bytes));
    assert.deepEqual(new Set(moving), new Set(['resume']));
    assert.deepEqual(
      [attempt(stuck, 't5', 5), attempt(stuck, 't5', 5), attempt(stuck, 't6', 9), attempt(stuck, 't6', 9)],
      ['resume', 'fresh', 'resume', 'resume'],
    );
    assert.equal(attempt(stuck, 't6', 9), 'fresh');
  });

  it('are kept when it was the connection, or another process that still writes them', () => {
    for (const code of ['CONNECTION_LOST', 'TARGET_BUSY_PARTIAL', 'DATASET_BUSY'] as const) {
      const stuck = new StuckReceives();
      for (let count = 0; count < 6; count++) assert.equal(attempt(stuck, 't', 5, code), 'resume', code);
    }
  });

  it('are not given up because discarding them failed', () => {
    const stuck = new StuckReceives();
    assert.deepEqual([attempt(stuck, 't', 5), attempt(stuck, 't', 5)], ['resume', 'resume']);
    assert.deepEqual([attempt(stuck, 't', 5, 'DATASET_BUSY'), attempt(stuck, 't', 5)], ['fresh', 'fresh']);
    assert.equal(attempt(stuck, '', 0), 'TRANSFER_STALLED');
  });
});
