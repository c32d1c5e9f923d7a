// What is left of a drill whatever ends it: nothing, or the next run takes it away. The drill of a Node-RED that still runs, and
// what only looks like a clone of a drill, are let alone.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { REPOSITORY, type Machine } from '../../lab/machine';
import { connectOptions, Engine } from '../../support/engine';
import { relay, until } from '../../support/job';
import { usePair } from '../../support/machines';
import { leftOn, only, verifyFails, verifyWith } from '../../support/verification';

describe('verification: what a drill leaves', function () {
  this.timeout(180_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  const source = 'tank/left';
  const target = 'backup/left';
  const options = { ...relay, sourceDatasets: [source], targetDataset: target };
  const HANG = 'cd "$ZFS_MOUNTPOINT"; touch /tmp/hanging; sleep 985';

  usePair((pair) => ({ a, b, engine } = pair));
  before(async () => {
    await a.createDataset(source);
    await a.writeFile(source, 'f', 'x'.repeat(5000));
    await a.snapshot(source, 's1');
    await engine.replicate({ ...options, createSnapshot: 'never' });
  });
  beforeEach(() => b.sh('rm -f /tmp/hanging'));

  const bothLeft = async (): Promise<string[]> => [...(await leftOn(a)), ...(await leftOn(b))];
  const hangs = (): Promise<void> =>
    until(async () => (await b.run(['test', '-e', '/tmp/hanging'], { check: false })).code === 0);

  it('cancelled while the command hangs: nothing is left', async () => {
    const controller = new AbortController();
    const raw = { ...options, drill: 'open', drillCommand: HANG };
    const over = verifyFails(engine.resolve, 'CANCELLED', raw, controller.signal);
    await hangs();
    controller.abort();
    await over;
    assert.deepEqual(await bothLeft(), []);
  });

  /** A process of its own that hangs in a drill of `target`. */
  async function otherDrill(): Promise<ChildProcess> {
    const input = JSON.stringify({
      options: { ...options, drill: 'open', drillCommand: HANG },
      hosts: [connectOptions(a), connectOptions(b)],
    });
    const fixture = path.join(REPOSITORY, 'test/zfs/verify/verify.fixture.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', fixture, input], { stdio: 'ignore', cwd: REPOSITORY });
    await hangs();
    return child;
  }

  it('the drill of another Node-RED is let alone, until that is killed with SIGKILL', async () => {
    const child = await otherDrill();
    const theirs = await leftOn(b);
    assert.equal(theirs.length, 3, theirs.join());
    const raw = { ...options, drill: 'open' };
    assert.equal((await verifyWith(engine.resolve, raw)).error, null);
    assert.deepEqual(await leftOn(b), theirs);
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    const { error, ctx } = await verifyWith(engine.resolve, raw);
    assert.deepEqual([error, await bothLeft()], [null, []]);
    assert.match(ctx.warnings().join(), /^destroyed the clone "backup\/zfsflow-drill-\w+" that a drill had left on b$/);
    assert.equal((await b.sh('ps -A -o args= | grep -c "[s]leep 985" || true')).stdout.trim(), '0');
  });

  it('power cut of the machine in the middle of a drill', async () => {
    const over = verifyFails(engine.resolve, 'CONNECTION_LOST', { ...options, drill: 'open', drillCommand: HANG });
    await hangs();
    await b.sh('zpool sync backup');
    await b.powerCut();
    await over;
    await b.boot();
    assert.equal((await leftOn(b)).length, 1, 'the clone came with the pool');
    const { error } = await verifyWith(engine.resolve, { ...options, drill: 'open' });
    assert.deepEqual([error, await bothLeft()], [null, []]);
  });

  it('snapshots that somebody took of the whole pool go with the clone; datasets below it do not', async () => {
    const raw = { ...options, drill: 'open', drillCommand: HANG, drillTimeout: 6 };
    const over = verifyWith(engine.resolve, raw);
    await hangs();
    await b.snapshot('backup', 'whole', { recursive: true });
    const { result } = await over;
    assert.deepEqual([result.warnings, await bothLeft()], [[], []]);
    assert.ok((await b.snapshotNames(target)).includes('whole'));
    await b.run(['zfs', 'destroy', '-r', 'backup@whole']);
  });

  it('what only looks like the clone of a drill stays', async () => {
    const clone = async (name: string, ...more: string[]): Promise<unknown> =>
      b.run(['zfs', 'clone', '-o', 'mountpoint=none', ...more, `${target}@s1`, name]);
    const mark = ['-o', 'zfsflow:drill=old'];
    const stays = [
      'backup/zfsflow-drill-unmarked',
      'backup/mine',
      'backup/zfsflow-drill-made',
      'backup/zfsflow-drill-used',
    ];
    await clone('backup/zfsflow-drill-unmarked');
    await clone('backup/mine', ...mark);
    await b.run(['zfs', 'create', '-o', 'mountpoint=none', ...mark, 'backup/zfsflow-drill-made']);
    await clone('backup/zfsflow-drill-used', ...mark);
    await b.sh('zfs set mountpoint=/used "$1"; zfs mount "$1" || true; dd if=/dev/urandom of=/used/x bs=1M count=1 status=none; zpool sync', { args: ['backup/zfsflow-drill-used'] }); // prettier-ignore
    await clone('backup/zfsflow-drill-left', ...mark);
    const { result, error } = await verifyWith(engine.resolve, options);
    assert.equal(error, null);
    assert.equal(await b.exists('backup/zfsflow-drill-left'), false, 'the one that was left');
    for (const name of stays) assert.ok(await b.exists(name), name);
    assert.match(result.warnings.join(), /"backup\/zfsflow-drill-used".* is still there: somebody wrote \d+ bytes/);
    for (const name of stays) await b.destroy(name);
  });

  it('a pool with no space left: the drill says so, the state is told, and nothing is left', async () => {
    await b.sh('zfs create -o mountpoint=none backup/fill; zpool sync; zfs set reservation=$(($(zfs get -Hp -o value available backup) - 16384)) backup/fill'); // prettier-ignore
    const { result } = await verifyWith(engine.resolve, { ...options, drill: 'open' });
    assert.deepEqual([only(result).state, only(result).drill?.ok, await bothLeft()], ['same', false, []]);
    assert.match(result.problems.join(), /^the restore drill of "backup\/left@s1" failed: .*out of space/);
    await b.destroy('backup/fill');
    assert.equal((await verifyWith(engine.resolve, { ...options, drill: 'open' })).error, null);
  });
});
