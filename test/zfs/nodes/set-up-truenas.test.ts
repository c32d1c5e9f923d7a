// *Set up a TrueNAS* against a fake one of each version, whose accounts and SSH service are those of a lab machine: what counts
// is that a deployed connection logs in with the key that nobody but the server has seen. Failures: test/nodes/set-up-truenas.test.ts.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { selfSigned, type Certificate } from '../../fake-truenas/certificates';
import { PROFILE_NAMES, PROFILES } from '../../fake-truenas/profiles';
import { FakeTrueNas } from '../../fake-truenas/server';
import { labSide } from '../../fake-truenas/ssh-side';
import { NO_SUDO, OTP, type FakeUser } from '../../fake-truenas/state';
import type { Machine } from '../../lab/machine';
import { FlowBench, helper } from '../../support/flow-bench';
import { useMachines } from '../../support/machines';

const PASSWORD = 'corr"ect horse\\1';
const KEPT =
  'from="10.0.0.0/8" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF backup@old';

/** Accounts of the machine, as a TrueNAS has them; `outsider` has its home on no dataset. */
const USERS: readonly FakeUser[] = [
  user({ id: 1, uid: 0, username: 'root', home: '/root', shell: '/usr/bin/bash', password: PASSWORD }),
  user({
    id: 70,
    uid: 950,
    username: 'truenas_admin',
    home: '/home/truenas_admin',
    shell: '/usr/bin/bash',
    password: PASSWORD,
  }),
  user({ id: 71, uid: 3001, username: 'replicator', home: '/mnt/tank/homes/replicator' }),
  user({ id: 72, uid: 3002, username: 'outsider', home: '/home/outsider' }),
];

function user(more: Partial<FakeUser> & Pick<FakeUser, 'id' | 'uid' | 'username' | 'home'>): FakeUser {
  const rest = {
    shell: '/usr/sbin/nologin',
    password: null,
    privilege: more.password === undefined ? 'none' : 'full',
  } as const;
  return { ...rest, sudo: NO_SUDO, ...more };
}

const PREPARE = `[ -e /usr/local/bin/bash ] || ln -s /bin/bash /usr/local/bin/bash
  mkdir -p /mnt/tank/homes
  add() { useradd -m -o -u "$1" -d "$3" -s /bin/bash -p '*' "$2"; }
  add 950 truenas_admin /home/truenas_admin; add 3001 replicator /mnt/tank/homes/replicator; add 3002 outsider /home/outsider`;
/** `core`: its paths of what Debian has elsewhere; sudo takes the first on its PATH, and no other name of it. */
const RESET = `cd /usr/local/sbin; rm -f zfs zpool
  [ "$1" != core ] || for name in zfs zpool; do ln -s "$(command -v "$name")" "$name"; done
  rm -f /etc/sudoers.d/truenas-*
  for home in /root /home/truenas_admin /mnt/tank/homes/replicator /home/outsider; do rm -rf "$home/.ssh"; done
  for name in replicator outsider; do usermod -s /usr/sbin/nologin "$name"; done`;

describe('setting up a TrueNAS', function () {
  this.timeout(30_000);
  const bench = new FlowBench();
  let nas: Machine;
  let certificate: Certificate;
  let fake: FakeTrueNas;
  let asked: string[] = [];

  useMachines({ nas: { pool: 'tank' } }, async (machines) => {
    nas = machines.nas;
    await nas.sh(PREPARE);
  });
  before(async () => {
    certificate = await selfSigned();
    await bench.open();
  });
  beforeEach(async () => {
    await bench.start([]);
    asked = [];
  });
  afterEach(async () => {
    await bench.stop();
    await fake.close();
  });
  after(() => bench.close());

  type Answer = Record<string, unknown> & { changed: string[]; facts: Record<string, unknown> };

  async function ask(endpoint: string, body: object): Promise<Answer> {
    const response = await helper.request().post(`/zfs-flows/${endpoint}`).send(body).expect(200);
    asked.push(JSON.stringify(response.body));
    return response.body as Answer;
  }

  const login = (): object => ({ url: fake.url, username: 'root', password: PASSWORD, certificate: fake.fingerprint });

  async function setUp(more: object): Promise<Answer> {
    const answer = await ask('set-up-truenas', { ...login(), ...more });
    assert.equal(answer['ok'], true, JSON.stringify(answer));
    return answer;
  }

  /** Deploys what the dialog would, and asks the machine through it. */
  async function use(id: string, { host, port, username, hostKeys, sudo }: Answer): Promise<void> {
    const node = { id, type: 'zfs-ssh-connection', host, port, username, hostKeys, sudo };
    await bench.deploy([node], 'full', {});
    const { datasets } = await ask('datasets', { connection: id });
    assert.deepEqual(datasets, [{ name: 'tank', type: 'filesystem' }]);
  }

  const keysOf = async (home: string): Promise<string[]> => {
    const text = await nas.read(['cat', `${home}/.ssh/authorized_keys`]);
    return text.split('\n').filter((line) => line !== '');
  };

  function nothingSecret(): void {
    for (const text of asked) assert.doesNotMatch(text, /PRIVATE KEY|THE-PRIVATE-HALF|THE-HASH|corr.{1,3}ect/);
  }

  for (const profile of PROFILE_NAMES) {
    const { core, version, versions } = PROFILES[profile];

    describe(version, () => {
      beforeEach(async () => {
        await nas.sh(RESET, { args: [core ? 'core' : 'scale'] });
        fake = await FakeTrueNas.start({ profile, side: labSide(nas), users: USERS, certificate });
      });

      it('from a password to a connection that works, the certificate and a second factor asked for on the way', async () => {
        await nas.sh('mkdir -m 700 "$1/.ssh"; printf "%s" "$2" >"$1/.ssh/authorized_keys"', { args: ['/root', KEPT] });
        fake.state.machineOtp = true;
        for (const one of fake.state.users) one.otp = true;
        const unknown = await ask('set-up-truenas', { ...login(), id: 'new', certificate: '' });
        assert.equal(unknown['code'], 'CERTIFICATE_UNKNOWN');
        assert.equal(fake.called.length, 0);
        const { fingerprint } = unknown['certificate'] as { fingerprint: string };
        assert.equal(
          (await ask('set-up-truenas', { ...login(), id: 'new', certificate: fingerprint }))['code'],
          'OTP_REQUIRED',
        );
        assert.ok(!fake.called.includes('user.update'));

        const answer = await setUp({ id: 'new', certificate: fingerprint, otp: OTP });
        assert.deepEqual(
          [answer['host'], answer['port'], answer['username'], answer['sudo']],
          ['127.0.0.1', nas.port, 'root', 'none'],
        );
        assert.match(String(answer['hostKeys']), /^ssh-ed25519 \S+\necdsa-sha2-nistp256 \S+\nssh-rsa \S+$/);
        assert.deepEqual(answer.changed, [
          `SSH key of "root" added: ${String(answer['publicKey'])}`,
          'SSH service: starts with the TrueNAS from now on',
          'SSH service: started',
        ]);
        assert.deepEqual(await keysOf('/root'), [KEPT, answer['publicKey']]);
        const { truenas, protocol, isRoot, pools } = answer.facts as Record<string, unknown> & { pools: object[] };
        const language = versions === null ? 'websocket' : 'json-rpc';
        assert.deepEqual([truenas, protocol, isRoot, pools.length], [version, language, true, 1]);
        assert.deepEqual(answer['warnings'], []);
        await use('new', answer);
        nothingSecret();
        assert.ok(!fake.called.some((method) => method.endsWith('pair')), 'public methods only');
        assert.equal(fake.called.at(-1), 'auth.logout');
      });

      it('for an account without shell and rights: bash, and zfs and zpool through sudo without a password', async () => {
        fake.state.ssh = { enable: true, running: true, everStarted: true };
        const answer = await setUp({ id: 'repl', sshUser: 'replicator', sudo: 'sudo' });
        const [bash, bin] = core ? ['/usr/local/bin/bash', '/usr/local/sbin'] : ['/usr/bin/bash', '/usr/sbin'];
        assert.deepEqual(answer.changed.slice(1), [
          `login shell of "replicator": /usr/sbin/nologin → ${bash}`,
          `sudo without a password for "replicator": ${bin}/zfs, ${bin}/zpool`,
        ]);
        assert.equal(answer['sudo'], 'sudo');
        assert.deepEqual([answer.facts['isRoot'], answer['warnings']], [false, []]);
        const [, , replicator] = fake.state.users;
        const commands = [`${bin}/zfs`, `${bin}/zpool`];
        assert.deepEqual(
          replicator?.sudo,
          core
            ? { allowed: true, withoutPassword: true, commands, commandsWithoutPassword: [] }
            : { ...NO_SUDO, commandsWithoutPassword: commands },
        );
        await use('repl', answer);
        // A second time there is nothing to change but the key, which is another one.
        const again = await setUp({ id: 'other', sshUser: 'replicator', sudo: 'sudo' });
        assert.equal(again.changed.length, 1);
        assert.deepEqual(await keysOf('/mnt/tank/homes/replicator'), [answer['publicKey'], again['publicKey']]);
        nothingSecret();
      });

      it('with an API key, and the pairing of TrueNAS itself where it refuses the home directory', async () => {
        fake.state.apiKeys.set('7-THE-API-KEY', 'truenas_admin');
        const request = {
          id: 'out',
          // It leads to https, where the key is then sent; in plain text nothing is.
          url: fake.plainUrl,
          certificate: fake.fingerprint,
          username: 'truenas_admin',
          apiKey: '7-THE-API-KEY',
        };
        const answer = await ask('set-up-truenas', { ...request, sshUser: 'outsider', sudo: 'sudo' });
        if (PROFILES[profile].pairUpdates) {
          // There the pairing obeys the same rule.
          assert.equal(answer['code'], 'API_ERROR');
          assert.match(String(answer['hint']), /home directory on a dataset/);
          assert.equal((await nas.run(['test', '-e', '/home/outsider/.ssh'], { check: false })).code, 1);
        } else {
          assert.equal(answer['ok'], true, JSON.stringify(answer));
          assert.ok(fake.called.includes('keychaincredential.ssh_pair'));
          assert.deepEqual(answer['warnings'], [`${fake.plainUrl} leads to ${fake.url}, which was used instead`]);
          assert.deepEqual(await keysOf('/home/outsider'), [answer['publicKey']]);
          await use('out', answer);
        }
        for (const text of asked) assert.doesNotMatch(text, /THE-API-KEY/);
        nothingSecret();
      });
    });
  }

  describe('and its deploy', () => {
    beforeEach(async () => {
      await nas.sh(RESET, { args: ['scale'] });
      fake = await FakeTrueNas.start({ profile: 'scale2510', side: labSide(nas), users: USERS, certificate });
    });

    it('may be set up again while it waits, with the same key, and with all that failed attempts have changed', async () => {
      fake.nasty = { cutIn: 'ssh.config' };
      const failed = await ask('set-up-truenas', { ...login(), id: 'twice' });
      assert.equal(failed['code'], 'CONNECTION_LOST');
      fake.nasty = {};
      const first = await setUp({ id: 'twice' });
      assert.deepEqual(first.changed, (failed['details'] as Answer).changed);
      const second = await setUp({ id: 'twice' });
      assert.deepEqual(second.changed, []);
      assert.equal(second['publicKey'], first['publicKey']);
      assert.deepEqual(await keysOf('/root'), [first['publicKey']]);
      await use('twice', second);
      // It is deployed now: what is asked for is another one.
      const third = await setUp({ id: 'twice', replace: true });
      assert.notEqual(third['publicKey'], first['publicKey']);
    });

    it('is set up by one request at a time', async () => {
      fake.nasty = { delay: { method: 'user.query', ms: 300 } };
      const one = setUp({ id: 'once' });
      await bench.until('user.query', () => fake.called.includes('user.query'));
      assert.equal((await ask('set-up-truenas', { ...login(), id: 'once' }))['code'], 'BUSY');
      await one;
    });

    it('begins nothing further when whoever asked has gone', async () => {
      fake.nasty = { delay: { method: 'auth.login_ex', ms: 500 } };
      // Not with supertest, whose server stays when a request of it is given up.
      const server = createServer(bench.RED.httpAdmin).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const person = new AbortController();
      const asking = fetch(`http://127.0.0.1:${port}/zfs-flows/set-up-truenas`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ ...login(), id: 'gone' }),
        signal: person.signal,
      });
      await bench.until('the login', () => fake.called.includes('auth.login_ex'));
      person.abort();
      await assert.rejects(asking);
      await bench.until('the end of the session', () => fake.called.includes('auth.logout'));
      server.closeAllConnections();
      server.close();
      assert.ok(!fake.called.includes('user.update'));
      assert.equal(bench.RED.nodes.getCredentials('gone'), undefined);
    });

    it('replaces the key of a node when its own dialog asks, with its next deploy', async () => {
      const first = await setUp({ id: 'mine' });
      await use('mine', first);
      const second = await setUp({ id: 'mine', replace: true, keyType: 'rsa' });
      assert.match(String(second['publicKey']), /^ssh-rsa /);
      // Without the first key in place the second has to be in force.
      await nas.sh('sed -i /ssh-ed25519/d /root/.ssh/authorized_keys');
      await use('mine', { ...second, name: 'changed' });
      nothingSecret();
    });

    it('says what was changed when a node with its id comes meanwhile, and leaves that alone', async () => {
      fake.nasty = { delay: { method: 'ssh.config', ms: 500 } };
      const asking = ask('set-up-truenas', { ...login(), id: 'meanwhile' });
      await bench.until('ssh.config', () => fake.called.includes('ssh.config'));
      const stranger = { id: 'meanwhile', type: 'zfs-ssh-connection', host: 'elsewhere' };
      await bench.deploy([stranger], 'full', { meanwhile: { privateKey: 'of the other' } });
      const answer = await asking;
      assert.deepEqual([answer['code'], answer['field']], ['INVALID_OPTIONS', 'id']);
      assert.equal((answer['details'] as { changed: string[] }).changed.length, 3);
      assert.deepEqual(bench.RED.nodes.getCredentials('meanwhile'), { privateKey: 'of the other' });
    });
  });
});
