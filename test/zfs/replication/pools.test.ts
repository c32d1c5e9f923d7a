// Pools that fill up or go away in the middle of a run, and a long row of pending snapshots: nothing is lost, the error says
// what it is, only what can pass by itself is tried again, and one run afterwards reaches the source's state.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import { assertSame, type Engine } from '../../support/engine';
import { assertTidy, type Job, jobOf, until } from '../../support/job';
import { usePair } from '../../support/machines';

const MB = 1 << 20;

describe('replication between pools that fill up or go away', function () {
  this.timeout(600_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let counter = 0;

  usePair((pair) => ({ a, b, engine } = pair), 'engine per test');
  before(async () => {
    // In memory; ZFS wants at least 64 MB.
    const small = 'truncate -s 96M /dev/shm/small; zpool create small /dev/shm/small';
    await Promise.all([a.sh(small), b.sh(small)]);
  });

  async function job(sourcePool: string, targetPool: string, mb: number): Promise<Job> {
    const [source, target] = [`${sourcePool}/p${++counter}`, `${targetPool}/p${counter}`];
    await a.createDataset(source);
    await a.writeRandom(source, 'data', mb);
    await a.snapshot(source, '1');
    return jobOf(source, target);
  }

  const retries = (): number => engine.events.filter(({ event }) => event === 'retry').length;

  async function assertDone({ source, target, options }: Job): Promise<void> {
    await a.link.limit(0);
    await engine.replicate(options);
    await assertSame(a, source, b, target);
    await assertTidy(a, source, b, target);
  }

  /** Makes room for the next test. */
  async function drop({ source, target }: Job): Promise<void> {
    await b.run(['zfs', 'release', 'zfsflow_last', `${target}@1`]);
    await Promise.all([a.destroy(source), b.destroy(target)]);
  }

  for (const [side, sourcePool, targetPool] of [
    ['target', 'tank', 'small'],
    ['source', 'small', 'backup'],
  ] as const) {
    it(`goes on when the pool of the ${side} is exported in mid-run, and comes back`, async () => {
      const one = await job(sourcePool, targetPool, 20);
      await a.link.limit(4 * MB);
      const machine = side === 'source' ? a : b;
      // Between two tries there has to be time for the export, which a machine of 2.1 needs.
      const running = engine.replicate({ ...one.options, retries: 4, retryDelay: 5 }).then(
        () => assert.fail('it succeeded'),
        (error: { code: string; message: string }) => error,
      );
      await until(() => engine.events.some(({ event, bytes }) => event === 'progress' && Number(bytes) > 6 * MB));
      // A pool in use cannot be exported, so its user has to go first.
      await machine.sh(
        'i=0; until zpool export -f small; do kill $(pgrep -x zfs) 2>/dev/null || true; i=$((i + 1)); [ $i -lt 100 ] || exit 1; done',
      );
      const error = await running;
      assert.match(
        error.code,
        side === 'target' ? /^POOL_UNAVAILABLE$/ : /^(POOL_UNAVAILABLE|DATASET_NOT_FOUND)$/,
        error.message,
      );
      await machine.run(['zpool', 'import', '-d', '/dev/shm', 'small']);
      await assertDone(one);
      await drop(one);
    });
  }

  it('says QUOTA_EXCEEDED or OUT_OF_SPACE without a retry, and continues where it was once there is room', async () => {
    for (const [code, limit, free] of [
      [
        'QUOTA_EXCEEDED',
        ['zfs', 'create', '-o', 'quota=12M', 'backup/limited'],
        ['zfs', 'set', 'quota=none', 'backup/limited'],
      ],
      [
        'OUT_OF_SPACE',
        ['zfs', 'create', '-o', 'reservation=20M', 'small/reserved'],
        ['zfs', 'destroy', 'small/reserved'],
      ],
    ] as const) {
      await b.run(limit);
      const pool = code === 'QUOTA_EXCEEDED' ? 'backup/limited' : 'small';
      const one = await job('tank', pool, 26);
      await engine.refuse(code, { ...one.options, retries: 5 });
      assert.equal(retries(), 0);
      assert.equal(engine.partial?.state, 'failed');
      await b.run(free);
      await assertDone(one);
      await drop(one);
    }
  });

  it('sends from a pool that is full to its last byte, whatever marks find no room there', async () => {
    const one = await job('small', 'backup', 4);
    await engine.replicate(one.options);
    await a.writeRandom(one.source, 'more', 2);
    await a.snapshot(one.source, '2');
    await a.createDataset('small/filler');
    await a.sh('dd if=/dev/urandom of=/small/filler/x bs=64k || dd if=/dev/urandom of=/small/filler/y bs=512 || true');
    const before = (await a.snapshots(one.source)).length;
    const result = await engine.replicate({ ...one.options, createSnapshot: 'never' });
    assert.equal(result.state, 'success');
    await assertSame(a, one.source, b, one.target);
    assert.equal((await a.snapshots(one.source)).length, before);
    const always = { ...one.options, createSnapshot: 'always', namingSchemas: ['full-%Y%m%d-%H%M%S'] };
    const outcome = await engine.replicate(always).catch((error: { code: string }) => error);
    if ('code' in outcome) assert.equal(outcome.code, 'OUT_OF_SPACE');
    else assert.equal(outcome.snapshots, 1);
    await a.destroy('small/filler');
    await a.writeRandom(one.source, 'again', 1);
    await a.snapshot(one.source, '3');
    await assertDone(one);
  });

  it('sends 500 pending snapshots in one stream, and after a cut none that has arrived', async () => {
    const one = await job('tank', 'backup', 1);
    await engine.replicate(one.options);
    const many = 'i=1; while [ $i -le 500 ]; do zfs snapshot "$1@s$i" || exit 1; i=$((i + 1)); done';
    await a.sh(many, { args: [one.source] });
    const commands: string[] = [];
    engine.resolve('a').onCommand((line) => commands.push(line));
    const abort = new AbortController();
    const running = engine.replicate(one.options, abort.signal);
    await until(async () => (await b.snapshots(one.target)).length > 60);
    abort.abort();
    await assert.rejects(running, { code: 'CANCELLED' });
    assert.equal(commands.filter((line) => /zfs send (?!.*-n)/.test(line)).length, 1);
    const there = (await b.snapshots(one.target)).length;
    assert.ok(there > 60 && there < 501, `${there} arrived`);
    const second = await engine.replicate(one.options);
    assert.equal(second.snapshots, 501 - there);
    await assertSame(a, one.source, b, one.target);
    const held = async (machine: Machine, dataset: string): Promise<string[]> =>
      (await machine.read(['zfs', 'list', '-Hp', '-t', 'snapshot', '-o', 'userrefs,name', dataset]))
        .split('\n')
        .filter((line) => !line.startsWith('0'));
    assert.deepEqual([await held(a, one.source), await held(b, one.target)], [[], [`1\t${one.target}@s500`]]);
    const bookmarks = (await a.bookmarks(one.source)).map(({ name }) => name);
    assert.ok(bookmarks.length === 16 && bookmarks.every((name) => !name.includes('tmp')), bookmarks.join());
  });
});

/** Waits for an event of ours, or for what another machine does; fails after a minute. */
