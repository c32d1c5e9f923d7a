// One thousand snapshots: the number of commands, and the time beside batches written by hand. Ten thousand, and one by
// one, are test/bench/prune.ts.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import { useMachines } from '../../support/machines';
import { measurePrune } from './measure';

describe('pruning 1,000 snapshots on real ZFS', function () {
  this.timeout(300_000);
  let nas: Machine;

  useMachines({ nas: { pool: 'tank' } }, (machines) => ({ nas } = machines));

  it('takes about 10 commands and a time of the same order as batches by hand [C1 65]', async () => {
    const found = await measurePrune(nas, { datasets: 10, snapshots: 100, oneByOne: 0 });
    const { pruneMs, byHandMs, destroys, roundTrips, longestCommand } = found;
    console.log(`      by hand ${byHandMs} ms, prune ${pruneMs} ms, ${destroys} destroys, ${roundTrips} round trips`);
    assert.ok(destroys <= 11, `${destroys} destroys`);
    assert.ok(roundTrips <= 20, `${roundTrips} round trips`);
    assert.ok(longestCommand < 128 * 1024);
    // How much longer is measured by the bench; here it must only not be another order of magnitude.
    assert.ok(pruneMs <= byHandMs * 4, `${pruneMs} ms, by hand ${byHandMs} ms`);
  });
});
