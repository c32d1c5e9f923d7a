// The lab itself: what the other tests on real ZFS rely on. Commands, accounts, links, power, and that nothing stays.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'ssh2';
import { CommandFailed } from '../../lab/control';
import { ACCOUNTS, Lab } from '../../lab/lab';
import { leftovers } from '../../lab/leftovers';
import type { Machine } from '../../lab/machine';
import { labProblems } from '../../lab/problems';

/** What is still there of one lab; others may be running beside it. */
function traces(directory: string, namespace: string): string[] {
  const name = path.basename(directory);
  return leftovers().filter((line) => line.includes(name) || line.includes(namespace));
}

/** Logs in through the link with the machine's pinned host key; by the lab's key unless `secret` is given. */
function login(machine: Machine, username = 'root', secret?: { password: string }, accept = true): Promise<Client> {
  const { host, port, privateKey, hostKeys } = machine.login();
  const key = Buffer.from(hostKeys.split(' ')[1] ?? '', 'base64');
  const client = new Client();
  return new Promise((resolve, reject) => {
    client.on('ready', () => {
      resolve(client);
    });
    client.on('error', reject);
    client.connect({
      host,
      port,
      username,
      ...(secret ?? { privateKey }),
      hostVerifier: (offered: Buffer) => accept && offered.equals(key),
    });
  });
}

/** A port of the machine that hashes (sends back the SHA-256 of) or swallows what it gets. */
async function sink(machine: Machine, port: number, command: string): Promise<void> {
  const child = await machine.spawn([
    'socat',
    '-b',
    '262144',
    `TCP-LISTEN:${port},reuseaddr,fork`,
    `SYSTEM:${command}`,
  ]);
  child.unref();
  await machine.sh(`until ss -ltnH | grep -q ':${port} '; do sleep 0.02; done`);
}

/** Sends and answers the hash that comes back. */
async function hashThere(through: number, data: Buffer): Promise<string> {
  const socket = net.connect({ host: '127.0.0.1', port: through, allowHalfOpen: true });
  socket.end(data);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer.split(' ')[0] ?? '';
}
const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

describe('lab', function () {
  this.timeout(120_000);
  let lab: Lab;
  let src: Machine;
  let dst: Machine;

  before(async function () {
    this.timeout(1_800_000); // builds the lab when it is not there
    lab = await Lab.create();
    [src, dst] = await Promise.all([lab.up('src'), lab.up('dst', { pool: 'backup', disks: 1 })]);
  });
  after(async () => {
    const { directory, namespace } = lab;
    await lab.close();
    assert.deepEqual(traces(directory, namespace), []);
  });

  describe('commands', () => {
    it('keeps arguments apart, gives input and reports exit codes and both outputs', async () => {
      const words = ['a b', "it's", '$(touch /tmp/x)', 'ä', '-x', 'two\nlines', '', '*', '\\'];
      assert.equal((await src.run(['printf', '%s|', ...words])).stdout, words.map((word) => `${word}|`).join(''));
      const result = await src.sh('cat; echo bad >&2; exit 3', { stdin: 'in', check: false });
      assert.deepEqual(result, { code: 3, stdout: 'in', stderr: 'bad\n' });
      await assert.rejects(src.run(['zfs', 'list', 'no/such']), (error: unknown) => {
        assert.ok(error instanceof CommandFailed);
        assert.match(error.message, /dataset does not exist/);
        return true;
      });
    });

    it('costs little per command, because the connection is shared', async function () {
      const time = async (count: number): Promise<number> => {
        const began = performance.now();
        for (let i = 0; i < count; i++) await src.run(['zfs', 'list']);
        return (performance.now() - began) / count;
      };
      await src.disconnect();
      const [first, each] = [await time(1), await time(20)];
      console.log(`      ${each.toFixed(0)} ms for one zfs list, ${first.toFixed(0)} ms for the first`);
      assert.ok(each < first, `${each} ms, the first ${first} ms`);
    });

    it('has the accounts it promises, each with its shell', async () => {
      for (const [user, { shell }] of Object.entries(ACCOUNTS)) {
        const entry = await src.read(['getent', 'passwd', user]);
        assert.equal(path.basename(entry), shell, entry);
        assert.match((await src.run(['id', '-un'], { user })).stdout, new RegExp(`^${user}$`, 'm'));
      }
      const noisy = await src.run(['true'], { user: 'noisy' });
      assert.match(noisy.stdout, /Welcome/);
      assert.match(noisy.stderr, /rc file/);
      assert.equal(await src.read(['sudo', '-n', 'id', '-un'], { user: 'op' }), 'root');
      assert.equal(await src.read(['doas', '-n', 'id', '-un'], { user: 'op' }), 'root');
      assert.notEqual((await src.run(['sudo', '-n', 'true'], { user: 'plain', check: false })).code, 0);
    });

    it('runs real ZFS, and its helpers tell the truth', async () => {
      await src.createDataset('tank/h/data', { properties: { compression: 'off' } });
      await src.createDataset('tank/h/vol', { volumeMb: 8 });
      await src.writeRandom('tank/h/data', 'a b', 2);
      await src.snapshot('tank/h', 's1', { recursive: true });
      await src.writeFile('tank/h/data', 'text', 'hello');
      await src.snapshot('tank/h/data', 's2');
      await src.run(['zfs', 'bookmark', 'tank/h/data@s1', 'tank/h/data#b1']);
      await src.run(['zfs', 'hold', 'keep me', 'tank/h/data@s1']);
      assert.deepEqual(await src.datasets('tank/h'), ['tank/h', 'tank/h/data', 'tank/h/vol']);
      const [one, two] = await src.snapshots('tank/h/data');
      assert.deepEqual([one?.name, two?.name], ['s1', 's2']);
      assert.match(one?.guid ?? '', /^\d{5,20}$/);
      assert.equal(one?.guid, await src.property('tank/h/data@s1', 'guid'));
      assert.equal((await src.bookmarks('tank/h/data'))[0]?.guid, one?.guid);
      assert.deepEqual(await src.holds('tank/h/data@s1'), ['keep me']);
      assert.equal(await src.exists('tank/h/data@s2'), true);
      assert.equal(await src.exists('tank/h/data@s3'), false);
      assert.notEqual(await src.digest('tank/h/data@s1'), await src.digest('tank/h/data@s2'));
      await src.sh('zfs send "$1" | ssh dst zfs receive -u backup/h', { args: ['tank/h/data@s1'] });
      assert.equal(await dst.digest('backup/h@s1'), await src.digest('tank/h/data@s1'));
      await src.run(['zfs', 'release', 'keep me', 'tank/h/data@s1']);
      await src.destroy('tank/h');
      assert.deepEqual(await src.datasets('tank'), ['tank']);
    });

    it("runs this host's Node inside, where zfs is the machine's own", async () => {
      const ran = await src.node('test/zfs/lab/inside.fixture.ts', { args: ['a b'], env: { LAB_WORD: 'x y' } });
      const told = JSON.parse(ran.stdout) as { node: string; pools: string; args: string[]; word: string };
      assert.deepEqual(told, { node: process.version, pools: 'tank', args: ['a b'], word: 'x y' });
    });
  });

  describe('network', () => {
    it('is reached from this host on 127.0.0.1 with the pinned host key, by key and by password', async () => {
      const byKey = await login(src);
      byKey.end();
      const { password } = ACCOUNTS.pw;
      (await login(src, 'pw', { password })).end();
      await assert.rejects(login(src, 'op', { password }), /authentication/i);
      await assert.rejects(login(src, 'root', undefined, false), /denied|verification|handshake/i);
    });

    it('lets machines know each other by name, with their host keys', async () => {
      assert.equal(await src.read(['ssh', 'dst', 'hostname']), 'dst');
      assert.equal(await dst.read(['ssh', 'op@src', 'hostname'], { user: 'op' }), 'src');
      const addresses = new Map(lab.network().map(({ name, address }) => [name, address]));
      assert.deepEqual([addresses.get('src'), addresses.get('dst')], [src.address, dst.address]);
      for (const machine of [src, dst]) assert.ok(lab.knownHosts().includes(machine.hostKey));
    });

    it('separates machines from each other, but not from this host, and joins them again', async () => {
      const reach = async (): Promise<number> =>
        (await src.run(['ssh', '-oConnectTimeout=1', 'dst', 'true'], { check: false })).code;
      await lab.separate(src, dst);
      assert.equal(await reach(), 255);
      assert.equal(await dst.read(['hostname']), 'dst');
      await lab.joinAll();
      assert.equal(await reach(), 0);
    });

    it('limits what flows into a machine', async () => {
      await sink(dst, 7001, 'cat >/dev/null');
      const script = 'head -c 4000000 /dev/zero | socat -u - TCP:dst:7001';
      await lab.limitInto(dst, 2_000_000);
      const began = performance.now();
      await src.sh(script);
      const took = performance.now() - began;
      await lab.limitInto(dst, 0);
      assert.ok(took > 1000, `4 MB at 2 MB/s took ${took} ms`);
    });
  });

  describe('link', () => {
    const port = 7000;
    before(() => sink(src, port, 'sha256sum'));

    it('carries bytes unchanged, half-closed connections too', async () => {
      const link = await src.expose(port);
      const data = randomBytes(3_000_001);
      const hashes = await Promise.all([1, 2, 3].map(() => hashThere(link.port, data)));
      assert.deepEqual(new Set(hashes), new Set([sha256(data)]));
      const stats = await link.stats();
      assert.equal(stats.toMachine, 3 * data.length);
      assert.deepEqual([stats.accepted, stats.open], [3, 0]);
    });

    it('is not what slows streams down', async () => {
      await sink(src, 7002, 'cat >/dev/null');
      const link = await src.expose(7002);
      const mb = 512;
      const chunk = Buffer.alloc(1 << 20);
      const socket = net.connect({ host: '127.0.0.1', port: link.port, allowHalfOpen: true });
      socket.resume();
      const began = performance.now();
      for (let i = 0; i < mb; i++) if (!socket.write(chunk)) await once(socket, 'drain');
      socket.end();
      await once(socket, 'close');
      const rate = (mb * 1.048576) / ((performance.now() - began) / 1000);
      console.log(`      ${rate.toFixed(0)} MB/s`);
      // Hundreds, alone (README); beside other tests it has to share the CPUs with their machines.
      assert.ok(rate >= 50, `${rate} MB/s`);
    });

    it('when cut, lets nothing pass and ends nothing; restored, all arrives', async () => {
      const link = await src.expose(port);
      const data = randomBytes(20_000_000);
      await link.cutAfter(5_000_000);
      const hash = hashThere(link.port, data);
      await link.tripped();
      const held = await link.stats();
      assert.equal(held.toMachine, 5_000_000);
      const waiting = net.connect(link.port, '127.0.0.1');
      const ended = await Promise.race([hash, once(waiting, 'close'), sleep(500, 'hanging')]);
      assert.equal(ended, 'hanging');
      assert.equal((await link.stats()).toMachine, held.toMachine);
      await link.restore();
      waiting.destroy();
      assert.equal(await hash, sha256(data));
    });

    it('resets connections on both sides, at once or after so many bytes', async () => {
      const client = await login(src);
      // Rejects with the error, if one comes first. About once in thirty, under load, the client reads an end instead.
      const broken = once(client, 'close').catch((error: NodeJS.ErrnoException) => error.code);
      await src.link.reset();
      const seen = await broken;
      if (typeof seen === 'string') assert.equal(seen, 'ECONNRESET');
      const link = await src.expose(port);
      await link.cutAfter(100_000, 'reset');
      await assert.rejects(hashThere(link.port, randomBytes(50_000_000)), /ECONNRESET|EPIPE/);
      await link.tripped();
    });

    it('slows down and delays', async () => {
      const link = await src.expose(port);
      const data = randomBytes(1_000_000);
      const time = async (): Promise<number> => {
        const began = performance.now();
        assert.equal(await hashThere(link.port, data), sha256(data));
        return performance.now() - began;
      };
      await link.limit(2_000_000);
      const limited = await time();
      assert.ok(limited > 400 && limited < 2000, `1 MB at 2 MB/s took ${limited} ms`);
      await link.limit(0);
      await link.delay(300);
      const delayed = await time();
      assert.ok(delayed > 590 && delayed < 2000, `with 300 ms each way it took ${delayed} ms`);
    });
  });

  describe('power', () => {
    it('goes like the mains: connections hang, synced data stays, and all addresses and keys with it', async () => {
      const victim = await lab.up('victim', { disks: 1 });
      await victim.createDataset('tank/data');
      await victim.writeRandom('tank/data', 'f', 4);
      await victim.snapshot('tank/data', 's');
      const digest = await victim.digest('tank/data@s');
      await victim.run(['zpool', 'sync']);
      const known = [victim.port, victim.hostKey, victim.address];
      const client = await login(victim);
      const gone = once(client, 'error');
      await victim.powerCut();
      assert.equal(await Promise.race([gone, sleep(500, 'hanging')]), 'hanging');
      await assert.rejects(victim.run(['true']));
      await victim.boot();
      assert.deepEqual([victim.port, victim.hostKey, victim.address], known);
      assert.equal(await victim.digest('tank/data@s'), digest);
      (await login(victim)).end();
      client.destroy();
      await victim.down();
    });
  });

  describe('end', () => {
    const owner = path.join(__dirname, 'owner.fixture.ts');

    async function endedBy(signal: NodeJS.Signals): Promise<void> {
      const child = spawn(process.execPath, ['--require', 'tsx/cjs', owner], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [said] = (await once(child.stdout, 'data')) as [Buffer];
      const directory = said.toString().trim();
      assert.ok(existsSync(directory));
      const asked = spawnSync(path.join(__dirname, '../../lab/zfs-lab'), ['netns'], {
        env: { ...process.env, ZFS_LAB_STATE: path.join(directory, 'state') },
        encoding: 'utf8',
      });
      const namespace = asked.stdout.trim();
      assert.ok(traces(directory, namespace).length >= 3, 'it has a namespace, disks and files');
      const exit = once(child, 'exit');
      child.kill(signal);
      await exit;
      const deadline = performance.now() + 10_000;
      while (traces(directory, namespace).length > 0 && performance.now() < deadline) await sleep(50);
      assert.deepEqual(traces(directory, namespace), []);
    }

    for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
      it(`leaves nothing when its owner gets ${signal}`, () => endedBy(signal));
    }

    it('says what is missing', () => {
      assert.deepEqual(labProblems(), []);
      const script = `console.log(require('${path.join(__dirname, '../../lab/problems.ts')}').labProblems().join('\\n'))`;
      const nobody = spawnSync(
        'setpriv',
        ['--reuid=65534', process.execPath, '--require', require.resolve('tsx/cjs'), '-e', script],
        // Nobody can write to this run's own temporary directory, so nothing is cached there.
        { encoding: 'utf8', env: { ...process.env, TMPDIR: '/tmp', TSX_DISABLE_CACHE: '1' } },
      );
      assert.match(nobody.stdout, /must be started as root/, nobody.stderr);
    });
  });
});
