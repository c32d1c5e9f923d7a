// The controller dies before each change of a rotate and of a recreate (replication.md §2, crash matrix). Whatever is left:
// nothing that the target had is lost before its successor is complete, and one more run reaches the source's state.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import { type Engine, marks } from '../../support/engine';
import { jobOf } from '../../support/job';
import { usePair } from '../../support/machines';
import { dieAfter } from '../../support/mortal';

/** More than any of these runs changes. */
const MOST_STEPS = 80;
/** Each point takes seconds: one in so many is tried, others each time; CRASH_STRIDE=1 tries all. */
const STRIDE = Number(process.env['CRASH_STRIDE'] ?? 6);
const OFFSET = Number(process.env['CRASH_OFFSET'] ?? Date.now() % STRIDE);

describe(`replication after its controller died beside an old copy (CRASH_OFFSET=${OFFSET})`, function () {
  // All of them take as long as they take.
  this.timeout(STRIDE === 1 ? 0 : 400_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;

  usePair((pair) => ({ a, b, engine } = pair));

  /** Dataset of each snapshot below `root`, by GUID. */
  async function everything(machine: Machine, root: string): Promise<Map<string, string>> {
    const text = await machine.read(['zfs', 'list', '-Hp', '-r', '-t', 'snapshot', '-o', 'guid,name', root]);
    const rows = text.split('\n').filter(Boolean);
    return new Map(rows.map((row) => [row.split('\t')[0] ?? '', row.split('\t')[1] ?? '']));
  }

  const guids = async (machine: Machine, dataset: string): Promise<string[]> =>
    (await machine.snapshots(dataset)).map(({ guid }) => guid);

  async function assertDone(source: string, target: string, said: string): Promise<void> {
    assert.deepEqual(await guids(b, target), await guids(a, source), said);
    const [left, right] = [await marks(a, source), await marks(b, target)];
    const newest = (await b.snapshots(target)).at(-1)?.name;
    assert.deepEqual([left.tentative, left.holds, right.holds], [[], [], [`${newest}:zfsflow_last`]], said);
    assert.equal(await b.property(target, 'readonly'), 'on', said);
  }

  for (const whenDiverged of ['rotate', 'recreate'] as const) {
    it(`at each step of a ${whenDiverged} [C1 21]`, async () => {
      const [source, target] = [`tank/${whenDiverged}`, `backup/${whenDiverged}`];
      await a.createDataset(source);
      await a.createDataset(`${source}/child`);
      await a.snapshot(source, 'first', { recursive: true });
      const { options } = jobOf(source, target, { recursive: true, whenDiverged });
      await engine.replicate(options);
      let steps = OFFSET;
      let tried = 0;
      for (let last = 'x'; last !== ''; steps += STRIDE) {
        assert.ok(steps < MOST_STEPS);
        tried++;
        await a.sh('zfs snapshot -r "$1@s$2"', { args: [source, String(steps)] });
        await b.snapshot(target, `theirs${steps}`);
        const before = await everything(b, 'backup');
        last = await dieAfter(steps, [a, b], options);
        const said = `after dying before: ${last}`;
        const wanted = await guids(a, source);
        const complete = (await b.exists(target)) && (await guids(b, target)).at(-1) === wanted.at(-1);
        const now = await everything(b, 'backup');
        const lost = [...before].filter(([guid]) => !now.has(guid));
        if (whenDiverged === 'rotate' || !complete) assert.deepEqual(lost, [], said);
        if (last !== '') await engine.replicate(options);
        await assertDone(source, target, said);
        assert.deepEqual(await guids(b, `${target}/child`), await guids(a, `${source}/child`), said);
        const left = await everything(b, 'backup');
        if (whenDiverged === 'rotate') {
          assert.deepEqual(
            [...before].filter(([guid]) => !left.has(guid)),
            [],
            said,
          );
        } else {
          const old = (await b.datasets('backup')).filter((name) => name.startsWith(`${target}_zfsflow-old`));
          assert.deepEqual(old, [], said);
        }
      }
      assert.ok(steps >= 10, `only ${steps} changes`);
      console.log(
        `      ${whenDiverged}: ${tried} points tried, the last of them after all of ${steps - STRIDE} changes`,
      );
    });
  }
});
