// The width that is reckoned with where nodes are placed.
import assert from 'node:assert/strict';
import { middleOf, widthOf } from '../../../src/flow/width';

describe('the width of a node', () => {
  it('grows with its label, and is never less than what the editor draws', () => {
    assert.deepEqual(['', 'x', 'tank/family', 'x'.repeat(100)].map(widthOf), [100, 100, 140, 760]);
  });

  it('keeps its left edge where it belongs, on the grid', () => {
    for (const label of ['', 'tank/family', 'x'.repeat(60)]) {
      const middle = middleOf(60, label);
      assert.ok(middle % 20 === 0 && middle - widthOf(label) / 2 >= 60, label);
    }
  });
});
