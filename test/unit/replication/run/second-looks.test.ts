// How often a run looks again because the world has changed, and when it is a failure like any other.
import assert from 'node:assert/strict';
import { ZfsFlowError } from '../../../../src/base/errors';
import { AttemptFailure, midRunFailure } from '../../../../src/replication/execute/attempt-failure';
import { SecondLooks } from '../../../../src/replication/run/second-looks';
import { pair } from '../../../support/model';

const gone = (): AttemptFailure => midRunFailure(new ZfsFlowError('DATASET_NOT_FOUND', 'gone'));

describe('second looks', () => {
  it('are for what does not fit together any more, and for nothing that a plan has refused', () => {
    assert.equal(gone().next, 'lookAgain');
    assert.ok(gone().isNewStart);
    for (const code of ['PERMISSION_DENIED', 'OUT_OF_SPACE', 'INVALID_OPTIONS', 'CANCELLED'] as const) {
      assert.equal(midRunFailure(new ZfsFlowError(code, 'x')).next, 'giveUp');
    }
    const refused = new AttemptFailure(new ZfsFlowError('TARGET_DIVERGED', 'refused'), 'giveUp');
    assert.equal(midRunFailure(refused), refused);
  });

  it('end where the same is seen again and again, and go on where something else is', () => {
    const looks = new SecondLooks();
    const same = pair({ source: 'a:1 b:2', target: 'a:1' });
    const next = (seen: typeof same): string => looks.judge(gone(), seen).next;
    assert.deepEqual([next(same), next(same), next(same)], ['lookAgain', 'lookAgain', 'wait']);
    assert.equal(next(pair({ source: 'a:1 c:3', target: 'a:1' })), 'lookAgain');
    assert.equal(next(pair({ source: 'a:1 c:3', target: 'x:1' })), 'lookAgain', 'renamed on the target');
    assert.equal(next({ ...same, source: { ...same.source, name: 'tank/other' } }), 'lookAgain', 'another dataset');
    looks.movedOn();
    assert.deepEqual([next(same), next(same), next(same)], ['lookAgain', 'lookAgain', 'wait']);
  });

  it('are not endless where something else is seen each time', () => {
    const looks = new SecondLooks();
    const all = Array.from({ length: 40 }, (_, index) =>
      looks.judge(gone(), pair({ source: `a:${index + 1}`, target: null })),
    );
    assert.equal(all.filter(({ next }) => next === 'lookAgain').length, 25);
  });

  it('are few for what concerns no single dataset', () => {
    const looks = new SecondLooks();
    const all = [1, 2, 3].map(() => looks.judge(gone(), null).next);
    assert.deepEqual(all, ['lookAgain', 'lookAgain', 'wait']);
  });
});
