// Clones on the source are clones on the target, dataset by dataset, also when the first copy is interrupted.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import { assertSame, type Engine, marks } from '../../support/engine';
import { jobOf } from '../../support/job';
import { usePair } from '../../support/machines';

const MB = 1 << 20;

describe('replication of clones', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;

  usePair((pair) => ({ a, b, engine } = pair), 'engine per test');

  it('sends only what differs from the origin, and goes on incrementally [C1 20]', async () => {
    const [source, target] = ['tank/c1', 'backup/c1'];
    await a.createDataset(`${source}/origin`);
    await a.createDataset(`${source}/vol`, { volumeMb: 16 });
    await a.writeRandom(`${source}/origin`, 'data', 16);
    await a.snapshot(source, 's1', { recursive: true });
    await a.run(['zfs', 'clone', `${source}/origin@s1`, `${source}/a-clone`]);
    await a.run(['zfs', 'clone', `${source}/vol@s1`, `${source}/volclone`]);
    await a.writeRandom(`${source}/a-clone`, 'own', 1);
    await a.snapshot(source, 's2', { recursive: true });
    await a.snapshot(source, 's3', { recursive: true });
    const { options } = jobOf(source, target, { recursive: true });
    const plan = await engine.replicate({ ...options, mode: 'plan' });
    assert.match(
      plan.datasets.find(({ source: name }) => name.endsWith('a-clone'))?.warnings.join() ?? '',
      /stays a clone/,
    );
    const result = await engine.replicate(options);
    assert.ok(result.bytes < 20 * MB, `bytes: ${result.bytes}`);
    assert.equal(await b.property(`${target}/a-clone`, 'origin'), `${target}/origin@s1`);
    assert.equal(await b.property(`${target}/volclone`, 'origin'), `${target}/vol@s1`);
    for (const path of ['origin', 'a-clone', 'vol', 'volclone']) {
      await assertSame(a, `${source}/${path}`, b, `${target}/${path}`);
      const left = await marks(a, `${source}/${path}`);
      assert.deepEqual([left.tentative, left.holds], [[], []]);
    }
    await a.snapshot(source, 's4', { recursive: true });
    const next = await engine.replicate(options);
    assert.ok(next.datasets.every(({ action }) => action === 'incremental'));
  });

  it('resumes the first copy of a clone', async () => {
    const [source, target] = ['tank/c2', 'backup/c2'];
    await a.createDataset(`${source}/origin`);
    await a.writeRandom(`${source}/origin`, 'data', 1);
    await a.snapshot(source, 's1', { recursive: true });
    const { options } = jobOf(source, target, { recursive: true });
    await engine.replicate(options);
    await a.run(['zfs', 'clone', `${source}/origin@s1`, `${source}/clone`]);
    await a.writeRandom(`${source}/clone`, 'own', 24);
    await a.snapshot(source, 's2', { recursive: true });
    await a.link.limit(8 * MB);
    engine.events.length = 0;
    const abort = new AbortController();
    const running = engine.replicate(options, abort.signal);
    const deadline = Date.now() + 60_000;
    while (!engine.events.some(({ event, bytes }) => event === 'progress' && Number(bytes) > 6 * MB)) {
      assert.ok(Date.now() < deadline);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    abort.abort();
    await assert.rejects(running, { code: 'CANCELLED' });
    await a.link.limit(0);
    const result = await engine.replicate(options);
    const clone = result.datasets.find(({ source: name }) => name.endsWith('clone'));
    assert.equal(clone?.action, 'resume');
    assert.ok(result.bytes < 24 * MB, `bytes: ${result.bytes}`);
    assert.equal(await b.property(`${target}/clone`, 'origin'), `${target}/origin@s1`);
    await assertSame(a, `${source}/clone`, b, `${target}/clone`);
  });
});
