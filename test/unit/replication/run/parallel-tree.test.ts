// Parents before children, what is needed before what needs it, and a failure stops only what follows from it.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { runTree } from '../../../../src/replication/run/parallel-tree';

interface Item {
  path: string;
  after: string | null;
  fails: boolean;
}

const PATHS = ['t', 't/a', 't/a/b', 't/a/b/c', 't/ab', 't/b', 't/b/x', 't/b/y', 't/c', 't/c/d/e'];

/** Any of the paths; what one needs has an earlier place in the list, so that there are no circles. */
const trees = fc
  .record({
    paths: fc.subarray(PATHS, { minLength: 1 }),
    needs: fc.array(fc.nat(), { minLength: PATHS.length, maxLength: PATHS.length }),
    fails: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: PATHS.length, maxLength: PATHS.length }),
  })
  .map(({ paths, needs, fails }) =>
    paths.map((path, index): Item => {
      const need = needs[index] ?? 0;
      const earlier = paths.slice(0, index);
      return { path, after: earlier[need % (2 * index + 1)] ?? null, fails: fails[index] === 0 };
    }),
  );

const isAbove = (above: string, path: string): boolean => path.startsWith(`${above}/`);
const waitsFor = (item: Item, other: Item): boolean => isAbove(other.path, item.path) || item.after === other.path;

describe('runTree', () => {
  it('begins nothing before what it waits for, keeps to the number at once, and leaves out what follows from a failure', async () => {
    await fc.assert(
      fc.asyncProperty(
        trees,
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.nat({ max: 3 }), { minLength: PATHS.length, maxLength: PATHS.length }),
        async (items, most, turns) => {
          const begun = new Set<string>();
          const ended = new Set<string>();
          let running = 0;
          const places = { path: ({ path }: Item) => path, after: ({ after }: Item) => after };
          const outcomes = await runTree(items, places, most, async (item) => {
            assert.ok(!begun.has(item.path), `${item.path} twice`);
            begun.add(item.path);
            for (const other of items) if (waitsFor(item, other)) assert.ok(ended.has(other.path), `${item.path} before ${other.path}`); // prettier-ignore
            running++;
            assert.ok(running <= most, `${running} at once`);
            for (let turn = turns[begun.size] ?? 0; turn >= 0; turn--) await Promise.resolve();
            running--;
            if (item.fails) throw new Error(item.path);
            ended.add(item.path);
          });
          assert.deepEqual(outcomes.map(({ item }) => item.path).toSorted(), items.map(({ path }) => path).toSorted());
          for (const { item, error, skippedFor } of outcomes) {
            const stopped = items.filter((other) => waitsFor(item, other) && !ended.has(other.path));
            assert.equal(skippedFor !== undefined, stopped.length > 0, item.path);
            assert.ok(!skippedFor || stopped.includes(skippedFor), `${item.path} for ${skippedFor?.path}`);
            assert.equal(error !== undefined, !skippedFor && item.fails, item.path);
            assert.equal(begun.has(item.path), !skippedFor, item.path);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('takes what is ready in the order of the places', async () => {
    const order: string[] = [];
    const items = ['t/b', 't', 't/a/x', 't/a'];
    await runTree(items, { path: (path) => path }, 1, (item) => Promise.resolve(void order.push(item)));
    assert.deepEqual(order, ['t', 't/a', 't/a/x', 't/b']);
  });
});
