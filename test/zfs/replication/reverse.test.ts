// Fail-over and fail-back: working on the replica, and bringing what was done there home again, incrementally.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import { assertSame, type Engine } from '../../support/engine';
import { relay } from '../../support/job';
import { usePair } from '../../support/machines';

describe('fail-over and fail-back', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;

  usePair((pair) => ({ a, b, engine } = pair));

  const forward = { ...relay, sourceDatasets: ['tank/work'], targetDataset: 'backup/work' };
  // The replica is read-only and unmounted; what is brought home must be neither.
  const back = {
    sourceConnection: 'b',
    targetConnection: 'a',
    sourceDatasets: ['backup/work'],
    targetDataset: 'tank/work',
    readonly: 'ignore',
    propertiesExclude: ['mountpoint', 'sharenfs', 'sharesmb', 'readonly'],
  };

  it('brings back what was written on the replica, then goes on in the old direction', async () => {
    await a.createDataset('tank/work');
    await a.writeRandom('tank/work', 'big', 8);
    await a.snapshot('tank/work', 'before');
    await engine.replicate(forward);

    await b.sh('zfs set readonly=off backup/work && zfs mount backup/work');
    await b.writeFile('backup/work', 'made-on-replica', 'hello');
    await b.snapshot('backup/work', 'on-replica');
    const home = await engine.replicate(back);
    assert.equal(home.datasets[0]?.action, 'incremental');
    assert.ok(home.bytes < 1 << 20, `bytes: ${home.bytes}`);
    await assertSame(b, 'backup/work', a, 'tank/work');
    assert.equal(await a.property('tank/work', 'readonly'), 'off');

    await a.writeFile('tank/work', 'made-at-home', 'hello again');
    await a.snapshot('tank/work', 'after');
    const again = await engine.replicate(forward);
    assert.equal(again.datasets[0]?.action, 'incremental');
    await assertSame(a, 'tank/work', b, 'backup/work');
    assert.equal(await b.property('backup/work', 'readonly'), 'on');
  });

  it('restores to a new place from the replica', async () => {
    await engine.replicate({ ...back, targetDataset: 'tank/restored', readonly: 'ignore' });
    await assertSame(b, 'backup/work', a, 'tank/restored');
  });

  it('refuses to bring anything home over work that was done there meanwhile', async () => {
    await a.writeFile('tank/work', 'late', 'not sent');
    await a.sh('sync');
    await b.snapshot('backup/work', 'r2');
    await engine.refuse('TARGET_MODIFIED', back);
    assert.match(await a.read(['cat', '/tank/work/late']), /not sent/);
  });
});
