// Whole histories in memory (world.ts): both sides change, runs come to their end or are cut. fast-check prints the seed
// of a history that fails; HISTORIES is how many are tried.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { DatasetPlan } from '../../../../src/replication/plan/plan-types';
import { parseBookmarkName } from '../../../../src/zfs/marks';
import { World, type Mode } from '../../../support/world';

/** What a refusal may be for, and nothing else. */
function assertRightlyRefused(world: World, plan: DatasetPlan, mode: Mode): void {
  const { code = '' } = plan.refusal ?? {};
  const why: Record<string, boolean> = {
    TARGET_DIVERGED: mode === 'refuse' && world.target.at(-1)?.guid !== plan.base?.guid,
    TARGET_MODIFIED: mode === 'refuse' && world.written > 0,
    TARGET_BUSY_PARTIAL: world.token !== null && world.pair().partial?.isOwn !== true,
    SNAPSHOT_EXISTS: world.wanted().some((one) => world.target.some(({ name, guid }) => name === one.name && guid !== one.guid)), // prettier-ignore
    NO_COMMON_SNAPSHOT: !world.target.some(({ guid }) => world.known().has(guid)),
  };
  assert.ok(why[code], `refused with ${code}: ${plan.refusal?.message}`);
}

const moves = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({ do: fc.constant('snapshot' as const), wanted: fc.constantFrom(true, true, false) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('run' as const),
      mode: fc.constantFrom<Mode>('refuse', 'refuse', 'rollback', 'rotate'),
      cut: fc.constantFrom(0, 0, 1, 2, 99, 99, 99),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('destroy', 'rename', 'renameTo', 'unmark', 'destroyCopy', 'renameCopy'),
      pick: fc.nat(30),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('release', 'takeTheirs', 'removeTheirs', 'write') }) },
);
type Move = typeof moves extends fc.Arbitrary<infer T> ? T : never;

function act(world: World, move: Move): void {
  if ('mode' in move) {
    const plan = world.run(move);
    if (plan.refusal) assertRightlyRefused(world, plan, move.mode);
  } else if ('wanted' in move) world.snapshot(move.wanted);
  else if ('pick' in move) world[move.do](move.pick);
  else world[move.do]();
}

describe('replication over whole histories', function () {
  this.timeout(120_000);

  it('loses nothing, keeps what both sides share, sends the least, and arrives', () => {
    fc.assert(
      fc.property(fc.array(moves, { minLength: 10, maxLength: 40, size: 'max' }), (history) => {
        const world = new World();
        for (const move of history) {
          const before = world.there();
          act(world, move);
          const now = world.there();
          const lost = [...before].filter((guid) => !now.has(guid) && !world.gone.has(guid));
          assert.deepEqual(lost, [], 'lost on the target');
          const newest = world.newestOurs();
          assert.ok(
            newest === undefined || world.known().has(newest),
            'the newest of the target is known to the source',
          );
        }
        arrive(world);
      }),
      { numRuns: Number(process.env['HISTORIES'] ?? 800) },
    );
  });

  /** Left alone, and without what people put in its way, it reaches the source's state and has nothing more to do. */
  function arrive(world: World): void {
    world.snapshot(true);
    world.removeTheirs();
    for (let tries = 0; tries < 3; tries++) world.run({ mode: 'rollback', cut: 99 });
    const last = world.run({ mode: 'rollback', cut: 99 });
    if (last.refusal?.code === 'SNAPSHOT_EXISTS' || last.refusal?.code === 'TARGET_BUSY_PARTIAL') {
      assertRightlyRefused(world, last, 'rollback');
      return;
    }
    assert.deepEqual([last.action, last.refusal], ['current', null]);
    const now = world.there();
    const missing = world.wanted().filter(({ guid }) => !now.has(guid) && !world.gone.has(guid));
    assert.deepEqual(missing.map(({ name }) => name), [], 'not on the target'); // prettier-ignore
    assert.ok(world.source.every(({ kind, name }) => kind === 'snapshot' || !parseBookmarkName(name)?.tentative));
    assert.equal(world.target.at(-1)?.guid, world.wanted().at(-1)?.guid);
  }
});
