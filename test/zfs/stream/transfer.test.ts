// Moving real ZFS streams: every topology, every way to fail, and what is left behind (nothing).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ZfsFlowError, type ErrorCode } from '../../../src/base/errors';
import type { Host } from '../../../src/host/host';
import { LocalHost } from '../../../src/host/local/local-host';
import type { SshHost } from '../../../src/host/ssh/ssh-host';
import type { SshHostOptions } from '../../../src/host/ssh/ssh-options';
import { endTagged, findTagged } from '../../../src/host/tagged-processes';
import type { SendProgress } from '../../../src/stream/send-progress';
import { transfer, type TransferRequest, type TransferResult } from '../../../src/stream/transfer';
import type { Lab } from '../../lab/lab';
import type { Machine } from '../../lab/machine';
import { reloadSshd } from '../../lab/sshd';
import { connect } from '../../support/engine';
import { useMachines } from '../../support/machines';

const MB = 1 << 20;
const local = new LocalHost();

describe('streams', function () {
  this.timeout(300_000);
  let lab: Lab;
  let a: Machine;
  let b: Machine;
  let left: SshHost;
  let right: SshHost;
  const opened: Host[] = [];
  let counter = 0;
  let target: string;

  useMachines({ a: {}, b: {} }, async (machines, home) => {
    ({ a, b } = machines);
    lab = home;
    await a.createDataset('tank/src');
    for (const name of ['s1', 's2', 's3']) {
      await a.writeRandom('tank/src', name, 4);
      await a.snapshot('tank/src', name);
    }
    await a.createDataset('tank/big');
    await a.writeRandom('tank/big', 'data', 64);
    await a.snapshot('tank/big', 's1');
  });
  beforeEach(() => {
    left = open(a);
    right = open(b);
    target = `tank/t${++counter}`;
  });
  afterEach(async () => {
    await Promise.all([a.link.restore(), b.link.restore(), a.link.limit(0), b.link.limit(0)]);
    await assertNothingLeft();
    await Promise.all(opened.splice(0).map((host) => host.close()));
  });

  function open(machine: Machine, more: Partial<SshHostOptions> = {}): SshHost {
    const host = connect(machine, { keepaliveInterval: 15, ...more });
    opened.push(host);
    return host;
  }

  async function move(request: Partial<TransferRequest>): Promise<TransferResult> {
    return transfer({
      source: left,
      sendArgv: send('tank/src@s1'),
      target: right,
      receiveArgv: receive(),
      sameHost: false,
      lanes: null,
      tag: `zfsflow.test.${counter}`,
      signal: new AbortController().signal,
      stallTimeoutMs: 60_000,
      ...request,
    });
  }

  const send = (...args: string[]): string[] => ['zfs', 'send', '-v', '-P', ...args];
  const receive = (...args: string[]): string[] => ['zfs', 'receive', '-v', '-s', '-u', ...args, target];

  async function fails(request: Partial<TransferRequest>, code: ErrorCode, text: RegExp = /./): Promise<ZfsFlowError> {
    const outcome = await move(request).catch((error: unknown) => error);
    assert.ok(outcome instanceof ZfsFlowError, String(outcome));
    assert.equal(outcome.code, code, outcome.message);
    assert.match(outcome.message, text);
    return outcome;
  }

  function stages(error: ZfsFlowError): { role: string; host: string; code: number; stderr: string; ended: boolean }[] {
    return error.details?.['stages'] as ReturnType<typeof stages>;
  }

  /** No process of a transfer on either machine or on this one. */
  async function assertNothingLeft(): Promise<void> {
    for (const machine of [a, b]) {
      for (let tries = 0; ; tries++) {
        const { stdout } = await machine.run(['ps', '-A', '-o', 'stat=', '-o', 'args=']);
        const found = stdout
          .split('\n')
          .filter((line) => /zfs (send|receive)|zfsflow\.test/.test(line) && !line.startsWith('Z'));
        if (found.length === 0) break;
        assert.ok(tries < 50, `left on ${machine.name}: ${found.join('\n')}`);
        await sleep(100);
      }
    }
    assert.deepEqual(await findTagged(local, 'zfsflow.test'), []);
  }

  async function assertArrived(machine: Machine, dataset: string, snapshot: string): Promise<void> {
    assert.equal(await machine.digest(`${dataset}@${snapshot}`), await a.digest(`tank/src@${snapshot}`));
  }

  describe('arrive whole', () => {
    it('from one remote host to another, through kernel pipes of this one', async () => {
      const { bytes, stages } = await move({});
      assert.deepEqual(
        stages.map(({ role, host, code }) => [role, host, code]),
        [
          ['send', 'a', 0],
          ['receive', 'b', 0],
        ],
      );
      assert.ok(bytes > 4 * MB && bytes < 4.2 * MB, String(bytes));
      await assertArrived(b, target, 's1');
    });

    it('on one remote host, without a byte leaving it', async () => {
      const before = (await a.link.stats()).toHost;
      const { bytes } = await move({ source: left, target: left, sameHost: true });
      assert.ok(bytes > 4 * MB);
      assert.ok((await a.link.stats()).toHost - before < 100_000);
      await assertArrived(a, target, 's1');
      await a.destroy(target);
    });

    it('between two connections to one machine: over there for one account, through here for two', async () => {
      const again = open(a, { id: 'again' });
      let before = (await a.link.stats()).toHost;
      await move({ target: again, sameHost: true });
      assert.ok((await a.link.stats()).toHost - before < 100_000);
      await a.destroy(target);
      const op = open(a, { id: 'op', username: 'op', sudo: 'sudo' });
      before = (await a.link.stats()).toHost;
      await move({ target: op, sameHost: true });
      assert.ok((await a.link.stats()).toHost - before > 4 * MB);
      await assertArrived(a, target, 's1');
      await a.destroy(target);
    });

    it('inside a machine, two processes and a pipe', async () => {
      const args = [JSON.stringify(send('tank/src@s1')), JSON.stringify(receive())];
      const { stdout } = await a.node('test/zfs/stream/local.fixture.ts', { args });
      const { bytes, codes } = JSON.parse(stdout) as { bytes: number; codes: number[] };
      assert.deepEqual(codes, [0, 0]);
      assert.ok(bytes > 4 * MB);
      await assertArrived(a, target, 's1');
      await a.destroy(target);
    });

    it('pulled to this machine and pushed from it', async () => {
      const file = `/tmp/stream-test-${process.pid}`;
      await move({ target: local, receiveArgv: ['sh', '-c', 'cat >"$1"', 'sh', file] });
      await move({ source: local, sendArgv: ['cat', file], target: right });
      await local.run(['rm', file]);
      await assertArrived(b, target, 's1');
    });

    it('with sudo and doas', async () => {
      for (const sudo of ['sudo', 'doas'] as const) {
        const op = { username: 'op', sudo };
        await move({ source: open(a, op), target: open(b, op), receiveArgv: ['zfs', 'receive', '-F', '-u', target] });
        await assertArrived(b, target, 's1');
        const same = open(a, op);
        await move({ source: same, target: same, sameHost: true });
        await a.destroy(target);
        await b.destroy(target);
      }
    });

    it('with a password, carried by our own helper process', async () => {
      const auth = { method: 'password', password: 'lab-password' } as const;
      for (const machine of [a, b]) await machine.run(['zfs', 'allow', 'pw', 'send,receive,create,mount', 'tank']);
      const [source, sink] = [open(a, { username: 'pw', auth }), open(b, { username: 'pw', auth })];
      await source.facts();
      const spec = await source.pipeCommand(['true'], { tag: 'zfsflow.test' });
      assert.equal(spec.file, process.execPath);
      assert.doesNotMatch(JSON.stringify([spec.args, spec.env]), /lab-password/);
      spec.release();
      await move({ source, target: sink });
      await assertArrived(b, target, 's1');
      const error = await fails(
        { source, sendArgv: send('tank/none@s1'), target: sink },
        'TRANSFER_FAILED',
        /does not exist/,
      );
      assert.equal(error.details?.['primary'], 'send');
    });

    it('several snapshots at once, with progress that only grows [C1 75]', async () => {
      const seen: SendProgress[] = [];
      await move({});
      await a.link.limit(2 * MB);
      const { bytes } = await move({
        sendArgv: send('-I', 'tank/src@s1', 'tank/src@s3'),
        onProgress: (progress) => seen.push({ ...progress }),
      });
      await assertArrived(b, target, 's3');
      assert.ok(bytes > 8 * MB && bytes < 8.4 * MB, String(bytes));
      assert.ok(seen.length >= 2, JSON.stringify(seen));
      for (const [index, progress] of seen.entries()) {
        assert.ok(progress.bytes >= (seen[index - 1]?.bytes ?? 0));
        assert.match(progress.snapshot, /^tank\/src@s[23]$/);
      }
    });

    it('10 at once', async () => {
      await Promise.all(
        Array.from({ length: 10 }, (_, index) => {
          const receiveArgv = ['zfs', 'receive', '-u', `${target}-${index}`];
          // So many key exchanges keep a machine's one CPU busy for long.
          return move({ tag: `zfsflow.test.p${index}`, receiveArgv, stallTimeoutMs: 0 });
        }),
      );
      for (let index = 0; index < 10; index++) assert.ok(await b.exists(`${target}-${index}@s1`));
    });
  });

  describe('fail', () => {
    it('when the sender does, although the receiver exits with 0 [C1 29]', async () => {
      const error = await fails(
        { sendArgv: ['sh', '-c', 'zfs send tank/src@s1; echo odd >&2; exit 3'] },
        'TRANSFER_FAILED',
        /odd/,
      );
      assert.deepEqual(
        stages(error).map(({ code }) => code),
        [3, 0],
      );
      assert.equal(error.host, 'a');
      await fails({ sendArgv: send('tank/src@none') }, 'TRANSFER_FAILED', /does not exist/);
      await fails({ source: left, target: left, sendArgv: send('tank/src@none') }, 'TRANSFER_FAILED', /does not exist/);
    });

    it('within seconds when the receiver does, whether the sender is busy or silent [C1 28]', async () => {
      for (const sendArgv of [send('tank/big@s1'), ['sh', '-c', 'sleep 605'], ['sh', '-c', 'cat /dev/zero']]) {
        for (const sink of [right, left]) {
          const start = performance.now();
          const receiveArgv = [
            'sh',
            '-c',
            'head -c 1000 >/dev/null & sleep 0.5; echo "cannot receive: no room" >&2; exit 4',
          ];
          const error = await fails({ sendArgv, target: sink, receiveArgv }, 'TRANSFER_FAILED', /no room/);
          assert.ok(performance.now() - start < 20_000, `took ${performance.now() - start} ms`);
          assert.equal(error.details?.['primary'], 'receive');
        }
      }
    });

    it('when the target exists and has other data', async () => {
      await b.createDataset(target);
      const error = await fails({}, 'TRANSFER_FAILED', /exists/);
      assert.equal(error.details?.['primary'], 'receive');
    });

    it('when a process is killed on either side', async () => {
      for (const machine of [a, b]) {
        await a.link.limit(8 * MB);
        const running = fails({ sendArgv: send('tank/big@s1') }, 'TRANSFER_FAILED');
        const what = machine === a ? 'zfs send' : 'zfs receive';
        while ((await machine.run(['pkill', '-KILL', '-f', `^${what}`], { check: false })).code !== 0) await sleep(50);
        const error = await running;
        assert.equal(error.host, machine.name);
        assert.ok(stages(error).some(({ code }) => code === 137));
        await b.run(['zfs', 'receive', '-A', target], { check: false });
      }
    });

    it('as CONNECTION_LOST when the link is cut without a word, and can be resumed', async () => {
      await a.link.limit(16 * MB);
      const sink = open(b, { keepaliveInterval: 1 });
      const running = fails({ sendArgv: send('tank/big@s1'), target: sink }, 'CONNECTION_LOST', /^b: /);
      await b.link.cutAfter(20 * MB, 'cut');
      await b.link.tripped();
      const start = performance.now();
      const error = await running;
      assert.ok(performance.now() - start < 12_000, `took ${performance.now() - start} ms`);
      assert.equal(error.retryable, true);
      await b.link.restore();
      await a.link.limit(0);
      // What hangs over there is found by its tag when the link is back.
      const tags = (await findTagged(right, 'zfsflow.test')).map(({ tag }) => tag);
      for (const tag of tags) await endTagged(right, tag);
      const token = await b.property(target, 'receive_resume_token');
      assert.match(token, /^1-/);
      await move({ sendArgv: send('-t', token) });
      assert.ok(await b.exists(`${target}@s1`));
    });

    it('as CONNECTION_LOST when the connection is reset, on either side or on the only one', async () => {
      for (const machine of [a, b]) {
        await a.link.limit(16 * MB);
        const running = fails({ sendArgv: send('tank/big@s1') }, 'CONNECTION_LOST');
        await machine.link.cutAfter(8 * MB, 'reset');
        const error = await running;
        assert.equal(error.retryable, true);
        assert.equal(error.host, machine.name);
        await b.run(['zfs', 'receive', '-A', target], { check: false });
        await a.link.limit(0);
      }
      const running = fails(
        { target: left, sendArgv: ['sleep', '606'] },
        'CONNECTION_LOST',
        /^lost the connection to a/,
      );
      while ((await findTagged(open(a), 'zfsflow.test')).length === 0) await sleep(50);
      await a.link.reset();
      await running;
    });

    it('as CANCELLED when they are, and can be resumed', async () => {
      for (const sink of [right, left]) {
        await a.link.limit(16 * MB);
        const controller = new AbortController();
        const sendArgv =
          sink === left
            ? ['sh', '-c', 'zfs send tank/big@s1 | { dd bs=64k count=300 2>/dev/null; sleep 600; }']
            : send('tank/big@s1');
        const other = sink === left ? a : b;
        const running = fails({ sendArgv, target: sink, signal: controller.signal }, 'CANCELLED');
        const token = ['zfs', 'get', '-H', '-o', 'value', 'receive_resume_token', target];
        while (!(await other.run(token, { check: false })).stdout.startsWith('1-')) await sleep(50);
        // ZFS keeps nothing of a receive of which not a byte is on disk yet.
        while (Number(await other.property(target, 'referenced')) < MB) {
          await other.run(['zpool', 'sync']);
          await sleep(50);
        }
        const start = performance.now();
        controller.abort();
        await running;
        assert.ok(performance.now() - start < 5000, `took ${performance.now() - start} ms`);
        await a.link.limit(0);
        assert.match(await other.property(target, 'receive_resume_token'), /^1-/);
      }
      await fails({ signal: AbortSignal.abort() }, 'CANCELLED');
    });

    it('as TRANSFER_STALLED when no byte moves, while the sender goes on counting', async () => {
      const counting =
        'printf "full\\ttank/src@s1\\t1000\\n" >&2; while :; do printf "12:00:00\\t500\\ttank/src@s1\\n" >&2; sleep 0.2; done';
      const error = await fails({ sendArgv: ['sh', '-c', counting], stallTimeoutMs: 8000 }, 'TRANSFER_STALLED');
      assert.equal(error.retryable, true);
      assert.equal(error.details?.['bytes'], 500);
    });

    it('with the code of the connection before anything has started', async () => {
      await fails({ target: open(b, { hostKeys: '' }) }, 'HOST_KEY_UNKNOWN');
      await fails(
        {
          target: open(b, {
            hostKeys: `ssh-ed25519 ${Buffer.concat([Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0 '), Buffer.alloc(32)]).toString('base64')}`,
          }),
        },
        'HOST_KEY_MISMATCH',
      );
      await fails({ target: open(b, { port: 1 }) }, 'CONNECTION_REFUSED');
      await fails({ source: open(a, { host: 'no-such-host.invalid' }) }, 'HOST_NOT_FOUND');
    });

    it('with the code of the connection when the ssh program finds out first', async () => {
      // Known to the control connection; then sshd's key changes. The ssh program must refuse as well.
      await right.facts();
      await b.sh('rm /etc/ssh/ssh_host_ed25519_key; ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key');
      await reloadSshd(b);
      try {
        await fails({}, 'HOST_KEY_MISMATCH');
      } finally {
        const key = readFileSync(`${lab.state}/b/hostkey`);
        await b.sh('umask 077; cat >/etc/ssh/ssh_host_ed25519_key', { stdin: key });
        await reloadSshd(b);
      }
    });
  });
});
