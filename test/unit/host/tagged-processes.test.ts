// Processes of ours are found with every kind of `ps`, and without one.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalHost } from '../../../src/host/local/local-host';
import type { CommandResult, Host } from '../../../src/host/host';
import { findTagged, LOCAL_WRAPPER } from '../../../src/host/tagged-processes';
import { ZfsFlowError } from '../../../src/base/errors';
import { WRAPPER } from '../../../src/host/shell/quote';

const failed = (stderr: string, code = 1): CommandResult => ({ code, signal: null, stdout: '', stderr });
const OURS = `/bin/sh -c ${WRAPPER} zfsflow.abc.1 a=1`;

/** A host whose commands `answer` gives; undefined: there is no such program. */
function hostOf(answer: (argv: readonly string[]) => CommandResult | undefined): Host {
  const run = (argv: readonly string[]): Promise<CommandResult> => {
    const result = answer(argv);
    const missing = new ZfsFlowError('COMMAND_NOT_FOUND', 'there is no such program');
    return result ? Promise.resolve(result) : Promise.reject(missing);
  };
  return { label: 'nas', run } as unknown as Host;
}

const isPs = (argv: readonly string[]): boolean => argv[0] === 'ps';
const listed = (...lines: string[]): CommandResult => ({ ...failed('', 0), stdout: lines.join('\n') });

describe('processes of ours', () => {
  it('are found by the ps of busybox, which knows no -w and lets columns run together [B9]', async () => {
    const host = hostOf((argv) => {
      if (!isPs(argv)) return undefined;
      if (argv.includes('-ww')) return failed("ps: invalid option -- 'w'");
      return listed(
        'PID_______ PPID______ COMMAND',
        `    100008     100007 ${OURS}`,
        `    100009     100008 zfs send a@1`,
      );
    });
    const [found] = await findTagged(host, 'zfsflow.');
    assert.deepEqual(found, { tag: 'zfsflow.abc.1', pid: 100_008, parent: 100_007, descendants: [100_009] });
    const named = hostOf((argv) => (isPs(argv) ? listed(` 8 7 {dash} ${OURS}`) : undefined));
    assert.equal((await findTagged(named, 'zfsflow.'))[0]?.pid, 8);
  });

  for (const [name, ps] of Object.entries({
    missing: undefined,
    failing: failed('ps: error while loading shared libraries: libproc2.so.0'),
    'silent, and content with itself': failed('', 0),
    'printing something else': { ...failed('', 0), stdout: 'PID TTY TIME CMD\n' },
  })) {
    it(`are found with a ps that is ${name} [B9]`, async () => {
      const local = new LocalHost();
      const tag = `zfsflow.unit.${process.pid}`;
      const child = execFileSync('/bin/sh', [
        '-c',
        `/bin/sh -c '${LOCAL_WRAPPER}' ${tag} sleep 608.25 >/dev/null 2>&1 & echo $!`,
      ]);
      const pid = Number(child.toString());
      const host = Object.assign(Object.create(local) as Host, {
        run: (argv: readonly string[]) => (isPs(argv) ? hostOf(() => ps).run(argv) : local.run(argv)),
      });
      try {
        let found = await findTagged(host, tag);
        // The shell is there before what it starts.
        for (let look = 0; look < 50 && found[0]?.descendants.length !== 1; look++) {
          await sleep(100);
          found = await findTagged(host, tag);
        }
        assert.deepEqual([found.length, found[0]?.pid, found[0]?.descendants.length], [1, pid, 1]);
        process.kill(found[0]?.descendants[0] ?? 0);
      } finally {
        try {
          process.kill(pid);
        } catch {
          // It ended with its child.
        }
      }
    });
  }

  it('are not said to be none where none can be listed [B9]', async () => {
    for (const host of [hostOf(() => undefined), hostOf(() => failed('no', 1)), hostOf(() => failed('', 0))]) {
      await assert.rejects(findTagged(host, 'zfsflow.'), { code: 'ZFS_ERROR', message: /processes on nas cannot be/ });
    }
  });
});
