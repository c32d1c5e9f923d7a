// Every script that runs commands on a far side, against real sshd, under each `/bin/sh` and behind csh, on a machine that has
// nothing but what docs/far-side.md names. Titles name the scripts: test/unit/index/far-side-scripts.test.ts looks for them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SshHost } from '../../../src/host/ssh/ssh-host';
import { roundTrip } from '../../../src/host/round-trip';
import { KEY_FILES, WRITE_KEY_FILE } from '../../../src/host/shell/key-file-scripts';
import { endTagged, findTagged } from '../../../src/host/tagged-processes';
import { transportFacts } from '../../../src/host/transport-facts';
import { sighting } from '../../../src/host/witness';
import { installKey, whyNoKey } from '../../../src/ssh-setup/install-key';
import { documented, SIDES, useBareSide, type BareSide } from '../../support/bare-side';

/** Not for yash, which in the C locale has no characters beyond ASCII (docs/far-side.md). */
const BEYOND = ['ü\t', '\u{1f600}'];
const NASTY = ['', "it's", '$HOME `id` \\n \\\\ !x', 'a\n', '\n', '\t', '*', '-n', '{a,b}', '%s', "'".repeat(300)];
/** FreeBSD has these, beside what a far side has to have. */
const OF_THE_BASE = documented('Required', 'Setting up with a password', 'Optional').filter(
  (program) => !/^(bash|perl|ncat|busybox|socat|mbuffer|lz4|pigz|lzop|pv)$/.test(program),
);
const signal = (): AbortSignal => AbortSignal.timeout(30_000);

for (const [shell, account] of SIDES) {
  describe(`a bare far side whose /bin/sh is ${path.basename(shell)}, account ${account}`, function () {
    this.timeout(60_000);
    let side: BareSide;
    let host: SshHost;

    useBareSide(shell, OF_THE_BASE, (made) => (side = made));
    before(() => (host = side.connect(account)));

    it('hands arguments, output and codes through (markedScript, remoteCommand, stdinCommand)', async () => {
      const words = shell === 'yash' ? NASTY : [...NASTY, ...BEYOND];
      const results = await host.runAll([
        ['printf', '%s\\0', ...words],
        ['/bin/sh', '-c', 'echo err >&2; exit 7'],
        ['rm', '/nowhere'],
        ['printf', 'end'],
      ]);
      assert.equal(results[0]?.stdout, `${words.join('\0')}\0`);
      assert.deepEqual(
        results.map(({ code }) => code),
        [0, 7, 1, 0],
      );
      assert.deepEqual([results[1]?.stderr, results[3]?.stdout], ['err\n', 'end']);
      assert.equal((await host.run(['cat'], { stdin: 'in\0' })).stdout, 'in\0');
      const long = ['printf', '%s', ...Array.from({ length: 3000 }, (_, at) => `${at}`.padEnd(60, 'x'))];
      assert.equal((await host.run(long)).stdout, long.slice(2).join(''));
      assert.equal(
        (await host.runScript('# a hook\nread -r x\necho "it\'s $x"', { stdin: 'so\n' })).stdout,
        "it's so\n",
      );
      await assert.rejects(host.run(['no-such-program']), { code: 'COMMAND_NOT_FOUND' });
    });

    it('says what it is (factsScript, changingScript)', async () => {
      const facts = await host.facts();
      assert.deepEqual([facts.platform, facts.hostname], ['FreeBSD', `bare-${path.basename(shell)}`]);
      assert.deepEqual([facts.isRoot, facts.aes, facts.noisyShell, facts.zfsVersion], [true, true, false, '']);
      const { machine } = facts;
      assert.equal(machine.hostUuid, '9e2d8b54-3c6e-11ee-9c53-589cfc0a5b10');
      assert.match(machine.bootTime, /sec = 1760000000/);
      assert.match(machine.hostKeys, /^\d+ \d+$/);
      assert.match(machine.kernel, /^FreeBSD FreeBSD 14/);
      assert.deepEqual([machine.jailed, machine.bootId, machine.pidNamespace, machine.machineId], ['0', '', '', '']);
      assert.notEqual(machine.hostId, '');
      assert.ok(['openssl', 'mktemp', 'mkfifo', 'ps', 'nc', 'zstd'].every((name) => facts.programs.has(name)));
      assert.ok(!facts.programs.has('bash'));
      assert.deepEqual((await host.facts({ refresh: true })).programs, facts.programs);
    });

    it('says what it has for streams of their own (transportScript)', async () => {
      const facts = await transportFacts(host, signal());
      assert.ok(facts.hasTls && facts.noCaStore, facts.openssl);
      assert.deepEqual(facts.netcats, [{ flavour: 'openbsd', command: ['nc'], ends: true }]);
      assert.deepEqual(facts.tcp, {
        send: 2_097_152,
        receive: 2_097_152,
        sysctls: { send: 'net.inet.tcp.sendbuf_max', receive: 'net.inet.tcp.recvbuf_max' },
      });
      assert.deepEqual([facts.sshConnection[0], facts.sshConnection[2]], ['127.0.0.1', '127.0.0.1']);
    });

    it('shows its processes, and what another connection started (sighting)', async () => {
      const other = side.connect('root');
      assert.equal(await sighting(host, other, signal()), 'own');
      assert.equal(await sighting(other, host, signal()), 'own');
    });

    it('measures how far it is (echoScript)', async () => {
      const ms = host.channels && (await roundTrip(host.channels, signal()));
      assert.ok(ms !== null && ms !== undefined && ms < 5_000);
    });

    it('ends what was tagged, and only that (endProcesses)', async () => {
      const spec = await host.pipeCommand(['/bin/sh', '-c', 'trap "" TERM; sleep 608 & wait; sleep 608; exit 3'], {
        tag: 'zfsflow.bare.1',
      });
      const child = spawn(spec.file, [...spec.args], { env: spec.env, stdio: 'ignore' });
      const gone = new Promise((resolve) => child.on('close', resolve));
      while ((await findTagged(host, 'zfsflow.bare.'))[0]?.descendants.length !== 2) await sleep(100);
      assert.equal(await endTagged(host, 'zfsflow.bare.1'), 1);
      assert.deepEqual(await findTagged(host, 'zfsflow.'), []);
      await gone;
      spec.release();
      assert.deepEqual(side.processes(/sleep 608/), []);
    });

    it('ends a command that was cancelled, with what it started (endGroup)', async () => {
      const controller = new AbortController();
      const running = host.run(['/bin/sh', '-c', 'sleep 607 & sleep 607; exit 1'], { signal: controller.signal });
      const rejected = assert.rejects(running, { code: 'CANCELLED' });
      while (side.processes(/sleep 607/).length < 2) await sleep(50);
      controller.abort();
      await rejected;
      assert.deepEqual(side.processes(/sleep 607/), []);
    });

    it('keeps a key in a private file, finds and loses it (WRITE_KEY_FILE, KEY_FILES)', async () => {
      const tag = `bare-${account}`;
      const argv = ['/bin/sh', '-c', WRITE_KEY_FILE, 'sh', tag, randomBytes(16).toString('hex')];
      const { stdout: directory, code } = await host.run(argv, { stdin: 'secret\n' });
      assert.equal(code, 0);
      assert.match(directory, /^\/(run|tmp)\/zfsflow-key\.bare-/);
      assert.equal((await host.run(['cat', `${directory}/key`])).stdout, 'secret\n');
      assert.match((await host.run(['ls', '-ldn', directory])).stdout, /^drwx------/);
      const found = await host.run(['/bin/sh', '-c', KEY_FILES, 'sh', 'bare']);
      assert.deepEqual([found.code, found.stdout], [0, '']);
      assert.equal((await host.run(['/bin/sh', '-c', KEY_FILES, 'sh', tag])).stdout, `${directory}\n`);
      assert.equal((await host.run(['rm', '-rf', '--', directory])).code, 0);
      assert.equal((await host.run(['/bin/sh', '-c', KEY_FILES, 'sh', tag])).stdout, '');
    });

    it('answers the programs that are called without a shell', async () => {
      const argvs = [['date', '-u', '+%s'], ['ls', '-A', '--', '/var/empty'], ['mount'], ['id', '-un'], ['id', '-Gn']];
      const results = await host.runAll(argvs);
      assert.deepEqual(
        results.map(({ code }) => code),
        [0, 0, 0, 0, 0],
      );
      assert.ok(Math.abs(Number(results[0]?.stdout) - Date.now() / 1000) < 5);
      assert.equal(results[1]?.stdout, '');
    });

    it('lets a key in once, and says why it would not (INSTALL_KEY, KEY_SETTINGS)', async () => {
      const key = `ssh-ed25519 ${randomBytes(51).toString('base64')} a\\tb\\nc`;
      await host.run(['chmod', 'g+w', '/root/.ssh/authorized_keys']);
      const { changed, warnings } = await installKey(host, key, signal());
      assert.deepEqual(changed, [
        'added the key to /root/.ssh/authorized_keys',
        'took the right to write to /root/.ssh/authorized_keys from group and others (its mode was -rw-rw-r--)',
      ]);
      assert.deepEqual(warnings, []);
      assert.deepEqual(await installKey(host, key, signal()), { changed: [], warnings: [] });
      const lines = (await host.run(['cat', '/root/.ssh/authorized_keys'])).stdout.split('\n');
      assert.equal(lines.filter((line) => line === key).length, 1);
      assert.equal(await whyNoKey(host, account, signal()), undefined);
      await host.run(['/bin/sh', '-c', 'echo "PubkeyAuthentication no" >>/etc/ssh/sshd_config']);
      try {
        const why = await whyNoKey(host, account, signal());
        assert.equal(why, 'its sshd takes no keys (PubkeyAuthentication no)');
      } finally {
        const text = (await host.run(['grep', '-v', 'Pubkey', '/etc/ssh/sshd_config'])).stdout;
        await host.run(['/bin/sh', '-c', 'cat >/etc/ssh/sshd_config'], { stdin: text });
      }
    });
  });
}
