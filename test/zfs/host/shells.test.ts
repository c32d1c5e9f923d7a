// Every login shell of the lab, quiet and noisy: control commands, bulk data in both directions, nothing lost or added.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { LocalHost } from '../../../src/host/local/local-host';
import type { SshHost } from '../../../src/host/ssh/ssh-host';
import { transfer } from '../../../src/stream/transfer';
import type { Machine } from '../../lab/machine';
import { connect } from '../../support/engine';
import { useMachines } from '../../support/machines';

const local = new LocalHost();

const NASTY = [
  '',
  '-x',
  "it's",
  '"',
  '\\',
  '\\\\',
  '!!',
  '!x',
  '$(touch /tmp/x)',
  '`touch /tmp/x`',
  '~',
  '*',
  '\n',
  'a\nb\n',
  '\t',
  'ü\u{1f600}',
  '\u0001',
  '%s',
  '#',
  '{a,b}',
  '^a^b',
  '$HOME',
  '; touch /tmp/x',
  "'".repeat(300),
  '!'.repeat(300),
];

describe('login shells', function () {
  this.timeout(120_000);
  let a: Machine;

  useMachines({ a: {} }, (machines) => ({ a } = machines));

  for (const [account, shell, noisy] of [
    ['root', /bash/, false],
    ['plain', /sh$/, false],
    ['cshuser', /csh/, false],
    ['fishuser', /fish/, false],
    ['noisy', /bash/, true],
    ['noisycsh', /csh/, true],
  ] as const) {
    describe(`of "${account}"`, () => {
      let host: SshHost;

      before(async () => {
        host = connect(a, { username: account });
        assert.match((await host.run(['sh', '-c', 'getent passwd "$(id -un)"'])).stdout.trim(), shell);
      });
      after(() => host.close());

      it('hand arguments and output through unchanged', async () => {
        const results = await host.runAll([
          ['printf', '%s\\0', ...NASTY],
          ['sh', '-c', 'echo err >&2; exit 7'],
          ['printf', 'end'],
        ]);
        assert.deepEqual(results, [
          { code: 0, signal: null, stdout: `${NASTY.join('\0')}\0`, stderr: '' },
          { code: 7, signal: null, stdout: '', stderr: 'err\n' },
          { code: 0, signal: null, stdout: 'end', stderr: '' },
        ]);
        const text = fc.string({ unit: 'binary', maxLength: 60 }).map((value) => value.replaceAll('\0', ''));
        await fc.assert(
          fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 5 }), async (args) => {
            assert.equal((await host.run(['printf', '%s\\0', ...args])).stdout, `${args.join('\0')}\0`);
          }),
          { numRuns: 10 },
        );
        assert.equal((await a.run(['ls', '/tmp/x'], { check: false })).code, 2);
      });

      it('run scripts, with input [C1 74]', async () => {
        const script = '# a hook\nfor i in 1 2; do\n  echo "it\'s $i"\ndone\ncat';
        assert.equal((await host.runScript(script, { stdin: 'in\0' })).stdout, "it's 1\nit's 2\nin\0");
      });

      it(`are known to be ${noisy ? 'noisy' : 'quiet'}`, async () => {
        assert.equal((await host.facts()).noisyShell, noisy);
      });

      it('pass streams in both directions, byte by byte', async () => {
        const directory = `/tmp/shells-${process.pid}`;
        await local.run(['mkdir', '-p', directory]);
        try {
          const make = ['sh', '-c', `head -c 3000000 /dev/urandom >"$1"; printf '\\0\\n\\r' >>"$1"; cat "$1"`, 'sh'];
          const request = {
            sameHost: false,
            lanes: null,
            tag: `zfsflow.${account}`,
            stallTimeoutMs: 0,
            signal: new AbortController().signal,
          };
          const file = `/tmp/${account}`;
          await transfer({
            source: host,
            sendArgv: [...make, file],
            target: local,
            receiveArgv: ['sh', '-c', 'cat >"$1"', 'sh', `${directory}/pulled`],
            ...request,
          });
          await transfer({
            source: local,
            sendArgv: ['cat', `${directory}/pulled`],
            target: host,
            receiveArgv: ['sh', '-c', 'cat >"$1"', 'sh', `${file}.pushed`],
            ...request,
          });
          await transfer({
            source: host,
            sendArgv: ['cat', file],
            target: host,
            receiveArgv: ['sh', '-c', 'cat >"$1"', 'sh', `${file}.copied`],
            ...request,
          });
          const digests = await host.run(['sha256sum', file, `${file}.pushed`, `${file}.copied`]);
          const expected = createHash('sha256')
            .update(await readFile(`${directory}/pulled`))
            .digest('hex');
          assert.deepEqual(
            digests.stdout
              .trim()
              .split('\n')
              .map((line) => line.split(' ')[0]),
            [expected, expected, expected],
          );
        } finally {
          await local.run(['rm', '-r', directory]);
        }
      });
    });
  }

  it('that refuse to run anything are reported with what they say [C1 74]', async () => {
    await a.run(['useradd', '-m', '-p', '*', '-s', '/usr/sbin/nologin', 'noshell']);
    const host = connect(a, { username: 'noshell' });
    await assert.rejects(host.run(['true']), {
      code: 'UNSUPPORTED',
      message: /This account is currently not available/,
    });
    await host.close();
  });
});
