// Others work on the same datasets while a run goes on: they destroy, rename, roll back and promote. The run looks again and
// goes on in the same run, or says what is gone; its result names only what is on the target.
import assert from 'node:assert/strict';
import type { ReplicationResult } from '../../../src/replication/setup/options';
import type { Machine } from '../../lab/machine';
import { assertSame, connectOptions, type Engine, marks } from '../../support/engine';
import { HandHost } from '../../support/hand';
import { assertTidy, type Job, jobOf } from '../../support/job';
import { usePair } from '../../support/machines';

describe('replication while the world changes', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let source: HandHost;
  let target: HandHost;
  let counter = 0;

  usePair((pair) => ({ a, b, engine } = pair));
  before(() => {
    source = new HandHost(connectOptions(a, { id: 'handA' }));
    target = new HandHost(connectOptions(b, { id: 'handB' }));
    engine.hosts.set('handA', source);
    engine.hosts.set('handB', target);
  });

  async function job(snapshots: readonly string[], more: Readonly<Record<string, unknown>> = {}): Promise<Job> {
    const [from, to] = [`tank/w${++counter}`, `backup/w${counter}`];
    await a.createDataset(from);
    for (const name of snapshots) await a.snapshot(from, name);
    return jobOf(from, to, { sourceConnection: 'handA', targetConnection: 'handB', ...more });
  }

  const retries = (): number => engine.events.filter(({ event }) => event === 'retry').length;

  /** A run in which this happens before the first command of the source (or the target) that matches. */
  async function disturbed(
    one: Job,
    host: HandHost,
    matches: RegExp,
    hand: () => Promise<unknown>,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<ReplicationResult> {
    engine.events.length = 0;
    host.once(matches, hand);
    const result = await engine.replicate({ ...one.options, ...more, retries: 1 });
    assert.ok(host.isDone, `${String(matches)} never came`);
    return result;
  }

  /** Everything that the result names is on the target, with the GUID that the source has (or had). */
  async function assertNamed(one: Job, result: ReplicationResult, gone: ReadonlyMap<string, string> = new Map()) {
    const known = new Map([...gone, ...(await a.snapshots(one.source)).map(({ name, guid }) => [name, guid] as const)]);
    const there = new Map((await b.snapshots(one.target)).map(({ name, guid }) => [name, guid]));
    const [dataset] = result.datasets;
    for (const name of dataset?.snapshots ?? []) assert.equal(there.get(name), known.get(name), `@${name}`);
    assert.equal(result.snapshots, dataset?.snapshots.length);
  }

  it('goes on from the bookmark of a base that is pruned while its turn is awaited [B3]', async () => {
    const one = await job([], { recursive: true, parallelDatasets: 1 });
    for (const child of ['a', 'b']) await a.run(['zfs', 'create', `${one.source}/${child}`]);
    await a.snapshot(one.source, '1', { recursive: true });
    await engine.replicate(one.options);
    await a.writeRandom(`${one.source}/a`, 'data', 6);
    await a.snapshot(one.source, '2', { recursive: true });
    source.once(/^zfs send (?!-n).*\/b@2/, () => a.run(['zfs', 'destroy', `${one.source}/b@1`]));
    engine.events.length = 0;
    await engine.replicate({ ...one.options, retries: 1, speedLimit: '6M' });
    assert.ok(source.isDone);
    assert.equal(retries(), 1);
    for (const child of ['', '/a']) await assertSame(a, one.source + child, b, one.target + child);
    assert.deepEqual(await b.snapshotNames(`${one.target}/b`), ['1', '2']);
    for (const child of ['', '/a', '/b']) await assertTidy(a, one.source + child, b, one.target + child);
  });

  for (const command of ['hold', '(bookmark|program)']) {
    it(`goes on from the bookmark of a base that is pruned before zfs ${command} [B3]`, async () => {
      const one = await job(['1']);
      await engine.replicate(one.options);
      await a.snapshot(one.source, '2');
      const result = await disturbed(one, source, new RegExp(`^zfs ${command}`), () =>
        a.run(['zfs', 'destroy', `${one.source}@1`]),
      );
      assert.deepEqual(result.datasets[0]?.snapshots, ['2']);
      assert.deepEqual(result.warnings, []);
      assert.deepEqual(await b.snapshotNames(one.target), ['1', '2']);
      await assertTidy(a, one.source, b, one.target);
    });

    it(`does without a pending snapshot that is pruned before zfs ${command} [B3]`, async () => {
      const one = await job(['1']);
      await engine.replicate(one.options);
      for (const name of ['2', '3']) await a.snapshot(one.source, name);
      const result = await disturbed(one, source, new RegExp(`^zfs ${command}`), () =>
        a.run(['zfs', 'destroy', `${one.source}@3`]),
      );
      assert.deepEqual(result.datasets[0]?.snapshots, ['2']);
      assert.deepEqual(result.warnings, []);
      await assertSame(a, one.source, b, one.target);
      await assertTidy(a, one.source, b, one.target);
    });

    it(`does not name a middle snapshot that is pruned before zfs ${command} [B3] [B22]`, async () => {
      const one = await job(['1']);
      await engine.replicate(one.options);
      for (const name of ['2', '3', '4', '5']) await a.snapshot(one.source, name);
      const result = await disturbed(one, source, new RegExp(`^zfs ${command}`), () =>
        a.run(['zfs', 'destroy', `${one.source}@4`]),
      );
      assert.deepEqual(result.datasets[0]?.snapshots, ['2', '3', '5']);
      await assertNamed(one, result);
      await assertSame(a, one.source, b, one.target);
      await assertTidy(a, one.source, b, one.target);
    });
  }

  // openzfs/zfs 12476: who keeps his daily, weekly, monthly ones apart by renaming them.
  for (const command of ['hold', '(bookmark|program)', 'send', 'release']) {
    it(`goes on with snapshots that are rotated by renaming before zfs ${command}`, async () => {
      const one = await job(['d1']);
      await engine.replicate(one.options);
      for (const name of ['d2', 'd3', 'd4']) await a.snapshot(one.source, name);
      const rotate = async (): Promise<void> => {
        for (const n of [1, 2, 3]) await a.run(['zfs', 'rename', `${one.source}@d${n}`, `w${n}`]);
      };
      const result = await disturbed(one, source, new RegExp(`^zfs ${command}(?! -n)`), rotate, { speedLimit: '100M' });
      assert.equal(result.state, 'success');
      const guids = async (machine: Machine, dataset: string): Promise<string[]> =>
        (await machine.snapshots(dataset)).map(({ guid }) => guid);
      assert.deepEqual(await guids(b, one.target), await guids(a, one.source));
      const left = await marks(a, one.source);
      assert.deepEqual([left.tentative, left.holds], [[], []]);
    });
  }

  // jimsalterjrs/sanoid 376: the oldest one pruned while a first copy of days is under way.
  it('keeps its first snapshot from being pruned until the rest of a first copy has been sent', async () => {
    const one = await job(['1', '2', '3']);
    const pruned: boolean[] = [];
    const prune = async (): Promise<void> => {
      for (const name of ['1', '2']) {
        const { code } = await a.run(['zfs', 'destroy', `${one.source}@${name}`], { check: false });
        pruned.push(code === 0);
      }
    };
    const result = await disturbed(one, source, /^zfs send (?!-n).*-I/, prune, { speedLimit: '100M' });
    assert.deepEqual(
      [pruned, result.datasets[0]?.snapshots],
      [
        [false, false],
        ['1', '2', '3'],
      ],
    );
    await assertSame(a, one.source, b, one.target);
    await assertTidy(a, one.source, b, one.target);
  });

  it('says of a dataset below that it is gone, and sends the others', async () => {
    const one = await job([], { recursive: true });
    for (const child of ['a', 'b']) await a.run(['zfs', 'create', `${one.source}/${child}`]);
    await a.snapshot(one.source, '1', { recursive: true });
    source.once(/^zfs hold/, () => a.run(['zfs', 'destroy', '-r', `${one.source}/a`]));
    const error = await engine.refuse('PARTIAL_FAILURE', one.options);
    assert.equal(error.dataset, `${one.source}/a`);
    const [root, gone, other] = engine.partial?.datasets ?? [];
    assert.deepEqual([root?.snapshots, gone?.snapshots, other?.snapshots], [['1'], [], ['1']]);
    assert.match(gone?.error?.message ?? '', /is gone from .*: it was destroyed while the run went on/);
    for (const child of ['', '/b']) await assertSame(a, one.source + child, b, one.target + child);
  });

  it('follows a dataset below that is renamed', async () => {
    const one = await job([], { recursive: true });
    for (const child of ['a', 'b']) await a.run(['zfs', 'create', `${one.source}/${child}`]);
    await a.snapshot(one.source, '1', { recursive: true });
    await engine.replicate(one.options);
    await a.snapshot(one.source, '2', { recursive: true });
    await disturbed(one, source, /^zfs hold/, () => a.run(['zfs', 'rename', `${one.source}/a`, `${one.source}/c`]));
    await assertSame(a, `${one.source}/c`, b, `${one.target}/c`);
    for (const child of ['', '/b', '/c']) await assertTidy(a, one.source + child, b, one.target + child);
  });

  it('says what is gone when it is what it was asked for', async () => {
    const one = await job(['1']);
    engine.events.length = 0;
    source.once(/^zfs hold/, () => a.run(['zfs', 'destroy', '-r', one.source]));
    const error = await engine.refuse('DATASET_NOT_FOUND', one.options);
    assert.match(error.message, new RegExp(`"${one.source}" does not exist on`));
    assert.equal(retries(), 1);
  });

  it('goes on after a clone was promoted, or refuses for the right reason', async () => {
    const one = await job(['1']);
    await engine.replicate(one.options);
    await a.snapshot(one.source, '2');
    await a.run(['zfs', 'clone', `${one.source}@2`, `${one.source}-clone`]);
    source.once(/^zfs hold/, () => a.run(['zfs', 'promote', `${one.source}-clone`]));
    await engine.refuse('NO_COMMON_SNAPSHOT', { ...one.options, createSnapshot: 'always', retries: 1 });
    assert.deepEqual(await b.snapshotNames(one.target), ['1']);
  });

  const onTarget: [string, (one: Job) => Promise<unknown>][] = [
    ['rolled back', (one) => b.run(['zfs', 'rollback', '-r', `${one.target}@1`])],
    ['renamed', (one) => b.run(['zfs', 'rename', `${one.target}@2`, 'other'])],
    ['robbed of its base', (one) => b.run(['zfs', 'destroy', `${one.target}@2`])],
    ['destroyed', (one) => b.run(['zfs', 'destroy', '-r', one.target])],
    ['moved away', (one) => b.run(['zfs', 'rename', one.target, `${one.target}-away`])],
  ];
  for (const [what, hand] of onTarget) {
    it(`goes on with a target that is ${what}`, async () => {
      const one = await job(['1', '2']);
      await engine.replicate(one.options);
      await a.snapshot(one.source, '3');
      const result = await disturbed(one, source, /^zfs hold/, async () => {
        await b.run(['zfs', 'release', 'zfsflow_last', `${one.target}@2`]);
        await hand(one);
      });
      assert.equal(result.datasets[0]?.snapshots.at(-1), '3');
      await assertNamed(one, result);
      await assertSame(a, one.source, b, one.target);
      assert.deepEqual((await marks(a, one.source)).holds, []);
    });
  }

  it('begins anew where an empty target is renamed while it is looked into', async () => {
    const one = await job(['1']);
    await b.createDataset(one.target);
    await disturbed(one, target, /^zfs userspace/, () => b.run(['zfs', 'rename', one.target, `${one.target}away`]));
    await assertSame(a, one.source, b, one.target);
    await assertTidy(a, one.source, b, one.target);
  });

  it('does not overwrite what took the name of an empty target after it was looked into', async () => {
    const one = await job(['1']);
    await b.createDataset(one.target);
    let counted = false;
    let exchanged = false;
    target.each((command) => {
      if (command.startsWith('zfs userspace')) counted = true;
      if (exchanged || !counted || !command.startsWith('zfs list')) return undefined;
      exchanged = true;
      return async () => {
        await b.run(['zfs', 'rename', one.target, `${one.target}away`]);
        await b.createDataset(one.target);
        await b.writeFile(one.target, 'theirs', 'theirs');
      };
    });
    await engine.refuse('TARGET_HAS_DATA', { ...one.options, retries: 0 });
    target.each(() => undefined);
    assert.ok(exchanged);
    assert.deepEqual(await b.snapshotNames(one.target), []);
  });

  it('does not overwrite what is put into an empty target after the plan was made', async () => {
    const one = await job(['1']);
    await b.createDataset(one.target);
    source.once(/^zfs hold/, () => b.writeFile(one.target, 'theirs', 'theirs'));
    await engine.refuse('TARGET_HAS_DATA', { ...one.options, retries: 0 });
    assert.ok(source.isDone);
    assert.deepEqual(await b.snapshotNames(one.target), []);
  });

  it('names nothing that was destroyed on the target before it was seen there', async () => {
    const one = await job(['1']);
    await engine.replicate(one.options);
    for (const name of ['2', '3']) await a.snapshot(one.source, name);
    // The look at what has arrived.
    const result = await disturbed(one, target, /^zfs list .*-t snapshot .*@2/, () =>
      b.run(['zfs', 'destroy', `${one.target}@2`]),
    );
    assert.deepEqual(result.datasets[0]?.snapshots, ['3']);
    await assertTidy(a, one.source, b, one.target);
  });

  it('names what was renamed on the target before it was seen there, and does not send it again', async () => {
    const one = await job(['1']);
    await engine.replicate(one.options);
    for (const name of ['2', '3']) await a.snapshot(one.source, name);
    const result = await disturbed(one, target, /^zfs list .*-t snapshot .*@3/, () =>
      b.run(['zfs', 'rename', `${one.target}@3`, 'three']),
    );
    assert.deepEqual(result.datasets[0]?.snapshots, ['2', '3']);
    await assertSame(a, one.source, b, one.target);
    await assertTidy(a, one.source, b, one.target);
  });

  it('tells what arrived of a run that fails', async () => {
    const one = await job(['1', 'x2', '3']);
    // Two streams, the second of which finds no source any more.
    const options = {
      ...one.options,
      snapshotSelection: 'regex',
      nameRegex: '^[0-9]',
      createSnapshot: 'never',
      speedLimit: '100M',
    };
    source.once(/^zfs send (?!-n).*@3/, async () => {
      for (const name of ['1', '3']) await a.run(['zfs', 'release', ...(await marks(a, one.source)).holds.filter((hold) => hold.startsWith(`${name}:`)).map((hold) => hold.slice(hold.indexOf(':') + 1)), `${one.source}@${name}`]); // prettier-ignore
      await a.run(['zfs', 'destroy', '-r', one.source]);
    });
    await engine.refuse('DATASET_NOT_FOUND', options);
    assert.ok(source.isDone);
    assert.deepEqual(await b.snapshotNames(one.target), ['1']);
  });
});
