// Who speaks on standard error, and that only ZFS is believed: fixed texts of libzfs, sudo, shells and linkers, and random noise
// between them.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CommandResult, Host } from '../../../src/host/host';
import { classifyStderr, missingDatasets } from '../../../src/zfs/classify';
import { commandError, missingIn } from '../../../src/zfs/command';
import { isHeld, isReleased } from '../../../src/zfs/hold';
import { complaintsOf, says, saysOnly, voicesOf, wordsOf } from '../../../src/zfs/stderr';

/** What people's machines really print beside every command. */
const NOISE = [
  'sudo: unable to resolve host ghost: Name or service not known',
  'sudo: setrlimit(RLIMIT_CORE): Operation not permitted',
  'sudo: unable to send audit message: Operation not permitted',
  "ERROR: ld.so: object '/no/such.so' from /etc/ld.so.preload cannot be preloaded (cannot open shared object file): ignored.",
  'bash: warning: setlocale: LC_ALL: cannot change locale (de_DE.UTF-8): No such file or directory',
  '/bin/sh: warning: setlocale: LC_ALL: cannot change locale (zh_CN.UTF8)',
  'perl: warning: Setting locale failed.',
  'perl: warning: Falling back to the standard locale ("C").',
  '    LANGUAGE = (unset),',
  '*** WARNING: access without permission is a crime. Permission denied to strangers. ***',
  'Cannot find termcap: terminal type is not known',
  'no such pool, out of space: dataset does not exist',
  'Willkommen auf nas01! Das Dataset does not exist in this world.',
  'Authorized use only. All activity may be monitored and reported: out of space, no such pool.',
  "tail: cannot open '/etc/motd' for reading: No such file or directory",
  "ls: cannot open directory '/root': Permission denied",
  'mesg: ttyname failed: Inappropriate ioctl for device',
  '/etc/profile: line 3: fortune: command not found',
  'sudo: Hostname ghost kann nicht aufgelöst werden: Der Name oder der Dienst ist nicht bekannt',
  '\u001b[1;31mdevice is busy\u001b[0m',
] as const;

const MISSING = "cannot open 'backup/x': dataset does not exist";
const STATEMENTS = [
  MISSING,
  "cannot open 'tank/a b@c': dataset does not exist",
  "cannot open 'tank': I/O error",
  'cannot iterate filesystems: permission denied',
  "cannot destroy 'tank/x': dataset is busy",
  'internal error: out of memory',
  "warning: cannot send 'tank@a': Broken pipe",
  'cannot receive new filesystem stream: out of space',
  'cannot receive compression property on backup/x: permission denied',
  "cannot receive new filesystem stream: destination 'backup/x' exists\nmust specify -F to overwrite it",
  'cannot receive incremental stream: most recent snapshot of backup/x does not\nmatch incremental source',
  'cannot receive incremental stream: checksum mismatch or incomplete stream.\nPartially received snapshot is saved.\nA resuming stream can be generated on the sending system by running:\n    zfs send -t 1-e604ea4bf-e0',
  "cannot destroy 'tank/x': filesystem has children\nuse '-r' to destroy the following datasets:\ntank/x/a\ntank/x/b@s",
  'usage:\n\treceive [-vnFu] <filesystem|volume|snapshot>',
  "Key load error: Incorrect key provided for 'tank/x'.",
  'could not find any snapshots to destroy; check snapshot names.',
  'The ZFS modules cannot be auto-loaded.',
] as const;

const HOST = { label: 'nas' } as Host;
const LIST = ['zfs', 'list', 'backup/x'];
const ended = (stderr: string, code: number | null = 1, signal: string | null = null): CommandResult => {
  return { code, signal, stdout: '', stderr };
};

const noise = fc.oneof(
  fc.constantFrom(...NOISE),
  // Any banner; what begins like libzfs is not one.
  fc
    .string()
    .filter((text) => !/[\n\r]/.test(text) && voicesOf(text).zfs.length === 0 && voicesOf(text).gate.length === 0),
);
const noises = fc.array(noise, { maxLength: 4 });

describe('standard error', () => {
  it('has every line of the machine apart from what ZFS says', () => {
    for (const line of NOISE)
      assert.deepEqual(voicesOf(line), { zfs: [], gate: [], around: voicesOf(line).around }, line);
    for (const statement of STATEMENTS)
      assert.deepEqual(voicesOf(statement), { zfs: [statement], gate: [], around: [] });
  });

  it('tells what ZFS says, whatever is printed before and after it', () => {
    const said = fc.array(fc.tuple(fc.constantFrom(...STATEMENTS), noises), { maxLength: 4 });
    fc.assert(
      fc.property(noises, said, (before, statements) => {
        const text = [...before, ...statements.flatMap(([statement, after]) => [statement, ...after])].join('\n');
        // A banner that looks like an item of a list that libzfs announced may be taken for one; it begins nothing.
        const found = voicesOf(text).zfs;
        assert.equal(found.length, statements.length);
        statements.forEach(([statement], index) => assert.ok(found[index]?.startsWith(statement), found[index]));
      }),
    );
  });

  it('has the lines that libzfs wraps together although another program prints between them', () => {
    const [first = '', second = ''] = STATEMENTS[9].split('\n');
    assert.deepEqual(voicesOf([first, NOISE[0], second].join('\n')).zfs, [STATEMENTS[9]]);
    assert.equal(classifyStderr([NOISE[4], first, NOISE[3], second].join('\r\n')).code, 'DATASET_EXISTS');
    assert.deepEqual(voicesOf(`Last login: today ${MISSING}`).zfs, [MISSING], 'a prompt that does not end its line');
  });

  it('decides no code by noise, and begins no message with it', () => {
    fc.assert(
      fc.property(noises, fc.constantFrom(...STATEMENTS), (lines, statement) => {
        assert.deepEqual(classifyStderr(lines.join('\n'), 1), { code: 'ZFS_ERROR' });
        assert.deepEqual(classifyStderr([...lines, statement].join('\n'), 1), classifyStderr(statement, 1));
        assert.ok(commandError(HOST, LIST, ended([...lines, statement].join('\n'))).message.startsWith(statement));
        assert.match(
          commandError(HOST, LIST, ended(lines.join('\n'))).message,
          /^zfs list failed on nas \(exit code 1\)/,
        );
      }),
    );
  });

  it('[B2] makes a missing dataset no error for any noise, and a failed listing never a missing dataset', () => {
    fc.assert(
      fc.property(noises, noises, (before, after) => {
        const text = [...before, MISSING, ...after].join('\n');
        assert.deepEqual(missingIn(HOST, LIST, ended(text)), ['backup/x']);
        for (const other of STATEMENTS.slice(2)) {
          assert.deepEqual(missingDatasets(`${text}\n${other}`), []);
          const { code } = classifyStderr(other, 1);
          assert.throws(() => missingIn(HOST, LIST, ended(`${text}\n${other}`)), { code });
          assert.throws(() => missingIn(HOST, LIST, ended(`${other}\n${text}`)), { code });
        }
        assert.throws(() => missingIn(HOST, LIST, ended([...before, ...after].join('\n'))), { code: 'ZFS_ERROR' });
      }),
      { numRuns: 50 },
    );
  });

  it('lets a listing be missing something with the exit code of that alone', () => {
    for (const [code, signal] of [
      [2, null],
      [139, null],
      [255, null],
      [null, 'SIGSEGV'],
    ] as const) {
      assert.throws(() => missingIn(HOST, LIST, ended(MISSING, code, signal)), { code: 'ZFS_ERROR' });
    }
    assert.deepEqual(missingIn(HOST, LIST, ended(NOISE.join('\n'), 0)), []);
  });

  it('is judged beside exit code 0 too', () => {
    const blind = 'cannot iterate filesystems: I/O error';
    assert.throws(() => missingIn(HOST, LIST, ended(`${NOISE[0]}\n${blind}`, 0)), { message: blind });
    assert.deepEqual(complaintsOf(NOISE.join('\n')), []);
    assert.deepEqual(complaintsOf(`warning: cannot send 'a@b': x\n${blind}`), [blind]);
  });

  it('knows what keeps ZFS from running for a cause, where ZFS itself says nothing', () => {
    for (const [line, code] of [
      ['sudo: a password is required', 'PERMISSION_DENIED'],
      ['sudo: a terminal is required to read the password; either use the -S option', 'PERMISSION_DENIED'],
      ['op is not in the sudoers file.', 'PERMISSION_DENIED'],
      ["Sorry, user op is not allowed to execute '/usr/sbin/zfs list' as root on nas.", 'PERMISSION_DENIED'],
      ['sudo: effective uid is not 0, is sudo installed setuid root?', 'PERMISSION_DENIED'],
      ['doas: Operation not permitted', 'PERMISSION_DENIED'],
      ['/bin/sh: 1: /usr/sbin/zfs: Permission denied', 'PERMISSION_DENIED'],
      ['sh: zfs: not found', 'COMMAND_NOT_FOUND'],
      ['/bin/sh: zfs: inaccessible or not found', 'COMMAND_NOT_FOUND'], // mksh
      ["eval: no such command `zfs'", 'COMMAND_NOT_FOUND'], // yash
      ['client_loop: send disconnect: Broken pipe', 'CONNECTION_LOST'],
    ] as const) {
      const error = commandError(HOST, LIST, ended([NOISE[0], line, NOISE[3]].join('\n')));
      assert.deepEqual([error.code, error.message], [code, line]);
      assert.deepEqual(missingDatasets(`${MISSING}\n${line}`), [], line);
      assert.equal(classifyStderr(`${line}\n${STATEMENTS[7]}`).code, 'OUT_OF_SPACE', 'ZFS knows better');
    }
  });

  it('keeps marks that are there or gone apart from those that could not be made, through noise', () => {
    const held = "cannot hold snapshot 'tank@a': tag already exists on this dataset";
    const denied = "cannot hold snapshot 'tank@b': permission denied";
    const gone = "cannot release hold from snapshot 'tank@a': no such tag on this dataset";
    assert.ok(isHeld({ stderr: `${NOISE[0]}\n${held}\n${NOISE[3]}` }));
    assert.ok(!isHeld({ stderr: `${NOISE[0]}\n${held}\n${denied}` }));
    assert.ok(!isHeld({ stderr: NOISE.join('\n') }));
    assert.ok(isReleased({ stderr: `${gone}\n${NOISE[0]}` }));
    assert.ok(says(`${NOISE[0]}\n${held}`, /tag already/) && !saysOnly(`${held}\n${denied}`, /tag already/));
    assert.equal(wordsOf(NOISE.join('\n')), '');
  });
});
