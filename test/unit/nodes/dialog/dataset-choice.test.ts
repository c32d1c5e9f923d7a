// Ticking datasets in a tree, whatever is ticked already.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { above, isBelow, markOf, toggled, type ChoiceRules } from '../../../../nodes/dialog/dataset-choice';

const alone: ChoiceRules = { multiple: true, recursive: false };
const trees: ChoiceRules = { multiple: true, recursive: true };
const one: ChoiceRules = { multiple: false, recursive: false };

describe('choosing datasets in a tree', () => {
  it('knows what is above a dataset', () => {
    assert.deepEqual(above('tank'), []);
    assert.deepEqual(above('tank/a/b'), ['tank', 'tank/a']);
    assert.equal(isBelow('tank/ab', 'tank/a'), false);
  });

  it('takes datasets one by one where they are not recursive', () => {
    assert.deepEqual(toggled(['tank/a/b'], 'tank/a', true, alone), ['tank/a/b', 'tank/a']);
    assert.deepEqual(toggled(['tank/a/b', 'tank/a'], 'tank/a', false, alone), ['tank/a/b']);
    assert.equal(markOf('tank/a/b', ['tank/a'], alone), 'off');
  });

  it('lets a recursive one take the place of those below it, which are locked', () => {
    assert.deepEqual(toggled(['tank/a/b', 'tank/ab', 'tank/a/c'], 'tank/a', true, trees), ['tank/ab', 'tank/a']);
    assert.equal(markOf('tank/a/b', ['tank/a'], trees), 'implied');
    assert.equal(markOf('tank/ab', ['tank/a'], trees), 'off');
    assert.deepEqual(toggled(['tank/a'], 'tank/a/b', true, trees), ['tank/a']);
  });

  it('shows where something below is chosen', () => {
    assert.equal(markOf('tank', ['tank/a/b'], trees), 'part');
    assert.equal(markOf('tank/a', ['tank/a/b'], one), 'part');
    assert.equal(markOf('tank/a/b', ['tank/a/b'], one), 'on');
  });

  it('has one target at most', () => {
    assert.deepEqual(toggled(['tank/a'], 'tank/b', true, one), ['tank/b']);
    assert.deepEqual(toggled(['tank/a'], 'tank/a', false, one), []);
  });

  it('never has one within another in a recursive choice, however it was ticked', () => {
    const name = fc
      .array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 3 })
      .map((parts) => ['tank', ...parts].join('/'));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.boolean())), (clicks) => {
        let chosen: string[] = [];
        for (const [dataset, on] of clicks) {
          // What is locked cannot be ticked.
          if (markOf(dataset, chosen, trees) !== 'implied') chosen = toggled(chosen, dataset, on, trees);
        }
        assert.ok(!chosen.some((a) => chosen.some((b) => isBelow(a, b))));
        assert.equal(new Set(chosen).size, chosen.length);
        const last = clicks.at(-1);
        if (last?.[1] === true) assert.ok(['on', 'implied'].includes(markOf(last[0], chosen, trees)));
      }),
    );
  });
});
