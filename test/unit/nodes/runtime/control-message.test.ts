// Which messages steer a node instead of starting a run, and that one not understood starts nothing.
import assert from 'node:assert/strict';
import { controlOf } from '../../../../nodes/runtime/control-message';

describe('control messages', () => {
  const of = (more: object): ReturnType<typeof controlOf> => controlOf({ _msgid: 'x', ...more });

  it('are told from those that ask for a run', () => {
    for (const run of [{}, { payload: { action: 'cancel' } }, { control: null }, { reset: false }]) {
      assert.equal(of(run), undefined);
    }
    assert.deepEqual(of({ reset: true }), { action: 'cancel', jobId: undefined });
    assert.deepEqual(of({ control: { action: 'cancel', jobId: 'a' } }), { action: 'cancel', jobId: 'a' });
    const limit = of({ control: { action: 'speedLimit', bytesPerSecond: '10M' } });
    assert.deepEqual(limit, { action: 'speedLimit', bytesPerSecond: 10 * 2 ** 20 });
  });

  it('start nothing when they are not understood', () => {
    const odd = ['stop', 5, [], {}, { action: 'x' }, { action: 'cancel', jobId: 5 }, { action: 'release' }];
    for (const control of [...odd, { action: 'speedLimit', bytesPerSecond: -1 }]) {
      assert.equal(of({ control })?.action, 'unknown', JSON.stringify(control));
    }
  });
});
