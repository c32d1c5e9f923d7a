// What must never be lost on a target: data that somebody put where a replication receives, snapshots that belong to
// another replication, copies of snapshots that vanished from the source by accident.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import { assertSame, type Engine } from '../../support/engine';
import { relay } from '../../support/job';
import { usePair } from '../../support/machines';

describe('replication keeps what is on the target', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let counter = 0;

  usePair((pair) => ({ a, b, engine } = pair));

  /** A new source with these snapshots, and a name for its copy. */
  async function source(...snapshots: string[]): Promise<{ dataset: string; copy: string }> {
    const dataset = `tank/s${++counter}`;
    await a.createDataset(dataset);
    for (const name of snapshots) await a.snapshot(dataset, name);
    return { dataset, copy: `backup/s${counter}` };
  }

  it('does not take a data set below a placeholder of ours for one', async () => {
    const { dataset, copy } = await source('1');
    const options = { ...relay, sourceDatasets: [dataset] };
    await engine.replicate({ ...options, targetDataset: `${copy}/deep/copy` });
    // User properties are inherited, the mark of a placeholder too.
    await b.createDataset(`${copy}/deep/mine`);
    await b.run(['zfs', 'set', `mountpoint=/mine${counter}`, `${copy}/deep/mine`]);
    await b.writeFile(`${copy}/deep/mine`, 'only', 'the only copy');
    const refused = await engine.refuse('TARGET_HAS_DATA', { ...options, targetDataset: `${copy}/deep/mine` });
    assert.match(refused.message, /deep\/mine/);
    assert.equal((await b.sh('cat "$1"', { args: [`/mine${counter}/only`] })).stdout.trim(), 'the only copy');
  });

  it('does not overwrite a placeholder that somebody has put files into', async () => {
    const { dataset, copy } = await source('1');
    const options = { ...relay, sourceDatasets: [dataset] };
    await engine.replicate({ ...options, targetDataset: `${copy}/deep/copy` });
    await b.run(['zfs', 'set', 'canmount=on', copy]);
    await b.run(['zfs', 'mount', copy], { check: false });
    await b.writeFile(copy, 'only', 'the only copy');
    await engine.refuse('TARGET_HAS_DATA', { ...options, targetDataset: copy });
    assert.ok((await b.property(copy, 'mounted')) === 'yes');
  });

  it('still receives onto a placeholder that is one', async () => {
    const { dataset, copy } = await source('1');
    await engine.replicate({ ...relay, sourceDatasets: [dataset], targetDataset: `${copy}/deep/copy` });
    await engine.replicate({ ...relay, sourceDatasets: [dataset], targetDataset: `${copy}/deep` });
    await assertSame(a, dataset, b, `${copy}/deep`);
    await assertSame(a, dataset, b, `${copy}/deep/copy`);
  });

  it('sees a file that was written a moment ago', async () => {
    const { dataset, copy } = await source('1');
    await b.createDataset(copy);
    await b.writeFile(copy, 'only', 'the only copy');
    await engine.refuse('TARGET_HAS_DATA', { ...relay, sourceDatasets: [dataset], targetDataset: copy });
  });

  it('prunes like the source only while the source has not lost most of it', async () => {
    const { dataset, copy } = await source('1', '2', '3', '4', '5', '6');
    const options = { ...relay, sourceDatasets: [dataset], targetDataset: copy, targetRetention: 'source' };
    await engine.replicate(options);
    await a.run(['zfs', 'destroy', `${dataset}@1`]);
    const one = await engine.replicate(options);
    assert.deepEqual(
      one.pruned?.destroyed.map(({ name }) => name),
      ['1'],
    );
    await a.run(['zfs', 'destroy', `${dataset}@2%5`]);
    const many = await engine.replicate(options);
    assert.deepEqual(many.pruned?.destroyed, []);
    assert.ok(many.warnings.some((warning) => /retention on the target: nothing was destroyed/.test(warning)));
    assert.deepEqual(await b.snapshotNames(copy), ['2', '3', '4', '5', '6']);
  });

  it('prunes nothing of the target when the source is gone or has lost everything [C1 64]', async () => {
    const { dataset, copy } = await source('1', '2', '3');
    const options = { ...relay, sourceDatasets: [dataset], targetDataset: copy, targetRetention: 'source' };
    await engine.replicate(options);
    await a.run(['zfs', 'destroy', `${dataset}@1%3`]);
    // A first snapshot of the next generation, sent from a bookmark: all that was before is still there.
    await a.snapshot(dataset, '4');
    await engine.replicate(options);
    assert.deepEqual(await b.snapshotNames(copy), ['1', '2', '3', '4']);
    await a.destroy(dataset);
    await engine.refuse('DATASET_NOT_FOUND', options);
    await a.createDataset(dataset);
    await a.snapshot(dataset, '1');
    await engine.refuse('NO_COMMON_SNAPSHOT', options);
    assert.deepEqual(await b.snapshotNames(copy), ['1', '2', '3', '4']);
  });

  it('prunes nothing below the target that this replication did not bring', async () => {
    const { dataset, copy } = await source('1', '2');
    await a.run(['zfs', 'create', `${dataset}/child`]);
    await a.snapshot(dataset, '3', { recursive: true });
    await b.run(['zfs', 'create', '-p', `${copy}x`]);
    const keepOne = { keep: [{ type: 'last', count: 1 }] };
    const options = { ...relay, sourceDatasets: [dataset], targetDataset: copy, recursive: true };
    await engine.replicate(options);
    await b.createDataset(`${copy}/other`);
    for (const name of ['x', 'y', 'z']) await b.snapshot(`${copy}/other`, name);
    const result = await engine.replicate({
      ...options,
      targetRetention: 'custom',
      targetRetentionPolicy: keepOne,
      targetRetentionScope: { all: true },
    });
    assert.deepEqual(
      result.pruned?.destroyed.map(({ name }) => name),
      ['1', '2'],
    );
    assert.deepEqual(await b.snapshotNames(`${copy}/other`), ['x', 'y', 'z']);
  });
});
