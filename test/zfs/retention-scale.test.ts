// Ten thousand snapshots: the number of commands, and the time beside batches written by hand and beside one by one.
import assert from 'node:assert/strict';
import type { SshHost } from '../../src/host/ssh-host';
import { Lab } from '../lab/lab';
import type { Machine } from '../lab/machine';
import { resolver, runPrune, sshHost, TestContext } from './retention-support';

/** Beside their parent, which has snapshots too. */
const CHILDREN = 99;
const SNAPSHOTS = 101;

describe('pruning 10,000 snapshots on real ZFS', function () {
  this.timeout(600_000);
  let lab: Lab;
  let nas: Machine;
  let host: SshHost;

  const fill = async (root: string): Promise<void> => {
    await nas.sh(
      `zfs create "$1"; i=0; while [ $i -lt ${CHILDREN} ]; do zfs create "$1/d$i"; i=$((i + 1)); done
       i=0; while [ $i -lt ${SNAPSHOTS} ]; do zfs snapshot -r "$1@s$i"; i=$((i + 1)); done`,
      { args: [root] },
    );
  };

  before(async () => {
    lab = await Lab.create();
    nas = await lab.up('nas', { pool: 'tank', mem: 1024 });
    host = sshHost(nas, 'nas');
  });
  after(async () => {
    await host.close();
    await lab.close();
  });

  it('takes about 100 commands and not much longer than the same batches by hand', async () => {
    await fill('tank/hand');
    await fill('tank/node');
    const names = Array.from({ length: SNAPSHOTS - 1 }, (_, index) => `s${index}`).join(',');
    const byHand = Date.now();
    await nas.sh(
      `i=0; while [ $i -lt ${CHILDREN} ]; do zfs destroy "tank/hand/d$i@$1"; i=$((i + 1)); done; zfs destroy "tank/hand@$1"`,
      {
        args: [names],
      },
    );
    const handMs = Date.now() - byHand;

    const commands: string[] = [];
    host.onCommand((line) => commands.push(line));
    const roundTrips = host.counters.commands;
    const ctx = new TestContext();
    const started = Date.now();
    const result = await runPrune(
      resolver({ nas: host }),
      { datasets: ['tank/node'], recursive: true, maxDestroyCount: 20_000 },
      ctx,
    );
    const nodeMs = Date.now() - started;
    assert.equal(result.destroyed.length, (CHILDREN + 1) * (SNAPSHOTS - 1));
    assert.equal(result.failed.length, 0);
    const destroys = commands.filter((line) => line.includes('zfs destroy'));
    const trips = host.counters.commands - roundTrips;
    console.log(`      by hand ${handMs} ms, prune ${nodeMs} ms, ${destroys.length} destroys, ${trips} round trips`);
    assert.ok(destroys.length <= 110, `${destroys.length} destroys`);
    assert.ok(trips <= 120, `${trips} round trips`);
    assert.ok(destroys.every((line) => line.length < 128 * 1024));
    assert.equal((await nas.snapshots('tank/node/d7')).length, 1);
  });
});
