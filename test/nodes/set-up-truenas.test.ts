// *Set up a TrueNAS* up to the login: whom it believes, what it sends, who is let in, and in which words it is refused. The TrueNAS
// is a fake one of each version. What comes after the login: set-up-truenas-failures.test.ts; a set-up that succeeds: test/zfs/nodes/.
import assert from 'node:assert/strict';
import { selfSigned } from '../fake-truenas/certificates';
import { PROFILE_NAMES, PROFILES } from '../fake-truenas/profiles';
import { fingerprintOf } from '../fake-truenas/server';
import { Refused } from '../fake-truenas/state';
import { closedPort, sshConnection } from '../support/flow-bench';
import { API_KEY, PASSWORD, refused, useTrueNas } from '../support/truenas-bench';

describe('setting up a TrueNAS, up to the login', () => {
  const nas = useTrueNas();

  describe('its certificate', () => {
    it('is shown with fingerprint, subject and validity, and nothing was said yet', async () => {
      await nas.start('scale2510');
      const answer = await nas.ask({ certificate: undefined });
      refused(answer, 'CERTIFICATE_UNKNOWN', /Nothing secret was sent/);
      const shown = answer['certificate'] as Record<string, string>;
      assert.equal(shown['fingerprint'], nas.fake.fingerprint);
      assert.match(shown['subject'] ?? '', /CN=localhost/);
      const [from, to] = [shown['validFrom'], shown['validTo']].map((text) => Date.parse(String(text)));
      assert.ok(from !== undefined && to !== undefined && from < Date.now() && to > Date.now() + 396 * 86_400_000);
      assert.deepEqual(answer.details.certificate, shown);
      assert.deepEqual(nas.fake.heard, []);
    });

    it('is refused when it has changed since, also between two connections of one set-up', async () => {
      await nas.start('scale2510');
      const other = await selfSigned('/CN=somebody else');
      const changed = await nas.ask({ certificate: fingerprintOf(other) });
      refused(changed, 'CERTIFICATE_UNKNOWN', /another certificate/);
      assert.equal((changed['certificate'] as { fingerprint: string }).fingerprint, nas.fake.fingerprint);
      assert.deepEqual(nas.fake.heard, []);
      nas.fake.nasty = { secondCertificate: other };
      await nas.start('scale2510');
      nas.fake.nasty = { secondCertificate: other };
      const second = await nas.ask();
      refused(second, 'CERTIFICATE_UNKNOWN', /somebody else/);
      nas.sentNothingSecret();
    });

    it('is what was confirmed, however that was copied, and even when it has run out', async () => {
      const own = await selfSigned('/CN=old', ['20200101000000Z', '20210101000000Z']);
      await nas.start('scale2410', { own });
      const plain = nas.fake.fingerprint.replaceAll(':', '').toLowerCase();
      for (const spelling of [
        nas.fake.fingerprint,
        plain,
        `SHA256:${plain}`,
        `SHA256 Fingerprint=${nas.fake.fingerprint} `,
      ]) {
        refused(
          await nas.ask({ certificate: spelling, password: 'wrong' }),
          'AUTHENTICATION_FAILED',
          /wrong user name or password/,
        );
      }
      const nonsense = await nas.ask({ certificate: 'AB:CD' });
      refused(nonsense, 'INVALID_OPTIONS', /64 hexadecimal/);
      assert.equal(nonsense['field'], 'certificate');
    });
  });

  describe('plain http', () => {
    it('never gets an API key, and a password only when somebody insists', async () => {
      await nas.start('scale2504', { plain: 'serve' });
      nas.fake.state.apiKeys.set(API_KEY, 'root');
      const url = nas.fake.plainUrl;
      const withKey = { url, password: undefined, apiKey: API_KEY };
      for (const request of [withKey, { ...withKey, insecure: true }, { url }]) {
        const answer = await nas.ask(request);
        refused(answer, 'INVALID_OPTIONS', /unencrypted/);
        assert.equal(answer['field'], 'url');
      }
      nas.sentNothingSecret();
      assert.equal(nas.fake.state.revoked.size, 0);
      refused(await nas.ask({ url, insecure: true, password: 'wrong' }), 'AUTHENTICATION_FAILED', /wrong/);
      assert.ok(nas.fake.heard.some((text) => text.includes('"wrong"')));
    });

    it('leads to https once, which is told, and its certificate is asked for there', async () => {
      await nas.start('core13');
      const url = nas.fake.plainUrl;
      const unknown = await nas.ask({ url, certificate: '' });
      refused(unknown, 'CERTIFICATE_UNKNOWN', /leads to https:/);
      const wrong = await nas.ask({ url, password: 'wrong' });
      refused(wrong, 'AUTHENTICATION_FAILED', /password of root right/);
      assert.deepEqual(nas.fake.called.slice(0, 1), ['auth.login']);
    });

    it('leads there where only the websocket is redirected', async () => {
      await nas.start('scale2510');
      nas.fake.nasty = { pages: 'served' };
      refused(await nas.ask({ url: nas.fake.plainUrl, certificate: '' }), 'CERTIFICATE_UNKNOWN', /leads to https:/);
      nas.sentNothingSecret();
    });

    it('is not followed to another host, nor to anything when nobody answers', async () => {
      await nas.start('core13');
      const before = nas.fake.heard.length;
      for (const location of ['https://evil.example/', `http://127.0.0.1:1/`, 'nonsense']) {
        nas.fake.nasty = { location };
        const answer = await nas.ask({ url: nas.fake.plainUrl });
        refused(answer, 'INVALID_OPTIONS', /unencrypted/);
      }
      assert.ok(nas.fake.heard.length > before);
      const nobody = await nas.ask({ url: `http://127.0.0.1:${await closedPort()}` });
      assert.deepEqual([nobody['code'], nobody['field']], ['INVALID_OPTIONS', 'url']);
      nas.sentNothingSecret();
    });
  });

  describe('the request', () => {
    it('is refused, field by field, before anybody is asked', async () => {
      await nas.start('scale2510');
      const cases: [object, string][] = [
        [{ id: '' }, 'id'],
        [{ url: '' }, 'url'],
        [{ url: 'ftp://nas' }, 'url'],
        [{ url: 'https://root:S3cr@nas' }, 'url'],
        [{ username: ' ' }, 'username'],
        [{ password: '' }, 'password'],
        [{ password: { text: PASSWORD } }, 'password'],
        [{ apiKey: API_KEY }, 'apiKey'],
        [{ sudo: 'doas' }, 'sudo'],
        [{ sudo: 'su' }, 'sudo'],
        [{ keyType: 'dsa' }, 'keyType'],
      ];
      for (const [request, field] of cases) {
        const answer = await nas.ask(request);
        assert.deepEqual([answer['code'], answer['field']], ['INVALID_OPTIONS', field], JSON.stringify(answer));
      }
      assert.deepEqual(nas.fake.heard, []);
    });

    it('is not for a connection that is there, but from its own dialog', async () => {
      await nas.start('scale2510');
      await nas.bench.deploy([sshConnection(nas.door.port)], 'full');
      const answer = await nas.ask({ id: 'ssh' });
      assert.deepEqual([answer['code'], answer['field']], ['INVALID_OPTIONS', 'id']);
      assert.deepEqual(nas.fake.heard, []);
      refused(await nas.ask({ id: 'ssh', replace: true, password: 'wrong' }), 'AUTHENTICATION_FAILED', /wrong/);
    });

    it('says why nobody can be reached', async () => {
      await nas.start('scale2510');
      const refusedAt = await nas.ask({ url: `https://127.0.0.1:${await closedPort()}` });
      refused(refusedAt, 'CONNECTION_REFUSED', /web interface/);
      refused(await nas.ask({ url: 'https://does-not-exist.invalid' }), 'HOST_NOT_FOUND', /cannot be resolved/);
      refused(
        await nas.ask({ url: nas.fake.plainUrl.replace('http', 'https') }),
        'CONNECTION_LOST',
        /does not speak TLS/,
      );
    });
  });

  describe('the login', () => {
    for (const profile of PROFILE_NAMES) {
      const { core, versions, denies, version } = PROFILES[profile];

      it(`${version}: wrong password, account without rights, second factor, API key`, async () => {
        await nas.start(profile);
        refused(
          await nas.ask({ password: 'wrong' }),
          'AUTHENTICATION_FAILED',
          core ? /password of root/ : /password disabled.*second factor.*CORE only root/,
        );
        const other = await nas.ask({ username: 'truenas_admin', password: core ? PASSWORD : 'wrong' });
        refused(other, 'AUTHENTICATION_FAILED', core ? /only root can log in, not/ : /wrong user name or password/);
        const without = await nas.ask({ username: 'nobody-special' });
        refused(
          without,
          'AUTHENTICATION_FAILED',
          core ? /only root/ : denies ? /no access to the API.*full administrator/ : /administrator's privilege/,
        );

        nas.fake.state.machineOtp = true;
        const username = core ? 'root' : 'otp';
        refused(await nas.ask({ username }), 'OTP_REQUIRED', /needs the code/);
        const code = await nas.ask({ username, otp: '000000' });
        // CORE tells no one from the other.
        if (core) refused(code, 'AUTHENTICATION_FAILED', /second factor/);
        else refused(code, 'OTP_REQUIRED', /not accepted/);
        refused(
          await nas.ask({ username, otp: ' 482 913 ', sshUser: 'nobody' }),
          'INVALID_OPTIONS',
          /no user \\"nobody\\"/,
        );

        nas.fake.state.apiKeys.set(API_KEY, 'truenas_admin');
        const withKey = { password: undefined, username: 'truenas_admin', sshUser: 'nobody' };
        refused(await nas.ask({ ...withKey, apiKey: '3-wrong' }), 'AUTHENTICATION_FAILED', /API key/);
        for (const whose of ['truenas_admin', '']) {
          refused(
            await nas.ask({ ...withKey, username: whose, apiKey: API_KEY }),
            'INVALID_OPTIONS',
            /no user \\"nobody\\"/,
          );
        }
        if (versions === null) return;
        refused(
          await nas.ask({ ...withKey, username: 'root', apiKey: API_KEY }),
          'AUTHENTICATION_FAILED',
          /belongs to a user/,
        );
        nas.fake.state.revoked.add(API_KEY);
        refused(await nas.ask({ ...withKey, apiKey: API_KEY }), 'AUTHENTICATION_FAILED', /revoked.*Make a new one/);
      });
    }

    it('is refused at the standby of a pair, which names the other', async () => {
      await nas.start('scale2510');
      nas.fake.state.redirect = ['https://10.0.0.2'];
      const answer = await nas.ask();
      refused(answer, 'API_ERROR', /standby.*https:\/\/10\.0\.0\.2/);
      assert.deepEqual([answer.details['method'], answer.details['errname']], ['auth.login_ex', 'REDIRECT']);
    });

    it('goes on in the old language where JSON-RPC knows no login', async () => {
      await nas.start('scale2504');
      nas.fake.nasty = { noLoginEx: true };
      refused(await nas.ask({ sshUser: 'nobody' }), 'INVALID_OPTIONS', /no user/);
      assert.deepEqual(nas.fake.called.slice(0, 2), ['auth.login_ex', 'auth.login']);
    });

    it('explains what a TrueNAS says of a key without a user, and of too many attempts', async () => {
      await nas.start('scale2410');
      const cryptic = new Refused(22, 'EINVAL', 'AUTH: unexpected authenticator run state. Expected: START');
      nas.fake.nasty = {
        refuse: {
          'auth.login_with_api_key': cryptic,
          'auth.login': new Refused(16, 'EBUSY', '[EBUSY] Rate Limit Exceeded'),
        },
      };
      refused(await nas.ask({ password: undefined, apiKey: API_KEY }), 'AUTHENTICATION_FAILED', /revoked/);
      const often = await nas.ask();
      refused(often, 'API_ERROR', /wait a minute/);
      assert.deepEqual([often.details['method'], often.details['errname']], ['auth.login', 'EBUSY']);
    });
  });
});
