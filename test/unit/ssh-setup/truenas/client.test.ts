// The session with a TrueNAS by itself: its language, whom it believes, how long it waits, jobs, and its end.
import assert from 'node:assert/strict';
import { ZfsFlowError, type ErrorCode } from '../../../../src/base/errors';
import { Secret } from '../../../../src/base/secret';
import { TrueNasClient, type TrueNasConnection } from '../../../../src/ssh-setup/truenas/client';
import { parsePin } from '../../../../src/ssh-setup/truenas/certificate';
import { selfSigned, signed, type Certificate } from '../../../fake-truenas/certificates';
import { PROFILE_NAMES, PROFILES } from '../../../fake-truenas/profiles';
import { FakeTrueNas } from '../../../fake-truenas/server';
import { memorySide } from '../../../fake-truenas/ssh-side';
import { NO_SUDO, Refused, type FakeUser } from '../../../fake-truenas/state';

const ROOT: FakeUser = {
  id: 1,
  uid: 0,
  username: 'root',
  home: '/root',
  shell: '/usr/bin/bash',
  password: 'secret',
  privilege: 'full',
  sudo: NO_SUDO,
};

describe('a session with the API of a TrueNAS', () => {
  const side = memorySide({ '/root': null });
  let certificate: Certificate;
  let fake: FakeTrueNas;
  const open: TrueNasClient[] = [];

  before(async () => {
    certificate = await selfSigned();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.close()));
    await fake.close();
  });

  async function start(profile: (typeof PROFILE_NAMES)[number] = 'scale2510', own = certificate): Promise<void> {
    fake = await FakeTrueNas.start({ profile, side, users: [ROOT], certificate: own });
  }

  async function connect(more: Partial<TrueNasConnection> = {}): Promise<TrueNasClient> {
    const trust = { pin: parsePin(fake.fingerprint) };
    const client = await TrueNasClient.connect({ url: fake.url, trust, secret: 'password', ...more });
    open.push(client);
    return client;
  }

  const login = async (client: TrueNasClient): Promise<void> =>
    client.login({ kind: 'password', username: 'root', password: new Secret('secret') });

  async function fails(work: Promise<unknown>, code: ErrorCode, words: RegExp): Promise<ZfsFlowError> {
    let thrown: unknown;
    await work.catch((error: unknown) => (thrown = error));
    assert.ok(thrown instanceof ZfsFlowError, String(thrown));
    assert.equal(thrown.code, code, thrown.message);
    assert.match(`${thrown.message} ${thrown.hint ?? ''}`, words);
    return thrown;
  }

  it('speaks what the version speaks, and says goodbye', async () => {
    for (const profile of PROFILE_NAMES) {
      await start(profile);
      const client = await connect();
      assert.equal(client.protocol, PROFILES[profile].versions === null ? 'websocket' : 'json-rpc');
      await login(client);
      assert.equal(await client.call('system.version'), PROFILES[profile].version);
      const missing = await fails(client.call('user.destroy_all'), 'API_ERROR', /does not have it/);
      assert.deepEqual(missing.details, { method: 'user.destroy_all', errname: 'ENOMETHOD' });
      await client.close();
      assert.equal(fake.called.at(-1), 'auth.logout');
      await fails(client.call('system.version'), 'CONNECTION_LOST', /./);
      await client.close();
      if (profile !== PROFILE_NAMES.at(-1)) await fake.close();
    }
  });

  it('is not let in without a login, in the words of each version', async () => {
    for (const profile of ['core13', 'scale2410', 'scale26'] as const) {
      await start(profile);
      const client = await connect();
      const error = await fails(client.call('user.query', [], {}), 'API_ERROR', /Not authenticated/);
      assert.equal(error.details?.['errname'], profile === 'core13' ? 'EACCES' : 'ENOTAUTHENTICATED');
      await client.close();
      if (profile !== 'scale26') await fake.close();
    }
  });

  it('needs no confirmed certificate where an authority vouches for it, and for this host', async () => {
    const good = await signed('IP:127.0.0.1');
    await start('scale2510', good);
    await login(await connect({ trust: { authorities: [good.authority] } }));
    await fails(connect({ trust: {} }), 'CERTIFICATE_UNKNOWN', /cannot be verified/);
    // Confirmed is confirmed, whoever signed it; and what was confirmed is not replaced by what somebody vouches for.
    await login(await connect({ trust: { pin: parsePin(fake.fingerprint) } }));
    const other = parsePin('ab'.repeat(32));
    await fails(connect({ trust: { pin: other, authorities: [good.authority] } }), 'CERTIFICATE_UNKNOWN', /another/);
    await fake.close();
    const elsewhere = await signed('DNS:other.example');
    await start('scale2510', elsewhere);
    await fails(connect({ trust: { authorities: [elsewhere.authority] } }), 'CERTIFICATE_UNKNOWN', /ALTNAME_INVALID/);
  });

  it('opens nothing over plain http for an API key, whatever a person insists on', async () => {
    fake = await FakeTrueNas.start({ profile: 'scale2510', side, users: [ROOT], certificate, plain: 'serve' });
    const plain = { url: fake.plainUrl, insecure: true };
    const refused = await fails(connect({ ...plain, secret: 'apiKey' }), 'INVALID_OPTIONS', /revokes/);
    assert.equal(refused.field, 'url');
    const client = await connect(plain);
    const key = { kind: 'apiKey', username: 'root', apiKey: new Secret('1-key') } as const;
    await fails(client.login(key), 'INVALID_OPTIONS', /revokes/);
    assert.deepEqual(fake.called, []);
    await login(client);
  });

  it('waits for a login, a call and a job, but not for ever', async () => {
    await start();
    fake.nasty = { delay: { method: 'auth.login_ex', ms: 300 } };
    await login(await connect());
    await fails(login(await connect({ limits: { loginMs: 50 } })), 'TIMEOUT', /auth\.login_ex within 0\.05 s/);
    fake.nasty = { delay: { method: 'system.version', ms: 300 } };
    const client = await connect({ limits: { callMs: 50, jobMs: 100, pollMs: 10 } });
    await login(client);
    await fails(client.call('system.version'), 'TIMEOUT', /system\.version/);
    // The late answer is nobody's.
    fake.nasty = {};
    assert.deepEqual(await client.call('user.shell_choices', []), {
      '/usr/bin/bash': 'bash',
      '/usr/bin/sh': 'sh',
      '/usr/sbin/nologin': 'nologin',
    });
    assert.equal(await client.job('service.control', 'START', 'ssh'), true);
    const { jobs } = fake.state;
    jobs.set = (id) => Map.prototype.set.call(jobs, id, [{ state: 'RUNNING', error: null }]) as typeof jobs;
    await fails(client.job('service.control', 'START', 'ssh'), 'TIMEOUT', /does not end/);
  });

  it('has many calls on their way at once, each with its own answer', async () => {
    await start('scale2410');
    const client = await connect();
    await login(client);
    fake.nasty = { delay: { method: 'system.version', ms: 50 } };
    const answers = await Promise.all([client.call('system.version'), client.call('system.product_type')]);
    assert.deepEqual(answers, ['TrueNAS-SCALE-24.10.2.4', 'SCALE']);
  });

  it('ends with an error for each call that is on its way when the connection does', async () => {
    await start();
    const client = await connect();
    await login(client);
    fake.nasty = { delay: { method: 'system.version', ms: 10_000 } };
    const both = [client.call('system.version'), client.call('system.version')];
    setTimeout(() => void fake.close(), 50);
    await Promise.all(both.map((one) => fails(one, 'CONNECTION_LOST', /./)));
  });

  it('tries the websocket where no other request is answered', async () => {
    await start('scale2410');
    fake.nasty = { pages: 'silent' };
    const client = await connect({ limits: { connectMs: 500 } });
    await login(client);
    assert.equal(client.protocol, 'websocket');
  });

  it('cuts short what a TrueNAS says in an error', async () => {
    await start('core13');
    const extra = Array.from(
      { length: 100 },
      (_, at) => [`field${at}`, 'x'.repeat(5000), 22] as [string, string, number],
    );
    fake.nasty = { refuse: { 'auth.login': new Refused(22, 'EINVAL', 'x'.repeat(100_000), extra) } };
    const error = await fails(login(await connect()), 'API_ERROR', /field0/);
    assert.ok(JSON.stringify(error.details).length < 25_000);
    assert.ok(error.message.length < 1100);
  });

  it('gives up on a server that says nothing at all', async () => {
    await start();
    const silent = await fails(
      connect({ url: fake.plainUrl.replace('http', 'https'), limits: { connectMs: 100 } }),
      'CONNECTION_LOST',
      /TLS/,
    );
    assert.equal(silent.host, '127.0.0.1');
  });
});
