// Long work in slices: nothing is lost or put in another order. That the event loop stays free is shown where lists are long
// (test/unit/snapshots/list.test.ts).
import assert from 'node:assert/strict';
import { forEachInSlices, SlicedQueue, sortInSlices } from '../../../src/base/slices';

describe('slices', () => {
  it('a queue takes everything in order, also what comes while it works', async () => {
    const seen: number[] = [];
    const queue = new SlicedQueue<number>((item) => {
      seen.push(item);
      if (item < 3) queue.push(item + 10);
    });
    await queue.drained();
    queue.push(1);
    queue.push(2);
    await queue.drained();
    queue.push(3);
    await queue.drained();
    assert.deepEqual(seen, [1, 2, 11, 12, 3]);
  });

  it('a queue ends with what its worker throws', async () => {
    const seen: number[] = [];
    const queue = new SlicedQueue<number>((item) => {
      if (item === 2) throw new Error('two');
      seen.push(item);
    });
    for (const item of [1, 2, 3]) queue.push(item);
    await assert.rejects(queue.drained(), /two/);
    queue.push(4);
    await assert.rejects(queue.drained(), /two/);
    assert.deepEqual(seen, [1]);
  });

  it('sorts stably, whatever the length', async () => {
    for (const length of [0, 1, 2, 4095, 4097, 20_000]) {
      const items = Array.from({ length }, (_, index) => ({ key: (index * 7919) % 1009, index }));
      const compare = (a: { key: number }, b: { key: number }): number => a.key - b.key;
      const sorted = await sortInSlices([...items], compare);
      assert.deepEqual(sorted, items.toSorted(compare));
    }
  });

  it('goes over all items', async () => {
    let sum = 0;
    await forEachInSlices(
      Array.from({ length: 100_000 }, () => 1),
      (item) => (sum += item),
    );
    assert.equal(sum, 100_000);
  });
});
