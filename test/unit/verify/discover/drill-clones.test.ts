// What is taken for the clone of a drill, which may be destroyed: only what ZFS says all of that it is.
import assert from 'node:assert/strict';
import { drillClone } from '../../../../src/verify/discover/drill-clones';
import { FakeZfs } from '../../../support/fake-zfs';

const NAME = 'tank/zfsflow-drill-1';
const FACTS = { guid: '7', type: 'filesystem', origin: 'tank/a@s', creation: '1', written: '0', readonly: 'on' };

/** A machine with this one dataset. */
function machine(facts: Readonly<Record<string, string>>, name = NAME): FakeZfs {
  const own: [string, { value: string; source: string }] = ['zfsflow:drill', { value: 'job', source: 'local' }];
  const others = Object.entries(facts).map(([property, value]) => [property, { value, source: '-' }] as const);
  return new FakeZfs([{ name, properties: new Map([own, ...others]) }]);
}

describe('clones of drills', () => {
  it('are what has the name, the mark and an origin', async () => {
    assert.equal((await drillClone(machine(FACTS).host, NAME))?.guid, '7');
    assert.equal(await drillClone(machine({ ...FACTS, origin: '-' }).host, NAME), null);
    assert.equal(await drillClone(machine(FACTS, 'tank/mine').host, 'tank/mine'), null);
  });

  it('are not judged where ZFS does not say what they are, or whether somebody wrote to them', async () => {
    for (const unread of ['guid', 'creation', 'written']) {
      const asked = drillClone(machine({ ...FACTS, [unread]: '-' }).host, NAME);
      await assert.rejects(asked, { code: 'ZFS_ERROR', dataset: NAME });
    }
  });
});
