// Taking snapshots on real ZFS over real SSH: atomic per pool, existing names, nothing written, hooks, pools, rights.
import assert from 'node:assert/strict';
import { ZfsFlowError } from '../../../src/base/errors';
import type { SshHost } from '../../../src/host/ssh/ssh-host';
import { createSnapshots, isRepeatedHour } from '../../../src/snapshots/create';
import type { SnapshotResult } from '../../../src/snapshots/options';
import { parseSnapshotOptions } from '../../../src/snapshots/check-options';
import type { Machine } from '../../lab/machine';
import { connect } from '../../support/engine';
import { useMachines } from '../../support/machines';
import { TestContext } from '../../support/test-context';

const NOW = new Date('2024-05-06T07:08:09Z');
const NAME = 'auto-2024-05-06_07-08';

type Probe = TestContext<SnapshotResult>;
const probeAt = (date = NOW, signal?: AbortSignal): Probe => new TestContext(() => date, signal);

describe('createSnapshots', function () {
  this.timeout(120_000);
  let machine: Machine;
  let root: SshHost;
  let op: SshHost;

  async function take(
    options: Record<string, unknown>,
    { probe = probeAt(), host = root }: { probe?: Probe; host?: SshHost } = {},
  ): Promise<SnapshotResult> {
    return createSnapshots(parseSnapshotOptions({ timeZone: 'UTC', ...options }), () => host, probe);
  }

  async function failure(
    options: Record<string, unknown>,
    more: Parameters<typeof take>[1] = {},
  ): Promise<ZfsFlowError> {
    try {
      await take(options, more);
    } catch (error) {
      assert.ok(error instanceof ZfsFlowError, String(error));
      return error;
    }
    return assert.fail('it did not fail');
  }

  const names = (dataset: string): Promise<string[]> => machine.snapshotNames(dataset);

  useMachines({ snap: { disks: 1 } }, async ({ snap }) => {
    machine = snap;
    await machine.sh('truncate -s 256M /tmp/second.img; zpool create -m none second /tmp/second.img');
    root = connect(machine);
    op = connect(machine, { id: 'op', username: 'op' });
  });

  after(async () => {
    await root.close();
    await op.close();
  });

  beforeEach(async () => {
    for (const pool of ['tank', 'second']) {
      await machine.sh('zfs list -Hro name -d 1 "$1" | tail -n +2 | xargs -r -d "\\n" -n 1 zfs destroy -R', {
        args: [pool],
      });
      await machine.sh('zfs list -Hrt snapshot -o name "$1" | xargs -r -d "\\n" -n 1 zfs destroy', { args: [pool] });
    }
  });

  it('takes one dataset and says what was made', async () => {
    await machine.createDataset('tank/a');
    const probe = probeAt();
    const result = await take({ datasets: ['tank/a'], properties: { 'my:note': 'x y', 'my:n': 1 } }, { probe });
    const [real] = await machine.snapshots('tank/a');
    assert.ok(real);
    const { creation, ...rest } = result.snapshots[0] ?? assert.fail('no snapshot');
    assert.deepEqual(rest, {
      dataset: 'tank/a',
      name: NAME,
      snapshot: `tank/a@${NAME}`,
      guid: real.guid,
      createtxg: real.createtxg,
    });
    const seconds = Number(await machine.property(`tank/a@${NAME}`, 'creation'));
    assert.equal(creation, new Date(seconds * 1000).toISOString());
    assert.deepEqual([result.jobId, result.name, result.skipped], ['job-1', NAME, []]);
    assert.equal(await machine.property(`tank/a@${NAME}`, 'my:note'), 'x y');
    assert.equal(await machine.property(`tank/a@${NAME}`, 'my:n'), '1');
    assert.deepEqual(probe.last, result);
    assert.deepEqual(
      probe.events.map(({ event, snapshot }) => [event, snapshot]),
      [['dataset', `tank/a@${NAME}`]],
    );
  });

  it('takes trees, volumes and names with spaces, all at one moment', async () => {
    await machine.createDataset('tank/a/b c');
    await machine.createDataset('tank/a/vol', { volumeMb: 16 });
    await machine.createDataset('tank/d');
    const result = await take({ datasets: ['tank/a', 'tank/a/vol', 'tank/d'], recursive: true });
    assert.deepEqual(
      result.snapshots.map(({ dataset }) => dataset),
      ['tank/a', 'tank/a/b c', 'tank/a/vol', 'tank/d'],
    );
    assert.equal(new Set(result.snapshots.map(({ createtxg }) => createtxg)).size, 1);
  });

  it('leaves children alone unless it is recursive', async () => {
    await machine.createDataset('tank/a/b');
    await take({ datasets: ['tank/a'] });
    assert.deepEqual([await names('tank/a'), await names('tank/a/b')], [[NAME], []]);
  });

  it('is atomic with excludes too: a name and its subtree, and globs [C1 46]', async () => {
    for (const dataset of ['tank/a/b/c', 'tank/a/bb', 'tank/a/tmp-1', 'tank/a/d/tmp-2']) {
      await machine.createDataset(dataset);
    }
    const commands: string[] = [];
    const forget = root.onCommand((line) => commands.push(line));
    const result = await take({ datasets: ['tank/a'], recursive: true, exclude: ['tank/a/b', '*/tmp-*'] });
    forget();
    assert.deepEqual(
      result.snapshots.map(({ dataset }) => dataset),
      ['tank/a', 'tank/a/bb', 'tank/a/d'],
    );
    assert.equal(new Set(result.snapshots.map(({ createtxg }) => createtxg)).size, 1);
    assert.deepEqual(await names('tank/a/b/c'), []);
    assert.equal(commands.filter((line) => line.startsWith('zfs snapshot')).length, 1);
  });

  it('takes 100 datasets by one command, and no more than three remote commands in all', async () => {
    await machine.sh('for i in $(seq 100); do zfs create -p -u "tank/many/d$i"; done');
    for (const exclude of [[], ['tank/many/d7']]) {
      const probe = probeAt(exclude.length === 0 ? NOW : new Date(NOW.getTime() + 60_000));
      const before = root.counters.commands;
      const commands: string[] = [];
      const forget = root.onCommand((line) => commands.push(line));
      const result = await take({ datasets: ['tank/many'], recursive: true, exclude }, { probe });
      forget();
      assert.equal(result.snapshots.length, 101 - exclude.length);
      assert.equal(commands.filter((line) => line.startsWith('zfs snapshot')).length, 1);
      assert.ok(root.counters.commands - before <= 3);
    }
  });

  it('says SNAPSHOT_EXISTS, and takes none of the others [C1 46] [C1 50]', async () => {
    await machine.createDataset('tank/a/b');
    await machine.snapshot('tank/a/b', NAME);
    const probe = probeAt();
    const error = await failure({ datasets: ['tank/a'], recursive: true }, { probe });
    assert.equal(error.code, 'SNAPSHOT_EXISTS');
    assert.match(error.message, new RegExp(`tank/a/b@${NAME}`));
    assert.equal(error.dataset, 'tank/a/b');
    assert.ok(!isRepeatedHour(error));
    assert.deepEqual(await names('tank/a'), []);
    assert.deepEqual(probe.last.snapshots, []);
  });

  it('says when only a repeated hour makes the name exist [C1 49]', async () => {
    await machine.createDataset('tank/a');
    const berlin = { datasets: ['tank/a'], timeZone: 'Europe/Berlin' };
    await take(berlin, { probe: probeAt(new Date('2024-10-27T00:30:00Z')) });
    const error = await failure(berlin, { probe: probeAt(new Date('2024-10-27T01:30:00Z')) });
    assert.equal(error.code, 'SNAPSHOT_EXISTS');
    assert.ok(isRepeatedHour(error));
    assert.equal(error.details, undefined, 'a flow sees nothing of how it is told');
  });

  it('says DATASET_NOT_FOUND before any hook runs', async () => {
    await machine.createDataset('tank/a');
    const hooks = { before: 'touch /tmp/hook-ran' };
    const error = await failure({ datasets: ['tank/a', 'tank/none'], hooks });
    assert.deepEqual([error.code, error.dataset], ['DATASET_NOT_FOUND', 'tank/none']);
    assert.equal((await machine.run(['test', '-e', '/tmp/hook-ran'], { check: false })).code, 1);
    assert.deepEqual(await names('tank/a'), []);
  });

  it('refuses excludes that leave nothing, and names that get too long', async () => {
    const deep = `tank/${'x'.repeat(235)}`;
    await machine.createDataset(deep);
    assert.equal((await failure({ datasets: [deep], exclude: ['tank/*'] })).field, 'exclude');
    assert.equal((await failure({ datasets: [deep] })).field, 'namingSchema');
  });

  describe('allowEmpty: false', () => {
    const schema = 'auto-%Y-%m-%d_%H-%M-%S';
    const at = (seconds: number): Probe => probeAt(new Date(NOW.getTime() + seconds * 1000));

    it('skips what nothing was written to, and sees what was written a moment ago [C1 48]', async () => {
      await machine.createDataset('tank/a/b');
      await machine.createDataset('tank/a/v', { volumeMb: 16 });
      const options = { datasets: ['tank/a'], recursive: true, allowEmpty: false, namingSchema: schema };
      const first = await take(options, { probe: at(0) });
      assert.equal(first.snapshots.length, 3);
      const second = await take(options, { probe: at(1) });
      assert.deepEqual(second.snapshots, []);
      assert.deepEqual(
        second.skipped.map(({ dataset }) => dataset),
        ['tank/a', 'tank/a/b', 'tank/a/v'],
      );
      assert.match(second.skipped[0]?.reason ?? '', /nothing was written since auto-2024-05-06_07-08-09/);
      await machine.writeFile('tank/a/b', 'f', 'hello');
      await machine.sh('dd if=/dev/urandom of=/dev/zvol/tank/a/v bs=64k count=1 conv=fsync status=none');
      const third = await take(options, { probe: at(2) });
      assert.deepEqual(
        third.snapshots.map(({ dataset }) => dataset),
        ['tank/a/b', 'tank/a/v'],
      );
      assert.equal(new Set(third.snapshots.map(({ createtxg }) => createtxg)).size, 1);
    });

    it('counts from the newest snapshot of its own schema, not from one of others', async () => {
      await machine.createDataset('tank/a');
      await machine.createDataset('tank/b');
      const options = { datasets: ['tank/a', 'tank/b'], allowEmpty: false, namingSchema: schema };
      await machine.snapshot('tank/a', 'foreign');
      assert.equal((await take(options, { probe: at(0) })).snapshots.length, 2);
      await machine.writeFile('tank/a', 'f', 'hello');
      await machine.run(['zpool', 'sync', 'tank']);
      await machine.snapshot('tank/a', 'between');
      await machine.snapshot('tank/b', 'between');
      const result = await take(options, { probe: at(1) });
      assert.deepEqual(
        result.snapshots.map(({ dataset }) => dataset),
        ['tank/a'],
      );
      assert.deepEqual(
        result.skipped.map(({ dataset }) => dataset),
        ['tank/b'],
      );
    });

    it('counts what the hook "before" writes', async () => {
      await machine.createDataset('tank/a');
      const options = { datasets: ['tank/a'], allowEmpty: false, namingSchema: schema };
      await take(options, { probe: at(0) });
      const hooks = { before: 'echo dump >/tank/a/dump' };
      assert.equal((await take({ ...options, hooks }, { probe: at(1) })).snapshots.length, 1);
    });
  });

  it('leaves out what is being received, and says so', async () => {
    await machine.createDataset('tank/a/b');
    await machine.writeRandom('tank/a/b', 'f', 2);
    await machine.snapshot('tank/a/b', 'x');
    await machine.sh('zfs send tank/a/b@x | head -c 1000000 | zfs receive -s tank/a/half || true');
    const result = await take({ datasets: ['tank/a'], recursive: true });
    assert.deepEqual(
      result.snapshots.map(({ dataset }) => dataset),
      ['tank/a', 'tank/a/b'],
    );
    assert.deepEqual(result.skipped, [{ dataset: 'tank/a/half', reason: 'a receive into it is not complete' }]);
    const later = probeAt(new Date(NOW.getTime() + 60_000));
    const excluding = { datasets: ['tank/a'], recursive: true, exclude: ['tank/a/b'] };
    assert.equal((await take(excluding, { probe: later })).snapshots.length, 1);
    assert.equal((await failure({ datasets: ['tank/a/half'] })).code, 'DATASET_BUSY');
  });

  describe('hooks', () => {
    const log = async (): Promise<string> => machine.read(['cat', '/tmp/hooks']);

    beforeEach(async () => {
      await machine.sh('rm -f /tmp/hooks');
      await machine.createDataset('tank/a');
    });

    const hooks = (before: string, after: string, timeout = 60): Record<string, unknown> => ({
      datasets: ['tank/a'],
      hooks: { before, after, timeout },
    });
    const count = `zfs list -Ht snapshot -o name tank/a | wc -l >>/tmp/hooks`;

    it('run before and after the snapshot', async () => {
      await take(hooks(count, count));
      assert.equal(await log(), '0\n1');
    });

    it('a failing "before": no snapshot, and "after" runs once [C1 47]', async () => {
      const error = await failure(
        hooks('echo frozen >>/tmp/hooks; echo "no lock" >&2; exit 3', 'echo thawed >>/tmp/hooks'),
      );
      assert.equal(error.code, 'HOOK_FAILED');
      assert.match(error.message, /"before" on snap failed \(exit code 3\): no lock/);
      assert.equal(error.exitCode, 3);
      assert.equal(await log(), 'frozen\nthawed');
      assert.deepEqual(await names('tank/a'), []);
    });

    it('a "before" that hangs is ended at its time limit [C1 47]', async () => {
      const started = Date.now();
      const error = await failure(hooks('echo frozen >>/tmp/hooks; sleep 300', 'echo thawed >>/tmp/hooks', 1));
      assert.equal(error.code, 'HOOK_FAILED');
      assert.match(error.message, /did not end within 1 s/);
      assert.ok(Date.now() - started < 20_000);
      assert.equal(await log(), 'frozen\nthawed');
      assert.equal((await machine.run(['pgrep', '-f', 'sleep 300'], { check: false })).code, 1);
    });

    it('"after" runs when the snapshot fails, and the snapshot\'s error is told [C1 47]', async () => {
      await machine.snapshot('tank/a', NAME);
      const probe = probeAt();
      const error = await failure(hooks('true', 'echo thawed >>/tmp/hooks; exit 1'), { probe });
      assert.equal(error.code, 'SNAPSHOT_EXISTS');
      assert.equal(await log(), 'thawed');
      assert.match(probe.warnings().join(), /"after" .* failed/);
    });

    it('a failing "after" is an error whose payload has the snapshots', async () => {
      const probe = probeAt();
      const error = await failure(hooks('true', 'exit 9'), { probe });
      assert.equal(error.code, 'HOOK_FAILED');
      assert.deepEqual(
        probe.last.snapshots.map(({ snapshot }) => snapshot),
        [`tank/a@${NAME}`],
      );
    });

    it('"after" runs when the job is cancelled during "before"', async () => {
      const abort = new AbortController();
      const probe = probeAt(NOW, abort.signal);
      const running = failure(hooks('echo frozen >>/tmp/hooks; sleep 300', 'echo thawed >>/tmp/hooks'), { probe });
      await machine.sh('until grep -q frozen /tmp/hooks 2>/dev/null; do sleep 0.05; done');
      abort.abort();
      assert.equal((await running).code, 'CANCELLED');
      assert.equal(await log(), 'frozen\nthawed');
      assert.deepEqual(await names('tank/a'), []);
    });
  });

  describe('several pools', () => {
    beforeEach(async () => {
      await machine.createDataset('tank/a/b');
      await machine.createDataset('second/a/b');
    });

    it('are taken by one command each', async () => {
      const result = await take({ datasets: ['tank/a', 'second/a'], recursive: true });
      assert.deepEqual(
        result.snapshots.map(({ dataset }) => dataset),
        ['tank/a', 'tank/a/b', 'second/a', 'second/a/b'],
      );
    });

    it('what one has taken stays when another fails, and the payload says so', async () => {
      await machine.snapshot('tank/a', NAME);
      const probe = probeAt();
      const error = await failure({ datasets: ['tank/a', 'second/a'], recursive: true }, { probe });
      assert.equal(error.code, 'SNAPSHOT_EXISTS');
      assert.match(error.message, /on 1 of 2 pools/);
      assert.deepEqual(
        probe.last.snapshots.map(({ snapshot }) => snapshot),
        [`second/a@${NAME}`, `second/a/b@${NAME}`],
      );
      assert.deepEqual(await names('tank/a/b'), []);
    });

    it('failing differently are PARTIAL_FAILURE', async () => {
      await machine.snapshot('tank/a', NAME);
      await machine.run(['zfs', 'allow', 'op', 'snapshot,mount', 'tank/a']);
      const error = await failure({ datasets: ['tank/a', 'second/a'] }, { host: op });
      assert.equal(error.code, 'PARTIAL_FAILURE');
    });
  });

  it('names the missing rights, and works once they are given [C1 51]', async () => {
    await machine.createDataset('tank/a b');
    const options = { datasets: ['tank/a b'], properties: { 'my:note': 'x' } };
    const error = await failure(options, { host: op });
    assert.equal(error.code, 'PERMISSION_DENIED');
    assert.match(error.message, /op may not take snapshots on snap/);
    assert.equal(error.hint, `As root on snap: zfs allow op snapshot,mount,userprop 'tank/a b'`);
    await machine.sh((error.hint ?? '').replace(/^As root on snap: /, ''));
    assert.equal((await take(options, { host: op })).snapshots.length, 1);
  });

  it('prunes old snapshots of its own schema afterwards, and only on what it took', async () => {
    await machine.createDataset('tank/a/b');
    for (const name of ['auto-2024-05-05_01-00', 'auto-2024-05-05_02-00', 'auto-2024-05-05_03-00', 'mine']) {
      await machine.snapshot('tank/a', name, { recursive: true });
    }
    const probe = probeAt(new Date());
    const retention = { keep: [{ type: 'last', count: 2 }] };
    const result = await take({ datasets: ['tank/a'], retention }, { probe });
    assert.deepEqual(await names('tank/a'), ['auto-2024-05-05_03-00', 'mine', result.name]);
    assert.equal((await names('tank/a/b')).length, 4);
    assert.deepEqual(
      result.pruned?.destroyed.map(({ name }) => name),
      ['auto-2024-05-05_01-00', 'auto-2024-05-05_02-00'],
    );
  });

  it('is an error when an old snapshot of its own could not be destroyed, and the payload has the new ones', async () => {
    await machine.createDataset('tank/a');
    for (const name of ['auto-2024-05-05_01-00', 'auto-2024-05-05_02-00']) await machine.snapshot('tank/a', name);
    await machine.run(['zfs', 'allow', 'op', 'snapshot,mount', 'tank/a']);
    const probe = probeAt(new Date());
    const retention = { keep: [{ type: 'last', count: 1 }] };
    const error = await failure({ datasets: ['tank/a'], retention }, { probe, host: op });
    assert.equal(error.code, 'PERMISSION_DENIED');
    assert.deepEqual([probe.last.snapshots.length, probe.last.pruned?.failed.length], [1, 2]);
  });
});
