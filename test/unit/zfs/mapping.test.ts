// Where datasets land: the tables of TrueNAS's engine, and what must be refused.
import assert from 'node:assert/strict';
import { checkOverlap, commonPath, mapDataset } from '../../../src/zfs/mapping';

function mapAll(sources: string[], target: string, ...datasets: string[]): string[] {
  const common = commonPath(sources);
  return datasets.map((dataset) => mapDataset(dataset, common, target));
}

describe('mapDataset', () => {
  it('puts one source exactly at the target', () => {
    assert.deepEqual(mapAll(['data'], 'backup', 'data', 'data/x'), ['backup', 'backup/x']);
    assert.deepEqual(mapAll(['tank/a b'], 'bk/c', 'tank/a b', 'tank/a b/d'), ['bk/c', 'bk/c/d']);
  });

  it('puts several sources below the target by their path below the common one', () => {
    assert.deepEqual(mapAll(['data', 'ix-data'], 'backup', 'data', 'data/x', 'ix-data'), [
      'backup/data',
      'backup/data/x',
      'backup/ix-data',
    ]);
    assert.deepEqual(mapAll(['data/a', 'data/a/b'], 'bk', 'data/a', 'data/a/b'), ['bk', 'bk/b']);
    assert.deepEqual(mapAll(['data/work', 'data/workshop'], 'bk', 'data/work', 'data/workshop'), [
      'bk/work',
      'bk/workshop',
    ]);
    assert.deepEqual(mapAll(['p/a', 'q/a'], 'bk', 'p/a', 'q/a'), ['bk/p/a', 'bk/q/a']);
  });
});

describe('checkOverlap', () => {
  const refused = { code: 'INVALID_OPTIONS', field: 'targetDataset' };
  it('refuses a target that is the source or inside it', () => {
    assert.throws(() => checkOverlap(['tank/a'], 'tank/a', false), refused);
    assert.throws(() => checkOverlap(['tank'], 'tank/copy', true), refused);
  });
  it('accepts neighbours and, without recursion, a child', () => {
    checkOverlap(['tank/a'], 'tank/aa', true);
    checkOverlap(['tank/a'], 'tank/a/copy', false);
    checkOverlap(['tank/a', 'tank/b'], 'backup', true);
  });
});
