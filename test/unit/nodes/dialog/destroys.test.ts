// Which runs a person is asked about, and which nodes get a button that starts them without asking.
import assert from 'node:assert/strict';
import { canDestroy, destroysNothing } from '../../../../nodes/dialog/destroys';

const node = (type: string, properties: object = {}): never => ({ id: 'n', type, ...properties }) as never;

describe('what a run can destroy', () => {
  it('is asked about: a prune that executes, a replication that rolls back or replaces, whatever is not known', () => {
    const cases: [string, object, boolean][] = [
      ['zfs-retention-prune', { mode: 'execute' }, true],
      ['zfs-retention-prune', { mode: '', modeType: 'env' }, true],
      ['zfs-retention-prune', { mode: '${MODE}' }, true],
      ['zfs-retention-prune', { mode: 'plan', modeType: 'str' }, false],
      ['zfs-retention-prune', {}, false],
      ['zfs-replicate', { whenDiverged: 'rollback' }, true],
      ['zfs-replicate', { whenDiverged: 'recreate' }, true],
      ['zfs-replicate', { whenDiverged: 'x', whenDivergedType: 'flow' }, true],
      ['zfs-replicate', { whenDiverged: 'rotate' }, false],
      ['zfs-replicate', {}, false],
      ['zfs-snapshot', { retention: { keep: [] } }, false],
    ];
    for (const [type, properties, expected] of cases) {
      assert.equal(canDestroy(node(type, properties)), expected, `${type} ${JSON.stringify(properties)}`);
    }
  });

  it('keeps the button away, and so does retention of its own', () => {
    assert.ok(destroysNothing(node('zfs-snapshot')));
    assert.ok(destroysNothing(node('zfs-snapshot', { retention: null })));
    assert.ok(!destroysNothing(node('zfs-snapshot', { retention: { keep: [{ type: 'last', count: 1 }] } })));
    assert.ok(destroysNothing(node('zfs-replicate', { targetRetention: 'none' })));
    assert.ok(!destroysNothing(node('zfs-replicate', { targetRetention: 'source' })));
    assert.ok(!destroysNothing(node('zfs-retention-prune', { mode: 'execute' })));
  });
});
