// Hooks around a snapshot when the host cannot be reached in between: what "before" froze is thawed once it can.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSnapshots } from '../../../src/snapshots/create';
import { parseSnapshotOptions } from '../../../src/snapshots/check-options';
import type { Machine } from '../../lab/machine';
import { connect } from '../../support/engine';
import { useMachines } from '../../support/machines';
import { TestContext } from '../../support/test-context';

describe('the hooks of a snapshot over a link that goes', function () {
  this.timeout(120_000);
  let machine: Machine;
  useMachines({ snap: { disks: 1 } }, ({ snap }) => (machine = snap));

  const log = (): Promise<string> => machine.read(['sh', '-c', 'cat /tmp/hooks 2>/dev/null || true']);

  it('"after" runs once, when the link is back [C1 47]', async () => {
    await machine.createDataset('tank/a');
    const host = connect(machine, { connectTimeout: 1 });
    const hooks = { before: 'echo frozen >>/tmp/hooks; sleep 300', after: 'echo thawed >>/tmp/hooks', timeout: 60 };
    const options = parseSnapshotOptions({ datasets: ['tank/a'], hooks });
    const running = assert.rejects(
      createSnapshots(options, () => host, new TestContext()),
      { code: 'CONNECTION_LOST' },
    );
    while ((await log()) !== 'frozen') await sleep(50);
    await machine.link.reset();
    await machine.link.cut();
    // Long enough for tries that fail.
    await sleep(4_000);
    assert.equal(await log(), 'frozen');
    await machine.link.restore();
    await running;
    assert.equal(await log(), 'frozen\nthawed');
    await host.close();
  });
});
