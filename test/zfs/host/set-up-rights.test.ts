// How a set-up by password finds out where an account that is not root gets ZFS's rights, on accounts of many kinds.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ZfsFlowError } from '../../../src/base/errors';
import { generateKeyPair, type KeyPair } from '../../../src/host/ssh/key-pair';
import type { SshHostOptions } from '../../../src/host/ssh/ssh-options';
import { setUpByPassword, type SetUp } from '../../../src/ssh-setup/set-up';
import type { Link } from '../../lab/link';
import type { Machine } from '../../lab/machine';
import { startSshd } from '../../lab/sshd';
import { connectOptions } from '../../support/engine';
import { useMachines } from '../../support/machines';
import { HASH, PASSWORD } from '../../support/password';

const USERS = ['sudoer', 'asked', 'partly', 'loud', 'doer', 'allowed', 'deep', 'everybody', 'nobody2', 'stuck'];
const NOTHING = /may look at ZFS here and nothing more: .*neither sudo nor doas/;

describe('the rights of an account that is set up with a password', function () {
  this.timeout(120_000);
  let a: Machine;
  let sshd: Link;
  let key: KeyPair;

  useMachines({ a: { pool: 'tank' } }, async (machines) => {
    ({ a } = machines);
    await a.sh(
      `hash=$1; shift; for u in "$@"; do useradd -m -s /bin/bash -p "$hash" "$u"; done
       usermod -s /bin/csh loud; echo 'echo Welcome' >/home/loud/.cshrc
       printf '%s\\n' 'sudoer,loud,allowed,everybody,stuck ALL=(root) NOPASSWD: /sbin/zfs, /sbin/zpool, /usr/sbin/zfs, /usr/sbin/zpool' \
         'Defaults logfile=/var/log/sudo.log' 'asked ALL=(root) ALL' 'partly ALL=(root) NOPASSWD: /sbin/zpool, /usr/sbin/zpool' >/etc/sudoers.d/set-up
       echo 'permit nopass doer' >>/etc/doas.conf
       zfs create tank/many; i=0; while [ $i -lt 60 ]; do zfs create tank/many/d$i; i=$((i + 1)); done
       zfs allow allowed snapshot,mount tank; zfs allow deep send,hold tank/many/d59; zfs allow -e diff,userused tank`,
      { args: [HASH, ...USERS] },
    );
    sshd = await startSshd(a, 2301, 'PasswordAuthentication=yes');
    key = await generateKeyPair('ed25519');
  });

  const setUp = (username: string, more: Partial<SshHostOptions> = {}, signal?: AbortSignal): Promise<SetUp> => {
    const login = { username, port: sshd.port, auth: { method: 'password', password: PASSWORD } } as const;
    return setUpByPassword(connectOptions(a, { ...login, ...more }), key, signal);
  };

  it('come from sudo or doas where these ask for no password, whatever the login shell says', async () => {
    for (const [user, program] of [
      ['sudoer', 'sudo'],
      ['loud', 'sudo'],
      ['doer', 'doas'],
      // A right that everybody has helps no node.
      ['everybody', 'sudo'],
    ] as const) {
      const { sudo, warnings, facts } = await setUp(user);
      assert.deepEqual([sudo, warnings, facts.pools.length], [program, [], 1], user);
    }
  });

  it('are not looked for where they are given by zfs allow, on one dataset of many too, or chosen by a person', async () => {
    for (const [user, more] of [
      ['allowed', {}],
      ['deep', {}],
      ['doer', { sudo: 'doas' }],
      ['nobody2', { sudo: 'sudo' }],
    ] as const) {
      const { sudo, warnings } = await setUp(user, more);
      assert.deepEqual([sudo, warnings], [undefined, []], user);
    }
    const log = await a.read(['cat', '/var/log/sudo.log']);
    assert.match(log, /: sudoer :/);
    assert.doesNotMatch(log, /: (?:allowed|deep|nobody2) :/, 'sudo tells an administrator of who is not let in');
  });

  it('are missed where there are none', async () => {
    for (const user of ['asked', 'partly', 'nobody2']) {
      const { sudo, warnings } = await setUp(user);
      assert.equal(sudo, undefined, user);
      assert.match(warnings.join(), NOTHING);
    }
  });

  it('are given up on when sudo hangs, and a set-up that is cancelled meanwhile is none', async () => {
    await a.sh("sed -i '1i account required pam_exec.so quiet /bin/sleep 3000' /etc/pam.d/sudo");
    const abort = new AbortController();
    const cancelled = setUp('stuck', {}, abort.signal);
    await until(() => hangs());
    abort.abort();
    const error = await cancelled.then(
      () => assert.fail('it was done'),
      (thrown: ZfsFlowError) => thrown,
    );
    assert.equal(error.code, 'CANCELLED');
    const { changed } = error.details ?? {};
    assert.ok(Array.isArray(changed) && changed.length === 3, 'what was changed is told');
    const begun = Date.now();
    const { sudo, warnings } = await setUp('stuck');
    assert.equal(sudo, undefined);
    assert.match(warnings.join(), /could not be found out how this account gets rights/);
    assert.ok(Date.now() - begun < 20_000);
    await a.sh('pkill -f "[s]leep 3000" || :');
  });

  const hangs = async (): Promise<boolean> => (await a.sh('pgrep -f "[s]leep 3000" || :')).stdout.trim() !== '';

  async function until(isSo: () => Promise<boolean>): Promise<void> {
    for (let turn = 0; turn < 100 && !(await isSo()); turn++) await sleep(100);
  }
});
