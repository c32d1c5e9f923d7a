// Which nodes get a button that starts them without a question.
import assert from 'node:assert/strict';
import { destroysNothing } from '../../../../nodes/dialog/destroys';

describe('a run that destroys nothing', () => {
  it('is neither a prune that executes nor a replication that rolls back or replaces, and is known for sure', () => {
    const cases: [string, object, boolean][] = [
      ['zfs-retention-prune', { mode: 'execute' }, false],
      ['zfs-retention-prune', { mode: '', modeType: 'env' }, false],
      ['zfs-retention-prune', { mode: '${MODE}' }, false],
      ['zfs-retention-prune', { mode: 'plan', modeType: 'str' }, true],
      ['zfs-retention-prune', {}, true],
      ['zfs-replicate', { whenDiverged: 'rollback' }, false],
      ['zfs-replicate', { whenDiverged: 'recreate' }, false],
      ['zfs-replicate', { whenDiverged: 'x', whenDivergedType: 'flow' }, false],
      ['zfs-replicate', { whenDiverged: 'rotate' }, true],
      ['zfs-replicate', {}, true],
      ['zfs-snapshot', {}, true],
    ];
    for (const [type, properties, expected] of cases) {
      assert.equal(destroysNothing({ type, ...properties }), expected, `${type} ${JSON.stringify(properties)}`);
    }
  });

  it('has no retention of its own either', () => {
    assert.ok(destroysNothing({ type: 'zfs-snapshot', retention: null }));
    assert.ok(!destroysNothing({ type: 'zfs-snapshot', retention: { keep: [{ type: 'last', count: 1 }] } }));
    assert.ok(destroysNothing({ type: 'zfs-replicate', targetRetention: 'none' }));
    assert.ok(!destroysNothing({ type: 'zfs-replicate', targetRetention: 'source' }));
  });
});
