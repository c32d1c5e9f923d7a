// What a verification says of a copy without looking into it: the state it is in, what is missing, how old it is. Nothing is
// changed on either side.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import type { Engine } from '../../support/engine';
import { relay } from '../../support/job';
import { usePair } from '../../support/machines';
import { only, verifyFails, verifyWith, type Verified } from '../../support/verification';

describe('verification: states', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let counter = 0;
  usePair((pair) => ({ a, b, engine } = pair));

  interface Copy {
    source: string;
    target: string;
    options: Record<string, unknown>;
  }

  /** A dataset with snapshots s1 to s3 and a copy of it. */
  async function copy(names = ['s1', 's2', 's3']): Promise<Copy> {
    const [source, target] = [`tank/s${++counter}`, `backup/s${counter}`];
    await a.createDataset(source);
    await a.writeFile(source, 'f', 'x'.repeat(5000));
    await a.snapshotEach(source, names);
    const options = { ...relay, sourceDatasets: [source], targetDataset: target };
    await engine.replicate({ ...options, createSnapshot: 'never' });
    return { source, target, options };
  }

  const check = (options: Record<string, unknown>, now?: () => Date): Promise<Verified> =>
    verifyWith(engine.resolve, options, now === undefined ? {} : { now });

  /** Everything that could be seen to have changed. */
  const everything = (machine: Machine): Promise<string> =>
    machine.read(['zfs', 'list', '-Hpr', '-t', 'all', '-o', 'name,guid,createtxg,written,userrefs,used']);

  it('same: nothing is missing, and nothing is changed by looking', async () => {
    const { source, target, options } = await copy();
    const before = await Promise.all([everything(a), everything(b)]);
    const { result, error, ctx } = await check(options);
    assert.equal(error, null);
    const [newest] = (await b.snapshots(target)).slice(-1);
    const { newestCommon, ageSeconds, ...told } = only(result);
    assert.deepEqual(told, { source, target, state: 'same', missing: 0, extra: 0, problems: [] });
    assert.deepEqual([newestCommon?.name, newestCommon?.guid], ['s3', newest?.guid]);
    const creation = Number(await a.property(`${source}@s3`, 'creation'));
    assert.equal(newestCommon?.creation, new Date(creation * 1000).toISOString());
    assert.ok(ageSeconds !== null && Math.abs(ageSeconds - (Date.now() / 1000 - creation)) < 30);
    assert.deepEqual(
      { ...result, datasets: [] },
      { jobId: 'job-1', ok: true, datasets: [], problems: [], warnings: [] },
    );
    assert.deepEqual(ctx.events.map(({ event, level }) => [event, level]), [['dataset', 'info']]); // prettier-ignore
    assert.deepEqual(await Promise.all([everything(a), everything(b)]), before);
  });

  it('behind is well, and older than maxAge is not', async () => {
    const { source, options } = await copy();
    await a.snapshotEach(source, ['s4', 's5']);
    const { result } = await check({ ...options, maxAge: '26h' });
    assert.deepEqual([result.ok, only(result).state, only(result).missing], [true, 'behind', 2]);
    const later = (): Date => new Date(Date.now() + 27 * 3_600_000);
    const { result: old, error } = await check({ ...options, maxAge: '26h' }, later);
    assert.deepEqual([old.ok, only(old).state], [false, 'behind']);
    assert.match(old.problems.join(), /@s3" is 1 d 3 h old, older than 1 d 2 h$/);
    assert.equal(error?.message, old.problems[0]);
    assert.ok((only(old).ageSeconds ?? 0) >= 27 * 3600);
  });

  it('a snapshot that is missing although newer ones are there is a problem', async () => {
    const { target, options } = await copy();
    await b.run(['zfs', 'destroy', `${target}@s2`]);
    const { result } = await check(options);
    assert.deepEqual([result.ok, only(result).state, only(result).missing], [false, 'behind', 1]);
    assert.match(result.problems.join(), /lacks 1 snapshot of .* that is older than the newest common one @s3: @s2$/);
  });

  it('what the source has given up is extra, and well', async () => {
    const { source, options } = await copy();
    await a.run(['zfs', 'destroy', `${source}@s1,s2`]);
    const { result } = await check(options);
    assert.deepEqual([result.ok, only(result).state, only(result).extra], [true, 'same', 2]);
  });

  it('the newest common snapshot may be left as a bookmark alone', async () => {
    const { source, options } = await copy();
    await a.snapshot(source, 's4');
    await a.run(['zfs', 'destroy', `${source}@s1,s2,s3`]);
    const { result } = await check(options);
    assert.deepEqual([result.ok, only(result).state, only(result).newestCommon?.name], [true, 'behind', 's3']);
  });

  it('ahead, diverged and modified are not', async () => {
    const { source, target, options } = await copy();
    await b.run(['zfs', 'set', 'readonly=off', target]);
    await b.run(['zfs', 'set', `mountpoint=/${target}`, target]);
    await b.sh('zfs get -H -o value mounted "$1" | grep -q yes || zfs mount "$1"', { args: [target] });
    await b.writeFile(target, 'theirs', 'y'.repeat(200_000));
    await b.sh('sync; zpool sync backup');
    const modified = await check(options);
    assert.deepEqual([modified.result.ok, only(modified.result).state], [false, 'modified']);
    assert.match(
      modified.result.problems.join(),
      /^\d{5,} bytes were written to "backup\/\w+" after its snapshot @s3$/,
    );
    await b.snapshot(target, 'theirs');
    const ahead = await check(options);
    assert.deepEqual([ahead.result.ok, only(ahead.result).state, only(ahead.result).extra], [false, 'ahead', 1]);
    await a.snapshot(source, 's4');
    const diverged = await check(options);
    assert.deepEqual([only(diverged.result).state, only(diverged.result).missing], ['diverged', 1]);
    assert.match(
      diverged.result.problems.join(),
      /has 1 snapshot after the newest common one @s3 that .* has not: @theirs/,
    );
  });

  it('unrelated and missing are not', async () => {
    const { source, options } = await copy();
    const [other, empty] = [`backup/other${counter}`, `backup/empty${counter}`];
    await b.createDataset(other);
    await b.snapshot(other, 's1');
    const unrelated = await check({ ...options, targetDataset: other });
    assert.deepEqual([only(unrelated.result).state, only(unrelated.result).newestCommon], ['unrelated', null]);
    assert.deepEqual([only(unrelated.result).ageSeconds, only(unrelated.result).missing], [null, 3]);
    await b.createDataset(empty, { properties: { mountpoint: 'none' } });
    for (const [target, why] of [
      [empty, /exists, but holds nothing$/],
      [`${empty}/not/there`, /does not exist$/],
    ] as const) {
      const { result } = await check({ ...options, targetDataset: target, maxAge: '1h' });
      assert.deepEqual([only(result).state, only(result).source, only(result).missing], ['missing', source, 3]);
      assert.match(result.problems.join(), why);
    }
  });

  it('only selected snapshots have to be there', async () => {
    const { source, options } = await copy(['auto-2026-01-01_00-00', 'by-hand', 'auto-2026-01-02_00-00']);
    await a.snapshot(source, 'later-by-hand');
    const schema = { snapshotSelection: 'schema', namingSchemas: ['auto-%Y-%m-%d_%H-%M'] };
    assert.equal(only((await check(options)).result).state, 'behind');
    assert.deepEqual([only((await check({ ...options, ...schema })).result).state], ['same']);
    await a.snapshot(source, 'auto-2026-01-03_00-00');
    const { result } = await check({ ...options, ...schema });
    assert.deepEqual([only(result).state, only(result).missing], ['behind', 1]);
    const regex = { snapshotSelection: 'regex', nameRegex: '^nothing' };
    const none = await check({ ...options, ...regex });
    assert.equal(none.result.ok, true);
    assert.match(
      none.result.warnings.join(),
      /^nothing has to be there, since no snapshot is selected of: "tank\/s\d+"$/,
    );
  });

  it('a tree is mapped as a replication maps it, each dataset judged for itself', async () => {
    const root = `tank/tree${++counter}`;
    for (const name of ['', '/x', '/y', '/y/scratch']) await a.createDataset(root + name);
    await a.snapshot(root, 's1', { recursive: true });
    const target = `backup/tree${counter}`;
    const options = {
      ...relay,
      sourceDatasets: [root],
      targetDataset: target,
      recursive: true,
      exclude: ['*/scratch'],
    };
    await engine.replicate({ ...options, createSnapshot: 'never' });
    const well = await check(options);
    assert.deepEqual(
      well.result.datasets.map(({ target: name, state }) => [name, state]),
      [target, `${target}/x`, `${target}/y`].map((name) => [name, 'same']),
    );
    await b.run(['zfs', 'release', 'zfsflow_last', `${target}/x@s1`]);
    await b.destroy(`${target}/x`);
    const { result, error } = await check(options);
    assert.deepEqual(result.datasets.map(({ state }) => state), ['same', 'missing', 'same']); // prettier-ignore
    assert.deepEqual([error?.dataset, result.problems.length], [`${target}/x`, 1]);
  });

  it('a source that does not exist, and a pool that is not there, are errors, and say nothing of the backup', async () => {
    const { options } = await copy();
    const gone = await verifyFails(engine.resolve, 'DATASET_NOT_FOUND', { ...options, sourceDatasets: ['tank/nope'] });
    assert.deepEqual([gone.error.dataset, gone.partial.ok, gone.partial.datasets], ['tank/nope', false, []]);
    await verifyFails(engine.resolve, 'POOL_UNAVAILABLE', { ...options, targetDataset: 'nopool/x' });
    await verifyFails(engine.resolve, 'INVALID_OPTIONS', { ...options, sourceConnection: 'nobody' });
  });
});
