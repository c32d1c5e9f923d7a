// Setting up a connection with a password, as the dialog asks for it, on accounts and SSH servers of many kinds. The proof
// of each is a login with the new key, and what stands in the files over there.
import assert from 'node:assert/strict';
import { generateKeyPair } from '../../../src/host/ssh/key-pair';
import { setUpByPassword } from '../../../src/ssh-setup/set-up';
import type { Link } from '../../lab/link';
import type { Machine } from '../../lab/machine';
import { startSshd } from '../../lab/sshd';
import { connectOptions } from '../../support/engine';
import { BlackHole, FlowBench, helper, type FlowNode } from '../../support/flow-bench';
import { useMachines } from '../../support/machines';
import { HASH, PASSWORD } from '../../support/password';

interface Answer {
  ok: boolean;
  code?: string;
  message?: string;
  hint?: string;
  field?: string;
  details?: { changed?: string[]; hostKeys?: { line: string; fingerprint: string }[] };
  hostKeys: string;
  publicKey: string;
  changed: string[];
  warnings: string[];
  facts: { platform: string; isRoot: boolean };
}

describe('setting up a connection with a password', function () {
  this.timeout(120_000);
  let a: Machine;
  /** Takes passwords by sshd's own method. */
  let plain: Link;
  /** Takes them by keyboard-interactive alone, through PAM. */
  let pam: Link;
  const bench = new FlowBench();
  /** Takes connections and never answers. */
  const hole = new BlackHole();
  let ids = 0;

  useMachines({ a: {} }, async (machines) => {
    ({ a } = machines);
    const users = [
      'ann',
      'csh',
      'fish',
      'loud',
      'pam',
      'elsewhere',
      'linked',
      'open',
      'tidy',
      'foreign',
      'ro',
      'twice',
    ];
    await a.sh(
      `hash=$1; shift; for u in "$@"; do useradd -m -s /bin/bash -p "$hash" "$u"; done
        usermod -s /bin/csh csh; usermod -s /usr/bin/fish fish
        echo 'echo Welcome; echo to stderr >&2' >>/home/loud/.bashrc
        printf 'Match User elsewhere\\n  AuthorizedKeysFile /etc/ssh/keys/%%u\\n' >>/etc/ssh/sshd_config`,
      { args: [HASH, ...users] },
    );
    plain = await startSshd(a, 2301, 'PasswordAuthentication=yes', 'PermitRootLogin=yes');
    const kinds = ['PasswordAuthentication=no', 'KbdInteractiveAuthentication=yes', 'UsePAM=yes'];
    pam = await startSshd(a, 2302, ...kinds);
    await hole.open();
    await bench.open();
    await bench.start([other], {});
  });
  after(async () => {
    await bench.stop();
    await bench.close();
    await hole.close();
  });

  const other: FlowNode = { id: 'other', type: 'zfs-ssh-connection', host: 'elsewhere' };

  async function post(endpoint: string, body: object): Promise<Answer> {
    const response = await helper.request().post(`/zfs-flows/${endpoint}`).send(body).expect(200);
    return response.body as Answer;
  }

  const request = (username: string, more: object = {}): Record<string, unknown> => ({
    id: `set-up-${++ids}`,
    host: '127.0.0.1',
    port: plain.port,
    username,
    password: PASSWORD,
    hostKey: a.hostKey,
    ...more,
  });

  async function succeeds(username: string, more: object = {}): Promise<Answer & { id: string }> {
    const asked = request(username, more);
    const answer = await post('set-up-remote', asked);
    assert.ok(answer.ok, JSON.stringify(answer));
    assert.doesNotMatch(JSON.stringify(answer), new RegExp(`PRIVATE|${PASSWORD}`));
    assert.equal(answer.hostKeys, a.hostKey);
    assert.equal(answer.facts.platform, 'Linux');
    const { password: _secret, hostKey: _key, ...shown } = asked;
    const test = await post('test-connection', { ...shown, hostKeys: answer.hostKeys });
    assert.ok(test.ok, JSON.stringify(test));
    return { ...answer, id: String(asked['id']) };
  }

  async function fails(code: string, text: RegExp, username: string, more: object = {}): Promise<Answer> {
    const answer = await post('set-up-remote', request(username, more));
    assert.equal(answer.code, code, JSON.stringify(answer));
    assert.match(answer.message ?? '', text);
    assert.doesNotMatch(JSON.stringify(answer), new RegExp(`PRIVATE|${PASSWORD}`));
    return answer;
  }

  /** Everything in a directory: names, modes, owners and contents. */
  const stateOf = (path: string): Promise<string> =>
    a.read(['sh', '-c', 'ls -laR --time-style=full-iso "$1"; find "$1" -type f -exec md5sum {} +', 'sh', path]);

  const keysOf = (user: string): Promise<string> => a.read(['cat', `/home/${user}/.ssh/authorized_keys`]);

  async function changesNothing(user: string, attempt: () => Promise<Answer>): Promise<Answer> {
    const before = await stateOf(`/home/${user}`);
    const answer = await attempt();
    assert.equal(await stateOf(`/home/${user}`), before);
    assert.deepEqual(answer.details?.changed, []);
    return answer;
  }

  it('takes less than ten seconds from the click to a tested connection, and says what it changed', async () => {
    const begun = Date.now();
    const { changed, publicKey, id } = await succeeds('ann');
    const seconds = (Date.now() - begun) / 1000;
    console.log(`      ${seconds.toFixed(1)} s from the click to a tested connection`);
    assert.ok(seconds < 10);
    assert.deepEqual(changed, [
      'made the directory /home/ann/.ssh (mode 0700)',
      'made the file /home/ann/.ssh/authorized_keys (mode 0600)',
      'added the key to /home/ann/.ssh/authorized_keys',
    ]);
    assert.equal(await keysOf('ann'), publicKey);
    assert.match(await stateOf('/home/ann'), /drwx------ .* ann .* \.ssh\n[^]*-rw------- .* ann .* authorized_keys/);

    // Deployed without any secret, after a deploy of somebody else: the key is on the server.
    await bench.deploy([other, { ...other, id: 'more' }], 'full', {});
    const { password: _password, hostKey: hostKeys, ...shown } = request('ann', { id });
    await bench.deploy([other, { ...shown, id, type: 'zfs-ssh-connection', hostKeys }], 'full', {});
    assert.deepEqual(await post('datasets', { connection: id }), {
      datasets: [{ name: 'tank', type: 'filesystem' }],
    });
    await bench.deploy([other], 'full', {});
  });

  it('sends no password before the host key is confirmed, nor to another host', async () => {
    const answer = await fails('HOST_KEY_UNKNOWN', /SHA256:/, 'ann', { hostKey: '' });
    assert.deepEqual(
      answer.details?.hostKeys?.map(({ line }) => line),
      [a.hostKey],
    );
    const strange = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIELujZT8SCKAdNQoeY+lGTJQqx4H31CSTPweGAYWz0Dm';
    await fails('HOST_KEY_MISMATCH', /another host key/, 'ann', { hostKey: strange });
    await fails('INVALID_OPTIONS', /not a host key/, 'ann', { hostKey: 'nonsense' });
    assert.equal((await post('set-up-remote', request('ann', { hostKey: 'x' }))).field, 'hostKey');
  });

  it('says that the password is wrong, and adds nothing', async () => {
    await fails('AUTHENTICATION_FAILED', /did not accept the password/, 'ann', { password: 'wrong' });
    assert.equal((await post('set-up-remote', request('ann', { password: '' }))).field, 'password');
    assert.equal((await post('set-up-remote', request('ann', { id: '' }))).field, 'id');
    assert.equal((await post('set-up-remote', request('ann', { id: 'other' }))).field, 'id');
  });

  it('works where PAM asks by keyboard-interactive alone', async () => {
    await succeeds('pam', { port: pam.port });
    await fails('AUTHENTICATION_FAILED', /keyboard-interactive/, 'pam', { port: pam.port, password: 'wrong' });
  });

  it('never answers a question for a new password with the old one', async () => {
    await a.run(['chage', '-d', '0', 'pam']);
    const before = await a.read(['getent', 'shadow', 'pam']);
    await fails('AUTHENTICATION_FAILED', /it asks: .*password/i, 'pam', { port: pam.port });
    assert.equal(await a.read(['getent', 'shadow', 'pam']), before);
  });

  for (const user of ['csh', 'fish', 'loud']) {
    it(`works with the login shell of "${user}"`, async () => {
      const { publicKey } = await succeeds(user, { keyType: user === 'csh' ? 'rsa' : 'ed25519' });
      assert.match(publicKey, user === 'csh' ? /^ssh-rsa / : /^ssh-ed25519 /);
      assert.equal(await keysOf(user), publicKey);
    });
  }

  it('names the path where sshd looks for keys instead', async () => {
    const answer = await fails('AUTHENTICATION_FAILED', /is in place.*\/etc\/ssh\/keys\/elsewhere/, 'elsewhere');
    assert.equal(answer.details?.changed?.length, 3);
    // Nothing waits: a key that does not work is no key.
    assert.equal((await post('test-connection', { ...request('elsewhere'), id: `set-up-${ids}` })).ok, false);
  });

  it('reads the settings of the very sshd that it asked', async () => {
    const settings = ['PasswordAuthentication=yes', 'PermitRootLogin=yes', 'PubkeyAuthentication=no'];
    const { port } = await startSshd(a, 2304, ...settings);
    await fails('AUTHENTICATION_FAILED', /PubkeyAuthentication no/, 'ann', { port });
    const moved = await startSshd(a, 2305, ...settings.slice(0, 2), 'AuthorizedKeysFile=/srv/keys/%u');
    await fails('AUTHENTICATION_FAILED', /looks for keys in \/srv\/keys\/ann /, 'ann', { port: moved.port });
  });

  it('tells of root without a password, and lets root in where there is one', async () => {
    await fails('AUTHENTICATION_FAILED', /did not accept the password for the user "root"/, 'root');
    await a.run(['usermod', '-p', HASH, 'root']);
    assert.ok((await succeeds('root')).facts.isRoot);
    // The lab's own key is still there.
    assert.equal((await a.read(['cat', '/root/.ssh/authorized_keys'])).split('\n').length, 2);
  });

  it('takes the right to write from others, and nothing else', async () => {
    await a.sh(`cd /home/open; chmod 777 .; install -d -o open -m 775 .ssh; printf '# mine' >.ssh/authorized_keys
      chown open .ssh/authorized_keys; chmod 666 .ssh/authorized_keys`);
    const { changed, publicKey } = await succeeds('open');
    assert.deepEqual(changed, [
      'ended the last line of /home/open/.ssh/authorized_keys, which had no line break',
      'added the key to /home/open/.ssh/authorized_keys',
      'took the right to write to /home/open from group and others (its mode was drwxrwxrwx)',
      'took the right to write to /home/open/.ssh from group and others (its mode was drwxrwxr-x)',
      'took the right to write to /home/open/.ssh/authorized_keys from group and others (its mode was -rw-rw-rw-)',
    ]);
    assert.equal(await keysOf('open'), `# mine\n${publicKey}`);
    const modes = ['stat', '-c', '%a', '/home/open', '/home/open/.ssh', '/home/open/.ssh/authorized_keys'];
    assert.equal(await a.read(modes), '755\n755\n644');
  });

  it('leaves modes and keys alone that are right, and adds no key twice', async () => {
    await a.sh(`cd /home/tidy; install -d -o tidy -m 755 .ssh; echo 'ssh-ed25519 AAAA old' >.ssh/authorized_keys
      chown tidy .ssh/authorized_keys; chmod 644 .ssh/authorized_keys; chmod 750 .`);
    const id = 'tidy';
    const first = await succeeds('tidy', { id });
    assert.deepEqual(first.changed, ['added the key to /home/tidy/.ssh/authorized_keys']);
    // The key waits to be deployed, so another try takes it again.
    const before = await stateOf('/home/tidy');
    const second = await succeeds('tidy', { id });
    assert.deepEqual([second.changed, second.publicKey], [[], first.publicKey]);
    assert.equal(await stateOf('/home/tidy'), before);
    assert.equal(await keysOf('tidy'), `ssh-ed25519 AAAA old\n${first.publicKey}`);
    assert.match(before, /drwxr-xr-x .* \.ssh\n/);
    // One that is commented out is none.
    await a.run(['sed', '-i', '2s/^/# /', '/home/tidy/.ssh/authorized_keys']);
    assert.equal((await succeeds('tidy', { id })).changed.length, 1);
  });

  it('works in a home directory behind a link, and refuses links where the keys are', async () => {
    await a.sh('mv /home/linked /srv/linked; ln -s /srv/linked /home/linked');
    const { changed } = await succeeds('linked');
    assert.equal(changed[0], 'made the directory /srv/linked/.ssh (mode 0700)');
    await a.sh('cd /srv/linked/.ssh; mv authorized_keys real; ln -s real authorized_keys');
    await changesNothing('linked/', () =>
      fails('PERMISSION_DENIED', /authorized_keys is a symbolic link; nothing/, 'linked'),
    );
    await a.sh('cd /srv/linked; mv .ssh keys; ln -s keys .ssh');
    await changesNothing('linked/', () => fails('PERMISSION_DENIED', /\.ssh is a symbolic link; nothing/, 'linked'));
  });

  it('refuses what belongs to somebody else', async () => {
    const refuses = (text: RegExp): Promise<Answer> =>
      changesNothing('foreign', () => fails('PERMISSION_DENIED', text, 'foreign'));
    await a.sh('cd /home/foreign; install -d -o foreign -m 700 .ssh; echo >.ssh/authorized_keys');
    await refuses(/authorized_keys belongs to another user \(id 0\)/);
    await a.sh('chown root /home/foreign/.ssh; chmod 755 /home/foreign/.ssh');
    await refuses(/\.ssh belongs to another user/);
    await a.sh('cd /home/foreign; rm -r .ssh; mkdir -p .ssh/authorized_keys; chown -R foreign .ssh');
    await refuses(/not what it should be/);
    await a.sh('rm -r /home/foreign/.ssh; chown ann /home/foreign; chmod 777 /home/foreign');
    await refuses(/foreign belongs to another user/);
  });

  it('says that a home directory is read-only, missing or full', async () => {
    await a.sh('mount -t tmpfs -o mode=755,size=16k ro /home/ro; chown ro /home/ro; mount -o remount,ro /home/ro');
    await changesNothing('ro', () => fails('PERMISSION_DENIED', /\/home\/ro cannot be written; nothing/, 'ro'));
    await a.sh('mount -o remount,rw /home/ro; cat /dev/zero >/home/ro/fill 2>/dev/null || :');
    const full = await fails('OUT_OF_SPACE', /No space left on device; changed until then: made the directory/, 'ro');
    assert.equal(full.details?.changed?.[0], 'made the directory /home/ro/.ssh (mode 0700)');
    await a.sh('umount /home/ro; mv /home/ro /home/away');
    await fails('PERMISSION_DENIED', /home directory \/home\/ro is not there/, 'ro');
  });

  it('adds each of many keys at once, whole', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => succeeds('twice')));
    const lines = (await keysOf('twice')).split('\n').filter((line) => line !== '');
    assert.deepEqual(lines.toSorted(), answers.map(({ publicKey }) => publicKey).toSorted());
    const [one, two] = await Promise.all([1, 2].map(() => post('set-up-remote', request('twice', { id: 'same' }))));
    assert.deepEqual([one?.ok, two?.ok, two?.code], [true, false, 'BUSY']);
  });

  it('writes where dropbear looks on OpenWrt, and knows systems that make the file anew', async () => {
    await a.sh(`mkdir /etc/dropbear /conf; touch /etc/openwrt_release /conf/config.xml; usermod -p '${HASH}' root`);
    const settings = ['PasswordAuthentication=yes', 'PermitRootLogin=yes'];
    const { port } = await startSshd(a, 2303, ...settings, 'AuthorizedKeysFile=/etc/dropbear/authorized_keys');
    const { changed, warnings } = await succeeds('root', { port });
    assert.deepEqual(changed.at(-1), 'added the key to /etc/dropbear/authorized_keys');
    assert.match(warnings[0] ?? '', /makes authorized_keys anew/);
    await a.sh('rm -r /etc/dropbear /conf /etc/openwrt_release');
  });

  it('sends whoever has a TrueNAS to its API', async () => {
    await a.sh('mkdir /data; touch /data/freenas-v1.db');
    await changesNothing('twice', () => fails('UNSUPPORTED', /this is a TrueNAS/, 'twice'));
    await a.sh('rm -r /data');
  });

  it('says what keeps it from the host', async () => {
    await plain.cut();
    await fails('CONNECTION_TIMEOUT', /no SSH connection within/, 'ann', { connectTimeout: 1 });
    await plain.restore();
    await fails('UNSUPPORTED', /login shell/, 'nobody-here', { username: await noShell() });
  });

  it('ends at once for whoever no longer waits', async () => {
    const options = connectOptions(a, { port: hole.port, auth: { method: 'password', password: PASSWORD } });
    const gone = new AbortController();
    const running = setUpByPassword(options, await generateKeyPair('ed25519'), gone.signal);
    const ended = assert.rejects(running, { code: 'CANCELLED' });
    await bench.until('the connection', () => hole.connections > 0);
    gone.abort();
    await ended;
  });

  async function noShell(): Promise<string> {
    await a.run(['useradd', '-m', '-s', '/usr/sbin/nologin', '-p', HASH, 'noshell']);
    return 'noshell';
  }
});
