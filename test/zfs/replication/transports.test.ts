// Streams over TCP connections of their own, on real ZFS: straight from one machine to the other, pushed and pulled, for accounts
// of every kind. What breaks is transports-broken.test.ts.
import assert from 'node:assert/strict';
import type { SshHostOptions } from '../../../src/host/ssh/ssh-options';
import type { ReplicationResult } from '../../../src/replication/setup/options';
import type { Machine } from '../../lab/machine';
import { assertSame, connectOptions, Engine } from '../../support/engine';
import { jobOf } from '../../support/job';
import { useMachines } from '../../support/machines';
import { leftOn } from '../../support/wire-left';

const MB = 1 << 20;

describe('transports', function () {
  this.timeout(90_000);
  let a: Machine;
  let b: Machine;
  const engine = new Engine();

  after(() => engine.close());
  useMachines({ a: { pool: 'tank' }, b: { pool: 'backup' } }, async (machines) => {
    ({ a, b } = machines);
    engine.add(a);
    engine.add(b);

    await a.createDataset('tank/data/child');
    await a.writeRandom('tank/data', 'x', 8);
    await a.snapshotEach('tank/data', ['s1', 's2']);
  });

  const guids = async (machine: Machine, dataset: string): Promise<string[]> =>
    (await machine.snapshots(dataset)).map(({ guid }) => guid);

  /** Nothing of a transfer is left on either machine. */
  async function assertNothingLeft(): Promise<void> {
    for (const machine of [a, b]) assert.equal(await leftOn(machine), '', machine.name);
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

  it('pushes with TLS and pulls in the clear, whoever listens', async () => {
    const push = { sourceDatasets: ['tank/data'], targetConnection: 'b', targetDataset: 'backup/pushed' };
    const pushed = await inside(a, b, { ...push, transport: 'ssh+tls' });
    assert.equal(pushed.transport, 'ssh+tls');
    assert.deepEqual(
      [pushed.dataPath?.listen, pushed.dataPath?.address, pushed.dataPath?.protocol],
      ['target', b.address, 'TLSv1.3'],
    );
    await assertSame(a, 'tank/data', b, 'backup/pushed');
    const pull = { sourceConnection: 'a', sourceDatasets: ['tank/data'], targetDataset: 'backup/pulled' };
    const pulled = await inside(b, a, { ...pull, transport: 'ssh+netcat', speedLimit: '100M' });
    assert.equal(pulled.dataPath?.listen, 'source');
    assert.match(pulled.warnings.join(), /unencrypted/);
    await assertSame(a, 'tank/data', b, 'backup/pulled');
    await assertNothingLeft();
  });

  it('accounts with csh and with sudo, filters, raw streams and four datasets at once', async () => {
    await a.sh('echo 12345678 | zfs create -o encryption=on -o keyformat=passphrase tank/many');
    for (const child of ['a', 'b', 'c', 'd']) {
      await a.createDataset(`tank/many/${child}`);
      await a.writeRandom(`tank/many/${child}`, 'f', 3);
    }
    await a.snapshot('tank/many', 's1', { recursive: true });
    engine.add(a, { id: 'op', label: 'op', username: 'op', sudo: 'sudo' });
    engine.add(b, { id: 'opb', label: 'opb', username: 'op', sudo: 'sudo' });
    const options = {
      sourceConnection: 'op',
      targetConnection: 'opb',
      sourceDatasets: ['tank/many'],
      recursive: true,
      parallelDatasets: 4,
      streamCompression: 'zstd',
      netcatConnectAddress: b.address,
    };
    for (const transport of ['ssh+tls', 'ssh+netcat']) {
      const target = `backup/many-${transport.slice(4)}`;
      const { datasets } = await engine.replicate({ ...options, transport, targetDataset: target });
      const ports = new Set(datasets.map(({ dataPath }) => dataPath?.port));
      assert.ok(ports.size >= 4, [...ports].join());
      for (const child of ['', '/a', '/d']) {
        assert.deepEqual(await guids(b, `${target}${child}`), await guids(a, `tank/many${child}`));
      }
    }
    await assertNothingLeft();
  });

  it('an account whose shell is csh', async () => {
    await a.sh('zfs allow cshuser send,snapshot,hold,release,bookmark,mount tank/data');
    await b.sh(
      'zfs create backup/csh; zfs allow cshuser create,receive,mount,hold,release,readonly,userprop,mountpoint,sharenfs,sharesmb backup/csh',
    );
    for (const [machine, id] of [
      [a, 'ca'],
      [b, 'cb'],
    ] as const)
      engine.add(machine, { id, label: id, username: 'cshuser' });
    for (const transport of ['ssh+tls', 'ssh+netcat']) {
      const target = `backup/csh/${transport.slice(4)}`;
      await engine.replicate({
        sourceConnection: 'ca',
        targetConnection: 'cb',
        sourceDatasets: ['tank/data'],
        targetDataset: target,
        includeProperties: false,
        readonly: 'ignore',
        createSnapshot: 'never',
        netcatConnectAddress: b.address,
        transport,
      });
      assert.deepEqual(await guids(b, target), await guids(a, 'tank/data'));
    }
  });
});
