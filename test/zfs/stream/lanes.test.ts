// Small streams on lanes: many over one channel, and what a stream that went wrong leaves for the next one (nothing).
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ZfsFlowError } from '../../../src/base/errors';
import type { Host } from '../../../src/host/host';
import type { SshHost } from '../../../src/host/ssh/ssh-host';
import { LocalHost } from '../../../src/host/local/local-host';
import { findTagged } from '../../../src/host/tagged-processes';
import { Lanes } from '../../../src/stream/ways/lanes';
import { transfer, type TransferResult } from '../../../src/stream/transfer';
import type { Machine } from '../../lab/machine';
import { connect } from '../../support/engine';
import { useMachines } from '../../support/machines';

describe('small streams', function () {
  this.timeout(120_000);
  let machines: Machine[];
  let hosts: SshHost[];
  let lanes: Lanes;
  let count = 0;
  const far = (index: number): SshHost => hosts[index] as SshHost;
  const shell = (script: string): string[] => ['sh', '-c', script];
  const opened: Host[] = [];

  function open(maxSessions = 8): SshHost[] {
    const both = machines.map((machine) => connect(machine, { maxSessions }));
    opened.push(...both);
    return both;
  }

  useMachines({ a: { pool: null }, b: { pool: null } }, ({ a, b }) => (machines = [a, b]));
  beforeEach(() => {
    hosts = open();
    lanes = new Lanes();
  });
  afterEach(async () => {
    lanes.close();
    await Promise.all(opened.splice(0).map((host) => host.close()));
  });

  async function move(
    sendArgv: string[],
    receiveArgv: string[],
    signal?: AbortSignal,
    target: Host = far(1),
  ): Promise<TransferResult> {
    return transfer({
      source: far(0),
      sendArgv,
      target,
      receiveArgv,
      sameHost: false,
      lanes,
      tag: `zfsflow.test.${++count}`,
      signal: signal ?? new AbortController().signal,
      stallTimeoutMs: 30_000,
    });
  }

  /** Takes exactly its stream, as `zfs receive` does. */
  const take = (name: string, bytes: number): string[] => shell(`head -c ${bytes} >/tmp/${name}`);
  const read = async (name: string): Promise<string> => (await far(1).run(['cat', `/tmp/${name}`])).stdout;

  /** A stream that arrives as it was sent. */
  async function passes(text: string): Promise<void> {
    await move(shell(`printf %s "${text}"`), take(text, text.length));
    assert.equal(await read(text), text);
  }

  it('pass one after the other over one channel a host, each whole', async () => {
    await passes('first');
    const before = hosts.map(({ counters }) => counters.commands);
    for (let turn = 0; turn < 5; turn++) {
      const { bytes, stages } = await move(
        shell('echo said >&2; dd if=/dev/zero bs=1000 count=700 2>/dev/null'),
        shell('head -c 700000 | wc -c'),
      );
      assert.equal(bytes, 700_000);
      assert.deepEqual(
        stages.map(({ code, stderr }) => [code, stderr]),
        [
          [0, 'said\n'],
          [0, '700000\n'],
        ],
      );
    }
    assert.deepEqual(
      hosts.map(({ counters }) => counters.commands),
      before,
    );
  });

  it('carry names that a shell would take apart', async () => {
    const name = `it's "$HOME" äö; \\n`;
    await move(['printf', '%s', name], ['sh', '-c', 'head -c 60 >"/tmp/$1"', 'sh', name]);
    assert.equal((await far(1).run(['cat', `/tmp/${name}`])).stdout, name);
  });

  it('pass whatever the login shell is, and with sudo and doas', async () => {
    const accounts = [
      { username: 'cshuser' },
      { username: 'fishuser' },
      { username: 'op', sudo: 'sudo' },
      { username: 'op', sudo: 'doas' },
    ] as const;
    for (const account of accounts) {
      hosts = machines.map((machine) => connect(machine, account));
      opened.push(...hosts);
      for (const turn of ['one', 'two']) {
        const text = `${turn} of ${account.username}'s`;
        await move(['printf', '%s', text], ['sh', '-c', 'head -c "$1"', 'sh', String(text.length)]);
        const { stages } = await move(['zfs', 'version'], shell('read -r line; read -r module; echo "$line"'));
        assert.match(stages[1]?.stderr ?? '', /^zfs-2\./);
      }
    }
  });

  it('fail with the exit code of either side, and the next one passes', async () => {
    await passes('before');
    await assert.rejects(move(shell('printf half; echo why >&2; exit 3'), shell('cat >/tmp/half')), (error) => {
      assert.ok(error instanceof ZfsFlowError);
      return error.code === 'TRANSFER_FAILED' && error.exitCode === 3 && error.message.endsWith('why');
    });
    await passes('between');
    const endless = shell('while :; do echo more; done');
    await assert.rejects(move(endless, shell('read -r x; echo full >&2; exit 4')), /full/);
    await passes('after');
  });

  it('that are shorter than their sender says are not waited for', async () => {
    await move(shell('printf short'), shell('cat >/tmp/short'));
    assert.equal(await read('short'), 'short');
    await passes('next');
  });

  it('that were not read to their end never become part of the next one', async () => {
    await passes('fine');
    await move(shell('dd if=/dev/zero bs=1000 count=300 2>/dev/null'), take('bit', 10));
    const next = await passes('other').catch((error: unknown) => error);
    // Either it was seen at once and the lane given up, or the lane itself finds out before it runs anything.
    if (next !== undefined) assert.ok(next instanceof ZfsFlowError && next.retryable, JSON.stringify(next));
    await passes('last');
  });

  it('end on both sides when they are cancelled', async () => {
    const stop = new AbortController();
    const moving = move(shell('printf x; exec sleep 60'), shell('cat >/dev/null'), stop.signal);
    while ((await findTagged(far(0), `zfsflow.test.${count}`)).length === 0) await sleep(50);
    stop.abort();
    await assert.rejects(moving, (error) => error instanceof ZfsFlowError && error.code === 'CANCELLED');
    for (const host of hosts) assert.deepEqual(await findTagged(host, 'zfsflow.test'), []);
    await passes('again');
  });

  it('come to a slow receiver of this machine, one after the other over one channel', async () => {
    const local = new LocalHost();
    const slow = async (blocks: number): Promise<void> => {
      const send = shell(`dd if=/dev/zero bs=1000 count=${blocks} 2>/dev/null`);
      const { stages } = await move(send, shell('sleep 0.2; wc -c'), undefined, local);
      assert.equal(stages[1]?.stderr.trim(), String(blocks * 1000));
    };
    await slow(1);
    const before = far(0).counters.commands;
    for (const blocks of [90, 140, 150, 160, 300, 1000]) await slow(blocks);
    assert.equal(far(0).counters.commands, before);
  });

  it('give their channel back when they are cancelled while nothing takes them', async () => {
    hosts = open(1);
    for (const sender of ['dd if=/dev/zero bs=1000 count=1000 2>/dev/null', 'while :; do echo more; done']) {
      const stop = new AbortController();
      const moving = move(shell(sender), shell('exec sleep 60'), stop.signal, new LocalHost());
      // No channel is left to look with: the lane has the only one.
      await sleep(1_000);
      stop.abort();
      await assert.rejects(moving, (error) => error instanceof ZfsFlowError && error.code === 'CANCELLED');
      assert.deepEqual(await findTagged(far(0), 'zfsflow.test', { timeoutMs: 10_000 }), []);
    }
  });

  it('leave a connection of one channel to whoever waits for it', async () => {
    hosts = open(1);
    await Promise.all([
      ...['one', 'two', 'three'].map((text) => passes(text)),
      ...hosts.map(async (host) => {
        for (let turn = 0; turn < 5; turn++) await host.run(['true']);
      }),
    ]);
  });
});
