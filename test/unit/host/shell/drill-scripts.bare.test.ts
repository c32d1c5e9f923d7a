// Every script of a restore drill, against real sshd, under each `/bin/sh` and behind csh, on a machine that has nothing but what
// docs/far-side.md names. Titles name the scripts: test/unit/index/far-side-scripts.test.ts looks for them.
import assert from 'node:assert/strict';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandResult } from '../../../../src/host/host';
import {
  END_BY_ENVIRONMENT,
  FIND_DEVICE,
  HASH_FILES,
  IS_MOUNTED,
  LOOK_INSIDE,
  MAKE_DIRECTORY,
  REMOVE_DIRECTORY,
} from '../../../../src/host/shell/drill-scripts';
import type { SshHost } from '../../../../src/host/ssh/ssh-host';
import { runDrillCommand } from '../../../../src/verify/execute/command';
import { compareBlocks } from '../../../../src/verify/execute/compare-blocks';
import { compareFiles } from '../../../../src/verify/execute/compare-files';
import type { Comparison } from '../../../../src/verify/execute/findings';
import type { Opened } from '../../../../src/verify/execute/open';
import { runDrillScript } from '../../../../src/verify/execute/script';
import { documented, SIDES, useBareSide, type BareSide } from '../../../support/bare-side';

/** One program for SHA-256 on each side, so that each is tried; the test itself makes links and copies. */
const hashes = ['sha256sum', 'sha256', 'openssl'];
const PROGRAMS = documented('Required', 'With a restore drill').filter((program) => !hashes.includes(program));
const OF_THE_TEST = ['ln', 'cp', 'chmod', 'rm', 'env'];
const signal = (): AbortSignal => AbortSignal.timeout(30_000);

SIDES.forEach(([shell, account], index) => {
  const hash = hashes[index % hashes.length] ?? '';
  describe(`a restore drill on a bare far side whose /bin/sh is ${path.basename(shell)}, account ${account}, with ${hash}`, function () {
    this.timeout(60_000);
    let side: BareSide;
    let host: SshHost;

    useBareSide(shell, [...PROGRAMS, ...OF_THE_TEST, hash], (made) => (side = made));
    before(() => (host = side.connect(account)));

    const script = (text: string, ...args: string[]): Promise<CommandResult> =>
      host.run(['/bin/sh', '-c', text, 'sh', ...args], { signal: signal() });
    const code = async (text: string, ...args: string[]): Promise<number | null> => (await script(text, ...args)).code;
    const opened = (what: Partial<Opened>): Opened => ({
      host,
      snapshot: 'p/d@s',
      mountpoint: '',
      device: '',
      size: 0,
      close: () => Promise.resolve(null),
      ...what,
    });

    it('makes its private directory once, and takes it away when it is empty (MAKE_DIRECTORY, REMOVE_DIRECTORY)', async () => {
      const directory = "/tmp/zfsflow-drill it's";
      await runDrillScript(host, 'made', MAKE_DIRECTORY, [directory]);
      assert.match((await script('ls -ldn "$1"', directory)).stdout, /^drwx------/);
      await assert.rejects(runDrillScript(host, 'not made', MAKE_DIRECTORY, [directory]), {
        code: 'ZFS_ERROR',
        message: /^not made on bare: .*exists/,
      });
      await script('echo x >"$1/data/f"', directory);
      await assert.rejects(runDrillScript(host, 'it stays', REMOVE_DIRECTORY, [directory]), { message: /still there/ });
      await script('rm "$1/data/f"', directory);
      for (let i = 0; i < 2; i++) await runDrillScript(host, 'it goes', REMOVE_DIRECTORY, [directory]);
      assert.equal(await code('[ -e "$1" ]', directory), 1);
    });

    it('knows what is seen in a directory (IS_MOUNTED)', async () => {
      assert.equal(await code(IS_MOUNTED, '/tmp', 'bare'), 0);
      for (const [directory, name] of [
        ['/tmp', 'bar'],
        ['/tmp', 'bare/more'],
        ['/lib', 'bare'],
        ['/nowhere', 'bare'],
      ] as const) {
        assert.notEqual(await code(IS_MOUNTED, directory, name), 0, `${directory} ${name}`);
      }
    });

    it('waits for a device, and not for ever (FIND_DEVICE)', async () => {
      const found = await script(FIND_DEVICE, '/nowhere', '/dev/null', '/dev/zero');
      assert.deepEqual([found.code, found.stdout], [0, '/dev/null\n']);
      const late = script(FIND_DEVICE, '/tmp/the device');
      await sleep(700);
      await script('ln -s /dev/zero "/tmp/the device"');
      assert.deepEqual([(await late).code, (await late).stdout], [0, '/tmp/the device\n']);
      const soon = FIND_DEVICE.replace('150', '6');
      assert.notEqual(soon, FIND_DEVICE);
      assert.deepEqual([await code(soon, '/tmp', '/tmp/nothing')], [1]);
    });

    it('looks into a directory, or reads a device (LOOK_INSIDE)', async () => {
      assert.deepEqual([await code(LOOK_INSIDE, '/tmp', ''), await code(LOOK_INSIDE, '', '/dev/zero')], [0, 0]);
      assert.notEqual(await code(LOOK_INSIDE, '/nowhere', ''), 0);
      assert.notEqual(await code(LOOK_INSIDE, '', '/nowhere'), 0);
    });

    it('runs the command with its environment, keeps its output and ends it in time (RUN_COMMAND)', async () => {
      const task = { source: "tank/it's", timeoutMs: 20_000 };
      const command = 'echo "${ZFS_MOUNTPOINT-no},${ZFS_DEVICE-no},$ZFS_SNAPSHOT,$ZFS_SOURCE"; echo err >&2; exit 4';
      const directory = await runDrillCommand(opened({ mountpoint: '/tmp/a b' }), { ...task, command }, signal());
      assert.deepEqual(directory, {
        exitCode: 4,
        output: "/tmp/a b,no,p/d@s,tank/it's\nerr\n",
        problem: 'failed (exit code 4)',
      });
      const device = await runDrillCommand(opened({ device: '/dev/zero' }), { ...task, command }, signal());
      assert.equal(device.output, "no,/dev/zero,p/d@s,tank/it's\nerr\n");
      const hangs = { ...task, command: 'echo begun; sleep 606 & sleep 606; exit 1', timeoutMs: 1500 };
      assert.deepEqual(await runDrillCommand(opened({ mountpoint: '/tmp' }), hangs, signal()), {
        exitCode: null,
        output: 'begun\n',
        problem: 'did not end within 1.5 s',
      });
      for (let i = 0; i < 50 && side.processes(/sleep 606/).length > 0; i++) await sleep(100);
      assert.deepEqual(side.processes(/sleep 606/), []);
    });

    it('ends what has the line in its environment, and nothing without a /proc (END_BY_ENVIRONMENT)', async () => {
      const line = 'ZFS_MOUNTPOINT=/tmp/a [b]*';
      const begin = (value: string, seconds: string): Promise<CommandResult> =>
        script('exec env "$1" sleep "$2"', value, seconds);
      const both = [begin(line, '604'), begin(`${line}c`, '605')];
      const running = (): string[] => side.processes(/^(\S*busybox )?sleep 60[45]$/).toSorted();
      while (running().length < 2) await sleep(50);
      assert.equal(await code(END_BY_ENVIRONMENT, line), 0);
      assert.equal(running().length, 2);
      await script('ln -s /.behind/proc /proc');
      try {
        assert.equal(await code(END_BY_ENVIRONMENT, line), 0);
        while (running().length > 1) await sleep(50);
        assert.match(running().join(), /sleep 605$/);
        assert.equal(await code(END_BY_ENVIRONMENT, `${line}c`), 0);
        assert.deepEqual(
          (await Promise.all(both)).map(({ code: left }) => left === 0),
          [false, false],
        );
        assert.deepEqual(running(), []);
      } finally {
        await script('rm /proc');
      }
    });

    /** Files of each sort below `/tmp/$1`. */
    async function makeTree(name: string): Promise<string> {
      const tree = `/tmp/${name}`;
      const beyond = shell === 'yash' ? '' : '; echo 9 >"$(printf "\\303\\274 \\377")"';
      const made = await script(
        `mkdir "$1" "$1/.zfs" "$1/d" "$1/d/.zfs" && cd "$1" && : >empty && echo 1 >"it's \\"\\$x\\" \\\\n *" && echo 2 >-n` +
          ` && echo 3 >" b  l " && echo 4 >"a\nb\n" && echo 5 >"d/\n" && echo 6 >d/.zfs/seen && echo 7 >.zfs/unseen` +
          ` && ln -s nowhere link && ln -s ../empty d/link && dd if=/dev/urandom of=big bs=1000 count=300 2>/dev/null${beyond}`,
        tree,
      );
      assert.equal(made.code, 0, made.stderr);
      return tree;
    }

    it('counts, picks and compares files whatever they are called (COUNT_FILES, PICK_FILES, HASH_FILES)', async () => {
      const source = opened({ mountpoint: await makeTree('one') });
      const target = opened({ mountpoint: '/tmp/two', snapshot: 'q/d@s' });
      assert.equal(await code('cp -R /tmp/one /tmp/two'), 0);
      const compare = (count: number): Promise<Comparison> =>
        compareFiles(source, target, { count, progress: () => undefined, signal: signal() });
      const files = shell === 'yash' ? 8 : 9;
      const bytes = 300_000 + (files - 2) * 2;
      assert.deepEqual(await compare(0), { files, bytes, differences: [], problems: [] });
      const some = await compare(3);
      assert.deepEqual([some.files, some.differences, some.problems], [3, [], []]);
      await script(`cd /tmp/two && echo X >"$1" && echo X >" b  l " && rm -- -n && echo X >.zfs/unseen`, 'd/\n');
      const changed = await compare(0);
      assert.deepEqual(changed.differences.toSorted(), [' b  l ', '-n', 'd/\n']);
      assert.match(
        changed.problems.join('\n'),
        /^"q\/d@s" has \d files, and "p\/d@s" has \d\n3 files of "q\/d@s" are not/,
      );
      await script('rm -rf /tmp/one /tmp/two');
      await assert.rejects(compare(0), { code: 'ZFS_ERROR', message: /not all files of .* can be listed on bare/ });
    });

    it('says what it cannot read, and where nothing can be hashed (HASH_FILES)', async () => {
      await script('echo x >/tmp/x');
      const stdin = '../tmp/x\n../tmp\n../nowhere\n';
      const found = await runDrillScript(host, 'x', HASH_FILES, ['/tmp'], { stdin });
      assert.match(found, /^=[0-9a-f]{64} 2\n-\n-\n$/);
      await script('mkdir /tmp/bin && ln -s /usr/bin/echo /tmp/bin/echo');
      const none = runDrillScript(host, 'no hash', `PATH=/tmp/bin; ${HASH_FILES}`, ['/tmp'], { stdin });
      await assert.rejects(none, { code: 'UNSUPPORTED', message: /there is no sha256sum, sha256 or openssl$/ });
    });

    it('compares blocks of volumes (HASH_BLOCKS)', async () => {
      const MIB = 1 << 20;
      const size = 4 * MIB + 8192;
      await script('dd if=/dev/urandom of=/tmp/v1 bs=8192 count=513 2>/dev/null && cp /tmp/v1 /tmp/v2');
      const source = opened({ device: '/tmp/v1', size });
      const target = opened({ device: '/tmp/v2', size, snapshot: 'q/d@s' });
      const compare = (count: number): Promise<Comparison> =>
        compareBlocks(source, target, { count, progress: () => undefined, signal: signal() });
      assert.deepEqual(await compare(0), { bytes: size, differences: [], problems: [] });
      assert.deepEqual((await compare(2)).problems, []);
      await script('echo X | dd of=/tmp/v2 bs=8192 seek=512 conv=notrunc 2>/dev/null');
      await script('echo X | dd of=/tmp/v2 bs=8192 seek=127 conv=notrunc 2>/dev/null');
      const { differences } = await compare(0);
      assert.deepEqual(differences, [`bytes 0 to ${MIB - 1}`, `bytes ${4 * MIB} to ${size - 1}`]);
      await script('rm /tmp/v2');
      assert.match((await compare(0)).problems.join(), /^5 blocks of "q\/d@s" cannot be read: /);
    });
  });
});
