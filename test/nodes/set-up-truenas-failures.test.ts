// *Set up a TrueNAS* when something goes wrong: servers that break off, say too much or the wrong thing; accounts that cannot be
// used; keys that would get lost; and what is told of what was changed by then. Up to the login: set-up-truenas.test.ts.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { PROFILE_NAMES } from '../fake-truenas/profiles';
import { memorySide } from '../fake-truenas/ssh-side';
import { NO_SUDO, Refused } from '../fake-truenas/state';
import { closedPort } from '../support/flow-bench';
import { PASSWORD, refused, SECRET, useTrueNas } from '../support/truenas-bench';
import { newKeyPair } from '../support/key-pair';

describe('setting up a TrueNAS, and what goes wrong', () => {
  const nas = useTrueNas();

  describe('the TrueNAS', () => {
    for (const profile of ['core13', 'scale2510'] as const) {
      it(`${profile}: closes the connection, says too much, the wrong thing or nothing`, async () => {
        await nas.start(profile);
        nas.fake.nasty = { locked: true };
        const locked = await nas.ask();
        refused(locked, 'API_ERROR', /Allowed IP Addresses.*ours is 127\.0\.0\.1/);
        nas.sentNothingSecret();
        nas.fake.nasty = { tooLong: true };
        refused(await nas.ask(), 'API_ERROR', /too long/);
        nas.fake.nasty = { cutIn: 'user.query' };
        const cut = await nas.ask();
        refused(cut, 'CONNECTION_LOST', /in the middle of user\.query/);
        assert.equal(cut.details['stage'], 'account');
        nas.fake.nasty = { binary: true };
        refused(await nas.ask(), 'API_ERROR', /no text/);
        nas.fake.nasty = { huge: (16 << 20) + 1 };
        refused(await nas.ask(), 'API_ERROR', /Max payload size exceeded/);
      });

      it(`${profile}: answers twice, and talks in between`, async () => {
        await nas.start(profile);
        nas.fake.nasty = { twice: true, chatty: true };
        refused(await nas.ask({ sshUser: 'nobody' }), 'INVALID_OPTIONS', /no user \\"nobody\\"/);
      });

      it(`${profile}: repeats secrets in its errors, which is not told`, async () => {
        await nas.start(profile);
        for (const method of ['auth.login', 'auth.login_ex']) {
          nas.fake.nasty = { repeats: method };
          const answer = await nas.ask();
          if (nas.fake.called.at(-1) !== 'auth.logout' && !nas.fake.called.includes(method)) continue;
          assert.doesNotMatch(JSON.stringify(answer), SECRET);
        }
        assert.ok(nas.told.some((text) => text.includes('[secret]')));
      });
    }

    it('is a page of a proxy, everywhere or where the newer API should be', async () => {
      await nas.start('scale2510');
      nas.fake.nasty = { html: true };
      const proxy = await nas.ask();
      refused(proxy, 'API_ERROR', /reverse proxy.*\/websocket/);
      assert.deepEqual([proxy.details['method'], proxy.details['errname']], ['connect', 'HTTP 200']);
      nas.fake.nasty = { html: '/api/current' };
      refused(await nas.ask({ sshUser: 'nobody' }), 'INVALID_OPTIONS', /no user/);
      assert.equal(nas.fake.called[0], 'auth.login');
      nas.fake.nasty = { html: '/websocket' };
      refused(await nas.ask({ sshUser: 'nobody' }), 'INVALID_OPTIONS', /no user/);
    });

    it('takes no message of more than 8192 characters before the login', async () => {
      await nas.start('scale2504');
      refused(await nas.ask({ password: 'x'.repeat(8200) }), 'API_ERROR', /too long.*8192/);
    });
  });

  describe('the account', () => {
    it('is not there, is locked or lives elsewhere', async () => {
      await nas.start('scale2510');
      for (const sshUser of ['nobody', 'locked', 'of-a-directory']) {
        const answer = await nas.ask({ sshUser });
        assert.deepEqual([answer['code'], answer['field']], ['INVALID_OPTIONS', 'sshUser'], sshUser);
      }
      assert.ok(!nas.fake.called.includes('user.update'));
    });

    it('has no home: who else could, and nothing was changed', async () => {
      for (const profile of PROFILE_NAMES) {
        await nas.start(profile);
        const answer = await nas.ask({ sshUser: 'homeless' });
        refused(answer, 'API_ERROR', /home directory on a dataset/);
        assert.deepEqual([answer.details['method'], answer.details['errname']], ['user.update', 'EINVAL']);
        assert.equal(answer.details.changed, undefined);
        assert.ok(!nas.fake.called.some((method) => method.endsWith('pair')));
      }
    });

    it('has a home that is not there: both reasons', async () => {
      await nas.start('scale2410', { side: memorySide({ '/root': null }, nas.door) });
      const answer = await nas.ask({ sshUser: 'away' });
      refused(answer, 'API_ERROR', /not writable.*Home directory \/home\/away does not exist/);
      assert.deepEqual(
        [answer.details['method'], answer.details['errname']],
        ['keychaincredential.ssh_pair', 'ENOENT'],
      );
    });

    it('is paired in the old way where there is no other', async () => {
      await nas.start('core13');
      nas.fake.nasty = {
        refuse: {
          'keychaincredential.ssh_pair': new Refused(
            201,
            'ENOMETHOD',
            "Method 'ssh_pair' not found in 'keychaincredential'",
          ),
        },
      };
      const answer = await nas.ask({ sshUser: 'away' });
      assert.ok(nas.fake.called.includes('replication.pair'));
      assert.match(answer.details.changed?.[0] ?? '', /^SSH key of "away" added/);
    });

    it('may not be changed by this login', async () => {
      await nas.start('scale2510');
      const answer = await nas.ask({ username: 'reader' });
      refused(answer, 'API_ERROR', /full administrator.*ACCOUNT_WRITE/);
      assert.deepEqual([answer.details['method'], answer.details['errname']], ['user.update', 'EACCES']);
    });

    it('has sudo with a password on CORE, where one switch is for all commands', async () => {
      await nas.start('core13');
      const away = nas.fake.state.users.find(({ username }) => username === 'away');
      assert.ok(away);
      away.sudo = { ...NO_SUDO, allowed: true };
      const answer = await nas.ask({ sshUser: 'away', sudo: 'sudo' });
      refused(answer, 'INVALID_OPTIONS', /with sudo and a password/);
      assert.equal(answer['field'], 'sudo');
      assert.equal(answer.details.changed, undefined);
      assert.ok(!nas.fake.called.includes('user.update'));
    });

    it('never loses keys: not those that cannot be read, and it is seen when others vanish', async () => {
      await nas.start('scale2410', { side: memorySide({ '/root': '\xff ssh-ed25519 AAAA' }, nas.door) });
      nas.fake.state.unreadableKeys = true;
      const kept = await nas.ask();
      refused(kept, 'API_ERROR', /does not tell the keys/);
      assert.ok(!nas.fake.called.includes('user.update'));
      const losing = memorySide({ '/root': 'ssh-ed25519 AAAAold mine' }, nas.door);
      const write = losing.writeKeys;
      losing.writeKeys = (username, home, text) => write(username, home, text.split('\n').slice(-1).join('\n'));
      await nas.start('scale2410', { side: losing });
      const lost = await nas.ask();
      refused(lost, 'API_ERROR', /other keys are missing: ssh-ed25519 AAAAold mine/);
      assert.equal(lost.details.changed?.length, 1);
    });
  });

  describe('what follows', () => {
    it('is said with what was changed by then, and the next attempt adds no second key', async () => {
      await nas.start('scale2510');
      const id = 'again-and-again';
      const first = await nas.ask({ id });
      refused(first, 'AUTHENTICATION_FAILED', /key is in place.*StrictModes.*AllowUsers/);
      assert.equal(first.field, 'sshUser', 'the login to the API was right');
      assert.equal(first.details['stage'], 'ssh');
      assert.deepEqual(
        first.details.changed?.map((line) => line.replace(/:.*/, '')),
        ['SSH key of "root" added', 'SSH service', 'SSH service'],
      );
      const second = await nas.ask({ id });
      refused(second, 'AUTHENTICATION_FAILED', /key is in place/);
      assert.deepEqual(second.details.changed, first.details.changed);
      const keys = (await nas.fake.state.side.readKeys('/root')) ?? '';
      assert.equal(keys.trim().split('\n').length, 1);
      assert.deepEqual([...new Set(nas.door.offered)], [keys.split(' ')[1]]);
      // Nothing waits for the deploy.
      assert.equal(nas.bench.RED.nodes.getCredentials(id), undefined);
    });

    it('fails when the SSH service does not start, is elsewhere or tells no host key', async () => {
      await nas.start('scale2510');
      const original = nas.fake.state.jobs;
      original.set = (id) =>
        Map.prototype.set.call(original, id, [{ state: 'FAILED', error: 'sshd: bad configuration' }]) as never;
      const failed = await nas.ask();
      refused(failed, 'API_ERROR', /service\.control: sshd: bad configuration/);
      assert.equal(failed.details['stage'], 'service');
      assert.equal(failed.details.changed?.length, 2);

      await nas.start('core13', {
        side: memorySide({ '/root': null }, { port: await closedPort(), hostKey: nas.door.hostKey }),
      });
      refused(await nas.ask(), 'CONNECTION_REFUSED', /may listen on other addresses/);

      for (const profile of ['core13', 'scale26'] as const) {
        await nas.start(profile);
        nas.fake.state.sshFails = true;
        const ended = await nas.ask();
        refused(ended, 'API_ERROR', /does not run after its start.*System › Services/);
        assert.equal(ended.details.changed?.length, 2);
      }

      const stranger = newKeyPair().public;
      await nas.start('core13', { side: memorySide({ '/root': null }, { port: nas.door.port, hostKey: stranger }) });
      refused(await nas.ask(), 'HOST_KEY_MISMATCH', /not the SSH service of this TrueNAS/);

      await nas.start('core13');
      nas.fake.state.ssh = { enable: true, running: true, everStarted: false };
      const none = await nas.ask();
      refused(none, 'API_ERROR', /no SSH host key/);
      assert.equal(none.details['method'], 'ssh.config');
    });

    it('leaves no secret in what a process prints for debugging', async () => {
      await nas.start('scale2510');
      const script = path.join(__dirname, 'set-up-truenas.fixture.ts');
      const child = promisify(execFile)(process.execPath, ['--require', 'tsx/cjs', script], {
        env: { ...process.env, NODE_DEBUG: 'zfs-flows' },
      });
      child.child.stdin?.end(
        JSON.stringify({ url: nas.fake.url, certificate: nas.fake.fingerprint, password: PASSWORD }),
      );
      const { stdout, stderr } = await child;
      assert.match(stdout, /AUTHENTICATION_FAILED/);
      assert.match(stderr, /ZFS-FLOWS \d+: 127\.0\.0\.1: user\.update took \d+ ms/);
      assert.doesNotMatch(stdout + stderr, SECRET);
    });
  });
});
