// Streams over TCP connections of their own, on real ZFS: straight from one machine to the other, pushed and pulled, and what
// is left when they are cut off.
import assert from 'node:assert/strict';
import type { SshHostOptions } from '../../../src/host/ssh/ssh-options';
import type { ReplicationResult } from '../../../src/replication/setup/options';
import type { Machine } from '../../lab/machine';
import { assertSame, connectOptions, type Engine } from '../../support/engine';
import { jobOf } from '../../support/job';
import { usePair } from '../../support/machines';

const MB = 1 << 20;

describe('transports', function () {
  this.timeout(90_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;

  usePair(async (pair) => {
    ({ a, b, engine } = pair);
    await a.createDataset('tank/data/child');
    await a.writeRandom('tank/data', 'x', 8);
    await a.snapshotEach('tank/data', ['s1', 's2']);
  });

  /** Nothing of a transfer is left on either machine. */
  async function assertNothingLeft(): Promise<void> {
    for (const machine of [a, b]) {
      const script =
        'ls -d /tmp/zfsflow-* 2>/dev/null; ps -A -ww -o args= | grep -E "zfsflow|s_server|s_client|zfs (send|recv|receive)" | grep -v grep';
      const left = await machine.run(['sh', '-c', script], { check: false });
      assert.equal(left.stdout, '', machine.name);
    }
  }

  /** Bytes that have passed this host so far. */
  async function passed(): Promise<number> {
    const stats = await Promise.all([a.link.stats(), b.link.stats()]);
    return stats.reduce((sum, { toHost, toMachine }) => sum + toHost + toMachine, 0);
  }

  for (const transport of ['ssh+tls', 'ssh+netcat'] as const) {
    it(`${transport}: straight from source to target, in full and incrementally`, async () => {
      const copy = `backup/${transport.slice(4)}`;
      const { options } = jobOf('tank/data', copy, { transport, recursive: true, netcatConnectAddress: b.address });
      const before = await passed();
      const first = await engine.replicate(options);
      assert.ok((await passed()) - before < MB, 'the data passed this host');
      assert.equal(first.transport, transport);
      await a.snapshotEach('tank/data', [`${transport.slice(4)}-3`, `${transport.slice(4)}-4`]);
      await engine.replicate(options);
      await assertSame(a, 'tank/data', b, copy);
      await assertNothingLeft();
    });
  }

  async function inside(
    machine: Machine,
    other: Machine,
    options: Record<string, unknown>,
  ): Promise<ReplicationResult> {
    const host: SshHostOptions = { ...connectOptions(other), host: other.address, port: 22 };
    const { stdout } = await machine.node('test/zfs/replication/replicate.fixture.ts', {
      args: [JSON.stringify({ options, hosts: [host] })],
    });
    const answer = JSON.parse(stdout) as { result?: ReplicationResult; error?: { code: string; message: string } };
    assert.ok(answer.result, `${answer.error?.code} ${answer.error?.message}`);
    return answer.result;
  }

  for (const transport of ['ssh+tls', 'ssh+netcat'] as const) {
    it(`${transport}: pushes and pulls`, async () => {
      const copy = `backup/pushed-${transport.slice(4)}`;
      const pushed = await inside(a, b, {
        sourceDatasets: ['tank/data'],
        targetConnection: 'b',
        targetDataset: copy,
        transport,
      });
      assert.equal(pushed.transport, transport);
      await assertSame(a, 'tank/data', b, copy);
      const back = await inside(b, a, {
        sourceConnection: 'a',
        sourceDatasets: ['tank/data'],
        targetDataset: `backup/pulled-${transport.slice(4)}`,
        transport,
      });
      assert.equal(back.dataPath?.listen, 'source');
      await assertSame(a, 'tank/data', b, `backup/pulled-${transport.slice(4)}`);
      await assertNothingLeft();
    });
  }
});
