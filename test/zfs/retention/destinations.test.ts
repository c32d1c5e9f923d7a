// Source retention and replication together, on real pools: nothing that any destination still needs ever goes, and each
// chain goes on afterwards.
import assert from 'node:assert/strict';
import type { PruneResult } from '../../../src/retention/options';
import type { Machine } from '../../lab/machine';
import { assertSame, connect, Engine } from '../../support/engine';
import { useMachines } from '../../support/machines';
import { failure, runPrune } from './support';
import { TestContext } from '../../support/test-context';

describe('retention of what several destinations receive', function () {
  this.timeout(300_000);
  let nas: Machine;
  let away: Machine;
  let engine: Engine;
  let dataset = '';
  let counter = 0;

  const names = (machine = nas, of = dataset): Promise<string[]> => machine.snapshotNames(of);
  const take = (...list: string[]): Promise<void> => nas.snapshotEach(dataset, list);
  const to = (target: string): Record<string, unknown> => ({
    sourceConnection: 'nas',
    sourceDatasets: [dataset],
    targetConnection: 'away',
    targetDataset: target,
    createSnapshot: 'never',
  });
  const prune = (raw: Record<string, unknown> = {}): Promise<PruneResult> =>
    runPrune(engine.resolve, { datasets: [dataset], ...raw }, new TestContext());

  useMachines({ nas: { pool: 'tank' }, away: { pool: 'vault' } }, (machines) => ({ nas, away } = machines));
  beforeEach(async () => {
    engine = new Engine();
    engine.add(nas);
    engine.add(away);
    dataset = `tank/d${++counter}`;
    await nas.createDataset(dataset);
  });
  afterEach(() => engine.close());

  it('keeps the newest common snapshot where both sides keep only one [C1 53]', async () => {
    const copy = `vault/d${counter}`;
    const protectFor = [{ connection: 'away', dataset: copy }];
    await take('1', '2', '3');
    await engine.replicate(to(copy));
    await take('4', '5');
    await prune({ protectFor });
    assert.deepEqual(await names(), ['3', '4', '5']);
    await prune({ connection: 'away', datasets: [copy] });
    assert.deepEqual(await names(away, copy), ['3']);
    const result = await engine.replicate(to(copy));
    assert.equal(result.datasets[0]?.action, 'incremental');
    assert.deepEqual(await names(away, copy), ['3', '4', '5']);
    await prune({ protectFor });
    assert.deepEqual(await names(), ['5']);
  });

  it('keeps what the destination that is away and behind needs, by its bookmarks alone [C1 54]', async () => {
    const [a, b] = [`vault/a${counter}`, `vault/b${counter}`];
    await take('1', '2', '3', '4', '5');
    await engine.replicate(to(a));
    await take('6', '7', '8', '9');
    await engine.replicate(to(b));
    await take('10', '11');
    // Nobody named a destination here, and neither is asked.
    const result = await prune({ policy: { keep: [{ type: 'last', count: 2 }] } });
    assert.deepEqual(await names(), ['5', '6', '7', '8', '9', '10', '11']);
    assert.match(result.keep.find(({ name }) => name === '5')?.reasons.join() ?? '', /last snapshot shared with/);
    assert.equal((await engine.replicate(to(a))).datasets[0]?.action, 'incremental');
    await assertUpTo(a, 5);
    await prune({ policy: { keep: [{ type: 'last', count: 2 }] } });
    assert.deepEqual(await names(), ['9', '10', '11']);
    assert.equal((await engine.replicate(to(b))).datasets[0]?.action, 'incremental');
  });

  async function assertUpTo(copy: string, first: number): Promise<void> {
    const expected = (await names()).filter((name) => Number(name) >= first);
    assert.deepEqual((await names(away, copy)).slice(-expected.length), expected);
  }

  it('keeps everything that a destination far behind has not received, without a gap [C1 60]', async () => {
    const copy = `vault/d${counter}`;
    await take('0');
    await engine.replicate(to(copy));
    const behind = Array.from({ length: 60 }, (_, index) => String(index + 1));
    await take(...behind);
    const result = await prune();
    assert.deepEqual(result.destroyed, []);
    assert.match(result.keep.find(({ name }) => name === '30')?.reasons.join() ?? '', /has not received it yet/);
    await engine.replicate(to(copy));
    await assertSame(nas, dataset, away, copy);
    assert.equal((await prune()).destroyed.length, 60);
  });

  it('destroys the 97 others of a hundred of which one is held, one cloned and one busy, and says which [C1 56]', async () => {
    const list = Array.from({ length: 100 }, (_, index) => `s${String(index).padStart(3, '0')}`);
    await nas.writeRandom(dataset, 'file', 8);
    await take(...list, 'newest');
    await nas.run(['zfs', 'hold', 'theirs', `${dataset}@s010`]);
    await nas.run(['zfs', 'clone', `${dataset}@s020`, `${dataset}-clone`]);
    const slow = '{ head -c 1000 >/dev/null; : >/run/sending; sleep 1000; }';
    const sender = await nas.spawn(['sh', '-c', `zfs send ${dataset}@s042 | ${slow}`]);
    await nas.sh('until [ -e /run/sending ]; do sleep 0.05; done');
    const ctx = new TestContext<PruneResult>();
    await failure(runPrune(engine.resolve, { datasets: [dataset] }, ctx), 'PARTIAL_FAILURE');
    const result = ctx.last;
    assert.equal(result.destroyed.length, 97);
    assert.deepEqual(
      result.failed.map(({ name, code }) => [name, code]),
      [['s042', 'DATASET_BUSY']],
    );
    const why = (name: string): string => result.keep.find((item) => item.name === name)?.reasons.join() ?? '';
    assert.match(why('s010'), /held/);
    assert.match(why('s020'), /has the clone/);
    assert.deepEqual(await names(), ['s010', 's020', 's042', 'newest']);
    await nas.sh('pkill -x sleep');
    if (sender.exitCode === null) await new Promise((resolve) => sender.once('exit', resolve));
  });

  it('lets nothing age out with a source that is gone, whose children stay too [C1 64]', async () => {
    await nas.createDataset(`${dataset}/child`);
    await nas.run(['zfs', 'snapshot', '-r', `${dataset}@1`]);
    await nas.run(['zfs', 'snapshot', '-r', `${dataset}@2`]);
    const copy = `vault/d${counter}`;
    await engine.replicate({ ...to(copy), recursive: true });
    await nas.destroy(`${dataset}/child`);
    await take('3');
    const source = { keep: [{ type: 'source', connection: 'nas', dataset, recursive: true }] };
    const on = { connection: 'away', datasets: [copy], recursive: true, policy: source };
    await prune(on);
    assert.deepEqual(await names(away, `${copy}/child`), ['1', '2']);
    await nas.destroy(dataset);
    await prune(on);
    assert.deepEqual(await names(away, copy), ['1', '2']);
    await engine.hosts.get('nas')?.close();
    engine.hosts.set('nas', connect(nas, { port: 1 }));
    await failure(prune(on), 'CONNECTION_REFUSED');
    assert.deepEqual(await names(away, copy), ['1', '2']);
  });
});
