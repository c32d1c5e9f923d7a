// The controller dies at every step of a run (replication.md §2, crash matrix). Whatever is left: what both sides share
// stays protected, and one more run reaches the source's state and leaves the marks tidy.
import assert from 'node:assert/strict';
import { Lab } from '../lab/lab';
import type { Machine } from '../lab/machine';
import { assertSame, connectOptions, Engine, marks } from './engine';
import { Life, MortalHost } from './mortal';

/** More than any of these runs changes. */
const MOST_STEPS = 60;

describe('replication after its controller died', function () {
  this.timeout(240_000);
  let lab: Lab;
  let a: Machine;
  let b: Machine;
  const engine = new Engine();

  before(async () => {
    lab = await Lab.create();
    [a, b] = await Promise.all([lab.up('a', { pool: 'tank' }), lab.up('b', { pool: 'backup' })]);
    engine.add(a);
    engine.add(b);
  });
  after(async () => {
    await engine.close();
    await lab.close();
  });

  /** A run whose controller makes `steps` changes and dies; what it died of, '' when it came to its end. */
  async function mortalRun(options: Record<string, unknown>, steps: number): Promise<string> {
    const life = new Life(steps);
    const mortal = new Engine();
    for (const machine of [a, b]) mortal.hosts.set(machine.name, new MortalHost(connectOptions(machine), life));
    try {
      await mortal.replicate({ ...options, retries: 1 });
      return '';
    } catch (error) {
      if (life.last === '') throw error;
      return life.last;
    } finally {
      await mortal.close();
    }
  }

  async function assertTidy(source: string, target: string, after: string): Promise<void> {
    const [left, right] = [await marks(a, source), await marks(b, target)];
    assert.deepEqual([left.tentative, left.holds], [[], []], `source, after dying before: ${after}`);
    assert.ok(left.final.length >= 1 && left.final.length <= 16, `${left.final.length} bookmarks`);
    const newest = (await a.snapshots(source)).at(-1);
    assert.ok(
      left.final.some((name) =>
        name.endsWith(
          BigInt(newest?.guid ?? 0)
            .toString(16)
            .padStart(16, '0'),
        ),
      ),
    );
    assert.deepEqual(right.holds, [`${newest?.name}:zfsflow_last`], `target, after dying before: ${after}`);
  }

  /** What the target has newest is still on the source, as a snapshot or a bookmark. */
  async function assertShared(source: string, target: string): Promise<void> {
    const known = new Set([...(await a.snapshots(source)), ...(await a.bookmarks(source))].map(({ guid }) => guid));
    assert.ok(known.has((await b.snapshots(target)).at(-1)?.guid ?? ''), 'nothing is shared any more');
  }

  /** Dies before each change in turn, until a run has none left. `prepare` makes something to send. */
  async function everyStep(
    options: Record<string, unknown>,
    pairs: readonly (readonly [string, string])[],
    prepare: (round: number) => Promise<void>,
  ): Promise<number> {
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      await prepare(steps);
      const last = await mortalRun(options, steps);
      if (last === '') return steps;
      for (const [source, target] of pairs) if (await b.exists(target)) await assertShared(source, target);
      await engine.replicate(options);
      for (const [source, target] of pairs) {
        await assertSame(a, source, b, target);
        await assertTidy(source, target, last);
      }
    }
    throw new assert.AssertionError({ message: `still dying after ${MOST_STEPS} changes` });
  }

  it('at each step of an incremental run of two data sets', async () => {
    await a.run(['zfs', 'create', '-p', 'tank/inc/child']);
    await a.snapshot('tank/inc', 'first', { recursive: true });
    const options = {
      sourceConnection: 'a',
      targetConnection: 'b',
      sourceDatasets: ['tank/inc'],
      targetDataset: 'backup/inc',
      recursive: true,
    };
    await engine.replicate(options);
    const steps = await everyStep(
      options,
      [
        ['tank/inc', 'backup/inc'],
        ['tank/inc/child', 'backup/inc/child'],
      ],
      async (round) => {
        for (const part of ['a', 'b']) await a.snapshot('tank/inc', `r${round}${part}`, { recursive: true });
      },
    );
    assert.ok(steps >= 8, `only ${steps} changes`);
  });

  it('at each step of a first copy below a missing parent', async () => {
    let round = 0;
    const options = { sourceConnection: 'a', targetConnection: 'b', sourceDatasets: ['tank/new'] };
    await a.createDataset('tank/new');
    await a.writeRandom('tank/new', 'data', 2);
    for (const name of ['1', '2', '3']) await a.snapshot('tank/new', name);
    for (let steps = 0; ; steps++) {
      const target = `backup/deep${round++}/new`;
      const last = await mortalRun({ ...options, targetDataset: target }, steps);
      await engine.replicate({ ...options, targetDataset: target });
      await assertSame(a, 'tank/new', b, target);
      const right = await marks(b, target);
      assert.deepEqual(right.holds, ['3:zfsflow_last'], `after dying before: ${last}`);
      const left = await marks(a, 'tank/new');
      assert.deepEqual([left.tentative, left.holds], [[], []], `after dying before: ${last}`);
      if (last === '') break;
      assert.ok(steps < MOST_STEPS);
    }
  });

  it('at each step of a rollback', async () => {
    await a.createDataset('tank/roll');
    await a.snapshot('tank/roll', 'first');
    const options = {
      sourceConnection: 'a',
      targetConnection: 'b',
      sourceDatasets: ['tank/roll'],
      targetDataset: 'backup/roll',
      whenDiverged: 'rollback',
    };
    await engine.replicate(options);
    await everyStep(options, [['tank/roll', 'backup/roll']], async (round) => {
      await a.snapshot('tank/roll', `s${round}`);
      await engine.replicate(options);
      // The source goes back before what the target has got.
      await a.run(['zfs', 'rollback', '-r', 'tank/roll@first']);
      await a.snapshot('tank/roll', `t${round}`);
    });
  });
});
