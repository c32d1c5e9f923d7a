// Whose turn it is, and what a sample takes.
import assert from 'node:assert/strict';
import { nextTurn, sample } from '../../../../src/verify/plan/turn';

describe('turns', () => {
  it('go round by name, whatever comes and goes', () => {
    const names = ['b/c', 'b/a', 'b/b'];
    assert.deepEqual(['b/a', 'b/b', 'b/c', 'b/bb', 'z'].map((last) => nextTurn(names, last, 0)), ['b/b', 'b/c', 'b/a', 'b/c', 'b/a']); // prettier-ignore
    assert.equal(nextTurn([], 'b/a', 0), undefined);
  });

  it('begin anywhere', () => {
    assert.deepEqual([0, 0.4, 0.99].map((start) => nextTurn(['a', 'b', 'c'], undefined, start)), ['a', 'b', 'c']); // prettier-ignore
  });
});

describe('a sample', () => {
  it('has as many different numbers as were asked for, in order', () => {
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    const seen = new Set<number>();
    for (let run = 0; run < 200; run++) {
      const found = sample(10, 4, random);
      assert.equal(new Set(found).size, 4);
      assert.deepEqual(
        found,
        found.toSorted((a, b) => a - b),
      );
      for (const number of found) seen.add(number);
    }
    assert.deepEqual([...seen].toSorted((a, b) => a - b), Array.from({ length: 10 }, (_, index) => index)); // prettier-ignore
  });

  it('is everything where there is not more', () => {
    const never = (): number => assert.fail('nothing is drawn');
    assert.deepEqual(sample(3, 5, never), [0, 1, 2]);
    assert.deepEqual(sample(0, 5, never), []);
  });
});
