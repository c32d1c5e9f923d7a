// `createSnapshot`: a snapshot of a replication is one that it sends, and one that somebody took in the same minute is used.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import { assertSame, connectOptions, type Engine } from '../../support/engine';
import { HandHost } from '../../support/hand';
import { type Job, jobOf } from '../../support/job';
import { usePair } from '../../support/machines';

const NOON = new Date('2026-03-04T12:34:56Z');

describe('snapshots that a replication takes first', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let hand: HandHost;
  let counter = 0;

  usePair((pair) => ({ a, b, engine } = pair));
  before(() => {
    hand = new HandHost(connectOptions(a, { id: 'hand' }));
    engine.hosts.set('hand', hand);
  });
  afterEach(() => {
    engine.now = () => new Date();
  });

  async function job(...snapshots: string[]): Promise<Job> {
    const [source, target] = [`tank/c${++counter}`, `backup/c${counter}`];
    await a.createDataset(source);
    for (const name of snapshots) await a.snapshot(source, name);
    return jobOf(source, target, { createSnapshot: 'always', timeZone: 'UTC' });
  }

  const unselected: [string, Record<string, unknown>][] = [
    ['a regular expression', { snapshotSelection: 'regex', nameRegex: '^daily-', namingSchemas: ['auto-%Y-%m-%d_%H-%M-%S-%f'] }],
    ['a regular expression and no schema', { snapshotSelection: 'regex', nameRegex: '^daily-' }],
    ['a schedule of another hour', { restrictSchedule: '0 0 * * *' }],
    ['a schedule and a schema', { snapshotSelection: 'schema', namingSchemas: ['auto-%Y-%m-%d_%H-%M'], restrictSchedule: '35 12 * * *' }],
    ['the schedule of the node', { onlyMatchingSchedule: true, schedule: '0 3 * * *' }],
    ['a time of day', { restrictSchedule: '* * * * *', restrictBegin: '01:00', restrictEnd: '02:00' }],
  ]; // prettier-ignore
  for (const [what, more] of unselected) {
    it(`are refused where ${what} would leave them out [B11]`, async () => {
      const one = await job('daily-1');
      engine.now = () => NOON;
      for (const mode of ['plan', 'execute', 'execute']) {
        const error = await engine.refuse('INVALID_OPTIONS', { ...one.options, ...more, mode });
        assert.equal(error.field, 'createSnapshot');
        assert.match(error.message, /would not be among the snapshots that this node sends/);
      }
      assert.deepEqual(await a.snapshotNames(one.source), ['daily-1']);
      assert.equal(await b.exists(one.target), false);
      // Only where one would be taken does that matter.
      const { result } = await engine
        .replicate({ ...one.options, ...more, createSnapshot: 'ifNone' })
        .then((done) => ({ result: done.datasets[0]?.snapshots }))
        .catch((error: Error) => ({ result: error.message }));
      assert.ok(/^daily-1$|none of the source snapshots is selected/.test(String(result)), String(result));
      assert.deepEqual(await a.snapshotNames(one.source), ['daily-1']);
    });
  }

  it('are taken where the schedule matches their time', async () => {
    const one = await job();
    engine.now = () => NOON;
    const more = { snapshotSelection: 'schema', namingSchemas: ['auto-%Y-%m-%d_%H-%M'] };
    const result = await engine.replicate({ ...one.options, ...more, restrictSchedule: '34 12 * * *' });
    assert.deepEqual(result.datasets[0]?.snapshots, ['auto-2026-03-04_12-34']);
  });

  it('are used by a second node that has another target in the same minute [B18]', async () => {
    const one = await job();
    engine.now = () => NOON;
    await engine.replicate(one.options);
    const second = await engine.replicate({ ...one.options, targetDataset: `${one.target}-two` });
    assert.deepEqual(second.datasets[0]?.snapshots, ['auto-2026-03-04_12-34']);
    assert.equal((await engine.replicate(one.options)).datasets[0]?.action, 'current');
    assert.equal((await a.snapshots(one.source)).length, 1);
    await assertSame(a, one.source, b, one.target);
    await assertSame(a, one.source, b, `${one.target}-two`);
  });

  it('are used by two nodes at the same moment [B18]', async () => {
    const one = await job();
    await a.run(['zfs', 'create', `${one.source}/x`]);
    engine.now = () => NOON;
    const targets = [1, 2, 3].map((number) => `${one.target}-${number}`);
    const options = { ...one.options, recursive: true };
    const results = await Promise.all(targets.map((targetDataset) => engine.replicate({ ...options, targetDataset })));
    for (const { datasets } of results) {
      assert.deepEqual(datasets.map(({ snapshots }) => snapshots), [['auto-2026-03-04_12-34'], ['auto-2026-03-04_12-34']]); // prettier-ignore
    }
    for (const target of targets) await assertSame(a, `${one.source}/x`, b, `${target}/x`);
  });

  it('are taken only where another task has taken none', async () => {
    const one = await job();
    for (const child of ['a', 'b', 'c']) await a.run(['zfs', 'create', `${one.source}/${child}`]);
    engine.now = () => NOON;
    await engine.replicate({ ...one.options, sourceDatasets: [`${one.source}/a`], targetDataset: `${one.target}-a` });
    const more = { recursive: true, exclude: [`${one.source}/c`] };
    const result = await engine.replicate({ ...one.options, ...more });
    assert.deepEqual(result.datasets.map(({ snapshots }) => snapshots.length), [1, 1, 1]); // prettier-ignore
    for (const child of ['', '/a', '/b']) await assertSame(a, one.source + child, b, one.target + child);
    assert.deepEqual(await a.snapshots(`${one.source}/c`), []);
  });

  it('are taken by the run when the dataset list changes under it', async () => {
    const one = await job();
    for (const child of ['a', 'b']) await a.run(['zfs', 'create', `${one.source}/${child}`]);
    hand.once(/^zfs snapshot/, () => a.run(['zfs', 'destroy', '-r', `${one.source}/a`]));
    const options = { ...one.options, sourceConnection: 'hand', recursive: true, retries: 1 };
    const result = await engine.replicate(options);
    assert.ok(hand.isDone);
    assert.deepEqual(result.datasets.map(({ source }) => source), [one.source, `${one.source}/b`]); // prettier-ignore
  });

  it('are not mistaken for those of the hour before, when the clock shows it twice', async () => {
    const one = await job();
    const there = { ...one.options, timeZone: 'Europe/Berlin' };
    engine.now = () => new Date('2026-10-25T00:30:10Z');
    await engine.replicate(there);
    engine.now = () => new Date('2026-10-25T01:30:10Z');
    await engine.refuse('SNAPSHOT_EXISTS', { ...there, retries: 1 });
    assert.equal((await a.snapshots(one.source)).length, 1);
  });

  describe('and names on the target', () => {
    it('that get too long are seen in the plan, and the others are sent [B19]', async () => {
      const one = await job();
      const long = `${one.source}/${'x'.repeat(120)}`;
      await a.run(['zfs', 'create', long]);
      await a.run(['zfs', 'create', `${one.source}/short`]);
      const target = `backup/${'t'.repeat(60)}${counter}`;
      await a.snapshot(one.source, 's'.repeat(100), { recursive: true });
      const options = { ...one.options, targetDataset: target, recursive: true, createSnapshot: 'never' };
      const plan = await engine.replicate({ ...options, mode: 'plan' });
      const refused = plan.datasets.find(({ source }) => source === long);
      assert.equal(refused?.error?.code, 'INVALID_OPTIONS');
      assert.match(refused.error.message, new RegExp(`"${target}/x{120}@s{100}"`));
      assert.equal(plan.snapshots, 2);
      const error = await engine.refuse('PARTIAL_FAILURE', options);
      assert.equal(error.dataset, long);
      await assertSame(a, one.source, b, target);
      await assertSame(a, `${one.source}/short`, b, `${target}/short`);
      assert.equal(await b.exists(`${target}/${'x'.repeat(120)}`), false);
    });

    it('that are nested too deep are seen too', async () => {
      const one = await job();
      const deep = `${one.source}/${Array.from({ length: 40 }, () => 'd').join('/')}`;
      await a.run(['zfs', 'create', '-p', deep]);
      await a.snapshot(deep, '1');
      const target = `backup/${Array.from({ length: 12 }, () => 'e').join('/')}`;
      const options = { ...one.options, sourceDatasets: [deep], createSnapshot: 'never' };
      const good = await engine.replicate({ ...options, targetDataset: target });
      assert.equal(good.snapshots, 1);
      const deeper = `${target}-2`;
      const more = { sourceDatasets: [one.source], targetDataset: deeper, recursive: true, mode: 'plan' };
      const plan = await engine.replicate({ ...options, ...more });
      const refused = plan.datasets.filter(({ error }) => error);
      assert.ok(refused.length > 0);
      for (const { error } of refused) assert.match(error?.message ?? '', /nested deeper than 50 levels/);
    });

    it('are accepted up to the last character that ZFS takes', async () => {
      const stem = 'backup/full-';
      for (const [length, name] of [
        [253, 'a'],
        [248, 'abcdef'],
      ] as const) {
        // prettier-ignore
        const one = await job(name);
        const target = `${stem}${'t'.repeat(length - stem.length)}`;
        await engine.replicate({ ...one.options, targetDataset: target, createSnapshot: 'never', retries: 1 });
        assert.deepEqual(await b.snapshotNames(target), [name]);
      }
    });
  });
});
