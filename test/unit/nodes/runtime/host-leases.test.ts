// Hosts that nodes and jobs share: made when first needed, closed when nobody uses them any more.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { HostPool } from '../../../../nodes/runtime/host-leases';
import type { Host } from '../../../../src/host/host';

describe('hosts in use', () => {
  it('are made once, when first asked for, and closed when nobody uses them any more', async () => {
    const log: string[] = [];
    const pool = new HostPool(20);
    const make = (): Host => {
      log.push('made');
      const close = (): Promise<void> => {
        log.push('closed');
        return Promise.reject(new Error('not cleanly'));
      };
      return { close } as unknown as Host;
    };
    const node = pool.lease('k', make);
    assert.deepEqual(log, []);
    const job = pool.lease('k', make);
    assert.equal(job.host, node.host);
    node.release();
    node.release();
    await delay(50);
    assert.deepEqual(log, ['made'], 'a job still uses it');
    job.release();
    const successor = pool.lease('k', make);
    await delay(50);
    assert.equal(successor.host, job.host, 'taken up again in time');
    successor.release();
    await delay(50);
    assert.deepEqual(log, ['made', 'closed']);
    assert.notEqual(pool.lease('k', make).host, node.host);
  });
});
