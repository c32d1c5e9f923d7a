// The controller dies before each change of a restore drill: the next run takes away what is left, whatever that is.
import assert from 'node:assert/strict';
import { parseVerifyOptions } from '../../../src/verify/check-options';
import { verify } from '../../../src/verify/verify';
import type { Machine } from '../../lab/machine';
import { connectOptions, Engine } from '../../support/engine';
import { relay } from '../../support/job';
import { usePair } from '../../support/machines';
import { Life, MortalHost } from '../../support/mortal';
import { TestContext } from '../../support/test-context';
import { leftOn, verifyWith } from '../../support/verification';

/** More than any of these runs changes. */
const MOST_STEPS = 60;
/** Each point takes seconds: one in so many is tried, others each time; CRASH_STRIDE=1 tries all. */
const STRIDE = Number(process.env['CRASH_STRIDE'] ?? 4);
const OFFSET = Number(process.env['CRASH_OFFSET'] ?? Date.now() % STRIDE);

describe(`verification after its controller died in a drill (CRASH_OFFSET=${OFFSET})`, function () {
  this.timeout(STRIDE === 1 ? 0 : 180_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  const files = { ...relay, sourceDatasets: ['tank/left'], targetDataset: 'backup/left' };
  const volume = { ...relay, sourceDatasets: ['tank/vol'], targetDataset: 'backup/vol' };

  usePair((pair) => ({ a, b, engine } = pair));
  before(async () => {
    await a.createDataset('tank/left');
    await a.writeFile('tank/left', 'f', 'x'.repeat(5000));
    await a.snapshot('tank/left', 's1');
    await a.createDataset('tank/vol', { volumeMb: 8 });
    await a.snapshot('tank/vol', 's1');
    await engine.replicate({ ...files, createSnapshot: 'never' });
    await engine.replicate({ ...volume, createSnapshot: 'never' });
  });

  const bothLeft = async (): Promise<string[]> => [...(await leftOn(a)), ...(await leftOn(b))];

  /** A verification whose controller makes `steps` changes and dies; what it died of, '' when it came to its end. */
  async function dieAfter(steps: number, raw: Record<string, unknown>): Promise<string> {
    const life = new Life(steps);
    const mortal = new Engine();
    for (const machine of [a, b]) mortal.hosts.set(machine.name, new MortalHost(connectOptions(machine), life));
    try {
      await verify(parseVerifyOptions(raw), mortal.resolve, new TestContext());
      return life.last;
    } catch (error) {
      if (life.last === '') throw error;
      return life.last;
    } finally {
      await mortal.close();
    }
  }

  for (const [what, raw, least] of [
    ['a file system', { ...files, drill: 'compare', drillCommand: 'true' }, 8],
    ['a volume on both sides', { ...volume, drill: 'compare', drillSample: 1 }, 6],
  ] as const) {
    it(`in a drill of ${what}: the next run takes away what is left`, async () => {
      let steps = OFFSET;
      let tried = 0;
      let left = 0;
      for (let last = 'x'; last !== ''; steps += STRIDE) {
        assert.ok(steps < MOST_STEPS);
        last = await dieAfter(steps, raw);
        tried++;
        left += (await bothLeft()).length > 0 ? 1 : 0;
        const { error } = await verifyWith(engine.resolve, { ...raw, drill: 'none' });
        assert.deepEqual([error, await bothLeft()], [null, []], `after dying before: ${last}`);
      }
      assert.ok(steps >= least && left >= 1, `${steps} steps, ${left} of them left something`);
      const { error } = await verifyWith(engine.resolve, raw);
      assert.deepEqual([error, await bothLeft()], [null, []]);
      console.log(`      ${tried} points tried, ${left} of them left something; ${steps - STRIDE} changes at most`);
    });
  }
});
