// The scripts of a restore drill, run by the shells that there are: names of any bytes, what cannot be read, places of volumes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  COUNT_FILES,
  END_BY_ENVIRONMENT,
  HASH_BLOCKS,
  HASH_FILES,
  LOOK_INSIDE,
  MAKE_DIRECTORY,
  NEWLINE,
  PICK_FILES,
  REMOVE_DIRECTORY,
  RUN_COMMAND,
} from '../../../../src/host/shell/drill-scripts';

/** Bytes after which a list of names ends. */
const ALL = '400000';
const MIB = 1 << 20;

const NAMES = [
  'plain',
  ' lead',
  'trail ',
  'a\nb',
  '\n',
  'c\\d',
  'q\'u"o',
  '-dash',
  'ünï',
  '$(touch x)',
  'tab\there',
  '..x',
  Buffer.from([0x66, 0xff, 0xfe]),
  'sub\n./bar',
  'sub/\n.b',
  'deep\n/\nx',
].map((name) => Buffer.from(name as string));

const sha = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex');

const SHELLS = [['dash'], ['bash'], ['ksh'], ['busybox', 'sh']].flatMap(([program = '', ...args]) => {
  const file = ['/bin', '/usr/bin'].map((folder) => path.join(folder, program)).find((one) => existsSync(one));
  return file === undefined ? [] : [[file, ...args]];
});

for (const [file = '', ...first] of SHELLS.length > 0 ? SHELLS : [['/bin/sh']]) {
  describe(`scripts of a drill, by ${[file, ...first].join(' ')}`, () => {
    let folder = '';
    const run = (script: string, args: readonly string[], input: string | Buffer = '') => {
      const env = { ...process.env, LC_ALL: 'C' };
      const { status, stdout, stderr } = spawnSync(file, [...first, '-c', script, 'sh', ...args], { input, env });
      return { status, stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8') };
    };
    const inside = (name: Buffer): Buffer => Buffer.concat([Buffer.from(`${folder}/`), name]);

    before(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'zfs-drill-'));
      for (const name of NAMES) {
        const slash = name.lastIndexOf('/');
        if (slash > 0) await mkdir(inside(name.subarray(0, slash)), { recursive: true });
        await writeFile(inside(name), name);
      }
      await symlink('/etc/passwd', path.join(folder, 'link'));
      await mkdir(path.join(folder, '.zfs'));
      await writeFile(path.join(folder, '.zfs', 'not ours'), 'x');
    });
    after(() => rm(folder, { recursive: true, force: true }));

    it('count, pick and hash files, whatever their names are', () => {
      const counted = run(COUNT_FILES, [folder]);
      assert.deepEqual([counted.status, counted.stdout.trim()], [0, String(NAMES.length)], counted.stderr);
      const numbers = NAMES.map((_, index) => `${index}\n`).join('');
      const list = Buffer.from(run(PICK_FILES, [folder, String(NAMES.length), ALL], numbers).stdout, 'hex');
      const lines = list.toString('latin1').split('\n').slice(0, -1);
      const names = lines.map((line) => line.replaceAll(NEWLINE, '\n'));
      assert.deepEqual(names.toSorted(), NAMES.map((name) => name.toString('latin1')).toSorted());
      const hashed = run(HASH_FILES, [folder], list).stdout.trimEnd().split('\n');
      const expected = names.map((name) => Buffer.from(name, 'latin1')).map((name) => `=${sha(name)} ${name.length}`);
      assert.deepEqual(hashed, expected);
    });

    it('pick the numbers that were asked for, and no more than fit', () => {
      const pick = (numbers: readonly number[], most: string): string[] =>
        Buffer.from(run(PICK_FILES, [folder, String(numbers.length), most], `${numbers.join('\n')}\n`).stdout, 'hex')
          .toString('latin1')
          .split('\n')
          .slice(0, -1);
      const all = pick(NAMES.map((_, index) => index), ALL); // prettier-ignore
      assert.deepEqual(pick([0, 5, NAMES.length - 1], ALL), [all[0], all[5], all.at(-1)]);
      assert.deepEqual(pick([2, 3, 4], '1'), [all[2]]);
    });

    it('say what is not a file, and fail where not all can be looked into', () => {
      assert.equal(run(HASH_FILES, [folder], 'gone\nlink\n.zfs\n').stdout, '-\n-\n-\n');
      assert.notEqual(run(HASH_FILES, [path.join(folder, 'gone')], 'x\n').status, 0);
      assert.notEqual(run(COUNT_FILES, [path.join(folder, 'gone')]).status, 0);
      assert.notEqual(run(LOOK_INSIDE, [path.join(folder, 'gone'), '']).status, 0);
      assert.equal(run(LOOK_INSIDE, [folder, '']).status, 0);
    });

    it('hash parts of a device, and say which cannot be read', async () => {
      const device = path.join(folder, 'plain');
      const content = Buffer.concat([Buffer.alloc(2 * MIB, 1), Buffer.alloc(MIB, 2), Buffer.from('end')]);
      await writeFile(device, content);
      const parts = [content.subarray(0, 2 * MIB), content.subarray(2 * MIB, 3 * MIB), content.subarray(3 * MIB)];
      const { stdout } = run(HASH_BLOCKS, [device], '0 2\n2 1\n3 1\n');
      assert.deepEqual(stdout.trimEnd().split('\n'), parts.map((part) => `=${sha(part)}`)); // prettier-ignore
      assert.equal(run(HASH_BLOCKS, [path.join(folder, 'gone')], '0 1\n').stdout, '!\n');
    });

    it('run a command with its places in the environment, both outputs together, and its exit code', () => {
      // Whoever runs the tests may have such variables of their own.
      const command = 'env | grep -E "^ZFS_(DEVICE|MOUNTPOINT|SNAPSHOT|SOURCE)=" | sort; echo said >&2; exit 7';
      const { status, stdout, stderr } = run(RUN_COMMAND, ['/m p', '', 'b/a@s 1', "t'a", command]);
      assert.deepEqual([status, stderr], [7, '']);
      assert.equal(stdout, "ZFS_MOUNTPOINT=/m p\nZFS_SNAPSHOT=b/a@s 1\nZFS_SOURCE=t'a\nsaid\n");
      assert.match(run(RUN_COMMAND, ['', '/dev/x', 's', 't', 'env']).stdout, /^ZFS_DEVICE=\/dev\/x$/m);
    });

    it('make a directory that nobody else can look into, never take one that is there, and remove nothing but empty ones', () => {
      const place = path.join(folder, 'place');
      assert.equal(run(MAKE_DIRECTORY, [place]).status, 0);
      assert.equal(spawnSync('stat', ['-c', '%a', place]).stdout.toString().trim(), '700');
      assert.notEqual(run(MAKE_DIRECTORY, [place]).status, 0);
      spawnSync('touch', [path.join(place, 'data', 'x')]);
      const kept = run(REMOVE_DIRECTORY, [place]);
      assert.deepEqual([kept.status, existsSync(path.join(place, 'data', 'x'))], [1, true]);
      assert.match(kept.stderr, /is still there/);
      spawnSync('rm', [path.join(place, 'data', 'x')]);
      assert.deepEqual([run(REMOVE_DIRECTORY, [place]).status, existsSync(place)], [0, false]);
      assert.equal(run(REMOVE_DIRECTORY, [place]).status, 0, 'it is gone already');
    });

    it('end what has the line in its environment, and nothing else', () => {
      const line = `ZFS_MOUNTPOINT=${folder}/mine`;
      const script = `ZFS_MOUNTPOINT=$1/mine sleep 55 & a=$!; ZFS_MOUNTPOINT=$1/mine2 sleep 55 & b=$!; sleep 0.3 2>/dev/null || sleep 1
        /bin/sh -c "$2" sh "$3"; wait $a; echo "$?"; kill -0 $b && echo lives; kill $b`;
      const { stdout } = run(script, [folder, END_BY_ENVIRONMENT, line]);
      assert.deepEqual(stdout.trim().split('\n').slice(-2), ['137', 'lives']);
    });
  });
}
