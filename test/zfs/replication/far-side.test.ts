// A far side without the programs that are not needed, with ones that always fail, and with busybox's: replications go on,
// cancelled transfers are ended, keys reach the target.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Secret } from '../../../src/base/secret';
import { endTagged, findTagged } from '../../../src/host/tagged-processes';
import { transfer } from '../../../src/stream/transfer';
import type { Machine } from '../../lab/machine';
import { startSshd } from '../../lab/sshd';
import { assertSame, connect, type Engine } from '../../support/engine';
import { relay } from '../../support/job';
import { usePair } from '../../support/machines';

/** What docs/far-side.md calls optional. */
const OPTIONAL = ['ps', 'uname', 'id', 'mktemp', 'timeout', 'date', 'mount', 'grep', 'head'];

describe('a far side', function () {
  this.timeout(240_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let count = 0;

  usePair((pair) => ({ a, b, engine } = pair));
  before(async () => {
    await a.createDataset('tank/data');
    await a.writeRandom('tank/data', 'file', 3);
    await a.snapshot('tank/data', 's1');
  });
  beforeEach(() => {
    engine.encryptionKey = null;
  });

  /** Makes both machines' commands run with these programs as `script` says; null: there are none. */
  async function without(script: string | null, work: () => Promise<void>): Promise<void> {
    const each = 'for n in "$@"; do p=$(command -v "$n") || continue';
    const shim = script === null ? '' : `printf '%s\\n' '#!/bin/sh' '${script}' >"$p"; chmod 755 "$p"`;
    for (const machine of [a, b]) await machine.sh(`${each}; mv "$p" "$p.real"; ${shim}\ndone`, { args: OPTIONAL });
    try {
      await work();
    } finally {
      const back =
        'for d in /bin /sbin /usr/bin /usr/sbin /usr/local/bin; do mv -f "$d/$n.real" "$d/$n" 2>/dev/null || :; done';
      for (const machine of [a, b]) await machine.sh(`for n in "$@"; do ${back}; done`, { args: OPTIONAL });
    }
  }

  async function everything(): Promise<void> {
    const number = ++count;
    const plain = `backup/plain${number}`;
    await engine.replicate({ ...relay, sourceDatasets: ['tank/data'], targetDataset: plain, mount: true });
    await assertLater(plain);
    engine.encryptionKey = new Secret(randomBytes(32).toString('hex'));
    const locked = `backup/locked${number}`;
    const encryption = { encryption: 'key', encryptionKeyFormat: 'hex', encryptionKeyLocation: 'stored' };
    await engine.replicate({ ...relay, sourceDatasets: ['tank/data'], targetDataset: locked, ...encryption });
    await assertLater(locked);
    const host = connect(b);
    try {
      const tag = `zfsflow.far.${number}`;
      const spec = await host.pipeCommand(['sleep', '609'], { tag });
      const child = spawn(spec.file, [...spec.args], { env: spec.env, stdio: 'ignore' });
      while ((await findTagged(host, tag)).length === 0) await sleep(50);
      assert.equal(await endTagged(host, tag), 1);
      assert.equal((await findTagged(host, tag)).length, 0);
      await new Promise((resolve) => (child.exitCode === null ? child.on('close', resolve) : resolve(null)));
      spec.release();
    } finally {
      await host.close();
    }
  }

  const copies: string[] = [];
  async function assertLater(copy: string): Promise<void> {
    copies.push(copy);
    assert.ok(await b.exists(copy));
  }

  it('needs none of the optional programs [B9]', async () => {
    await without(null, everything);
    for (const copy of copies.splice(0)) {
      assert.deepEqual(await b.snapshotNames(copy), ['s1']);
    }
    await assertSame(a, 'tank/data', b, 'backup/plain1');
    assert.equal(
      await b.read(['sh', '-c', 'ls -d /run/zfsflow-key* /dev/shm/zfsflow-key* /tmp/zfsflow-key* 2>/dev/null || true']),
      '',
    );
  });

  it('may have ones that always fail, and complain [B9]', async () => {
    await without('echo "error while loading shared libraries" >&2; exit 1', everything);
    await assertSame(a, 'tank/data', b, 'backup/plain2');
  });

  it('may have ones that say nothing and are content [B9]', async () => {
    await without('exit 0', everything);
    await assertSame(a, 'tank/data', b, 'backup/plain3');
  });

  it('may have ones that complain and work [B9]', async () => {
    await without('echo "ERROR: ld.so: object cannot be preloaded" >&2; exec "$0.real" "$@"', everything);
    await assertSame(a, 'tank/data', b, 'backup/plain4');
  });

  it('ends both ends of a transfer within one machine without ps [B9]', async () => {
    const link = await startSshd(b, 2301);
    const host = connect(b, { port: link.port });
    try {
      await without(null, async () => {
        const controller = new AbortController();
        const moving = transfer({
          source: host,
          sendArgv: ['sh', '-c', 'echo size 1 >&2; exec sleep 609.75'],
          target: host,
          receiveArgv: ['sh', '-c', 'exec cat >/dev/null'],
          sameHost: true,
          lanes: null,
          tag: 'zfsflow.one.1',
          signal: controller.signal,
          stallTimeoutMs: 60_000,
        });
        const rejected = assert.rejects(moving, { code: 'CANCELLED' });
        while ((await findTagged(host, 'zfsflow.one.1')).length === 0) await sleep(50);
        controller.abort();
        await rejected;
      });
      await sleep(500);
      assert.equal((await b.sh('ps -A -o args= | grep -c "^sleep 609[.]75" || true')).stdout, '0\n');
    } finally {
      await host.close();
    }
  });
});
