// Which bookmarks stay after a run.
import assert from 'node:assert/strict';
import { finalMarks, type FinalMarks } from '../../../../src/replication/plan/final-marks';
import { bookmarkName, destinationId } from '../../../../src/zfs/marks';
import { records } from '../../../support/model';

const dstId = destinationId('12345678901234567890', 'bk/t');
const final = (guid: string): string => bookmarkName(dstId, guid, false);
const tentative = (guid: string): string => bookmarkName(dstId, guid, true);

function marksOf(
  text: string,
  target: readonly string[],
  newest: string,
  sent: readonly string[] = [],
  made: readonly string[] = [],
): FinalMarks {
  const input = { source: 'tank/s', dstId, records: records('tank/s', text), newest };
  return finalMarks({ ...input, sent: new Set(sent), made, targetGuids: new Set(target) });
}

describe('finalMarks', () => {
  it('makes the newest final and removes what was tentative', () => {
    const marks = marksOf(`a:1 #${final('1')}:1 b:2 #${tentative('2')}:2`, ['1', '2'], '2', ['2']);
    assert.deepEqual(marks.create, [{ from: 'tank/s@b', bookmark: `tank/s#${final('2')}` }]);
    assert.deepEqual(marks.destroy, [`tank/s#${tentative('2')}`]);
  });

  it('removes what was made after the listing, and nothing that was not made', () => {
    const marks = marksOf(`a:1 #${final('1')}:1 b:2 c:3`, ['1', '2', '3'], '3', ['1', '2', '3'], [tentative('3')]);
    assert.deepEqual(marks.destroy, [`tank/s#${tentative('3')}`]);
  });

  it('rule 21: of a thousand that were sent, the newest sixteen are marked', () => {
    const guids = Array.from({ length: 1000 }, (_, index) => String(index + 1));
    const text = guids.map((guid) => `s${guid}:${guid}`).join(' ');
    const { create, destroy } = marksOf(text, guids, '1000', guids, [tentative('1'), tentative('1000')]);
    assert.deepEqual(
      new Set(create.map(({ from }) => from)),
      new Set(guids.slice(-16).map((guid) => `tank/s@s${guid}`)),
    );
    assert.deepEqual(destroy, [`tank/s#${tentative('1')}`, `tank/s#${tentative('1000')}`]);
  });

  it('rule 21: of each destination the newest sixteen stay, and what is surplus goes', () => {
    const guids = Array.from({ length: 20 }, (_, index) => String(index + 1));
    const text = guids.map((guid) => `s${guid}:${guid} #${final(guid)}:${guid}`).join(' ');
    const { create, destroy } = marksOf(text, guids, '20');
    assert.deepEqual(create, []);
    assert.deepEqual(new Set(destroy), new Set(guids.slice(0, 4).map((guid) => `tank/s#${final(guid)}`)));
  });

  it('of what the target does not have the newest eight stay: they may be another machine’s, with a pool of the same GUID [B1]', () => {
    const guids = Array.from({ length: 20 }, (_, index) => String(index + 1));
    const text = guids.map((guid) => `#${final(guid)}:${guid}`).join(' ');
    const { create, destroy } = marksOf(`${text} s:21 #${final('21')}:21`, ['21'], '21');
    assert.deepEqual(create, []);
    assert.deepEqual(new Set(destroy), new Set(guids.slice(0, 12).map((guid) => `tank/s#${final(guid)}`)));
  });

  it('sixteen stay in all, whatever they are of', () => {
    const guids = Array.from({ length: 40 }, (_, index) => String(index + 1));
    const text = guids.map((guid) => `s${guid}:${guid} #${final(guid)}:${guid}`).join(' ');
    const { create, destroy } = marksOf(text, guids.slice(20), '40');
    assert.deepEqual(create, []);
    const stay = new Set([...guids.slice(12, 20), ...guids.slice(32)]);
    const go = guids.filter((guid) => !stay.has(guid)).map((guid) => `tank/s#${final(guid)}`);
    assert.deepEqual(new Set(destroy), new Set(go));
  });

  it('leaves the bookmarks of other destinations and of other people alone', () => {
    const other = bookmarkName(destinationId('1', 'x/y'), '1', true);
    const marks = marksOf(`a:1 #${other}:1 #mine:1 #${final('1')}:1`, ['1'], '1');
    assert.deepEqual(marks, { create: [], destroy: [] });
  });

  it('keeps the tentative one where another bookmark has taken the name of the final one', () => {
    const marks = marksOf(`a:1 #${final('2')}:1 b:2 #${tentative('2')}:2`, ['1', '2'], '2', ['2']);
    assert.deepEqual(marks.create, []);
    assert.deepEqual(marks.destroy, [`tank/s#${final('2')}`]);
  });
});
