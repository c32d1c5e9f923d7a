// The script of a far end: no secret in it, for every login shell.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { farEndScript, type FarEnd } from '../../../../src/host/shell/far-end-script';
import { remoteCommand } from '../../../../src/host/shell/quote';
import { type Carrier } from '../../../../src/host/shell/carrier-commands';

describe('the script of a far end', () => {
  const carriers: Carrier[] = [
    { kind: 'tls', cipher: 'TLS_AES_128_GCM_SHA256', noCaStore: true },
    { kind: 'handOver', program: 'perl' },
    { kind: 'copy', program: 'socat' },
    { kind: 'copy', program: 'netcat', netcat: { flavour: 'openbsd', command: ['nc'], ends: true } },
  ];

  it('is printable ASCII that every login shell carries, and POSIX', () => {
    for (const carrier of carriers) {
      for (const direction of ['send', 'receive'] as const) {
        for (const listens of [true, false]) {
          const commands = [
            ['zfs', 'send', "tank/it's ü@a"],
            ['zstd', '-c'],
          ];
          const end: FarEnd = {
            carrier,
            direction,
            listens,
            commands,
            address: listens ? '' : 'fe80::1',
            ports: [6000, 6001],
          };
          const script = farEndScript(end, 'zfsflow-marker-of-the-test', { zfsPath: '', privilege: 'sudo' });
          assert.match(script, /^[ -~]+$/);
          assert.ok(!script.includes('zfsflow-marker-of-the-test'));
          assert.ok(remoteCommand(script, 'zfsflow.t.1').length < 40_000);
          execFileSync('/bin/sh', ['-n', '-c', script]);
          execFileSync('/bin/bash', ['--posix', '-n', '-c', script]);
        }
      }
    }
  });

  // Once it has said where it works, the signal may come at any moment.
  for (const shell of ['/bin/dash', '/bin/bash', '/bin/mksh', '/bin/ksh', '/bin/busybox']) {
    it(`tells by its exit code that a signal has ended it, and leaves nothing, in ${shell}`, async () => {
      const commands = [['true']];
      const end: FarEnd = {
        carrier: { kind: 'handOver', program: 'perl' },
        direction: 'send',
        listens: false,
        commands,
        address: '127.0.0.1',
        ports: [],
      };
      const script = farEndScript(end, 'zfsflow-marker-of-the-test', { zfsPath: '', privilege: 'none' });
      const words = shell.endsWith('busybox') ? ['sh', '-c', script] : ['-c', script];
      // A group of its own, as sshd makes one for each command.
      const child = spawn(shell, words, { detached: true });
      child.stdin.write('key\n');
      const seen: string[] = [];
      for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
        seen.push(String(chunk));
        if (seen.join('').includes(' at /')) break;
      }
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      assert.deepEqual(await ended, [143, null]);
      const [, directory = ''] = / at (\/\S+)/.exec(seen.join('')) ?? [];
      assert.match(directory, /zfsflow-/);
      assert.equal(existsSync(directory), false, 'it has left its directory');
    });
  }
});
