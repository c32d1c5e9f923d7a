// What is printed on standard error beside a command, on real machines: noise of the machine that means nothing, and what ZFS
// says beside exit code 0, which does.
import assert from 'node:assert/strict';
import type { ReplicationResult } from '../../../src/replication/setup/options';
import type { Machine } from '../../lab/machine';
import { assertSame, type Engine } from '../../support/engine';
import { assertTidy, type Job, jobOf } from '../../support/job';
import { usePair } from '../../support/machines';
import { pretend, truth } from '../../support/pretend';
import { runPrune } from '../retention/support';

const BANNER = 'printf "*** cannot open this system without permission denied ***\\nno such pool, out of space\\n" >&2';

describe('standard error of real machines', function () {
  this.timeout(180_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let counter = 0;

  usePair((pair) => ({ a, b, engine } = pair), 'engine per test');

  async function job(more: Record<string, unknown> = {}): Promise<Job> {
    const source = `tank/v${++counter}`;
    await a.createDataset(source);
    await a.writeFile(source, 'f', 'x');
    await a.snapshot(source, '1');
    return jobOf(source, `backup/v${counter}`, more);
  }

  /** First copies, one step and a resend to a target that is missing, through noise on both sides. */
  async function assertWorks(more: Record<string, unknown>): Promise<void> {
    const { source, target, options } = await job({ recursive: true, ...more });
    await a.createDataset(`${source}/child`);
    await a.snapshot(`${source}/child`, '1');
    const first = await engine.replicate({ ...options, targetDataset: `${target}/new/parents` });
    assert.deepEqual([first.state, first.warnings], ['success', []]);
    await a.snapshot(source, '2', { recursive: true });
    assert.equal((await engine.replicate({ ...options, targetDataset: `${target}/new/parents` })).state, 'success');
    for (const below of ['', '/child']) {
      await assertSame(a, source + below, b, `${target}/new/parents${below}`);
      await assertTidy(a, source + below, b, `${target}/new/parents${below}`);
    }
    const kept = await runPrune(engine.resolve, {
      connection: String(options['sourceConnection']),
      datasets: [source],
      protectFor: [{ connection: String(options['targetConnection']), dataset: 'backup/not-there' }],
    });
    assert.deepEqual(kept.destroyed, []);
  }

  it('sudo that does not know its host name is no obstacle, on either side [B2]', async () => {
    for (const machine of [a, b]) await machine.run(['hostname', `ghost-${machine.name}`]);
    try {
      engine.add(a, { id: 'sa', username: 'op', sudo: 'sudo' });
      engine.add(b, { id: 'sb', username: 'op', sudo: 'sudo' });
      const noise = await engine.resolve('sb').run(['zfs', 'list', 'backup/not-there']);
      assert.match(noise.stderr, /unable to resolve host/);
      await assertWorks({ sourceConnection: 'sa', targetConnection: 'sb' });
    } finally {
      for (const machine of [a, b]) await machine.run(['hostname', machine.name]);
    }
  });

  it('nor is a dynamic linker that misses a library for every program [B2]', async () => {
    for (const machine of [a, b]) await machine.sh('echo /no/such/library.so >/etc/ld.so.preload');
    try {
      await assertWorks({});
    } finally {
      for (const machine of [a, b]) await machine.sh('rm /etc/ld.so.preload');
    }
  });

  it('nor a banner that uses the words of ZFS, before and after each command [B2]', async () => {
    for (const machine of [a, b]) {
      await pretend(machine, `${BANNER}\n"$ZFS" "$@"; c=$?\n${BANNER}; printf "bye" >&2; exit $c`);
    }
    try {
      await assertWorks({});
      const { options } = await job({ sourceDatasets: ['tank/not-there'] });
      const error = await engine.refuse('DATASET_NOT_FOUND', options);
      assert.match(error.message, /^dataset "tank\/not-there" does not exist/);
    } finally {
      for (const machine of [a, b]) await truth(machine);
    }
  });

  it('a listing that really failed among noise is an error, whatever its exit code [B2]', async () => {
    const { options } = await job();
    for (const [says, code, expected] of [
      ["cannot open 'backup': I/O error", 1, 'ZFS_ERROR'],
      ["cannot open 'backup': permission denied", 1, 'PERMISSION_DENIED'],
      ["cannot open 'backup/x': dataset does not exist\ncannot open 'backup': I/O error", 1, 'ZFS_ERROR'],
      ['cannot iterate filesystems: I/O error', 0, 'ZFS_ERROR'],
      ['Welcome', 1, 'ZFS_ERROR'],
    ] as const) {
      const lie = `case "$1 $*" in list*backup*) ${BANNER}; echo "$SAY" >&2; ${BANNER}; exit ${code};; esac`;
      await pretend(b, `SAY=${JSON.stringify(says)}\n${lie}`);
      try {
        const error = await engine.refuse(expected, options);
        assert.doesNotMatch(error.message, /^\*\*\*/);
      } finally {
        await truth(b);
      }
    }
  });

  describe('what a receive could not set', () => {
    beforeEach(() => engine.add(b, { id: 'op', username: 'op' }));
    const RIGHTS = 'receive,create,mount,hold,release,destroy,rollback,readonly';

    async function withProperties(source: string): Promise<void> {
      const values = ['compression=zstd', 'recordsize=64K', 'atime=off', 'quota=500M', 'com.example:owner=me'];
      await a.run(['zfs', 'set', ...values, source]);
    }

    function assertTold({ warnings }: ReplicationResult, target: string, on = target): void {
      const told = warnings.find((warning) => warning.includes(`"${target}"`)) ?? assert.fail(warnings.join());
      for (const name of ['compression', 'recordsize', 'atime', 'quota', 'com.example:owner', 'zfsflow:destination']) {
        assert.ok(told.includes(name), `${name}: ${told}`);
      }
      const [, rights = ''] = new RegExp(`zfs allow op (\\S+) ${on}`).exec(told) ?? assert.fail(told);
      assert.deepEqual(rights.split(',').toSorted(), ['atime', 'compression', 'quota', 'recordsize', 'userprop']);
    }

    it('is told with property, dataset and right, and comes with the rights [B4]', async () => {
      await b.createDataset('backup/of-op');
      await b.run(['zfs', 'allow', 'op', RIGHTS, 'backup/of-op']);
      const { source, options } = await job({ targetConnection: 'op', targetDataset: 'backup/of-op/x' });
      await withProperties(source);
      await a.snapshot(source, '2');
      const result = await engine.replicate(options);
      assert.equal(result.state, 'success');
      assertTold(result, 'backup/of-op/x');
      const again = /zfs allow op \S+ \S+/.exec(result.warnings.join())?.[0] ?? '';
      await b.sh(again);
      await a.snapshot(source, '3');
      assert.deepEqual((await engine.replicate(options)).warnings, []);
    });

    it('is told of a large stream on a connection of its own, and of each dataset of a tree in one stream [B4]', async () => {
      await b.createDataset('backup/tree');
      await b.run(['zfs', 'allow', 'op', RIGHTS, 'backup/tree']);
      const more = { targetConnection: 'op', targetDataset: 'backup/tree/x', recursive: true, fullFilesystem: true };
      const { source, options } = await job(more);
      await withProperties(source);
      for (const child of ['one', 'two']) {
        await a.createDataset(`${source}/${child}`);
        await a.run(['zfs', 'set', 'com.example:owner=you', `${source}/${child}`]);
      }
      await a.writeRandom(source, 'big', 3);
      await a.snapshot(source, '2', { recursive: true });
      const result = await engine.replicate(options);
      assert.equal(result.state, 'success');
      assertTold(result, 'backup/tree/x');
      assert.match(
        result.warnings.join('\n'),
        /com\.example:owner and zfsflow:destination of "backup\/tree\/x\/one" and "backup\/tree\/x\/two"/,
      );
    });

    it('is told of a reservation that does not fit, of a volume too [B4]', async () => {
      await b.sh('truncate -s 100M /tmp/tight.img; zpool create -m none tight /tmp/tight.img');
      const { options } = await job({ targetDataset: 'tight/v', sourceDatasets: ['tank/thick'] });
      await a.run(['zfs', 'create', '-V', '200M', 'tank/thick']);
      await a.snapshot('tank/thick', '1');
      const result = await engine.replicate(options);
      assert.match(
        result.warnings.join(),
        /could not set refreservation of "tight\/v" on b: size is greater than available/,
      );
      assert.doesNotMatch(result.warnings.join(), /zfs allow/);
      const { source, options: second } = await job({ targetDataset: 'tight/f' });
      await a.run(['zfs', 'set', 'reservation=300M', source]);
      assert.match((await engine.replicate(second)).warnings.join(), /could not set reservation of "tight\/f"/);
    });
  });
});
