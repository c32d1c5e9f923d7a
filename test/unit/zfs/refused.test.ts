// The sentences for properties that a receive could not set.
import assert from 'node:assert/strict';
import { readRefused, refusedWarnings, type Refused } from '../../../src/zfs/refused';

describe('refused properties', () => {
  it('are read from the line that libzfs prints for each', () => {
    assert.deepEqual(readRefused('cannot receive a:b property on backup/x y:z: permission denied'), {
      property: 'a:b',
      dataset: 'backup/x y:z',
      why: 'permission denied',
    });
    for (const line of [
      'receiving full stream of a@1 into b@1',
      'cannot receive new filesystem stream: out of space',
      'sudo: cannot receive quota property on b: permission denied',
      '',
    ]) {
      assert.equal(readRefused(line), null, line);
    }
  });

  it('are one warning for each reason and set of properties, with the rights that are missing', () => {
    const why = 'permission denied';
    const of = (dataset: string, ...properties: string[]): Refused[] =>
      properties.map((property) => ({ property, dataset, why }));
    const all = [
      ...of('b/two', 'quota', 'x:y'),
      ...of('b/one', 'x:y', 'quota'),
      ...of('b/one', 'quota'),
      ...of("b/it's", 'keylocation'),
    ];
    assert.deepEqual(refusedWarnings(all, 'nas', 'op'), [
      'could not set quota and x:y of "b/one" and "b/two" on nas: permission denied; missing rights: zfs allow op quota,userprop b/one; zfs allow op quota,userprop b/two',
      `could not set keylocation of "b/it's" on nas: permission denied; missing rights: zfs allow op change-key 'b/it'\\''s'`,
    ]);
    const tight = refusedWarnings([{ property: 'refreservation', dataset: 'b/v', why: 'out of space' }], 'nas', 'op');
    assert.deepEqual(tight, ['could not set refreservation of "b/v" on nas: out of space']);
    const many = Array.from({ length: 7 }, (_, index) => of(`b/${index}`, 'quota')).flat();
    assert.match(refusedWarnings(many, 'nas', 'op').join(), /"b\/4" and 2 more on nas/);
  });
});
