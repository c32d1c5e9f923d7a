// Where several want something of one data set: two replications of one source, partial receives on targets that were
// there before, data sets and pools that go while a run lasts.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import { assertSame, type Engine, marks } from '../../support/engine';
import { assertTidy, type Job, jobOf } from '../../support/job';
import { usePair } from '../../support/machines';

describe('replication where several meet', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let counter = 0;

  usePair((pair) => ({ a, b, engine } = pair));

  async function job(mb = 0): Promise<Job> {
    const [source, target] = [`tank/m${++counter}`, `backup/m${counter}`];
    await a.createDataset(source);
    if (mb > 0) await a.writeRandom(source, 'data', mb);
    await a.snapshot(source, '1');
    return jobOf(source, target);
  }

  /** Leaves a resumable partial receive of `flags` on the target, as our own run would have begun it. */
  async function interrupted(from: string, target: string, flags: string): Promise<void> {
    const script = `zfs send $3 $1 | head -c 3000000 | ssh b "zfs receive -s $4 '$2'" 2>/dev/null || true`;
    const [snapshot = '', ...rest] = from.split(' ').toReversed();
    await a.sh(script, { args: [snapshot, target, rest.toReversed().join(' '), flags] });
    assert.notEqual(await b.property(target, 'receive_resume_token'), '-');
  }

  it('resumes a first copy onto a data set that was there before', async () => {
    const one = await job(8);
    await b.createDataset(one.target);
    await interrupted(`-L -c -p ${one.source}@1`, one.target, '-F -u');
    const result = await engine.replicate(one.options);
    assert.equal(result.datasets[0]?.action, 'resume');
    await assertSame(a, one.source, b, one.target);
    await assertTidy(a, one.source, b, one.target);
  });

  it('does not resume over files that came to such a data set meanwhile', async () => {
    const one = await job(8);
    await b.createDataset(one.target);
    await interrupted(`-L -c -p ${one.source}@1`, one.target, '-F -u');
    await b.run(['zfs', 'mount', one.target], { check: false });
    await b.writeFile(one.target, 'only', 'the only copy');
    await engine.replicate(one.options).catch(() => undefined);
    await b.run(['zfs', 'mount', one.target], { check: false });
    const { stdout } = await b.sh('cat "/$1/only"', { args: [one.target], check: false });
    assert.equal(stdout.trim(), 'the only copy');
  });

  it('rolls back a target that has a partial receive of its own', async () => {
    const one = await job();
    await engine.replicate(one.options);
    await a.writeRandom(one.source, 'data', 8);
    await a.snapshot(one.source, '2');
    await interrupted(`-L -c -p -i @1 ${one.source}@2`, one.target, '-u');
    await b.run(['zfs', 'set', 'readonly=off', one.target]);
    await b.run(['zfs', 'mount', one.target], { check: false });
    await b.writeFile(one.target, 'note', 'written there');
    await b.sh('zpool sync');
    const options = { ...one.options, partialReceive: 'abort', whenDiverged: 'rollback' };
    await engine.replicate(options);
    await assertSame(a, one.source, b, one.target);
    await assertTidy(a, one.source, b, one.target);
  });

  it('refuses the partial receive of somebody else, and leaves it as it is', async () => {
    const [one, other] = [await job(), await job(8)];
    await engine.replicate(one.options);
    await a.snapshot(one.source, '2');
    await a.sh(
      'zfs send -L -c "$1@1" | head -c 3000000 | ssh b "zfs receive -s -u backup/elsewhere" 2>/dev/null || true',
      {
        args: [other.source],
      },
    );
    const before = await b.property('backup/elsewhere', 'receive_resume_token');
    await engine.refuse('TARGET_BUSY_PARTIAL', { ...one.options, targetDataset: 'backup/elsewhere' });
    assert.equal(await b.property('backup/elsewhere', 'receive_resume_token'), before);
  });

  it('lets two replications of one source run at once without touching each other', async () => {
    const one = await job(6);
    const second = { ...one.options, targetDataset: `${one.target}-second` };
    for (const name of ['2', '3']) {
      await Promise.all([engine.replicate(one.options), engine.replicate(second)]);
      await a.snapshot(one.source, name);
    }
    await engine.replicate(one.options);
    // What the second has not got yet stays its base, although the source's snapshots go.
    await a.run(['zfs', 'destroy', `${one.source}@1,2`]);
    await engine.replicate(second);
    const copies = await b.snapshots(`${one.target}-second`);
    assert.deepEqual(
      copies.map(({ name }) => name),
      ['1', '2', '3'],
    );
    assert.deepEqual((await marks(a, one.source)).holds, []);
    assert.deepEqual((await marks(a, one.source)).tentative, []);
  });

  it('does not take the copy of another replication below its own target for a renamed one', async () => {
    for (const order of ['before it', 'below what has arrived'] as const) {
      const one = await job();
      if (order === 'below what has arrived') await engine.replicate(one.options);
      await a.run(['zfs', 'create', `${one.source}/child`]);
      await a.snapshot(`${one.source}/child`, '1');
      const archive = `${one.target}/archive`;
      await engine.replicate({ ...one.options, sourceDatasets: [`${one.source}/child`], targetDataset: archive });
      await engine.replicate({ ...one.options, recursive: true });
      assert.ok(await b.exists(archive), 'the other copy is where it was');
      await assertSame(a, `${one.source}/child`, b, archive);
      await assertSame(a, `${one.source}/child`, b, `${one.target}/child`);
    }
  });

  it('fails, and harms nothing, when its source goes while it sends', async () => {
    const one = await job(24);
    await a.link.limit(6 << 20);
    engine.events.length = 0;
    const running = engine.replicate({ ...one.options, holdPending: false, retries: 2 });
    const failed = assert.rejects(running, (error: { code: string }) => error.code !== 'CANCELLED');
    while (!engine.events.some(({ event, bytes }) => event === 'progress' && Number(bytes) > 0)) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // A held or sending data set is busy for as long as the send lives.
    await a.sh(
      'for i in 1 2 3; do kill $(pgrep -x zfs) 2>/dev/null || true; zfs destroy -R "$1" && exit 0; sleep 0.5; done; exit 1',
      {
        args: [one.source],
      },
    );
    await a.link.limit(0);
    await failed;
    assert.ok(['failed', 'partial'].includes(engine.partial?.state ?? ''));
  });
});
