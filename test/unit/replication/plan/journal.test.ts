// What is told by the marks of a run that did not end.
import assert from 'node:assert/strict';
import { isOwnReceive, wasUnderWay } from '../../../../src/replication/plan/journal';
import { bookmarkName, destinationId } from '../../../../src/zfs/marks';
import { records } from '../../../support/model';

const dstId = destinationId('12345678901234567890', 'bk/t');
const tmp = bookmarkName(dstId, '4', true);
const final = bookmarkName(dstId, '1', false);
const others = bookmarkName(destinationId('1', 'x/y'), '5', true);

describe('the journal of a run', () => {
  it('covers all up to the last snapshot that it was to deliver, for its destination alone', () => {
    const source = records('tank/s', `a:1 #${final}:1 b:2 c:3 d:4 #${tmp}:4 e:5 #${others}:5`);
    const underWay = ['1', '2', '3', '4', '5', '6'].filter((guid) => wasUnderWay(dstId, source, guid));
    assert.deepEqual(underWay, ['1', '2', '3', '4']);
  });

  it('says nothing once only final bookmarks are left', () => {
    const source = records('tank/s', `a:1 #${final}:1 b:2`);
    assert.equal(wasUnderWay(dstId, source, '1'), false);
  });

  it('makes a partial receive ours, also when its snapshot has gone', () => {
    const whole = records('tank/s', `a:1 #${final}:1 b:2 c:3 d:4 #${tmp}:4 e:5`);
    const without = whole.filter(({ guid }) => guid !== '3');
    const cases = [
      [whole, '3', '2', true],
      [whole, '5', '4', false],
      [without, '3', '2', true],
      // Beyond where the run was to end.
      [without, '9', '4', false],
      // A full stream of something that the source does not know.
      [without, '9', '', false],
      // What the destination has already, as its final bookmark says.
      [records('tank/s', `a:1 #${final}:1`), '1', '', true],
    ] as const;
    for (const [source, toGuid, fromGuid, expected] of cases) {
      assert.equal(isOwnReceive(dstId, source, { toGuid, fromGuid }), expected, `${fromGuid} to ${toGuid}`);
    }
  });
});
