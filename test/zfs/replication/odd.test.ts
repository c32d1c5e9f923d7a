// What is legal in ZFS and seldom thought of: long names, names that begin alike, renamed snapshots, many snapshots, marks
// in the way, other people's receives, a source whose listing fails once.
import assert from 'node:assert/strict';
import { ZfsFlowError } from '../../../src/base/errors';
import type { CommandResult, RunOptions } from '../../../src/host/host';
import { SshHost } from '../../../src/host/ssh/ssh-host';
import { bookmarkName, destinationId } from '../../../src/zfs/marks';
import type { Machine } from '../../lab/machine';
import { assertSame, connectOptions, type Engine, marks } from '../../support/engine';
import { assertTidy, type Job, jobOf } from '../../support/job';
import { usePair } from '../../support/machines';

/** Loses its connection once, at the first command that matches; or has something else happen before it. */
class FlakyHost extends SshHost {
  matches: RegExp | null = null;
  before: (() => Promise<unknown>) | null = null;

  override async runAll(argvs: readonly (readonly string[])[], options?: RunOptions): Promise<CommandResult[]> {
    if (this.matches && argvs.some((argv) => this.matches?.test(argv.join(' ')))) {
      this.matches = null;
      if (!this.before) throw new ZfsFlowError('CONNECTION_LOST', 'the connection was lost', { retryable: true });
      await this.before();
      this.before = null;
    }
    return super.runAll(argvs, options);
  }
}

describe('replication of what is legal, but odd', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let flaky: FlakyHost;
  let counter = 0;

  usePair((pair) => ({ a, b, engine } = pair));
  before(async () => {
    flaky = new FlakyHost(connectOptions(a, { id: 'flaky' }));
    engine.hosts.set('flaky', flaky);
  });

  async function job(...snapshots: string[]): Promise<Job> {
    const [source, target] = [`tank/o${++counter}`, `backup/o${counter}`];
    await a.createDataset(source);
    for (const name of snapshots) await a.snapshot(source, name);
    return jobOf(source, target);
  }

  async function snapshotMany(dataset: string, prefix: string, count: number): Promise<void> {
    const script = 'i=1; while [ $i -le "$3" ]; do zfs snapshot "$1@$2$i" || exit 1; i=$((i + 1)); done';
    await a.sh(script, { args: [dataset, prefix, String(count)] });
  }

  it('warns where a name leaves no room for marks, and keeps the others tidy', async () => {
    const { source, target, options } = await job();
    const long = `${source}/${'l'.repeat(110)}/${'m'.repeat(90)}`;
    await a.run(['zfs', 'create', '-p', long]);
    await a.snapshot(source, '1', { recursive: true });
    const first = await engine.replicate({ ...options, recursive: true });
    assert.ok(first.warnings.some((warning) => /could not bookmark/.test(warning)));
    for (const name of ['2', '3']) await a.snapshot(source, name, { recursive: true });
    await engine.replicate({ ...options, recursive: true });
    const longTarget = long.replace(source, target);
    await assertSame(a, long, b, longTarget);
    await assertTidy(a, source, b, target);
    const [left, right] = [await marks(a, long), await marks(b, longTarget)];
    assert.deepEqual([left.holds, right.holds], [[], ['3:zfsflow_last']]);
  });

  it('tells names apart that begin alike [C1 14] [C1 16]', async () => {
    const { source, target, options } = await job();
    for (const name of ['a', 'aa', 'a b', 'a-b', 'a/b']) await a.run(['zfs', 'create', `${source}/${name}`]);
    await a.snapshot(source, 'x y', { recursive: true });
    await engine.replicate({ ...options, recursive: true, exclude: [`${source}/a`] });
    const parts = ['', '/a b', '/a-b', '/aa'];
    assert.deepEqual(await b.datasets(target), parts.map((part) => target + part).toSorted());
    await engine.replicate({ ...options, recursive: true });
    for (const part of [...parts, '/a', '/a/b']) await assertSame(a, source + part, b, target + part);
  });

  it('sends many pending snapshots and leaves sixteen bookmarks [C1 15]', async () => {
    const { source, target, options } = await job('first');
    await engine.replicate(options);
    await snapshotMany(source, 's', 60);
    await engine.replicate(options);
    await assertSame(a, source, b, target);
    await assertTidy(a, source, b, target);
    const guids = (await a.snapshots(source)).map(({ guid }) => BigInt(guid));
    assert.ok(guids.some((guid) => guid >= 1n << 63n));
    const final = (await marks(a, source)).final;
    const newest = guids.slice(-16).map((guid) => guid.toString(16).padStart(16, '0'));
    assert.deepEqual(new Set(final.map((name) => name.slice(-16))), new Set(newest));
  });

  it('follows snapshots that were renamed on either side [C1 1]', async () => {
    const one = await job('1', '2');
    await engine.replicate(one.options);
    await a.run(['zfs', 'rename', `${one.source}@2`, 'source-name']);
    await b.run(['zfs', 'rename', `${one.target}@2`, 'target-name']);
    await a.snapshot(one.source, '3');
    const result = await engine.replicate(one.options);
    assert.deepEqual(result.datasets[0]?.snapshots, ['3']);
    await assertSame(a, one.source, b, one.target);
    await assertTidy(a, one.source, b, one.target);
  });

  it('replaces a bookmark of somebody who took the name of ours [C1 19]', async () => {
    const one = await job('1');
    await engine.replicate(one.options);
    await a.snapshot(one.source, '2');
    const pool = await b.read(['zpool', 'get', '-Hp', '-o', 'value', 'guid', 'backup']);
    const guid = (await a.snapshots(one.source))[1]?.guid ?? '';
    const name = bookmarkName(destinationId(pool, one.target), guid, false);
    await a.run(['zfs', 'bookmark', `${one.source}@1`, `${one.source}#${name}`]);
    await engine.replicate(one.options);
    await engine.replicate(one.options);
    await a.run(['zfs', 'destroy', `${one.source}@1,2`]);
    await a.snapshot(one.source, '3');
    await engine.replicate(one.options);
    assert.equal((await b.snapshots(one.target)).length, 3);
  });

  it('copies a base of another replication for itself before it uses it', async () => {
    const one = await job('1');
    await engine.replicate(one.options);
    // The only trace of @1 belongs to another destination, whose next run may remove it at any moment.
    const other = bookmarkName(destinationId('1', 'x/y'), '7', false);
    await a.run(['zfs', 'bookmark', `${one.source}@1`, `${one.source}#${other}`]);
    for (const name of (await marks(a, one.source)).final) {
      if (name !== other) await a.run(['zfs', 'destroy', `${one.source}#${name}`]);
    }
    await a.run(['zfs', 'destroy', `${one.source}@1`]);
    await a.snapshot(one.source, '2');
    await engine.replicate(one.options);
    assert.match(await a.read(['zpool', 'history', 'tank']), new RegExp(`#${other} ${one.source}#zfsflow_tmp_`));
    assert.ok((await marks(a, one.source)).final.includes(other), 'what belongs to the other is untouched');
    assert.deepEqual((await marks(a, one.source)).tentative, []);
  });

  it('takes the snapshot that it was asked for, though the first listing was cut off', async () => {
    const one = await job('1');
    const options = { ...one.options, sourceConnection: 'flaky', createSnapshot: 'always' };
    flaky.matches = /^zfs list/;
    const result = await engine.replicate({ ...options, namingSchemas: ['auto-%Y-%m-%d_%H-%M-%S'] });
    assert.equal(result.snapshots, 2);
    // … and takes no second one where the answer was lost.
    flaky.matches = /zfs list .*name,guid,createtxg,creation/;
    const again = await engine.replicate({ ...options, namingSchemas: ['day-%Y-%m-%d_%H-%M-%S-%f'] });
    assert.equal(again.snapshots, 1);
  });

  it('rolls back over nothing that its plan has not named', async () => {
    const one = await job('1');
    await engine.replicate(one.options);
    await b.snapshot(one.target, 'theirs');
    await a.snapshot(one.source, '2');
    flaky.matches = /^zfs hold/;
    flaky.before = async () => b.snapshot(one.target, 'late');
    engine.events.length = 0;
    await engine.replicate({ ...one.options, sourceConnection: 'flaky', whenDiverged: 'rollback' });
    const named = engine.events.filter(({ event, destroys }) => event === 'warning' && Array.isArray(destroys));
    assert.deepEqual(
      named.map(({ destroys }) => destroys),
      [['theirs', 'late']],
    );
    await assertSame(a, one.source, b, one.target);
  });

  it('takes no snapshot that it would not send', async () => {
    const one = await job('1');
    const options = { ...one.options, snapshotSelection: 'regex', nameRegex: '^never' };
    await engine.refuse('NO_SNAPSHOTS', options);
    assert.equal((await a.snapshots(one.source)).length, 1);
  });

  it('gives up on a target into which somebody else is receiving, and changes nothing there [C1 35]', async () => {
    const one = await job('1');
    await engine.replicate(one.options);
    await a.writeRandom(one.source, 'data', 3);
    await a.snapshot(one.source, '2');
    await b.run(['zfs', 'rollback', `${one.target}@1`]);
    const stream = 'zfs send -i @1 "$1@2" | (head -c 1000000; sleep 20) | ssh b zfs receive -u "$2"';
    const other = a.sh(stream, { args: [one.source, one.target] }).catch(() => undefined);
    const busy = await waitFor(async () => /zfs receive/.test((await b.run(['ps', '-A', '-o', 'args='], {})).stdout));
    assert.ok(busy);
    const error = await engine.refuse('DATASET_BUSY', { ...one.options, retries: 2 });
    assert.equal(error.retryable, true);
    assert.deepEqual(await b.snapshotNames(one.target), ['1']);
    await other;
    await engine.replicate(one.options);
    await assertSame(a, one.source, b, one.target);
    await assertTidy(a, one.source, b, one.target);
  });

  it('refuses a source that was rolled back, and one that was made anew', async () => {
    const one = await job('1', '2', '3');
    await engine.replicate(one.options);
    await a.run(['zfs', 'rollback', '-r', `${one.source}@1`]);
    await a.snapshot(one.source, '2');
    const refused = await engine.refuse('TARGET_DIVERGED', one.options);
    assert.deepEqual(refused.details?.['targetOnly'], ['2', '3']);
    await a.destroy(one.source);
    await a.createDataset(one.source);
    await a.snapshot(one.source, '1');
    await engine.refuse('NO_COMMON_SNAPSHOT', { ...one.options, whenDiverged: 'rollback' });
    assert.equal((await b.snapshots(one.target)).length, 3);
  });

  it('loses nothing of a target that somebody has promoted a clone of', async () => {
    const one = await job('1', '2');
    await a.writeFile(one.source, 'file', 'x');
    await a.snapshot(one.source, '3');
    await engine.replicate(one.options);
    await b.run(['zfs', 'clone', `${one.target}@3`, `${one.target}-clone`]);
    await b.run(['zfs', 'promote', `${one.target}-clone`]);
    await a.snapshot(one.source, '4');
    await engine.refuse('TARGET_HAS_DATA', one.options);
    assert.equal((await b.snapshots(`${one.target}-clone`)).length, 3);
  });

  it('makes a target anew that was destroyed between two runs [C1 17]', async () => {
    const one = await job('1', '2');
    await engine.replicate(one.options);
    for (const { name } of await b.snapshots(one.target)) {
      await b.run(['zfs', 'release', 'zfsflow_last', `${one.target}@${name}`], { check: false });
    }
    await b.destroy(one.target);
    await a.snapshot(one.source, '3');
    await engine.replicate(one.options);
    await assertSame(a, one.source, b, one.target);
    await assertTidy(a, one.source, b, one.target);
  });

  for (const whenDiverged of ['refuse', 'rollback', 'rotate'] as const) {
    it(`looks again at a target that was written to after the plan, with whenDiverged ${whenDiverged}`, async () => {
      const { source, target, options } = await job('1');
      const here = { ...options, sourceConnection: 'flaky', readonly: 'ignore', whenDiverged };
      await engine.replicate(here);
      await b.run(['zfs', 'mount', target]);
      await a.writeRandom(source, 'data', 2);
      await a.snapshot(source, '2');
      flaky.matches = /zfs hold/;
      flaky.before = () => b.sh('echo mine >"/$1/mine"; zpool sync', { args: [target] });
      if (whenDiverged === 'refuse') {
        const refused = await engine.refuse('TARGET_MODIFIED', here);
        assert.equal(refused.retryable, false);
        assert.equal((await b.snapshots(target)).length, 1);
        return;
      }
      const result = await engine.replicate(here);
      assert.equal(flaky.before, null);
      assert.equal(result.datasets[0]?.action, whenDiverged);
      await assertSame(a, source, b, target);
      assert.deepEqual((await marks(a, source)).holds, []);
    });
  }
});

async function waitFor(condition: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return true;
}
