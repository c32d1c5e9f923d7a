// SshHost against real OpenSSH servers: what it runs, and what can go wrong when it logs in, each with its own code and a
// message that helps. Lines that are bad or break are in link.test.ts.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ZfsFlowError, type ErrorCode } from '../../../src/base/errors';
import { discoverHostKeys } from '../../../src/host/ssh/host-keys';
import { generateKeyPair } from '../../../src/host/ssh/key-pair';
import type { SshHost } from '../../../src/host/ssh/ssh-host';
import type { SshHostOptions } from '../../../src/host/ssh/ssh-options';
import type { Link } from '../../lab/link';
import type { Machine } from '../../lab/machine';
import { startSshd } from '../../lab/sshd';
import { assertRefused } from '../../support/engine';
import { useConnections, useMachines } from '../../support/machines';

describe('a host over SSH', function () {
  this.timeout(60_000);
  let a: Machine;
  let host: SshHost;
  /** To an sshd that is never offended. */
  let patient: Link;
  const open = useConnections(() => a);
  let directory: string;

  useMachines({ a: {} }, async (machines) => {
    ({ a } = machines);
    patient = await anotherSshd(2200);
    directory = mkdtempSync(join(tmpdir(), 'host-test-'));
  });
  after(() => rmSync(directory, { recursive: true }));
  beforeEach(() => {
    host = open({});
  });

  const refused = (more: Partial<SshHostOptions>, code: ErrorCode, text: RegExp): Promise<ZfsFlowError> =>
    assertRefused(open({ port: patient.port, ...more }), code, text);

  /** What comes back from `cat` on the other side, through the process for bulk data. */
  async function through(one: SshHost, input: string): Promise<string> {
    const spec = await one.pipeCommand(['cat'], { tag: 'zfsflow.t' });
    try {
      // Not synchronously: the agent that signs for `ssh` is in this process.
      return await new Promise<string>((resolve, reject) => {
        const child = execFile(spec.file, [...spec.args], { env: spec.env }, (error, stdout) => {
          if (error) reject(error);
          else resolve(stdout);
        });
        child.stdin?.end(input);
      });
    } finally {
      spec.release();
    }
  }

  const anotherSshd = (port: number, ...settings: string[]): Promise<Link> => startSshd(a, port, ...settings);

  describe('runs commands', () => {
    it('and gives output and exit code whatever they are', async () => {
      assert.deepEqual(await host.run(['sh', '-c', 'printf out; printf err >&2; exit 3']), {
        code: 3,
        signal: null,
        stdout: 'out',
        stderr: 'err',
      });
      assert.equal((await host.run(['cat'], { stdin: 'a\0b\n' })).stdout, 'a\0b\n');
      assert.equal((await host.run(['cat'])).stdout, '');
      await assert.rejects(host.run(['no-such-program']), { code: 'COMMAND_NOT_FOUND' });
      const missing = await host.runScript('no-such-program');
      assert.equal(missing.code, 127);
    });

    it('many in one round trip, their lines apart', async () => {
      await host.run(['true']);
      const before = host.counters.commands;
      const lines: string[] = [];
      const results = await host.runAll(
        Array.from({ length: 50 }, (_, index) => ['sh', '-c', `echo ${index}; exit ${index}`]),
        { onLine: (line, index) => lines.push(`${index}:${line}`) },
      );
      assert.equal(host.counters.commands, before + 1);
      assert.deepEqual(
        results.map(({ code }) => code),
        results.map((_, index) => index),
      );
      assert.deepEqual(
        lines,
        results.map((_, index) => `${index}:${index}`),
      );
    });

    it('with arguments longer than an SSH command line can be', async () => {
      const names = Array.from({ length: 20_000 }, (_, index) => `tank/data@snapshot-${index}`);
      assert.equal((await host.run(['printf', '%s\\n', ...names])).stdout, `${names.join('\n')}\n`);
    });

    it('20 at once over one connection, no more than maxSessions at a time', async () => {
      const four = open({ maxSessions: 4 });
      // The first ones wait for each other, however long a machine takes to start them.
      const script = `cd /tmp; : >run.$$; set -- run.*; [ $# -lt 4 ] || : >all; until [ -e all ]; do sleep 0.05; done
        set -- run.*; echo $#; sleep 0.2; rm run.$$`;
      const results = await Promise.all(Array.from({ length: 20 }, () => four.run(['sh', '-c', script])));
      const together = results.map(({ stdout }) => Number(stdout));
      assert.equal(Math.max(...together), 4);
      assert.equal(four.counters.connections, 1);
    });

    it('with fewer channels where the server allows fewer', async () => {
      const link = await anotherSshd(2201, 'MaxSessions=2');
      const limited = open({ port: link.port, maxSessions: 8 });
      const results = await Promise.all(Array.from({ length: 20 }, (_, index) => limited.run(['echo', String(index)])));
      assert.deepEqual(
        results.map(({ stdout }) => Number(stdout)),
        results.map((_, index) => index),
      );
      const none = await anotherSshd(2202, 'MaxSessions=0');
      await assert.rejects(open({ port: none.port }).run(['true']), { code: 'PERMISSION_DENIED' });
    });

    it('and ends what is cancelled or takes too long, children included', async () => {
      const script = 'sleep 604.5 & sleep 604.5';
      const count = async (): Promise<string> =>
        (await a.run(['sh', '-c', 'ps -A -o stat=,args= | grep -v "^Z" | grep -c "sleep 604[.]5"'], { check: false }))
          .stdout;
      await assert.rejects(host.run(['sh', '-c', script], { timeoutMs: 500 }), { code: 'TIMEOUT' });
      assert.equal(await count(), '0\n');
      const controller = new AbortController();
      const running = host.run(['sh', '-c', script], { signal: controller.signal });
      const rejected = assert.rejects(running, { code: 'CANCELLED' });
      while ((await count()) === '0\n') await sleep(50);
      controller.abort();
      await rejected;
      assert.equal(await count(), '0\n');
      assert.equal((await host.run(['echo', 'still works'])).stdout, 'still works\n');
      assert.equal(host.counters.connections, 1);
    });

    it('and ends those that have every channel of the connection', async () => {
      for (const maxSessions of [1, 3]) {
        const busy = open({ maxSessions });
        const controller = new AbortController();
        const running = Array.from({ length: maxSessions + 1 }, () =>
          busy.run(['sleep', '604.7'], { signal: controller.signal }),
        );
        const rejected = running.map((one) => assert.rejects(one, { code: 'CANCELLED' }));
        const count = async (): Promise<number> =>
          Number((await a.sh('ps -A -o args= | grep -c "^sleep 604[.]7" || true')).stdout);
        while ((await count()) < maxSessions) await sleep(50);
        controller.abort();
        await Promise.all(rejected);
        // They have been told to end, and do so when their processor gets to it.
        for (let turn = 0; (await count()) > 0; turn++) {
          assert.ok(turn < 60, 'they go on');
          await sleep(50);
        }
        assert.equal((await busy.run(['echo', 'still works'])).stdout, 'still works\n');
        await assert.rejects(busy.run(['sleep', '604.7'], { timeoutMs: 500 }), { code: 'TIMEOUT' });
      }
    });

    it('and limits what it collects', async () => {
      await assert.rejects(host.run(['yes'], { maxBytes: 1_000_000 }), /more than 1000000 bytes/);
    });

    it('with the rights of sudo or doas, for zfs and zpool only', async () => {
      const create = ['zfs', 'create', '-u'];
      const plain = await open({ username: 'op' }).run([...create, 'tank/x']);
      assert.notEqual(plain.code, 0);
      for (const sudo of ['sudo', 'doas'] as const) {
        const elevated = open({ username: 'op', sudo });
        assert.deepEqual(await elevated.run([...create, `tank/${sudo}`]), {
          code: 0,
          signal: null,
          stdout: '',
          stderr: '',
        });
        assert.equal((await elevated.run(['id', '-un'])).stdout, 'op\n');
        const notAllowed = await open({ username: 'plain', sudo }).run(['zfs', 'list']);
        assert.equal(notAllowed.code, 1);
        assert.match(notAllowed.stderr, sudo === 'sudo' ? /password is required/ : /not permitted/i);
      }
    });
  });

  it('tells in one round trip what it is', async () => {
    const facts = await host.facts();
    assert.equal(host.counters.commands, 1);
    assert.equal(facts.platform, 'Linux');
    assert.equal(facts.hostname, 'a');
    assert.match(facts.zfsVersion, /^2\.\d+\.\d+/);
    assert.match(facts.zfsKernelVersion, /^2\.\d+\.\d+/);
    assert.equal(facts.isRoot, true);
    assert.equal(facts.noisyShell, false);
    const property = (name: string): Promise<string> => a.read(['zpool', 'get', '-Hpo', 'value', name, 'tank']);
    const [guid, loadGuid] = [await property('guid'), await property('load_guid')];
    assert.deepEqual(facts.pools, [{ name: 'tank', guid, health: 'ONLINE', loadGuid, keepsNotes: true }]);
    for (const program of ['lz4', 'zstd', 'mbuffer', 'zfs', 'ssh']) assert.ok(facts.programs.has(program), program);
    assert.deepEqual(await Promise.all([host.facts(), host.facts()]), [facts, facts]);
    assert.equal(host.counters.commands, 1);
    const both = await Promise.all([host.facts({ refresh: true }), host.facts({ refresh: true })]);
    assert.equal(both[0], both[1]);
    assert.equal(host.counters.commands, 2);
    const op = await open({ username: 'op', sudo: 'sudo' }).facts();
    assert.deepEqual([op.isRoot, op.pools], [false, facts.pools]);
  });

  describe('pins its key', () => {
    it('refuses a changed key and names both [C1 71]', async () => {
      const other = join(directory, 'other');
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other]);
      const hostKeys = readFileSync(`${other}.pub`, 'utf8');
      const error = await refused({ hostKeys }, 'HOST_KEY_MISMATCH', /shows another host key/);
      const [real] = await discoverHostKeys('127.0.0.1', patient.port);
      const pinned = execFileSync('ssh-keygen', ['-l', '-f', other], { encoding: 'utf8' }).split(' ')[1];
      assert.deepEqual(error.details, { type: 'ssh-ed25519', found: real?.fingerprint, expected: [pinned] });
      assert.equal(error.retryable, false);
    });

    it('refuses an unknown key, and one of another type than the pinned [C1 71]', async () => {
      const rsa = join(directory, 'rsa');
      execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-N', '', '-f', rsa]);
      const [real] = await discoverHostKeys('127.0.0.1', patient.port);
      const shown = new RegExp(`it shows ssh-ed25519 ${real?.fingerprint.replaceAll(/[+/]/g, '\\$&')}`);
      await refused({ hostKeys: '' }, 'HOST_KEY_UNKNOWN', shown);
      await refused({ hostKeys: '# nothing\n' }, 'HOST_KEY_UNKNOWN', shown);
      await refused({ hostKeys: readFileSync(`${rsa}.pub`, 'utf8') }, 'HOST_KEY_UNKNOWN', shown);
    });

    it('finds every key a server has, and takes whichever is pinned', async () => {
      for (const type of ['ecdsa', 'rsa']) {
        await a.run(['ssh-keygen', '-q', '-t', type, '-N', '', '-f', `/tmp/host_${type}`]);
      }
      const keys = ['/etc/ssh/ssh_host_ed25519_key', '/tmp/host_ecdsa', '/tmp/host_rsa'];
      const link = await anotherSshd(2203, ...keys.map((file) => `HostKey=${file}`));
      const found = await discoverHostKeys('127.0.0.1', link.port);
      assert.deepEqual(
        found.map(({ type }) => type),
        ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa'],
      );
      for (const { line } of found) {
        const one = open({ port: link.port, hostKeys: line });
        assert.equal((await one.run(['echo', 'hi'])).stdout, 'hi\n');
        assert.equal(await through(one, 'piped'), 'piped');
      }
    });
  });

  describe('proves who we are', () => {
    it('with keys of every type, from text, file and agent [C1 71]', async () => {
      const authorized: string[] = [];
      const keys: { text: string; passphrase?: string }[] = [];
      for (const [index, args] of [
        ['-t', 'ed25519'],
        ['-t', 'ecdsa', '-b', '521'],
        ['-t', 'rsa', '-b', '3072'],
        ['-t', 'rsa', '-b', '2048', '-m', 'PEM'],
      ].entries()) {
        const file = join(directory, `key${index}`);
        const passphrase = index % 2 === 0 ? 'secret' : '';
        execFileSync('ssh-keygen', ['-q', ...args, '-N', passphrase, '-f', file]);
        authorized.push(readFileSync(`${file}.pub`, 'utf8'));
        keys.push({ text: readFileSync(file, 'utf8'), passphrase });
      }
      await a.run(['sh', '-c', 'cat >/tmp/authorized'], { stdin: authorized.join('') });
      const link = await anotherSshd(2204, 'AuthorizedKeysFile=/tmp/authorized', 'StrictModes=no');
      const check = async (auth: SshHostOptions['auth']): Promise<void> => {
        const one = open({ port: link.port, auth });
        assert.equal((await one.run(['echo', 'hi'])).stdout, 'hi\n');
        // The `ssh` program signs through our agent, or the user's.
        assert.equal(await through(one, 'piped'), 'piped');
        await one.close();
      };
      for (const { text, passphrase = '' } of keys) {
        await check({ method: 'privateKey', privateKey: text, passphrase });
        await check({ method: 'privateKey', privateKey: text.trim().replaceAll('\n', '\r\n'), passphrase });
      }
      await check({ method: 'keyFile', keyFile: join(directory, 'key1') });
      const agent = execFileSync('ssh-agent', ['-s', '-a', join(directory, 'agent')], { encoding: 'utf8' });
      const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(agent)?.[1]);
      try {
        const env = { ...process.env, SSH_AUTH_SOCK: join(directory, 'agent') };
        execFileSync('ssh-add', ['-q', join(directory, 'key1')], { env, stdio: 'ignore' });
        await check({ method: 'agent', agentSocket: join(directory, 'agent') });
      } finally {
        process.kill(pid);
      }
    });

    it('with a password, through the server’s password method or keyboard-interactive [C1 71]', async () => {
      const auth = { method: 'password', password: 'lab-password' } as const;
      const one = open({ username: 'pw', auth });
      assert.equal((await one.run(['id', '-un'])).stdout, 'pw\n');
      const settings = ['UsePAM=yes', 'PasswordAuthentication=no', 'KbdInteractiveAuthentication=yes'];
      const keyboard = await anotherSshd(2205, '-f/dev/null', ...settings);
      assert.equal((await open({ port: keyboard.port, username: 'pw', auth }).run(['id', '-un'])).stdout, 'pw\n');
      await refused(
        { username: 'pw', auth: { method: 'password', password: 'wrong' } },
        'AUTHENTICATION_FAILED',
        /did not accept the password for the user "pw"/,
      );
    });

    it('and says what was tried when it is not believed', async () => {
      const { privateKey } = await generateKeyPair('ed25519');
      await refused(
        { auth: { method: 'privateKey', privateKey } },
        'AUTHENTICATION_FAILED',
        /did not accept the private key \(ssh-ed25519 SHA256:\S+\) for the user "root"; it accepts: publickey/,
      );
      const keyFile = join(directory, 'unauthorised');
      writeFileSync(keyFile, privateKey);
      await refused({ auth: { method: 'keyFile', keyFile } }, 'AUTHENTICATION_FAILED', /the key file .*unauthorised/);
      await refused(
        { auth: { method: 'keyFile', keyFile: '/no/such/file' } },
        'AUTHENTICATION_FAILED',
        /\/no\/such\/file cannot be read: ENOENT/,
      );
      await refused({ username: 'nobody-of-this-name' }, 'AUTHENTICATION_FAILED', /for the user "nobody-of-this-name"/);
      await refused(
        { auth: { method: 'agent', agentSocket: '/no/agent' } },
        'AUTHENTICATION_FAILED',
        /agent at \/no\/agent/,
      );
    });
  });
});
