// A clone stays a clone where its origin's snapshot is, or will be, on the target; everything else is sent in full.
import assert from 'node:assert/strict';
import { planReplication } from '../../../../src/replication/plan/plan';
import type { PairInput, PlanInput } from '../../../../src/replication/plan/plan-types';
import { runTree } from '../../../../src/replication/run/parallel-tree';
import type { DatasetRecord } from '../../../../src/zfs/records';
import { dataset, OPTIONS, pair, records } from '../../../support/model';

function at(path: string, source: string, target: string | null, more: Partial<DatasetRecord> = {}): PairInput {
  return {
    ...pair({ source, target }),
    source: dataset(`tank/s${path}`, more),
    sourceRecords: records(`tank/s${path}`, source),
    target: `bk/t${path}`,
    targetDataset: target === null ? null : dataset(`bk/t${path}`),
    targetSnapshots: target === null ? [] : records(`bk/t${path}`, target),
  };
}

const input = (pairs: PairInput[], options: Partial<PlanInput['options']> = {}): PlanInput => ({
  pairs,
  ancestors: [dataset('bk'), dataset('bk/t')],
  existing: new Set(['bk', 'bk/t']),
  options: { ...OPTIONS, ...options },
});

function planned(pairs: PairInput[], options: Partial<PlanInput['options']> = {}): (string | null)[][] {
  const { datasets } = planReplication(input(pairs, options));
  return datasets.map(({ target, steps: [first], origin }) => [
    target,
    first?.from ? `${first.from.dataset ?? ''}@${first.from.name}` : null,
    origin?.snapshot ?? null,
  ]);
}

describe('clones', () => {
  const clone = { origin: 'tank/s/z@b' };

  it('are sent from their origin, whether it is on the target or comes in the same run', () => {
    const expected = ['bk/t/a', 'tank/s/z@b', 'bk/t/z@b'];
    assert.deepEqual(planned([at('/a', 'x:9', null, clone), at('/z', 'a:1 b:2', null)])[0], expected);
    assert.deepEqual(planned([at('/a', 'x:9', null, clone), at('/z', 'a:1 b:2', 'a:1 b:2')])[0], expected);
    // Found by GUID: the target calls it otherwise.
    const renamed = planned([at('/a', 'x:9', null, clone), at('/z', 'a:1 b:2', 'a:1 old:2')]);
    assert.deepEqual(renamed[0], ['bk/t/a', 'tank/s/z@b', 'bk/t/z@old']);
  });

  it('are sent in full where the origin is not there, or cannot come first [C1 20]', () => {
    const alone = planned([at('/a', 'x:9', null, clone), at('/z', 'a:1 b:2 c:3', null)], { firstCopy: 'newest' });
    assert.deepEqual(alone[0], ['bk/t/a', null, null]);
    assert.deepEqual(planned([at('/a', 'x:9', null, clone)])[0], ['bk/t/a', null, null]);
    const below = planned([at('/a', 'x:9', null, { origin: 'tank/s/a/c@b' }), at('/a/c', 'b:2', null)]);
    assert.deepEqual(below[0], ['bk/t/a', null, null]);
    const circle = [
      at('/p', 'x:9', null, { origin: 'tank/s/q/c@b' }),
      at('/p/c', 'b:2', null),
      at('/q', 'y:8', null, { origin: 'tank/s/p/c@b' }),
      at('/q/c', 'b:3', null),
    ];
    assert.deepEqual(
      planned(circle).map(([, from]) => from),
      ['tank/s/q/c@b', null, null, null],
    );
  });

  it('have the encryption of their origin, or are sent in full where that is another', () => {
    const secret = { encryption: 'aes-256-gcm', encryptionRoot: 'tank/s/z', keyStatus: 'available' };
    const both = [at('/a', 'x:9', null, { ...clone, ...secret }), at('/z', 'b:2', null, secret)];
    const asClone = ['bk/t/a', 'tank/s/z@b', 'bk/t/z@b'];
    for (const raw of ['auto', 'never'] as const) assert.deepEqual(planned(both, { raw })[0], asClone);
    assert.deepEqual(planned(both, { encryption: 'key' })[0], asClone);
    const there = (more: Partial<DatasetRecord>): PairInput[] => {
      const origin = at('/z', 'b:2', 'b:2', secret);
      return [
        at('/a', 'x:9', null, { ...clone, ...secret }),
        { ...origin, targetDataset: dataset('bk/t/z', more), sameIvset: false },
      ];
    };
    // Its copy is stored in the clear: neither a raw stream nor one to be encrypted goes into a clone of that.
    assert.deepEqual(planned(there({}))[0], ['bk/t/a', null, null]);
    assert.deepEqual(planned(there({}), { encryption: 'key' })[0], ['bk/t/a', null, null]);
    assert.deepEqual(planned(there({}), { raw: 'never' })[0], asClone);
    // Its key is not loaded, and is this job's or somebody else's.
    const shut = { encryption: 'aes-256-gcm', keyStatus: 'unavailable' };
    const own = planReplication(input(there({ ...shut, encryptionRoot: 'bk/t' }), { encryption: 'key' }));
    assert.deepEqual([own.datasets[0]?.origin?.snapshot, own.datasets[0]?.loadKey], ['bk/t/z@b', 'bk/t']);
    const theirs = planned(there({ ...shut, encryptionRoot: 'bk' }), { encryption: 'key' });
    assert.deepEqual(theirs[0], ['bk/t/a', null, null]);
  });

  it('wait for their origin, and are left out with it', async () => {
    const order: string[] = [];
    const places = { path: (name: string) => name, after: (name: string) => (name === 'a' ? 'z' : null) };
    await runTree(['a', 'a/b', 'z'], places, 2, async (name) => void order.push(name));
    assert.deepEqual(order, ['z', 'a', 'a/b']);
    const outcomes = await runTree(['a', 'a/b', 'z'], places, 2, async () => Promise.reject(new Error('no')));
    assert.deepEqual(
      outcomes.map(({ item, skippedFor }) => [item, skippedFor]),
      [
        ['z', undefined],
        ['a', 'z'],
        ['a/b', 'a'],
      ],
    );
  });
});
