// The main job on real ZFS: first copies, incrementals, refusals, marks, over relays and within one machine.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import { assertSame, type Engine, marks } from '../../support/engine';
import { relay } from '../../support/job';
import { usePair } from '../../support/machines';

describe('replication on real ZFS', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;

  usePair((pair) => ({ a, b, engine } = pair));

  it('copies a tree from one machine to another and goes on incrementally', async () => {
    await a.run(['zfs', 'create', '-p', 'tank/tree/a b/c']);
    await a.run(['zfs', 'create', '-V', '16M', 'tank/tree/vol']);
    await a.writeRandom('tank/tree', 'x', 4);
    await a.writeRandom('tank/tree/a b', 'y', 2);
    await a.snapshot('tank/tree', 's1', { recursive: true });
    const options = { ...relay, sourceDatasets: ['tank/tree'], targetDataset: 'backup/deep/tree', recursive: true };
    const first = await engine.replicate(options);
    assert.deepEqual([first.state, first.transport, first.datasets.length], ['success', 'relay', 4]);
    assert.ok(first.datasets.every(({ action }) => action === 'full'));
    assert.ok(first.bytes > 6 << 20, `bytes: ${first.bytes}`);

    await a.writeRandom('tank/tree/a b/c', 'z', 1);
    await a.snapshot('tank/tree', 's2', { recursive: true });
    await a.snapshot('tank/tree', 's3', { recursive: true });
    const second = await engine.replicate(options);
    assert.ok(second.datasets.every(({ action }) => action === 'incremental'));
    assert.deepEqual(second.datasets[0]?.snapshots, ['s2', 's3']);
    assert.deepEqual(second.datasets[0]?.base?.name, 's1');
    for (const [from, to] of [
      ['tank/tree', 'backup/deep/tree'],
      ['tank/tree/a b/c', 'backup/deep/tree/a b/c'],
      ['tank/tree/vol', 'backup/deep/tree/vol'],
    ] as const) {
      await assertSame(a, from, b, to);
    }
    assert.equal(await b.property('backup/deep/tree', 'readonly'), 'on');
    assert.equal(await b.property('backup/deep/tree/a b', 'readonly'), 'on');
    assert.equal(await b.property('backup/deep/tree', 'mounted'), 'no');
  });

  it('leaves exactly the marks that are meant to stay', async () => {
    const source = await marks(a, 'tank/tree');
    const target = await marks(b, 'backup/deep/tree');
    assert.deepEqual([source.tentative, source.holds], [[], []]);
    assert.equal(source.final.length, 3);
    assert.equal(target.holds.length, 1);
    assert.match(target.holds[0] ?? '', /^s3:/);
  });

  it('says current when there is nothing to do, in at most three remote commands a side [C1 12] [C1 69]', async () => {
    const hosts = ['a', 'b'].map((id) => engine.resolve(id));
    const before = hosts.map((host) => host.counters.commands);
    const result = await engine.replicate({
      ...relay,
      sourceDatasets: ['tank/tree'],
      targetDataset: 'backup/deep/tree',
      recursive: true,
    });
    assert.ok(result.datasets.every(({ action }) => action === 'current'));
    const used = hosts.map((host, index) => host.counters.commands - (before[index] ?? 0));
    assert.ok(
      used.every((count) => count <= 3),
      `commands: ${used.join(', ')}`,
    );
  });

  it('replicates within one machine without a byte leaving it', async () => {
    await a.createDataset('tank/inner');
    await a.writeRandom('tank/inner', 'x', 3);
    await a.snapshot('tank/inner', 'one');
    const before = (await a.link.stats()).toHost;
    const result = await engine.replicate({
      sourceConnection: 'a',
      targetConnection: 'a',
      sourceDatasets: ['tank/inner'],
      targetDataset: 'tank/copy-of-inner',
    });
    assert.equal(result.transport, 'remote-local');
    await assertSame(a, 'tank/inner', a, 'tank/copy-of-inner');
    const moved = (await a.link.stats()).toHost - before;
    assert.ok(moved < 1 << 20, `bytes: ${moved}`);
  });

  it('keeps to a speed limit within one machine too, by way of this one', async () => {
    await a.createDataset('tank/slow');
    await a.writeRandom('tank/slow', 'x', 6);
    await a.snapshot('tank/slow', 'one');
    const options = {
      sourceConnection: 'a',
      targetConnection: 'a',
      sourceDatasets: ['tank/slow'],
      targetDataset: 'tank/copy-of-slow',
      speedLimit: '2M',
    };
    const begun = Date.now();
    const result = await engine.replicate(options);
    const seconds = (Date.now() - begun) / 1000;
    assert.ok(result.bytes / seconds < 2.3 * 1024 ** 2, `${result.bytes} bytes in ${seconds} s`);
    assert.match(result.warnings.join(), /passes through/);
    await assertSame(a, 'tank/slow', a, 'tank/copy-of-slow');
    await a.snapshot('tank/slow', 'two');
    assert.deepEqual((await engine.replicate({ ...options, speedLimit: 0 })).warnings, []);
  });

  it('takes a snapshot first when there is none', async () => {
    await a.createDataset('tank/none');
    const options = { ...relay, sourceDatasets: ['tank/none'], targetDataset: 'backup/none' };
    const plan = await engine.replicate({ ...options, mode: 'plan' });
    assert.match(plan.warnings.join(), /a snapshot of "tank\/none" would be taken first/);
    assert.deepEqual(await a.snapshots('tank/none'), []);
    const result = await engine.replicate(options);
    assert.equal(result.snapshots, 1);
    assert.match(result.datasets[0]?.snapshots[0] ?? '', /^auto-\d{4}-/);
    await a.createDataset('tank/never');
    await engine.refuse('NO_SNAPSHOTS', {
      ...relay,
      sourceDatasets: ['tank/never'],
      targetDataset: 'backup/never',
      createSnapshot: 'never',
    });
  });

  it('tells its progress with a total although nothing was written [C1 75]', async () => {
    for (const child of ['c1', 'c2']) await a.createDataset(`tank/idle/${child}`);
    const options = { ...relay, sourceDatasets: ['tank/idle'], targetDataset: 'backup/idle', recursive: true };
    for (const name of ['s1', 's2']) {
      await a.snapshot('tank/idle', name, { recursive: true });
      engine.events.length = 0;
      await engine.replicate(options);
    }
    const progress = engine.events.filter(({ event }) => event === 'progress');
    assert.ok(progress.length >= 3 && progress.every(({ bytes, totalBytes }) => Number(totalBytes) >= Number(bytes)));
    assert.equal(progress.at(-1)?.['percent'], 100);
  });

  it('uses a bookmark as base after the source snapshot is gone [C1 3] [C1 4]', async () => {
    await a.createDataset('tank/bm');
    await a.snapshot('tank/bm', '1');
    const options = { ...relay, sourceDatasets: ['tank/bm'], targetDataset: 'backup/bm' };
    await engine.replicate(options);
    await a.run(['zfs', 'destroy', 'tank/bm@1']);
    for (const name of ['2', '3', '4']) await a.snapshot('tank/bm', name);
    const result = await engine.replicate(options);
    assert.equal(result.datasets[0]?.base?.kind, 'bookmark');
    assert.deepEqual(await b.snapshotNames('backup/bm'), ['1', '2', '3', '4']);
    assert.equal(await b.digest('backup/bm@4'), await a.digest('tank/bm@4'));
  });

  it('refuses what would lose something, names both lists, and changes nothing [C1 8] [C1 9]', async () => {
    await a.createDataset('tank/div');
    await a.snapshot('tank/div', '1');
    const options = { ...relay, sourceDatasets: ['tank/div'], targetDataset: 'backup/div', readonly: 'ignore' };
    await engine.replicate(options);
    await a.snapshot('tank/div', '2');
    await b.snapshot('backup/div', 'mine');
    const before = await b.snapshots('backup/div');
    const diverged = await engine.refuse('TARGET_DIVERGED', options);
    assert.deepEqual(
      [diverged.details?.['common'], diverged.details?.['sourceOnly'], diverged.details?.['targetOnly']],
      ['1', ['2'], ['mine']],
    );
    assert.deepEqual(await b.snapshots('backup/div'), before);
    const rolled = await engine.replicate({ ...options, whenDiverged: 'rollback' });
    assert.equal(rolled.datasets[0]?.action, 'rollback');
    await assertSame(a, 'tank/div', b, 'backup/div');

    await b.run(['zfs', 'mount', 'backup/div']);
    await b.writeFile('backup/div', 'note', 'hello');
    await b.sh('sync');
    await a.snapshot('tank/div', '3');
    const modified = await engine.refuse('TARGET_MODIFIED', options);
    assert.ok(Number(modified.details?.['writtenBytes']) > 0);
  });

  it('refuses foreign data and unrelated snapshots [C1 10]', async () => {
    await b.createDataset('backup/foreign');
    await b.writeFile('backup/foreign', 'note', 'hello');
    await b.sh('sync');
    await engine.refuse('TARGET_HAS_DATA', { ...relay, sourceDatasets: ['tank/bm'], targetDataset: 'backup/foreign' });
    await b.snapshot('backup/foreign', '4');
    const unrelated = await engine.refuse('NO_COMMON_SNAPSHOT', {
      ...relay,
      sourceDatasets: ['tank/bm'],
      targetDataset: 'backup/foreign',
    });
    assert.deepEqual(unrelated.details?.['sameNameOtherSnapshot'], ['4']);
    assert.deepEqual((await b.snapshots('backup/foreign')).length, 1);
  });

  it('receives onto an empty data set that somebody created before [C1 10]', async () => {
    await b.createDataset('backup/empty');
    await engine.replicate({ ...relay, sourceDatasets: ['tank/bm'], targetDataset: 'backup/empty' });
    assert.equal((await b.snapshots('backup/empty')).length, 3);
  });

  it('gives clear errors for what does not exist', async () => {
    await engine.refuse('DATASET_NOT_FOUND', { ...relay, sourceDatasets: ['tank/nope'], targetDataset: 'backup/x' });
    await engine.refuse('POOL_UNAVAILABLE', { ...relay, sourceDatasets: ['tank/bm'], targetDataset: 'nopool/x' });
  });

  it('plans without changing anything [C1 63]', async () => {
    await a.snapshot('tank/bm', '5');
    const history = async (): Promise<string> =>
      (await a.read(['zpool', 'history', '-il', 'tank'])) + (await b.read(['zpool', 'history', '-il', 'backup']));
    const before = await history();
    const result = await engine.replicate({
      ...relay,
      sourceDatasets: ['tank/bm'],
      targetDataset: 'backup/bm',
      mode: 'plan',
    });
    assert.deepEqual(
      [result.state, result.datasets[0]?.action, result.datasets[0]?.snapshots],
      ['planned', 'incremental', ['5']],
    );
    assert.ok((result.datasets[0]?.estimatedBytes ?? 0) > 0);
    assert.equal(await history(), before);
  });
});
