// NODE_DEBUG=zfs-flows: every command and every state of a job, and nothing that is given on standard input.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const SECRET = 'only-on-standard-input';

/** What a process that runs commands and a job says on standard error. */
async function say(NODE_DEBUG: string): Promise<string[]> {
  const args = ['--require', 'tsx/cjs', path.join(__dirname, 'debug-log.fixture.ts'), SECRET];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, NODE_DEBUG } });
  assert.equal(stdout, '');
  return stderr.split('\n').filter((line) => line !== '');
}

describe('the debug log', function () {
  this.timeout(30_000);

  it('tells how each command began and ended, and each state of a job, but no secret', async () => {
    const lines = (await say('zfs-flows')).map((line) => line.replace(/^ZFS-FLOWS \d+: /, ''));
    assert.doesNotMatch(lines.join('\n'), new RegExp(SECRET));
    for (const host of ['local', 'far']) {
      const own = lines.filter((line) => line.startsWith(`${host}: `)).map((line) => line.slice(host.length + 2));
      for (const [command, end] of [
        ['tee /dev/null', 'exit code 0'],
        ['true', 'exit code 0'],
        [`sh -c 'exit 3'`, 'exit code 3'],
        ['no-such-program', host === 'local' ? 'COMMAND_NOT_FOUND' : 'exit code 127'],
      ] as const) {
        const begun = own.indexOf(`starts ${command}`);
        const ended = own.findIndex((line) => line.startsWith(`${end} after `) && line.endsWith(` ms: ${command}`));
        assert.ok(begun >= 0 && ended > begun, `${command}: ${lines.join('\n')}`);
      }
    }
    const states = lines.flatMap((line) => /^job [0-9a-f]+ of nightly: (\w+)/.exec(line)?.[1] ?? []);
    assert.deepEqual(states, ['queued', 'running', 'finished']);
  });

  it('says nothing when nobody asked', async () => {
    assert.deepEqual(await say(''), []);
  });
});
