// Where Node-RED runs on one of the machines: local → local, push and pull, run by the engine inside a machine. (Relay and
// remote → same remote are in basics.test.ts.)
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import type { SshHostOptions } from '../../../src/host/ssh/ssh-options';
import type { ReplicationResult } from '../../../src/replication/setup/options';
import { assertSame, marks } from '../../support/engine';
import { useMachines } from '../../support/machines';

describe('replication from inside a machine', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let toB: SshHostOptions;

  useMachines({ a: { pool: 'tank', mem: 1024 }, b: { pool: 'backup' } }, async (machines) => {
    ({ a, b } = machines);
    toB = {
      id: 'b',
      label: 'b',
      host: b.address,
      port: 22,
      username: 'root',
      auth: { method: 'privateKey', privateKey: b.privateKey },
      hostKeys: b.hostKey,
      ciphers: 'auto',
      connectTimeout: 10,
      keepaliveInterval: 5,
      sudo: 'none',
      zfsPath: '',
      maxSessions: 8,
    };
    await a.createDataset('tank/data/child');
    await a.writeRandom('tank/data', 'x', 4);
    await a.snapshot('tank/data', 's1', { recursive: true });
  });

  async function inside(options: Record<string, unknown>): Promise<ReplicationResult> {
    const { stdout } = await a.node('test/zfs/replication/replicate.fixture.ts', {
      args: [JSON.stringify({ options, hosts: [toB] })],
    });
    const answer = JSON.parse(stdout) as { result?: ReplicationResult; error?: { code: string; message: string } };
    assert.ok(answer.result, answer.error?.message);
    return answer.result;
  }

  it('replicates locally, in full and incrementally', async () => {
    const options = { sourceDatasets: ['tank/data'], targetDataset: 'tank/local-copy', recursive: true };
    const first = await inside(options);
    assert.deepEqual([first.transport, first.datasets[0]?.action], ['local', 'full']);
    await a.snapshot('tank/data', 's2', { recursive: true });
    const second = await inside(options);
    assert.equal(second.datasets[0]?.action, 'incremental');
    await assertSame(a, 'tank/data', a, 'tank/local-copy');
    await assertSame(a, 'tank/data/child', a, 'tank/local-copy/child');
  });

  it('pushes to another machine', async () => {
    const options = {
      sourceDatasets: ['tank/data'],
      targetConnection: 'b',
      targetDataset: 'backup/pushed',
      recursive: true,
    };
    const first = await inside(options);
    assert.deepEqual([first.transport, first.datasets[0]?.action], ['ssh', 'full']);
    await a.snapshot('tank/data', 's3', { recursive: true });
    await inside(options);
    await assertSame(a, 'tank/data', b, 'backup/pushed');
    assert.deepEqual((await marks(a, 'tank/data')).tentative, []);
  });

  it('pulls from another machine', async () => {
    await b.createDataset('backup/origin');
    await b.writeRandom('backup/origin', 'y', 3);
    await b.snapshot('backup/origin', 'p1');
    const options = { sourceConnection: 'b', sourceDatasets: ['backup/origin'], targetDataset: 'tank/pulled' };
    const first = await inside(options);
    assert.deepEqual([first.transport, first.datasets[0]?.action], ['ssh', 'full']);
    await b.snapshot('backup/origin', 'p2');
    await inside(options);
    await assertSame(b, 'backup/origin', a, 'tank/pulled');
  });

  it('recognises itself behind a connection and refuses to copy a tree into itself', async () => {
    const { stdout } = await a.node('test/zfs/replication/replicate.fixture.ts', {
      args: [
        JSON.stringify({
          options: {
            sourceDatasets: ['tank/data'],
            targetConnection: 'self',
            targetDataset: 'tank/data/inner',
            recursive: true,
          },
          hosts: [{ ...toB, id: 'self', host: a.address, hostKeys: a.hostKey }],
        }),
      ],
    });
    assert.match(stdout, /INVALID_OPTIONS.*inside the source/);
  });
});
