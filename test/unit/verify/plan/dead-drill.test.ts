import assert from 'node:assert/strict';
import { isDead, LONGEST_DRILL_MS } from '../../../../src/verify/plan/dead-drill';

describe('a clone of a drill', () => {
  it('is left where its process has ended, and in doubt only when no drill takes so long', () => {
    assert.equal(isDead('left', 0), true);
    assert.equal(isDead('none', 0), true);
    assert.equal(isDead('busy', LONGEST_DRILL_MS), false);
    assert.equal(isDead('busy', 3 * LONGEST_DRILL_MS), true);
  });
});
