// The two `zfs allow` lines of the README are enough: what is written there is read here, and everything runs through a user
// who has exactly these rights. What they do not give is told, with dataset and right.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseReplicateOptions } from '../../../src/replication/setup/check-options';
import { listMarks, releaseMarks } from '../../../src/replication/marks/list-marks';
import type { ReplicationResult } from '../../../src/replication/setup/options';
import { prune } from '../../../src/retention/prune';
import { parsePruneOptions } from '../../../src/retention/check-options';
import { parseListOptions, parseSnapshotOptions } from '../../../src/snapshots/check-options';
import { createSnapshots } from '../../../src/snapshots/create';
import { listSnapshots } from '../../../src/snapshots/list';
import { destinationId } from '../../../src/zfs/marks';
import type { Machine } from '../../lab/machine';
import { assertSame, type Engine, marks } from '../../support/engine';
import { assertTidy, until } from '../../support/job';
import { usePair } from '../../support/machines';
import { TestContext } from '../../support/test-context';

/** The rights that the README gives on one side, as `zfs allow` takes them. */
function rightsOf(side: 'SOURCE' | 'TARGET'): string {
  const readme = readFileSync(path.resolve(__dirname, '../../../README.md'), 'utf8');
  const rights = new RegExp(`\`zfs allow USER (\\S+) ${side}\``).exec(readme)?.[1];
  return rights ?? assert.fail(`the README allows nothing on ${side}`);
}

describe('a user with exactly the rights of the README', function () {
  this.timeout(180_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let counter = 0;

  usePair((pair) => ({ a, b, engine } = pair), 'engine per test');
  before(async () => {
    await b.createDataset('backup/of-op');
    await b.run(['zfs', 'allow', 'op', rightsOf('TARGET'), 'backup/of-op']);
  });
  beforeEach(() => {
    engine.add(a, { id: 'opa', username: 'op' });
    engine.add(b, { id: 'opb', username: 'op' });
  });

  /** A source with these rights, and a target in the place of the user's. */
  async function job(
    rights = rightsOf('SOURCE'),
  ): Promise<{ source: string; target: string; options: Record<string, unknown> }> {
    const source = `tank/p${++counter}`;
    const target = `backup/of-op/p${counter}`;
    await a.createDataset(source);
    await a.writeFile(source, 'f', 'x');
    if (rights !== '') await a.run(['zfs', 'allow', 'op', rights, source]);
    const options = {
      sourceConnection: 'opa',
      targetConnection: 'opb',
      sourceDatasets: [source],
      targetDataset: target,
    };
    return { source, target, options };
  }

  const allWarnings = ({ warnings, datasets }: ReplicationResult): string[] => [
    ...warnings,
    ...datasets.flatMap((dataset) => dataset.warnings),
  ];

  it('takes snapshots with hooks, replicates, lists, shows and releases what it protects, and prunes [B5]', async () => {
    const { source, target, options } = await job();
    const nas = engine.resolve;
    const hooks = { before: 'id -un >/tmp/before', after: 'id -un >/tmp/after', timeout: 60 };
    const take = async (namingSchema: string): Promise<unknown> => {
      const raw = { connection: 'opa', datasets: [source], recursive: true, namingSchema, hooks };
      return createSnapshots(parseSnapshotOptions(raw), nas, new TestContext());
    };
    await a.createDataset(`${source}/child`);
    await take('one-%Y-%m-%d_%H-%M-%S');
    assert.equal(await a.read(['cat', '/tmp/after']), 'op');
    const tree = { ...options, recursive: true };
    const first = await engine.replicate(tree);
    assert.deepEqual([first.state, allWarnings(first)], ['success', []]);
    await a.writeFile(source, 'g', 'y');
    await take('two-%Y-%m-%d_%H-%M-%S');
    const second = await engine.replicate(tree);
    assert.deepEqual([second.state, allWarnings(second)], ['success', []]);
    for (const below of ['', '/child']) {
      await assertSame(a, source + below, b, target + below);
      await assertTidy(a, source + below, b, target + below);
    }
    const { items } = await listSnapshots(
      parseListOptions({ connection: 'opa', datasets: [source] }),
      nas,
      new TestContext(),
    );
    assert.equal(items.length, 2);
    const replication = parseReplicateOptions(tree);
    const left = await listMarks(replication, nas, engine.context());
    assert.ok(left.some(({ kind, side }) => kind === 'hold' && side === 'target'));
    await pruneTo(1, 'opb', target);
    assert.equal((await b.snapshotNames(target)).length, 1);
    const guid = await b.read(['zpool', 'get', '-Hpo', 'value', 'guid', 'backup']);
    for (const below of ['', '/child']) {
      assert.ok(
        (await releaseMarks(replication, destinationId(guid, target + below), nas, engine.context())).length > 0,
      );
    }
    assert.deepEqual(await marks(a, source), { final: [], tentative: [], holds: [] });
    await pruneTo(1, 'opa', source);
    assert.equal((await a.snapshotNames(source)).length, 1);
  });

  async function pruneTo(count: number, connection: string, dataset: string): Promise<void> {
    const raw = {
      connection,
      datasets: [dataset],
      recursive: true,
      scope: { all: true },
      policy: { keep: [{ type: 'last', count }] },
      maxDestroyFraction: 1,
      mode: 'execute',
    };
    await prune(parsePruneOptions(raw), engine.resolve, new TestContext());
  }

  it('holds nothing that could not be released, says so, and is replicated all the same [B5]', async () => {
    const { source, target, options } = await job('send,hold,bookmark,snapshot,destroy,mount');
    await a.snapshot(source, '1');
    const result = await engine.replicate(options);
    assert.equal(result.state, 'success');
    assert.match(allWarnings(result).join(), new RegExp(`could not be released again.*zfs allow op release ${source}`));
    assert.deepEqual((await marks(a, source)).holds, []);
    await a.run(['zfs', 'destroy', `${source}@1`]);
    // On the target too.
    const bare = 'backup/bare';
    await b.createDataset(bare);
    await b.run(['zfs', 'allow', 'op', 'receive,create,mount,userprop,readonly,hold', bare]);
    await a.snapshot(source, '2');
    const there = await engine.replicate({ ...options, targetDataset: `${bare}/x` });
    assert.match(allWarnings(there).join(), /zfs allow op release backup\/bare\/x/);
    assert.deepEqual((await marks(b, `${bare}/x`)).holds, []);
    assert.ok(await b.exists(target));
  });

  it('holds where a group, everybody, or a set of rights gives the right to release [B5]', async () => {
    const { source, options } = await job('');
    await a.sh('groupadd -f keepers && usermod -aG keepers op && zfs allow -s @keep hold,release tank', {});
    engine.add(a, { id: 'opa', username: 'op' });
    await a.run(['zfs', 'allow', '-d', '-g', 'keepers', '@keep', 'tank']);
    await a.run(['zfs', 'allow', '-e', 'send,bookmark,destroy,mount', source]);
    await a.snapshot(source, '1');
    const result = await engine.replicate(options);
    assert.deepEqual([result.state, allWarnings(result)], ['success', []]);
    for (const undo of [
      ['-d', '-g', 'keepers', '@keep'],
      ['-s', '@keep'],
    ])
      await a.run(['zfs', 'unallow', ...undo, 'tank']);
  });

  it('makes new parents of a target [B7]', async () => {
    const { source, target, options } = await job();
    await a.snapshot(source, '1');
    const deep = { ...options, targetDataset: `${target}/x/y/z` };
    const result = await engine.replicate(deep);
    assert.deepEqual([result.state, allWarnings(result)], ['success', []]);
    await assertSame(a, source, b, `${target}/x/y/z`);
  });

  it('names the rights that making a parent takes, where they are missing [B7]', async () => {
    const { source, options } = await job();
    await a.snapshot(source, '1');
    await b.createDataset('backup/poor');
    await b.run(['zfs', 'allow', 'op', 'receive,create,mount,readonly', 'backup/poor']);
    const error = await engine.refuse('PERMISSION_DENIED', { ...options, targetDataset: 'backup/poor/x/y' });
    assert.match(error.message, /cannot create 'backup\/poor\/x': permission denied/);
    assert.match(error.hint ?? '', /zfs allow op create,mount,canmount,userprop backup\/poor$/);
  });

  it('receives onto an empty target that root made and did not mount [B6]', async () => {
    const { source, options } = await job();
    await a.snapshot(source, '1');
    await b.run(['zfs', 'create', '-u', 'backup/made']);
    await b.run(['zfs', 'allow', 'op', rightsOf('TARGET'), 'backup/made']);
    const result = await engine.replicate({ ...options, targetDataset: 'backup/made' });
    assert.deepEqual([result.state, allWarnings(result)], ['success', []]);
    await assertSame(a, source, b, 'backup/made');
  });

  it('does not claim data in an empty target that it cannot receive onto or look into, and says what is missing [B6]', async () => {
    const { source, options } = await job();
    await a.snapshot(source, '1');
    const to = { ...options, targetDataset: 'backup/mounted' };
    await b.createDataset('backup/mounted');
    await b.run(['zfs', 'allow', 'op', rightsOf('TARGET').replace(/,user\w*(used|quota)/g, ''), 'backup/mounted']);
    const mounted = await engine.refuse('PERMISSION_DENIED', to);
    assert.match(mounted.message, /is empty, but mounted on opb|is empty, but mounted on b/);
    assert.match(mounted.hint ?? '', /zfs unmount backup\/mounted; zfs allow op user/);
    await b.writeFile('backup/mounted', 'f', '');
    assert.match((await engine.refuse('TARGET_HAS_DATA', to)).message, /it holds data/);
    await b.run(['rm', '/backup/mounted/f']);
    await b.run(['zfs', 'unmount', 'backup/mounted']);
    const unseen = await engine.refuse('PERMISSION_DENIED', to);
    assert.match(unseen.message, /whether it is empty cannot be seen/);
    assert.doesNotMatch(unseen.message, /holds data/);
    const allow = /zfs allow op [\w,]+ backup\/mounted/.exec(unseen.hint ?? '')?.[0] ?? assert.fail(unseen.hint);
    await b.sh(allow);
    assert.equal((await engine.replicate(to)).state, 'success');
    await assertSame(a, source, b, 'backup/mounted');
  });

  it('finds a file in an unmounted target, and in one below what is mounted over it [B6]', async () => {
    const { source, options } = await job();
    await a.snapshot(source, '1');
    for (const name of ['backup/full', 'backup/over']) {
      await b.createDataset(name);
      await b.run(['zfs', 'allow', 'op', rightsOf('TARGET').replace(/,user\w*(used|quota)/g, ''), name]);
      await b.writeFile(name, 'f', 'precious');
    }
    await b.run(['zfs', 'allow', 'op', rightsOf('TARGET'), 'backup/full']);
    await b.run(['zfs', 'unmount', 'backup/full']);
    await engine.refuse('TARGET_HAS_DATA', { ...options, targetDataset: 'backup/full' });
    await b.run(['mount', '-t', 'tmpfs', 'none', '/backup/over']);
    const error = await engine.refuse('PERMISSION_DENIED', { ...options, targetDataset: 'backup/over' });
    assert.match(error.message, /cannot be seen/);
    await b.run(['umount', '/backup/over']);
    assert.equal(await b.read(['cat', '/backup/over/f']), 'precious');
  });

  it('resumes after an interruption, and rolls back', async () => {
    const { source, target, options } = await job();
    await a.writeRandom(source, 'big', 6);
    await a.snapshot(source, '1');
    const stop = new AbortController();
    const running = engine.replicate({ ...options, speedLimit: '1M' }, stop.signal);
    await until(() => engine.events.some(({ event, bytes }) => event === 'progress' && Number(bytes) > 1_500_000));
    await sleep(500);
    stop.abort();
    await assert.rejects(running, { code: 'CANCELLED' });
    const resumed = await engine.replicate(options);
    assert.deepEqual([resumed.datasets[0]?.action, allWarnings(resumed)], ['resume', []]);
    await assertSame(a, source, b, target);
    await b.snapshot(target, 'mine');
    await a.snapshot(source, '2');
    const rolled = await engine.replicate({ ...options, whenDiverged: 'rollback' });
    assert.deepEqual([rolled.datasets[0]?.action, rolled.warnings], ['rollback', []]);
    await assertSame(a, source, b, target);
  });
});
