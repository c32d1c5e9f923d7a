import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ZfsFlowError } from '../../../../src/base/errors';
import {
  accountOf,
  hasKey,
  hasNoHome,
  isNoShell,
  keysWith,
  loginShell,
  lostLines,
  sudoChange,
  sudoCommands,
  type Account,
  type SudoRights,
} from '../../../../src/ssh-setup/truenas/account';

const KEY = 'ssh-ed25519 AAAAC3Nza new';
const LISTED = {
  id: 4,
  uid: 1000,
  username: 'repl',
  home: '/mnt/t/repl',
  shell: '/bin/sh',
  sudo_commands_nopasswd: ['/x'],
};

const withSudo = (sudo: SudoRights): Account => ({ ...accountOf([LISTED], 'repl'), sudo });
const core = (more: Partial<Extract<SudoRights, { form: 'core' }>>): Account =>
  withSudo({ form: 'core', allowed: true, withoutPassword: true, commands: [], ...more });

describe('an account of a TrueNAS', () => {
  it('is read from a list, and nothing of it but what is needed', () => {
    const account = accountOf([{ ...LISTED, unixhash: '$6$', sshpubkey: null }], 'repl');
    assert.deepEqual(account, {
      id: 4,
      uid: 1000,
      username: 'repl',
      home: '/mnt/t/repl',
      shell: '/bin/sh',
      locked: false,
      keys: '',
      sudo: { form: 'scale', withoutPassword: ['/x'] },
    });
    const onCore = accountOf(
      [{ id: 1, uid: 0, username: 'root', sudo: false, sudo_nopasswd: null, sudo_commands: [] }],
      'root',
    );
    assert.deepEqual(onCore.sudo, { form: 'core', allowed: false, withoutPassword: false, commands: [] });
  });

  it('has to be one of the machine itself that can log in', () => {
    const field = (listed: unknown): unknown => {
      try {
        return accountOf(listed, 'repl');
      } catch (error) {
        assert.ok(error instanceof ZfsFlowError);
        return error.field ?? error.code;
      }
    };
    assert.equal(field([]), 'sshUser');
    assert.equal(field([{ ...LISTED, local: false }]), 'sshUser');
    assert.equal(field([{ ...LISTED, username: 'other' }]), 'sshUser');
    assert.equal(field([{ ...LISTED, locked: true }]), 'sshUser');
    assert.equal(field({}), 'API_ERROR');
    assert.equal(field([{ username: 'repl' }]), 'API_ERROR');
    assert.equal(
      (
        field([
          { ...LISTED, local: false },
          { ...LISTED, id: 9, local: true },
        ]) as Account
      ).id,
      9,
    );
  });

  it('has no home where TrueNAS says so', () => {
    const at = (home: string): boolean => hasNoHome({ ...core({}), home });
    assert.deepEqual(['', '/nonexistent', '/var/empty', '/root', '/mnt/a'].map(at), [true, true, true, false, false]);
  });
});

describe('the keys of an account of a TrueNAS', () => {
  it('are kept, each line, and the new one added once', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[ -~]{0,40}$/)), fc.constantFrom('\n', '\r\n'), (lines, end) => {
        const before = lines.join(end);
        const after = keysWith(before, KEY);
        assert.ok(after !== undefined);
        assert.deepEqual(lostLines(before, after), []);
        assert.ok(after.startsWith(before.trimEnd()) && hasKey(after, KEY));
        assert.equal(keysWith(after, KEY), undefined);
      }),
    );
    assert.equal(keysWith('\n\n', KEY), KEY);
  });

  it('are the same whatever stands around them, but not in a comment', () => {
    const same = ['ssh-ed25519 AAAAC3Nza', `from="10.0.0.0/8",no-pty ${KEY}`, `  ssh-ed25519\tAAAAC3Nza other`];
    for (const line of same) assert.ok(hasKey(`x\n${line}\r\ny`, KEY), line);
    for (const line of [`# ${KEY}`, 'ssh-rsa AAAAC3Nza', 'ssh-ed25519 AAAAC3NzaB', 'AAAAC3Nza'])
      assert.ok(!hasKey(line, KEY), line);
  });

  it('that are lost are named', () => {
    assert.deepEqual(lostLines('a\n b \n\nc\n', 'b\nd'), ['a', 'c']);
  });
});

describe('the shell of an account of a TrueNAS', () => {
  it('is changed where it lets nobody in', () => {
    assert.deepEqual(['/usr/sbin/nologin', '/bin/false', '/usr/bin/bash', '/usr/bin/cli'].map(isNoShell), [
      true,
      true,
      false,
      false,
    ]);
    assert.equal(
      loginShell({ '/usr/sbin/nologin': 'nologin', '/usr/bin/sh': 'sh', '/usr/bin/bash': 'bash' }),
      '/usr/bin/bash',
    );
    assert.equal(loginShell({ '/bin/csh': 'csh', '/usr/local/bin/bash': 'bash' }), '/usr/local/bin/bash');
    for (const nothing of [{}, null, 'x', { '/bin/csh': 'csh' }]) assert.equal(loginShell(nothing), undefined);
  });
});

describe('sudo on a TrueNAS', () => {
  it('SCALE: zfs and zpool besides what is there', () => {
    const scale = (...withoutPassword: string[]): unknown => sudoChange(withSudo({ form: 'scale', withoutPassword }));
    assert.deepEqual(scale('/x'), {
      added: ['/usr/sbin/zfs', '/usr/sbin/zpool'],
      update: { sudo_commands_nopasswd: ['/x', '/usr/sbin/zfs', '/usr/sbin/zpool'] },
    });
    assert.deepEqual((scale('/usr/sbin/zfs') as { added: string[] }).added, ['/usr/sbin/zpool']);
    assert.equal(scale('ALL'), undefined);
    assert.equal(scale('/usr/sbin/zpool', '/usr/sbin/zfs'), undefined);
  });

  it('CORE: what was not allowed does not become so', () => {
    const paths = ['/usr/local/sbin/zfs', '/usr/local/sbin/zpool', '/sbin/zfs', '/sbin/zpool'];
    assert.deepEqual(sudoChange(core({ allowed: false, withoutPassword: false, commands: ['/bin/old'] }))?.update, {
      sudo: true,
      sudo_nopasswd: true,
      sudo_commands: paths,
    });
    assert.deepEqual(sudoChange(core({ commands: ['/bin/x'] }))?.update, { sudo_commands: ['/bin/x', ...paths] });
    assert.equal(sudoChange(core({})), undefined, 'an empty list is every command');
    assert.equal(sudoChange(core({ commands: paths })), undefined);
    for (const commands of [[], ['/bin/x']]) {
      assert.throws(() => sudoChange(core({ withoutPassword: false, commands })), {
        code: 'INVALID_OPTIONS',
        field: 'sudo',
      });
    }
  });

  it('leaves out what is not there', () => {
    const absent = new Set(['/sbin/zfs', '/sbin/zpool']);
    assert.deepEqual(sudoCommands(core({}), absent), ['/usr/local/sbin/zfs', '/usr/local/sbin/zpool']);
    assert.deepEqual(sudoChange(core({ commands: ['/usr/local/sbin/zfs'] }), absent)?.added, ['/usr/local/sbin/zpool']);
  });
});
