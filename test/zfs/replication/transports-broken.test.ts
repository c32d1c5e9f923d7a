// Streams over TCP on real ZFS that break on the way: ends that are killed, a cable that is cut, a way that is shut. Never a
// success, nothing left on any machine, and the next run goes on from there.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ZfsFlowError } from '../../../src/base/errors';
import type { Lab } from '../../lab/lab';
import type { Machine } from '../../lab/machine';
import { assertSame, connectOptions, Engine } from '../../support/engine';
import { until } from '../../support/job';
import { useMachines } from '../../support/machines';
import { leftOn } from '../../support/wire-left';

const MB = 1 << 20;
/** Of the stream, and how fast it may go. */
const SIZE_MB = 24;
const RATE = 4 * MB;

describe('transports that break', function () {
  this.timeout(60_000);
  let a: Machine;
  let b: Machine;
  let lab: Lab;
  const engine = new Engine();

  after(() => engine.close());
  useMachines({ a: { pool: 'tank' }, b: { pool: 'backup' } }, async (machines, all) => {
    ({ a, b } = machines);
    lab = all;
    engine.add(a);
    engine.add(b);
    await a.createDataset('tank/big');
    await a.writeRandom('tank/big', 'f', SIZE_MB);
    await a.snapshotEach('tank/big', ['s1']);
    await lab.limitInto(b, RATE);
  });

  const options = {
    sourceConnection: 'a',
    targetConnection: 'b',
    sourceDatasets: ['tank/big'],
    stallTimeout: 4,
    retries: 1,
    createSnapshot: 'never',
  };

  /** Begins a run, and disturbs it when some of the stream has arrived; what it fails with. */
  async function disturbed(target: string, transport: string, disturb: () => Promise<unknown>): Promise<ZfsFlowError> {
    engine.events.length = 0;
    const running = engine.replicate({
      ...options,
      transport,
      targetDataset: target,
      netcatConnectAddress: b.address,
    });
    const failed = running.then(
      () => assert.fail('it must not succeed'),
      (error: unknown) => error as ZfsFlowError,
    );
    // What was sent may still be in the buffers of the two machines.
    await until(() => engine.events.some((event) => Number(event['bytes']) > (SIZE_MB / 2) * MB));
    await disturb();
    const error = await failed;
    await until(async () => (await leftOn(a)) === '' && (await leftOn(b)) === '');
    return error;
  }

  /** Goes on from the resume token. */
  async function resumed(target: string, transport: string): Promise<void> {
    assert.notEqual(await b.property(target, 'receive_resume_token'), '-', 'it is resumable');
    await lab.limitInto(b, 0);
    const result = await engine.replicate({
      ...options,
      retries: 3,
      transport,
      targetDataset: target,
      netcatConnectAddress: b.address,
    });
    assert.equal(result.datasets[0]?.action, 'resume');
    await assertSame(a, 'tank/big', b, target);
    await lab.limitInto(b, RATE);
  }

  const killing = (machine: () => Machine, pattern: string) => () => machine().run(['pkill', '-KILL', '-f', pattern]);
  const kills: [string, string, () => Promise<unknown>][] = [
    ['ssh+tls', 'killing the carrier of the source', killing(() => a, '^openssl s_client')],
    ['ssh+tls', 'killing zfs receive', killing(() => b, '^zfs (receive|recv)')],
    ['ssh+netcat', 'killing zfs send', killing(() => a, '^zfs send')],
    ['ssh+netcat', 'killing the whole far end of the target', killing(() => b, 'zfsflow')],
  ];
  kills.forEach(([transport, what, how], index) => {
    it(`${transport}: ${what} is no success, leaves nothing, and goes on from there`, async () => {
      const target = `backup/killed-${index}`;
      assert.equal((await disturbed(target, transport, how)).retryable, true);
      await resumed(target, transport);
    });
  });

  it('killing the process that replicates leaves nothing on either machine', async () => {
    const script = 'test/zfs/replication/replicate.fixture.ts';
    for (const transport of ['ssh+tls']) {
      const push = {
        sourceDatasets: ['tank/big'],
        targetConnection: 'b',
        targetDataset: `backup/orphan-${transport.slice(4)}`,
      };
      const hosts = [{ ...connectOptions(b), host: b.address, port: 22 }];
      const running = await a.spawn(a.nodeArgv(script, [JSON.stringify({ options: { ...push, transport }, hosts })]));
      await until(
        async () =>
          (await leftOn(b)) !== '' && (await a.run(['pgrep', '-f', '^zfs send'], { check: false })).code === 0,
      );
      await sleep(1500);
      await a.run(['pkill', '-KILL', '-f', script]);
      await until(async () => (await leftOn(a)) === '' && (await leftOn(b)) === '');
      running.kill();
    }
  });

  it('a cable that is cut between the two machines is a stall, and goes on from there', async () => {
    const error = await disturbed('backup/cut', 'ssh+tls', async () => {
      await lab.separate(a, b);
    });
    await lab.joinAll();
    assert.equal(error.code, 'TRANSFER_STALLED');
    await resumed('backup/cut', 'ssh+tls');
  });

  it('a way that is shut ends an attempt within 20 s, and says between whom', async () => {
    await lab.separate(a, b);
    const begun = Date.now();
    const error = await engine.refuse('CONNECTION_TIMEOUT', {
      ...options,
      stallTimeout: 60,
      transport: 'ssh+tls',
      targetDataset: 'backup/shut',
      netcatConnectAddress: b.address,
    });
    await lab.joinAll();
    assert.ok(Date.now() - begun < 25_000);
    assert.match(error.message, /^a could not connect to b at /);
    assert.match(error.hint ?? '', /transport to "ssh"/);
    for (const machine of [a, b]) assert.equal(await leftOn(machine), '', machine.name);
  });

  it('with a speed limit two remote machines are joined over SSH, with a warning', async () => {
    const result = await engine.replicate({
      ...options,
      transport: 'ssh+tls',
      targetDataset: 'backup/limited',
      speedLimit: '50M',
    });
    assert.equal(result.transport, 'relay');
    assert.equal(result.dataPath, undefined);
    assert.match(result.warnings.join(), /over ssh and not ssh\+tls/);
  });
});
