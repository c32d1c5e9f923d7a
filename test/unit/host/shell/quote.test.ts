// The quoting function against the real shells: what goes in comes out, byte by byte, and nothing is executed.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  displayCommand,
  MAX_REMOTE_COMMAND,
  quoteArg,
  remoteCommand,
  ScriptWriter,
  stdinCommand,
  writeEnvironment,
} from '../../../../src/host/shell/quote';

/** Login shells, by the name they have on Debian; `bsd-csh` is FreeBSD's csh, `tcsh` the one most systems call csh. */
const SHELLS = ['sh', 'bash', 'dash', 'bsd-csh', 'tcsh', 'fish', 'zsh', 'mksh'];
const REQUIRED = new Set(['sh', 'bash', 'dash', 'tcsh', 'fish']);

const NASTY = [
  '',
  ' ',
  '-x',
  '--',
  '$(touch x)',
  '`touch x`',
  '>x',
  '; touch x',
  '& touch x',
  '\ntouch x\n',
  '|touch x',
  "'",
  "''",
  '"',
  '\\',
  '\\\\',
  "\\'",
  '!',
  '!!',
  '!touch',
  '^a^b^',
  '~',
  '~root',
  '*',
  '?',
  '[a]',
  '{a,b}',
  '$HOME',
  '${HOME}',
  '$',
  '$$',
  '%s',
  '%',
  '%self',
  '#x',
  'a=b',
  '=ls',
  '\t',
  '\r\n',
  '\n',
  '\n\n',
  'x\n\n',
  '\u0001\u007f',
  'ü',
  '日本',
  '\u{1f600}',
  '\u0085',
  '\\n',
  '\\0',
  '\\x41',
  'a'.repeat(3000),
  "'".repeat(400),
  '!'.repeat(1500),
];

const argument = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }).map(withoutNul) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 300 }).map(withoutNul) },
  fc
    .array(fc.constantFrom("'", '\\', '!', '"', '$', '`', '\n', ' ', 'a', '{', '^', '~'), { maxLength: 60 })
    .map((c) => c.join('')),
);

function withoutNul(text: string): string {
  return text.replaceAll('\0', '');
}

describe('quote', function () {
  this.timeout(120_000);
  let directory: string;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'quote-test-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  function script(args: readonly string[]): string {
    const writer = writeEnvironment(new ScriptWriter(), '/opt/zfs/bin');
    const words = writer.words(['/usr/bin/printf', '%s\\0', ...args]);
    return writer.add(words).add('exit $?').toString();
  }

  function run(shell: string, command: string, input = ''): string[] {
    const result = spawnSync(shell, ['-c', command], { cwd: directory, input, maxBuffer: 1e8 });
    assert.equal(result.stderr.toString(), '', shell);
    assert.equal(result.status, 0, shell);
    assert.deepEqual(readdirSync(directory), [], `${shell} created a file`);
    return result.stdout.toString('utf8').split('\0').slice(0, -1);
  }

  /** In CI every shell has to be there (scripts/test.sh installs them), so that none is left out in silence. */
  function mayBeMissing(shell: string): boolean {
    return (
      process.env['CI'] !== 'true' &&
      !['/bin', '/usr/bin', '/usr/local/bin'].some((bin) => existsSync(join(bin, shell)))
    );
  }

  for (const shell of SHELLS) {
    describe(`through ${shell} as login shell`, () => {
      before(function () {
        if (!REQUIRED.has(shell) && mayBeMissing(shell)) this.skip();
      });

      it('carries any arguments unchanged', () => {
        fc.assert(
          fc.property(fc.array(argument, { minLength: 1, maxLength: 12 }), (args) => {
            let command: string;
            try {
              command = remoteCommand(script(args), 'tag');
            } catch (error) {
              assert.ok(error instanceof RangeError);
              return;
            }
            assert.match(command, /^[ -~]*$/);
            assert.deepEqual(run(shell, command), args);
          }),
          { numRuns: 60, examples: [[NASTY.slice(0, 24)], [NASTY.slice(24)]] },
        );
      });

      it('carries 100 kB', () => {
        const args = Array.from({ length: 1000 }, (_, index) => `tank/data${index}@${'x'.repeat(88)}`);
        const command = remoteCommand(script(args));
        assert.ok(command.length > 95_000 && command.length < MAX_REMOTE_COMMAND);
        assert.deepEqual(run(shell, command), args);
      });

      it('carries a script of any length over standard input', () => {
        const args = [...NASTY, ...Array.from({ length: 12_000 }, (_, index) => `it's $(touch x) ${index}`)];
        assert.deepEqual(run(shell, stdinCommand(), script(args)), args);
      });
    });
  }

  for (const posixShell of ['dash', 'bash', 'mksh']) {
    it(`writes scripts that ${posixShell} understands as /bin/sh`, function () {
      if (mayBeMissing(posixShell)) this.skip();
      assert.deepEqual(run(posixShell, script(NASTY)), NASTY);
    });
  }

  it('puts the name where ps shows it', () => {
    const command = remoteCommand('echo "$0"', 'zfsflow.1:a-b');
    assert.deepEqual(spawnSync('sh', ['-c', command]).stdout.toString(), 'zfsflow.1:a-b\n');
  });

  it('refuses what does not fit on a command line', () => {
    assert.throws(() => remoteCommand(`echo ${'x'.repeat(MAX_REMOTE_COMMAND)}`), RangeError);
    assert.throws(() => remoteCommand('echo ü'), TypeError);
  });

  it('appends to PATH, never in front', () => {
    const writer = writeEnvironment(new ScriptWriter(), "/opt/a b:/it's");
    const { stdout } = spawnSync('sh', ['-c', remoteCommand(writer.add('/usr/bin/env').toString())], {
      env: { PATH: '/bin:/usr/bin' },
    });
    assert.match(
      stdout.toString(),
      /^PATH=\/bin:\/usr\/bin:\/sbin:\/usr\/sbin:\/usr\/local\/sbin:\/usr\/local\/bin:\/opt\/a:b:\/it's$/m,
    );
    assert.match(stdout.toString(), /^LC_ALL=C$/m);
  });

  it('shows command lines as a person would type them', () => {
    const argv = ['zfs', 'send', '-o', 'a=b', 'tank/a b@x', "it's", '', '~'];
    assert.equal(displayCommand(argv), `zfs send -o a=b 'tank/a b@x' 'it'\\''s' '' '~'`);
    assert.equal(quoteArg('=x'), `'=x'`);
  });
});
