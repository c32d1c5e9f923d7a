// Targets that went their own way: set aside and gone on from (rotate), copied anew (recreate), or under the name that
// their source had before. Whatever is interrupted, the next run completes it, and nothing unmarked is ever destroyed.
import assert from 'node:assert/strict';
import { rawMark } from '../../../src/zfs/marks';
import type { Machine } from '../../lab/machine';
import { assertSame, type Engine, marks } from '../../support/engine';
import { assertTidy, type Job, jobOf, until } from '../../support/job';
import { usePair } from '../../support/machines';

const MB = 1 << 20;

describe('replication to a diverged target', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let counter = 0;

  usePair((pair) => ({ a, b, engine } = pair), 'engine per test');

  /** A replicated dataset whose copy got a snapshot and a file of its own, while the source got a new snapshot. */
  async function diverged(mb = 8, more: Record<string, unknown> = {}): Promise<Job> {
    const [source, target] = [`tank/d${++counter}`, `backup/d${counter}`];
    await a.createDataset(source);
    await a.writeRandom(source, 'data', mb);
    await a.snapshot(source, 's1');
    const { options } = jobOf(source, target, more);
    await engine.replicate(options);
    await goOwnWay(target, 'mine');
    await a.writeRandom(source, 'more', 1);
    await a.snapshot(source, 's2');
    return { source, target, options };
  }

  async function goOwnWay(dataset: string, name: string): Promise<void> {
    await b.run(['zfs', 'set', 'readonly=off', dataset]);
    await b.run(['zfs', 'mount', dataset], { check: false });
    await b.writeFile(dataset, name, `only on the target: ${name}`);
    await b.snapshot(dataset, name);
    await b.run(['zfs', 'unmount', dataset]);
  }

  async function assertOver(source: string, target: string): Promise<void> {
    await assertTidy(a, source, b, target);
    assert.equal(await b.property(target, 'mounted'), 'no');
  }

  describe('rotate', () => {
    it('keeps all old snapshots and data beside, and sends only what is new [C1 11]', async () => {
      const { source, target, options } = await diverged();
      await b.run(['zfs', 'set', 'user:note=kept\nwhole', target]);
      const before = await b.digest(`${target}@mine`);
      const plan = await engine.replicate({ ...options, whenDiverged: 'rotate', mode: 'plan' });
      assert.equal(plan.datasets[0]?.action, 'rotate');
      assert.deepEqual(await b.snapshotNames(target), ['s1', 'mine']);

      const result = await engine.replicate({ ...options, whenDiverged: 'rotate' });
      const old = `${target}_zfsflow-old-s1`;
      assert.equal(result.datasets[0]?.action, 'rotate');
      assert.ok(result.bytes < 2 * MB, `bytes: ${result.bytes}`);
      assert.deepEqual(await b.snapshotNames(target), ['s1', 's2']);
      assert.deepEqual(await b.snapshotNames(old), ['mine']);
      assert.equal(await b.digest(`${old}@mine`), before);
      assert.equal(await b.property(old, 'origin'), `${target}@s1`);
      assert.match(result.datasets[0].warnings.join(), /depends on that snapshot/);
      assert.deepEqual(
        [await b.property(target, 'readonly'), await b.property(target, 'user:note')],
        ['on', 'kept\nwhole'],
      );
      await assertSame(a, source, b, target);
      await assertOver(source, target);
      await a.snapshot(source, 's3');
      assert.equal((await engine.replicate(options)).datasets[0]?.action, 'incremental');
    });

    it('takes children along, brings those that are fine back, and rotates only what has to be', async () => {
      const { source, target, options } = await diverged(2, { recursive: true });
      for (const child of ['bad', 'fine', 'fine/deep']) {
        await a.createDataset(`${source}/${child}`);
        await a.writeRandom(`${source}/${child}`, 'data', 1);
      }
      await a.snapshot(source, 's3', { recursive: true });
      await engine.replicate({ ...options, whenDiverged: 'rotate' });
      await goOwnWay(target, 'again');
      await goOwnWay(`${target}/bad`, 'bad');
      await b.run(['zfs', 'create', '-o', 'canmount=off', `${target}/theirs`]);
      await a.snapshot(source, 's4', { recursive: true });

      const result = await engine.replicate({ ...options, whenDiverged: 'rotate' });
      assert.deepEqual(
        result.datasets.map(({ target: name, action }) => [name.slice(target.length), action]),
        [
          ['', 'rotate'],
          ['/bad', 'rotate'],
          ['/fine', 'incremental'],
          ['/fine/deep', 'incremental'],
        ],
      );
      assert.ok(result.bytes < MB, `bytes: ${result.bytes}`);
      for (const child of ['', '/bad', '/fine', '/fine/deep']) {
        await assertSame(a, `${source}${child}`, b, `${target}${child}`);
      }
      assert.deepEqual(await b.snapshotNames(`${target}_zfsflow-old-s3/bad`), ['bad']);
      assert.ok(await b.exists(`${target}/theirs`));
      assert.equal((await engine.replicate(options)).bytes, 0);
    });

    it('goes on from each point at which it can be interrupted', async () => {
      const { source, target, options } = await diverged(4);
      const rotate = { ...options, whenDiverged: 'rotate' };
      const old = `${target}_zfsflow-old-s1`;
      const dstId = (await a.bookmarks(source))[0]?.name.split('_')[1] ?? '';
      await b.run(['zfs', 'set', `zfsflow:replaced=${dstId},rotate,${old.slice(old.indexOf('/') + 1)}`, target]);
      await b.run(['zfs', 'rename', target, old]);
      const renamed = await engine.replicate({ ...rotate, mode: 'plan' });
      assert.deepEqual([renamed.datasets[0]?.action, renamed.datasets[0]?.snapshots], ['rotate', ['s2']]);
      await b.run(['zfs', 'clone', '-o', 'canmount=noauto', `${old}@s1`, target]);
      const result = await engine.replicate(rotate);
      assert.equal(result.datasets[0]?.action, 'rotate');
      assert.ok(result.bytes < 2 * MB, `bytes: ${result.bytes}`);
      assert.deepEqual(await b.snapshotNames(old), ['mine']);
      await assertSame(a, source, b, target);
      await assertOver(source, target);
    });

    it('keeps the properties of the target although its first receive was cut', async () => {
      const { source, target, options } = await diverged(1);
      await b.run(['zfs', 'set', 'user:note=kept', 'quota=500M', target]);
      await a.writeRandom(source, 'long', 16);
      await a.snapshot(source, 's3');
      await a.link.limit(8 * MB);
      await b.link.cutAfter(6 * MB, 'reset');
      const result = await engine.replicate({ ...options, whenDiverged: 'rotate' });
      assert.ok(engine.events.some(({ event }) => event === 'retry'));
      assert.equal(result.state, 'success');
      assert.deepEqual(
        [await b.property(target, 'user:note'), await b.property(target, 'quota')],
        ['kept', String(500 * MB)],
      );
      await assertSame(a, source, b, target);
    });

    it('copies everything beside a target that shares no snapshot', async () => {
      const { source, target, options } = await diverged(2);
      await b.run(['zfs', 'rename', target, `${target}-elsewhere`]);
      await b.createDataset(target);
      await b.writeFile(target, 'precious', 'mine alone');
      await b.snapshot(target, 'own');
      await engine.refuse('NO_COMMON_SNAPSHOT', options);
      const result = await engine.replicate({ ...options, whenDiverged: 'rotate' });
      assert.equal(result.datasets[0]?.action, 'rotate');
      assert.deepEqual(await b.snapshotNames(`${target}_zfsflow-old-own`), ['own']);
      await assertSame(a, source, b, target);
    });

    it('goes on raw from a clone of an encrypted copy, whose key is not known there', async () => {
      const [source, target] = [`tank/e${++counter}`, `backup/e${counter}`];
      const properties = ['-o', 'encryption=on', '-o', 'keyformat=passphrase'];
      await a.run(['zfs', 'create', ...properties, source], { stdin: 'lab-passphrase\n' });
      await a.createDataset(`${source}/c`);
      await a.writeRandom(source, 'data', 4);
      await a.snapshot(source, 's1', { recursive: true });
      const { options } = jobOf(source, target, { recursive: true });
      await engine.replicate(options);
      await b.snapshot(target, 'mine');
      await b.snapshot(`${target}/c`, 'mine');
      await a.snapshot(source, 's2', { recursive: true });
      const result = await engine.replicate({ ...options, whenDiverged: 'rotate' });
      assert.deepEqual(
        result.datasets.map(({ action }) => action),
        ['rotate', 'rotate'],
      );
      assert.ok(result.bytes < MB, `bytes: ${result.bytes}`);
      assert.deepEqual(await b.snapshotNames(`${target}_zfsflow-old-s1/c`), ['mine']);
      assert.equal(await b.property(target, 'zfsflow:raw'), rawMark(true, target));
      for (const path of ['', '/c']) {
        await b.run(['zfs', 'load-key', target + path], { stdin: 'lab-passphrase\n', check: false });
        await assertSame(a, source + path, b, target + path);
      }
    });

    it('refuses the root dataset of a pool, and touches nothing when another dataset is refused', async () => {
      const { source, target, options } = await diverged(1, { recursive: true });
      await b.snapshot('backup', 'own');
      const root = await engine.refuse('NO_COMMON_SNAPSHOT', {
        ...options,
        recursive: false,
        targetDataset: 'backup',
        whenDiverged: 'rotate',
      });
      assert.match(root.hint ?? '', /root dataset cannot be renamed/);
      await b.run(['zfs', 'destroy', 'backup@own']);

      await a.createDataset(`${source}/v`, { volumeMb: 8 });
      await a.snapshot(`${source}/v`, 's2');
      await b.run(['zfs', 'create', '-V', '8M', `${target}/v`]);
      await b.snapshot(`${target}/v`, 'own');
      await b.run(['zfs', 'hold', 'theirs', `${target}/v@own`]);
      const error = await engine.refuse('DATASET_BUSY', { ...options, whenDiverged: 'recreate' });
      assert.match(error.message, /v@own is held \(theirs\)/);
      assert.deepEqual(await b.snapshotNames(target), ['s1', 'mine']);
      assert.deepEqual(await b.snapshotNames(`${target}/v`), ['own']);
      await b.run(['zfs', 'release', 'theirs', `${target}/v@own`]);
    });
  });

  describe('rollback', () => {
    it('rule 22: never crosses a hold, not even with snapshots before it; without it, what it discards is gone', async () => {
      const { target, options } = await diverged(1);
      await b.snapshot(target, 'held');
      await b.run(['zfs', 'hold', 'theirs', `${target}@held`]);
      const before = await b.digest(`${target}@mine`);
      const error = await engine.refuse('DATASET_BUSY', { ...options, whenDiverged: 'rollback' });
      assert.match(error.message, /@held is held \(theirs\); a rollback never crosses a hold/);
      assert.deepEqual(await b.snapshotNames(target), ['s1', 'mine', 'held']);
      assert.equal(await b.digest(`${target}@mine`), before);
      // What keeps everything is rotate: a snapshot taken before a rollback would be discarded with the others.
      await b.run(['zfs', 'release', 'theirs', `${target}@held`]);
      await engine.replicate({ ...options, whenDiverged: 'rollback' });
      assert.deepEqual(await b.snapshotNames(target), ['s1', 's2']);
    });

    it('rolls back nothing at all when one dataset has a hold or a clone in the way', async () => {
      const { source, target, options } = await diverged(1);
      const everything = { ...options, recursive: true, createSnapshot: 'never', whenDiverged: 'rollback' };
      const children = ['fine', 'stuck'];
      for (const child of children) await a.createDataset(`${source}/${child}`);
      await a.snapshot(source, 's3', { recursive: true });
      await engine.replicate(everything);
      for (const child of children) await b.snapshot(`${target}/${child}`, 'own');
      await a.snapshot(source, 's4', { recursive: true });
      const refused = async (pattern: RegExp): Promise<void> => {
        const { datasets } = await engine.replicate({ ...everything, mode: 'plan' });
        assert.deepEqual(
          datasets.map(({ error }) => error?.code),
          [undefined, 'TARGET_DIVERGED', 'DATASET_BUSY'],
        );
        assert.match(datasets[2]?.error?.message ?? '', pattern);
        const error = await engine.refuse('PARTIAL_FAILURE', everything);
        assert.match(error.message, pattern);
        for (const child of children) assert.deepEqual(await b.snapshotNames(`${target}/${child}`), ['s3', 'own']);
        assert.deepEqual((await marks(a, `${source}/stuck`)).tentative, []);
        await a.snapshot(source, `s${++counter}x`);
      };
      await b.run(['zfs', 'hold', 'theirs', `${target}/stuck@own`]);
      await refused(/stuck" cannot be rolled back: .*stuck@own is held \(theirs\)/);
      await b.run(['zfs', 'release', 'theirs', `${target}/stuck@own`]);
      await b.run(['zfs', 'clone', `${target}/stuck@own`, `${target}-clone`]);
      await refused(/the clone "backup\/d\d+-clone" depends on one of its snapshots/);
      await b.destroy(`${target}-clone`);
      const { datasets } = await engine.replicate(everything);
      assert.deepEqual(
        datasets.slice(1).map(({ action, warnings }) => [action, warnings.some((text) => /discards @own/.test(text))]),
        children.map(() => ['rollback', true]),
      );
    });
  });

  describe('recreate', () => {
    it('destroys the old copy only after the new one is there, and says beforehand what goes', async () => {
      const { source, target, options } = await diverged(4);
      const recreate = { ...options, whenDiverged: 'recreate' };
      const plan = await engine.replicate({ ...recreate, mode: 'plan' });
      assert.deepEqual([plan.datasets[0]?.action, plan.datasets[0]?.snapshots], ['recreate', ['s1', 's2']]);
      assert.match(plan.datasets[0]?.warnings.join() ?? '', /destroyed: .* with @s1, @mine/);
      const result = await engine.replicate(recreate);
      assert.deepEqual([result.datasets[0]?.action, result.datasets[0]?.snapshots], ['recreate', ['s1', 's2']]);
      assert.ok(!(await b.exists(`${target}_zfsflow-old-s1`)));
      await assertSame(a, source, b, target);
      await assertOver(source, target);
      assert.ok(engine.events.some(({ event }) => event === 'destroyed'));
      await a.snapshot(source, 's3');
      assert.equal((await engine.replicate(recreate)).datasets[0]?.action, 'incremental');
    });

    it('continues after a cancel in mid-transfer, and destroys nothing that it did not mark', async () => {
      const { source, target, options } = await diverged(32);
      const recreate = { ...options, whenDiverged: 'recreate' };
      const lookalike = `${target}_zfsflow-old-s0`;
      await b.createDataset(lookalike);
      await b.snapshot(lookalike, 'own');
      await a.link.limit(8 * MB);
      engine.events.length = 0;
      const abort = new AbortController();
      const running = engine.replicate(recreate, abort.signal);
      await until(() => engine.events.some(({ event, bytes }) => event === 'progress' && Number(bytes) > 20 * MB));
      abort.abort();
      await assert.rejects(running, { code: 'CANCELLED' });
      await a.link.limit(0);
      const old = `${target}_zfsflow-old-s1`;
      assert.deepEqual(await b.snapshotNames(old), ['s1', 'mine']);

      // Without the consent that it was begun with, the old copy stays.
      const plan = await engine.replicate({ ...options, mode: 'plan' });
      assert.equal(plan.datasets[0]?.action, 'resume');
      const result = await engine.replicate(recreate);
      assert.equal(result.datasets[0]?.action, 'recreate');
      assert.ok(result.bytes < 31 * MB, `bytes: ${result.bytes}`);
      assert.deepEqual([await b.exists(old), await b.exists(lookalike)], [false, true]);
      await assertSame(a, source, b, target);
      await assertOver(source, target);
    });

    it('keeps an old copy in which something new appeared, or whose mark is gone', async () => {
      const { source, target, options } = await diverged(1);
      const old = `${target}_zfsflow-old-s1`;
      const dstId = (await a.bookmarks(source))[0]?.name.split('_')[1] ?? '';
      const mark = `zfsflow:replaced=${dstId},recreate,${old.slice(old.indexOf('/') + 1)}`;
      await b.run(['zfs', 'set', mark, target]);
      await b.run(['zfs', 'rename', target, old]);
      await b.run(['zfs', 'create', '-o', 'canmount=off', `${old}/new`]);
      const kept = await engine.replicate({ ...options, whenDiverged: 'recreate' });
      assert.match(kept.datasets[0]?.warnings.join() ?? '', /not destroyed: the source does not have/);
      await b.run(['zfs', 'destroy', `${old}/new`]);
      await b.run(['zfs', 'inherit', 'zfsflow:replaced', old]);
      await engine.replicate({ ...options, whenDiverged: 'recreate' });
      assert.ok(await b.exists(old));
      await b.run(['zfs', 'set', mark, old]);
      const result = await engine.replicate({ ...options, whenDiverged: 'recreate' });
      assert.deepEqual([result.bytes, await b.exists(old)], [0, false]);
      await assertSame(a, source, b, target);
    });

    it('refuses without room for both, for a clone of the old copy, and for what the source does not have', async () => {
      const { target, options } = await diverged(24);
      const recreate = { ...options, whenDiverged: 'recreate' };
      const placed = { ...recreate, targetDataset: `backup/tight/d${counter}` };
      await b.run(['zfs', 'create', '-o', 'canmount=off', 'backup/tight']);
      await b.run(['zfs', 'rename', target, placed.targetDataset]);
      await b.run(['zfs', 'set', 'quota=40M', 'backup/tight']);
      const full = await engine.refuse('OUT_OF_SPACE', placed);
      assert.match(full.message, /needs 2\d\.\d MiB, and "backup\/tight" has 1\d\.\d MiB/);
      await b.run(['zfs', 'set', 'quota=none', 'backup/tight']);
      await b.run(['zfs', 'clone', '-o', 'canmount=off', `${placed.targetDataset}@mine`, 'backup/clone']);
      assert.match((await engine.refuse('DATASET_BUSY', placed)).message, /backup\/clone/);
      await b.run(['zfs', 'destroy', 'backup/clone']);
      await b.run(['zfs', 'create', '-o', 'canmount=off', `${placed.targetDataset}/theirs`]);
      assert.match((await engine.refuse('TARGET_HAS_DATA', placed)).message, /theirs/);
      assert.deepEqual(await b.snapshotNames(placed.targetDataset), ['s1', 'mine']);
    });
  });

  describe('renamed sources', () => {
    it('are followed by their copies with everything below, and what is gone stays', async () => {
      const [source, target] = [`tank/r${++counter}`, `backup/r${counter}`];
      for (const path of ['', '/old', '/old/c', '/leaves']) await a.createDataset(`${source}${path}`);
      await a.writeRandom(`${source}/old`, 'data', 4);
      await a.snapshot(source, 's1', { recursive: true });
      const { options } = jobOf(source, target, { recursive: true });
      await engine.replicate(options);
      await a.run(['zfs', 'rename', `${source}/old`, `${source}/new`]);
      await a.destroy(`${source}/leaves`);
      await a.snapshot(source, 's2', { recursive: true });

      const result = await engine.replicate(options);
      assert.ok(result.bytes < MB, `bytes: ${result.bytes}`);
      assert.deepEqual(
        await b.datasets(target),
        ['', '/leaves', '/new', '/new/c'].map((path) => target + path),
      );
      assert.match(result.warnings.join(), /left alone on the target: ".*\/leaves"/);
      for (const path of ['', '/new', '/new/c']) {
        await assertSame(a, `${source}${path}`, b, `${target}${path}`);
        await assertOver(`${source}${path}`, `${target}${path}`);
        const ids = new Set((await marks(a, `${source}${path}`)).final.map((name) => name.split('_')[1]));
        assert.equal(ids.size, 1);
      }
    });

    it('are not what a copy is taken for that somebody moved aside on the target', async () => {
      const [source, target] = [`tank/r${++counter}`, `backup/r${counter}`];
      for (const path of ['', '/c']) await a.createDataset(`${source}${path}`);
      await a.snapshot(source, 's1', { recursive: true });
      const { options } = jobOf(source, target, { recursive: true, whenDiverged: 'rollback' });
      await engine.replicate(options);
      await b.run(['zfs', 'snapshot', `${target}/c@kept`]);
      await b.run(['zfs', 'rename', `${target}/c`, `${target}/c-keep`]);
      await a.snapshot(source, 's2', { recursive: true });
      const result = await engine.replicate(options);
      assert.deepEqual(await b.snapshotNames(`${target}/c-keep`), ['s1', 'kept']);
      await assertSame(a, `${source}/c`, b, `${target}/c`);
      await assertOver(`${source}/c`, `${target}/c`);
      assert.match(result.datasets[1]?.warnings.join() ?? '', /c-keep" holds snapshots .* is left alone/);
      assert.match(result.warnings.join(), /left alone on the target: ".*\/c-keep"/);
    });
  });
});

/** Waits for a condition of this process's own making (an event that was recorded); fails after a minute. */
