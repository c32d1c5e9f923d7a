// A clock that is set while the process runs, on a real machine with real snapshots: nothing goes until it is right again
// or somebody approves.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import { useMachines } from '../../support/machines';

describe('pruning with a clock that is set', function () {
  this.timeout(300_000);
  let nas: Machine;

  useMachines({ nas: { pool: 'tank' } }, (machines) => ({ nas } = machines));

  it('rule 11: [C1 58] a clock a year ahead of the last run destroys nothing, few snapshots or many, until it is approved', async () => {
    await nas.sh('zfs create tank/data; for n in a b c; do zfs snapshot "tank/data@$n"; done');
    const said = await nas.node('test/zfs/retention/clock.fixture.ts', { args: ['tank/data'] });
    const [first, ahead, itself, plan, back, approved, after] = JSON.parse(said.stdout) as Record<string, unknown>[];
    assert.deepEqual(first?.['destroyed'], []);
    assert.equal(ahead?.['code'], 'BREAKER_TRIPPED');
    assert.match(String(ahead['message']), /clock was set ahead by about 365 days/);
    assert.deepEqual(ahead['destroyed'], []);
    assert.deepEqual([itself?.['code'], itself?.['destroyed']], ['BREAKER_TRIPPED', []]);
    assert.equal(plan?.['planned'], 2);
    assert.match(JSON.stringify(plan['breaker']), /^\["[^"]*set ahead[^"]*"\]$/);
    assert.deepEqual([back?.['destroyed'], back?.['planned']], [[], 0]);
    assert.deepEqual(approved?.['destroyed'], ['a', 'b']);
    assert.deepEqual(after?.['destroyed'], []);
    assert.deepEqual(await nas.snapshotNames('tank/data'), ['c']);
  });
});
