// Which trees travel in one `send -R` stream, how such a parcel is carried out, and what contradicts a full copy.
import assert from 'node:assert/strict';
import { outcomesOf, parcelPlaces, parcelsOf, type Parcel } from '../../../../src/replication/run/parcels';
import { parseReplicateOptions } from '../../../../src/replication/setup/check-options';
import { planReplication } from '../../../../src/replication/plan/plan';
import type { DatasetPlan, PairInput, PlanInput } from '../../../../src/replication/plan/plan-types';
import { runTree } from '../../../../src/replication/run/parallel-tree';
import type { DatasetRecord } from '../../../../src/zfs/records';
import { dataset, OPTIONS, pair, records } from '../../../support/model';

function at(path: string, source: string, more: Partial<PairInput> = {}, own: Partial<DatasetRecord> = {}): PairInput {
  return {
    ...pair({ source, target: null }),
    source: dataset(`tank/s${path}`, own),
    sourceRecords: records(`tank/s${path}`, source),
    target: `bk/t${path}`,
    ...more,
  };
}

function planned(pairs: PairInput[], options: Partial<PlanInput['options']> = {}, wholeTrees = true): DatasetPlan[] {
  return planReplication({
    pairs,
    ancestors: [dataset('bk')],
    existing: new Set(['bk']),
    options: { ...OPTIONS, fullFilesystem: true, ...options },
    wholeTrees,
  }).datasets;
}

const streams = (...args: Parameters<typeof planned>): string[] => planned(...args).map(({ stream }) => stream);

describe('streams of whole trees', () => {
  const root = at('', 'a:1 b:2');
  const tree = [root, at('/c', 'a:3 b:4'), at('/d', 'b:5', {}, { origin: 'tank/s/c@a' })];

  it('are for the first copy of a whole tree, with its clones', () => {
    const one = ['tank/s', 'tank/s', 'tank/s'];
    assert.deepEqual(streams(tree), one);
    assert.deepEqual(streams(tree, { fullFilesystem: false }), ['', '', '']);
    const secret = { encryption: 'aes-256-gcm', encryptionRoot: 'tank/s', keyStatus: 'available' };
    const encrypted = tree.map((item) => ({ ...item, source: { ...item.source, ...secret } }));
    assert.deepEqual(streams(encrypted), one);
    // What the tree does not have all in one way, or would be left out or done otherwise, goes dataset by dataset.
    const apart: [string, PairInput[], Partial<PlanInput['options']>?, boolean?][] = [
      ['after a failed attempt', tree, {}, false],
      ['a child without the last snapshot', [root, at('/c', 'a:3')]],
      ['a child with newer ones', [root, at('/c', 'b:3 x:4')]],
      ['a child without any', [root, at('/c', '')]],
      ['a selection', [root, at('/c', 'a:3 b:4', { wanted: new Set(['4']) })]],
      ['a copy that is there', [root, at('/c', 'a:3 b:4', { targetDataset: dataset('bk/t/c') })]],
      ['an origin elsewhere', [root, at('/d', 'b:5', {}, { origin: 'tank/other@a' })]],
      ['only a part encrypted', [root, at('/c', 'a:3 b:4', {}, secret)]],
      ['decrypted', encrypted, { raw: 'never' }],
      ['encrypted anew', tree, { encryption: 'key' }],
      ['overrides', tree, { propertiesOverride: { atime: 'off' } }],
      ['marks of an earlier copy', [root, at('/c', 'a:3 b:4', {}, { userProperties: { 'zfsflow:raw': 'on' } })]],
      ['nothing below it', [root]],
    ];
    for (const [why, pairs, options, whole] of apart) {
      assert.deepEqual(new Set(streams(pairs, options, whole)), new Set(['']), why);
    }
  });

  it('are each one piece of work, and what is in a failed one is not said to have failed itself', async () => {
    const parcels = parcelsOf(planned(tree));
    assert.deepEqual(
      parcels.map((parcel) => parcel.map(({ target }) => target)),
      [['bk/t', 'bk/t/c', 'bk/t/d']],
    );
    const run = (work: (parcel: Parcel) => Promise<void>) => runTree(parcels, parcelPlaces(parcels), 2, work);
    const failed = outcomesOf(await run(async () => Promise.reject(new Error('no'))));
    assert.deepEqual(
      failed.map(({ item, error, skippedFor }) => [item.target, error === undefined, skippedFor?.target]),
      [
        ['bk/t', false, undefined],
        ['bk/t/c', true, 'bk/t'],
        ['bk/t/d', true, 'bk/t'],
      ],
    );
    const fine = outcomesOf(await run(async () => Promise.resolve()));
    assert.ok(fine.length === 3 && fine.every((outcome) => outcome.error === undefined && !outcome.skippedFor));
  });

  it('contradict options that leave something out', () => {
    const parse = (more: Record<string, unknown>) =>
      parseReplicateOptions({ sourceDatasets: ['tank/s'], targetDataset: 'bk/t', fullFilesystem: true, ...more });
    assert.equal(parse({ recursive: false }).recursive, true);
    const wrong: [string, Record<string, unknown>][] = [
      ['exclude', { exclude: ['tank/s/a'] }],
      ['includeProperties', { includeProperties: false }],
      ['snapshotSelection', { snapshotSelection: 'regex', nameRegex: 'x' }],
      ['firstCopy', { firstCopy: 'newest' }],
      ['restrictSchedule', { restrictSchedule: '0 0 * * *' }],
      ['onlyMatchingSchedule', { onlyMatchingSchedule: true, schedule: '0 0 * * *' }],
      ['sourceDatasets', { sourceDatasets: ['tank/s', 'tank/s/a'] }],
    ];
    for (const [field, more] of wrong) assert.throws(() => parse(more), { code: 'INVALID_OPTIONS', field }, field);
  });
});
