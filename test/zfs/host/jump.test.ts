// Hosts behind jump hosts: commands, streams and replication to machines that this one cannot reach at all, and what is said
// of the hop that something goes wrong at. The addresses of the lab's network lead nowhere outside of it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ZfsFlowError, type ErrorCode } from '../../../src/base/errors';
import { hostKeysOf } from '../../../src/host/ssh/connect';
import type { SshHost } from '../../../src/host/ssh/ssh-host';
import type { SshHostOptions } from '../../../src/host/ssh/ssh-options';
import type { Lab } from '../../lab/lab';
import type { Machine } from '../../lab/machine';
import { startSshd } from '../../lab/sshd';
import { assertSame, connectOptions, Engine } from '../../support/engine';
import { FlowBench, helper } from '../../support/flow-bench';
import { useConnections, useMachines } from '../../support/machines';

describe('a host behind jump hosts', function () {
  this.timeout(90_000);
  let lab: Lab;
  /** Reached from here. */
  let gate: Machine;
  /** Reached from the gate. */
  let inner: Machine;
  /** Reached from the inner machine, not from the gate. */
  let vault: Machine;
  const open = useConnections(() => gate);

  useMachines(
    { gate: { pool: 'tank' }, inner: { pool: 'near' }, vault: { pool: 'far' } },
    async (machines, started) => {
      ({ gate, inner, vault } = machines);
      lab = started;
      await lab.separate(gate, vault);
    },
  );
  afterEach(async () => {
    await gate.link.restore();
    await gate.link.limit(0);
  });

  const viaGate = (more: Partial<SshHostOptions> = {}): SshHostOptions => connectOptions(gate, more);
  /** Of a machine behind another, by the address that it has in there. */
  const behind = (machine: Machine, jump: SshHostOptions, more: Partial<SshHostOptions> = {}): SshHostOptions =>
    connectOptions(machine, { host: machine.address, port: 22, jump, ...more });
  const toInner = (more: Partial<SshHostOptions> = {}): SshHostOptions => behind(inner, viaGate(), more);
  const toVault = (more: Partial<SshHostOptions> = {}): SshHostOptions => behind(vault, toInner(), more);

  async function fails(options: SshHostOptions, code: ErrorCode, text: RegExp, at: string): Promise<void> {
    const host = open(options);
    for (const attempt of [host.run(['true']), host.pipeCommand(['true'], { tag: 'zfsflow.t' })]) {
      await assert.rejects(attempt, (error) => {
        assert.ok(error instanceof ZfsFlowError, String(error));
        assert.equal(error.code, code, error.message);
        assert.match(error.message, text);
        assert.equal(error.host, at);
        return true;
      });
    }
  }

  /** Processes of this machine that are about a connection of ours: their arguments and environments. */
  function processes(): string[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
          const own = args.includes(`zfsflow-${process.pid}-`) || args.includes('pipe-process');
          return own ? [args + readFileSync(`/proc/${pid}/environ`, 'utf8')] : [];
        } catch {
          return [];
        }
      });
  }

  async function untilNothingIsLeft(): Promise<void> {
    for (const deadline = Date.now() + 10_000; processes().length > 0; await sleep(50)) {
      assert.ok(Date.now() < deadline, processes().join('\n'));
    }
  }

  it('cannot be reached without them', async () => {
    const options = connectOptions(inner, { host: inner.address, port: 22, connectTimeout: 1 });
    await assert.rejects(open(options).run(['true']), {
      code: /^CONNECTION|^HOST/,
    });
    await assert.rejects(gate.run(['ssh', '-o', 'ConnectTimeout=1', 'vault', 'true']));
  });

  for (const [hops, options] of [
    ['one', toInner],
    ['two', toVault],
  ] as const) {
    it(`runs commands through ${hops}`, async () => {
      const host = open(options());
      assert.equal(host.viaJump, true);
      const name = (await host.run(['hostname'])).stdout.trim();
      assert.equal(name, hops === 'one' ? 'inner' : 'vault');
      assert.equal((await host.facts()).hostname, name);
      const results = await Promise.all(Array.from({ length: 10 }, (_, n) => host.run(['echo', String(n)])));
      assert.deepEqual(
        results.map(({ stdout }) => Number(stdout)),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      );
      assert.equal(host.counters.connections, 1);
      await host.close();
      assert.equal((await host.run(['echo', 'again'])).stdout, 'again\n');
    });
  }

  describe('replicates', () => {
    let engine: Engine;
    let runs = 0;
    beforeEach(() => {
      engine = new Engine();
      engine.add(gate);
    });
    afterEach(async () => {
      await engine.close();
      await untilNothingIsLeft();
    });

    async function prepared(mb: number): Promise<string> {
      const dataset = `tank/data${++runs}`;
      await gate.createDataset(dataset);
      await gate.writeRandom(dataset, 'file', mb);
      await gate.snapshot(dataset, 's1');
      return dataset;
    }

    const job = (dataset: string, target: string, targetDataset: string): Record<string, unknown> => ({
      sourceConnection: 'gate',
      sourceDatasets: [dataset],
      targetConnection: target,
      targetDataset,
      snapshotSelection: 'all',
    });

    const addJumped = (options: SshHostOptions): SshHost => {
      const host = open(options);
      engine.hosts.set(options.label, host);
      return host;
    };

    it('through one and through two, there and back, with nothing secret to be seen', async () => {
      const dataset = await prepared(8);
      addJumped(toInner());
      addJumped(toVault());
      const seen: string[] = [];
      const watch = setInterval(() => seen.push(...processes()), 20);
      try {
        await engine.replicate(job(dataset, 'inner', 'near/copy'));
        await engine.replicate({ ...job('near/copy', 'vault', 'far/copy'), sourceConnection: 'inner' });
        await engine.replicate({ ...job('far/copy', 'gate', 'tank/back'), sourceConnection: 'vault' });
      } finally {
        clearInterval(watch);
      }
      await assertSame(gate, dataset, vault, 'far/copy');
      await assertSame(gate, dataset, gate, 'tank/back');
      assert.ok(
        seen.some((text) => text.includes('ProxyCommand') && text.includes(vault.address)),
        'ssh was not seen',
      );
      const secret = gate.privateKey.split('\n')[2] ?? 'none';
      assert.ok(!seen.some((text) => text.includes(secret)));
    });

    it('over SSH alone, whoever listens', async () => {
      const dataset = await prepared(1);
      addJumped(toInner());
      for (const transport of ['ssh+tls', 'ssh+netcat']) {
        for (const netcatActiveSide of ['source', 'target']) {
          const asked = { ...job(dataset, 'inner', 'near/never'), transport, netcatActiveSide };
          const error = await engine.refuse('UNSUPPORTED', { ...asked, netcatConnectAddress: inner.address });
          assert.equal(error.field, 'transport');
        }
      }
    });

    it('through one that takes a password, in which our own process carries the data', async () => {
      const dataset = await prepared(8);
      const password = 'lab-password';
      addJumped(behind(inner, viaGate({ username: 'pw', auth: { method: 'password', password } })));
      const seen: string[] = [];
      const watch = setInterval(() => seen.push(...processes()), 20);
      await engine.replicate(job(dataset, 'inner', 'near/pw')).finally(() => clearInterval(watch));
      await assertSame(gate, dataset, inner, 'near/pw');
      assert.ok(
        seen.some((text) => text.includes('pipe-process')),
        'our process was not seen',
      );
      assert.ok(!seen.some((text) => text.includes(password) || text.includes('PRIVATE KEY')));
    });

    it('goes on where it stopped when the cable of the jump host was cut', async () => {
      const dataset = await prepared(16);
      addJumped(toVault({ keepaliveInterval: 1, jump: toInner({ keepaliveInterval: 1 }) }));
      await gate.link.cutAfter(8_000_000);
      const running = engine.replicate({ ...job(dataset, 'vault', 'far/cut'), retries: 5 });
      await gate.link.tripped();
      await sleep(500);
      await gate.link.restore();
      await gate.link.reset();
      await running;
      await assertSame(gate, dataset, vault, 'far/cut');
      assert.ok(
        engine.events.some(({ event }) => event === 'retry'),
        'nothing had to be tried again',
      );
    });
  });

  it('says at which hop something is wrong, and what', async () => {
    const nobody = await gate.expose(9);
    const strange = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIELujZT8SCKAdNQoeY+lGTJQqx4H31CSTPweGAYWz0Dm';
    const wrongKey = { auth: { method: 'password', password: 'wrong' } as const };
    await fails(
      behind(inner, viaGate({ port: nobody.port })),
      'CONNECTION_LOST',
      /inner is reached through gate: /,
      'gate',
    );
    await fails(
      behind(inner, viaGate({ hostKeys: strange })),
      'HOST_KEY_MISMATCH',
      /reached through gate: gate shows/,
      'gate',
    );
    await fails(
      behind(inner, viaGate({ hostKeys: '' })),
      'HOST_KEY_UNKNOWN',
      /through gate: .*gate is not known/,
      'gate',
    );
    await fails(behind(inner, viaGate(wrongKey)), 'AUTHENTICATION_FAILED', /reached through gate: gate: /, 'gate');
    await fails(
      behind(vault, behind(inner, viaGate(), wrongKey)),
      'AUTHENTICATION_FAILED',
      /vault is reached through inner: inner: /,
      'inner',
    );
    await fails(toInner({ hostKeys: strange }), 'HOST_KEY_MISMATCH', /^inner shows another host key/, 'inner');
    await fails(
      toInner({ hostKeys: '' }),
      'HOST_KEY_UNKNOWN',
      /inner is not known.*it shows ssh-ed25519 SHA256:/,
      'inner',
    );
    await fails(toInner(wrongKey), 'AUTHENTICATION_FAILED', /^inner: the server did not accept/, 'inner');
    await fails(
      toInner({ port: 9 }),
      'CONNECTION_REFUSED',
      /inner \(.*:9\) cannot be reached from gate: .*refused/,
      'inner',
    );
    await fails(toInner({ host: 'no-such-host' }), 'HOST_NOT_FOUND', /cannot be reached from gate/, 'inner');
    const lonely = behind(vault, viaGate(), { connectTimeout: 1 });
    await assert.rejects(open(lonely).run(['true']), { code: /CONNECTION_TIMEOUT|HOST_UNREACHABLE/, host: 'vault' });
  });

  it('says that a jump host forwards nothing', async () => {
    const { port } = await startSshd(gate, 2401, 'AllowTcpForwarding=no');
    await fails(
      behind(inner, viaGate({ port })),
      'PERMISSION_DENIED',
      /gate, whose SSH server forwards nothing/,
      'gate',
    );
    const one = await startSshd(gate, 2402, 'PermitOpen=10.0.0.1:22');
    await fails(behind(inner, viaGate({ port: one.port })), 'PERMISSION_DENIED', /forwards nothing to 10\./, 'gate');
  });

  it('is lost when its jump host no longer answers, and found again afterwards', async () => {
    const host = open(toInner({ keepaliveInterval: 0, jump: viaGate({ keepaliveInterval: 1 }) }));
    const running = assert.rejects(host.run(['sleep', '60']), {
      code: 'CONNECTION_LOST',
      message: /inner is reached through gate: lost the connection to gate: the host no longer answers/,
    });
    await sleep(500);
    await gate.link.cut();
    await running;
    await gate.link.restore();
    assert.equal((await host.run(['hostname'])).stdout, 'inner\n');
  });

  it('shows its host keys through them', async () => {
    const keys = await hostKeysOf(toVault({ hostKeys: '' }));
    assert.deepEqual(
      keys.map(({ line }) => line),
      [vault.hostKey],
    );
  });

  it('leaves no connection to the jump host behind', async () => {
    const host = open(toVault());
    await host.run(['true']);
    await host.close();
    const established = (): string =>
      execFileSync('ss', ['-Htn', 'state', 'established', 'dport', '=', `:${gate.port}`]).toString();
    for (const deadline = Date.now() + 5_000; established() !== ''; await sleep(50)) {
      assert.ok(Date.now() < deadline, established());
    }
  });

  it('is set up, tested and used from the dialog through its jump connection', async () => {
    const bench = new FlowBench();
    await bench.open();
    const { host, port, hostKeys } = gate.login();
    const jump = { id: 'gate', type: 'zfs-ssh-connection', host, port, hostKeys };
    const there = { host: vault.address, port: 22, username: 'pw', jumpConnection: 'inner' };
    const next = {
      ...jump,
      id: 'inner',
      host: inner.address,
      port: 22,
      hostKeys: inner.hostKey,
      jumpConnection: 'gate',
    };
    const key = { privateKey: gate.privateKey };
    await bench.start([jump, next], { gate: key, inner: key });
    try {
      const ask = async (endpoint: string, more: object): Promise<Record<string, unknown>> => {
        const response = await helper
          .request()
          .post(`/zfs-flows/${endpoint}`)
          .send({ id: 'new', ...there, ...more });
        return response.body as Record<string, unknown>;
      };
      const { keys } = (await ask('discover-host-key', {})) as { keys: { type: string; key: string }[] };
      const found = keys.map(({ type, key: base64 }) => `${type} ${base64}`).join('\n');
      assert.equal(found, vault.hostKey);
      const password = 'lab-password';
      assert.equal((await ask('set-up-remote', { password }))['code'], 'HOST_KEY_UNKNOWN');
      const done = await ask('set-up-remote', { password, hostKey: found });
      assert.equal(done['ok'], true, JSON.stringify(done));
      assert.equal(await vault.read(['cat', '/home/pw/.ssh/authorized_keys']), done['publicKey']);
      const tested = await ask('test-connection', { hostKeys: found });
      assert.equal(tested['ok'], true, JSON.stringify(tested));
      await bench.deploy(
        [jump, next, { id: 'new', type: 'zfs-ssh-connection', ...there, hostKeys: found }],
        'full',
        {},
      );
      const { datasets } = (await ask('datasets', { connection: 'new' })) as { datasets: { name: string }[] };
      assert.ok(datasets.some(({ name }) => name === 'far'));
    } finally {
      await bench.stop();
      await bench.close();
    }
  });
});
