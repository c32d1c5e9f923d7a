// The nodes in a real Node-RED against real pools: what leaves the outputs when all goes well, and what a deploy, a
// cancel or a conflict does to a transfer that is under way.
import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { closedPort, FlowBench, flowOf, type FlowNode, type Message } from '../../support/flow-bench';
import type { Machine } from '../../lab/machine';
import { assertSame, marks } from '../../support/engine';
import { connectionNode } from '../../support/flow-lab';
import { usePair } from '../../support/machines';

const MB = 1 << 20;
const bench = new FlowBench();

describe('the nodes on real pools', function () {
  this.timeout(180_000);
  let a: Machine;
  let b: Machine;
  let counter = 0;

  before(() => bench.open());
  afterEach(() => bench.stop());
  after(() => bench.close());
  usePair((pair) => ({ a, b } = pair));

  /** Another way to `b`, by another name and account: one pool behind two connections. */
  const again = (): FlowNode => ({ ...connectionNode('b2', b), host: 'localhost', username: 'op', sudo: 'sudo' });
  const connections = (): FlowNode[] => [connectionNode('a', a), connectionNode('b', b), again()];
  const credentials = (): Record<string, object> => {
    const { privateKey } = a;
    return { a: { privateKey }, b: { privateKey }, b2: { privateKey } };
  };
  const start = async (...nodes: FlowNode[]): Promise<FlowNode[]> => {
    const flow = flowOf(nodes, ...connections());
    await bench.start(flow, credentials());
    return flow;
  };
  const codeOf = (message: Message): unknown => (message['error'] as Record<string, unknown>)['code'];
  const result = async (id: string, count = 1): Promise<Message> =>
    bench.until(
      `result ${count} of ${id}`,
      () => {
        const [failed] = bench.at(id, 'error');
        if (failed !== undefined) assert.fail(JSON.stringify(failed['error']));
        return bench.at(id, 'result')[count - 1];
      },
      60_000,
    );

  /** A dataset of its own with `mb` MiB in its first snapshot, and a node that replicates it. */
  async function replication(
    mb: number,
    more: Record<string, unknown> = {},
  ): Promise<FlowNode & { from: string; to: string }> {
    const [from, to] = [`tank/n${++counter}`, `backup/n${counter}`];
    await a.createDataset(from);
    await a.writeRandom(from, 'data', mb);
    await a.snapshot(from, 's1');
    const properties = { sourceConnection: 'a', sourceDatasets: [from], targetConnection: 'b', targetDataset: to };
    return { id: 'r', type: 'zfs-replicate', name: `copy ${counter}`, from, to, ...properties, ...more };
  }

  /** Sends a message to a slowed-down replication and waits until bytes flow; then they hardly do any more. */
  async function transferring(): Promise<void> {
    await a.link.limit(8 * MB);
    bench.send('r', { topic: 'mine', payload: 'kept' });
    await bench.until('progress', () => bench.events('r').find(({ event }) => event === 'progress'), 30_000);
    await a.link.limit(2 * MB);
  }

  it('take, list, replicate and prune', async () => {
    const dataset = `tank/n${++counter}`;
    await a.createDataset(`${dataset}/child`);
    const on = { connection: 'a', datasets: [dataset], recursive: true };
    await start(
      { id: 's', type: 'zfs-snapshot', ...on, namingSchema: 'payload', namingSchemaType: 'msg' },
      { id: 'l', type: 'zfs-list-snapshots', ...on },
      { id: 'm', type: 'zfs-list-snapshots', ...on, output: 'messages' },
      { id: 'c', type: 'zfs-list-snapshots', ...on, output: 'count', nameRegex: '^x' },
      {
        id: 'p',
        type: 'zfs-retention-prune',
        ...on,
        mode: 'payload',
        modeType: 'msg',
        scope: { namingSchemas: [], nameRegex: '^auto' },
        policy: { keep: [{ type: 'last', count: 1 }] },
      },
    );
    for (const [index, word] of ['auto', 'auto-b', 'auto-c'].entries()) {
      const schema = `${word}-%Y-%m-%d_%H-%M`;
      bench.send('s', { payload: schema, topic: 'keep me' });
      const { payload, topic } = await result('s', index + 1);
      const taken = payload as { name: string; snapshots: { dataset: string; guid: string }[] };
      assert.deepEqual([taken.snapshots.length, topic], [2, 'keep me']);
      assert.ok(taken.name.startsWith(word));
    }
    await bench.until('Complete', () => bench.at('s', 'complete').length === 3);
    assert.deepEqual(bench.at('s', 'catch'), []);

    bench.send('l');
    const items = (await result('l')).payload as { dataset: string; snapshot: string; guid: string }[];
    assert.equal(items.length, 6);
    bench.send('m', { keep: 1, payload: 'x' });
    await bench.until('six messages', () => bench.at('m', 'result').length === 6);
    const parts = bench.at('m', 'result').map((message) => message['parts'] as Record<string, unknown>);
    assert.deepEqual(
      parts.map(({ index, count }) => [index, count]),
      [0, 1, 2, 3, 4, 5].map((index) => [index, 6]),
    );
    assert.equal(new Set(parts.map(({ id }) => id)).size, 1);
    assert.deepEqual(
      bench.at('m', 'result').map(({ payload }) => payload),
      items,
    );
    assert.ok(bench.at('m', 'result').every((message) => message['keep'] === 1));
    bench.send('c');
    assert.deepEqual((await result('c')).payload, { eligible: 0, total: 6 });

    bench.send('p', { payload: 'plan' });
    const plan = (await result('p')).payload as { destroy: object[]; keep: object[]; destroyed: object[] };
    assert.deepEqual([plan.destroy.length, plan.keep.length, plan.destroyed.length], [4, 2, 0]);
    assert.equal((await a.snapshots(dataset)).length, 3, 'a plan changes nothing');
    bench.send('p', { payload: 'execute' });
    const pruned = (await result('p', 2)).payload as { destroyed: object[] };
    assert.equal(pruned.destroyed.length, 4);
    assert.equal((await a.snapshots(dataset)).length, 1);
  });

  it('destroy only what an approved plan says, given as the message’s payload', async () => {
    const dataset = `tank/n${++counter}`;
    await a.createDataset(dataset);
    for (const name of ['x1', 'x2', 'x3']) await a.snapshot(dataset, name);
    const node = {
      type: 'zfs-retention-prune',
      connection: 'a',
      datasets: [dataset],
      scope: { namingSchemas: [], nameRegex: '^x' },
      policy: { keep: [{ type: 'last', count: 1 }] },
    };
    await start({ ...node, id: 'plan' }, { ...node, id: 'do', mode: 'approve' });
    bench.send('plan');
    const plan = (await result('plan')).payload;
    bench.send('do', { payload: plan });
    const done = (await result('do')).payload as { destroyed: { name: string }[] };
    assert.deepEqual(
      done.destroyed.map(({ name }) => name),
      ['x1', 'x2'],
    );
    bench.send('do', { payload: plan });
    assert.equal(codeOf(await bench.first('do', 'error')), 'PLAN_STALE');
  });

  it('report an existing snapshot as an error, never as a success', async () => {
    const dataset = `tank/n${++counter}`;
    await a.createDataset(dataset);
    await start({ id: 's', type: 'zfs-snapshot', connection: 'a', datasets: [dataset], namingSchema: '%Y%m%d%H%M' });
    // A minute may end in between; then the next one is refused.
    for (let tries = 1; tries <= 3 && bench.at('s', 'error').length === 0; tries++) {
      bench.send('s');
      const ended = (): number => bench.at('s', 'result').length + bench.at('s', 'error').length;
      await bench.until('the outcome', () => ended() === tries);
    }
    assert.equal(codeOf(await bench.first('s', 'error')), 'SNAPSHOT_EXISTS');
    assert.equal(codeOf(await bench.first('s', 'catch')), 'SNAPSHOT_EXISTS');
    assert.equal((await a.snapshots(dataset)).length, bench.at('s', 'result').length);
  });

  it('skip a scheduled snapshot whose name is taken because clocks went back, and nothing else', async () => {
    const dataset = `tank/n${++counter}`;
    await a.createDataset(dataset);
    const on = { connection: 'a', datasets: [dataset], timeZone: 'Europe/Berlin' };
    const node = { id: 's', type: 'zfs-snapshot', ...on, schedule: '*/30 * * * *', scheduleTimeZone: 'UTC' };
    // 02:30 in Berlin, twice: on 25 October 2026 the hour from 2 to 3 comes again.
    for (const hour of [0, 1]) {
      mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 9, 25, hour, 29, 59, 800) });
      try {
        await start(node);
        mock.timers.setTime(Date.UTC(2026, 9, 25, hour, 30, 0, 100));
        await bench.until('the run', () => bench.events('s').find(({ event }) => event === 'started'));
        const ends = ['finished', 'skipped', 'failed'];
        const end = await bench.until('the end', () =>
          bench.events('s').find(({ event }) => ends.includes(String(event))),
        );
        assert.equal(end['event'], hour === 0 ? 'finished' : 'skipped', JSON.stringify(end));
        if (hour === 1) assert.match(String(end['message']), /^skipped: repeated hour/);
        assert.deepEqual([bench.at('s', 'error'), bench.at('s', 'catch')], [[], []]);
        assert.equal(bench.at('s', 'result').length, hour === 0 ? 1 : 0);
        if (hour === 1) {
          // A message is another matter: who asked for it hears that there is none.
          bench.send('s');
          assert.equal(codeOf(await bench.first('s', 'error')), 'SNAPSHOT_EXISTS');
        }
        await bench.stop();
      } finally {
        mock.timers.reset();
      }
    }
    await bench.start([]);
    assert.deepEqual(await a.snapshotNames(dataset), ['auto-2026-10-25_02-30']);
  });

  it('let a transfer go on over a deploy, and report it through the new instance', async () => {
    const node = await replication(40);
    const flow = await start(node);
    await transferring();
    const before = Date.now();
    await bench.deploy(flow, 'full', credentials());
    assert.ok(Date.now() - before < 4_000, 'the deploy is not held up');
    assert.deepEqual(bench.at('r', 'result'), []);
    await a.link.limit(0);
    const { payload, topic } = await result('r');
    const replicated = payload as { state: string; bytes: number; datasets: { action: string }[] };
    assert.deepEqual([replicated.state, replicated.datasets[0]?.action, topic], ['success', 'full', 'mine']);
    await bench.first('r', 'complete');
    assert.deepEqual([bench.at('r', 'result').length, bench.at('r', 'complete').length], [1, 1]);
    assert.deepEqual([bench.at('r', 'error'), bench.at('r', 'catch')], [[], []]);
    const events = bench.events('r').map(({ event }) => event);
    assert.deepEqual([events[0], events[1], events.at(-1)], ['queued', 'started', 'finished']);
    await assertSame(a, node.from, b, node.to);
  });

  it('cancel a transfer when the node is changed, and resume it with the next run [C1 34]', async () => {
    const node = await replication(40);
    await start(node);
    await transferring();
    const changed = flowOf([{ ...node, retries: 1 }], ...connections());
    await bench.deploy(changed, 'full', credentials());
    const failed = await bench.first('r', 'error');
    const partial = failed.payload as { state: string; jobId: string };
    assert.deepEqual([codeOf(failed), failed.topic, partial.state], ['CANCELLED', 'mine', 'cancelled']);
    assert.notEqual(await b.property(node.to, 'receive_resume_token'), '-');
    await a.link.limit(0);
    bench.send('r');
    const done = await bench.until('the result', () => bench.at('r', 'result')[0], 60_000);
    assert.equal((done.payload as { datasets: { action: string }[] }).datasets[0]?.action, 'resume');
    await assertSame(a, node.from, b, node.to);
  });

  it('cancel by a control message, and are usable at once', async () => {
    const node = await replication(40);
    await start(node);
    await transferring();
    bench.send('r', { control: { action: 'cancel' } });
    assert.equal(codeOf(await bench.first('r', 'error')), 'CANCELLED');
    assert.equal(codeOf(await bench.first('r', 'catch')), 'CANCELLED');
    await a.link.limit(0);
    bench.send('r');
    await bench.until('the result', () => bench.at('r', 'result')[0], 60_000);
    await assertSame(a, node.from, b, node.to);
    const { tentative, holds } = await marks(a, node.from);
    assert.deepEqual([tentative, holds], [[], []]);
  });

  it('tell progress at most once a second, and show it in the status [C1 75]', async () => {
    const node = await replication(40);
    await start(node);
    await transferring();
    await bench.until('more', () => bench.events('r').filter(({ event }) => event === 'progress').length >= 4, 30_000);
    const progress = bench.events('r').filter(({ event }) => event === 'progress');
    const times = progress.map(({ time }) => Date.parse(String(time)));
    times.slice(1).forEach((time, index) => assert.ok(time - (times[index] ?? 0) >= 950, String(times)));
    const status = bench.at('r', 'status').map((message) => (message['status'] as { text: string }).text);
    assert.ok(status.includes('common.status.progress'), String(status));
    assert.ok(progress.every(({ bytes, totalBytes, percent }) => [bytes, totalBytes, percent].every(Number.isFinite)));
  });

  it('wait for each other on one pool, whatever connection leads there [C1 35]', async () => {
    const node = await replication(40);
    const prune = {
      id: 'p',
      type: 'zfs-retention-prune',
      connection: 'b2',
      datasets: [node.to],
      mode: 'execute',
      scope: { namingSchemas: [], nameRegex: 'nothing' },
      policy: { keep: [{ type: 'last', count: 1 }] },
    };
    const elsewhere = { ...prune, id: 'q', datasets: ['backup'], connection: 'b2', mode: 'plan' };
    const apart = { id: 'l', type: 'zfs-list-snapshots', connection: 'b2', datasets: ['backup'] };
    await start(node, prune, elsewhere, apart);
    await transferring();
    bench.send('p');
    const waiting = await bench.until('waiting', () => bench.events('p').find(({ event }) => event === 'waiting'));
    assert.match(String(waiting['message']), new RegExp(`copy ${counter} \\(${node.to}\\)`));
    // A reader of the tree above waits as well; the receive would change under it.
    bench.send('q');
    await bench.until('waiting', () => bench.events('q').find(({ event }) => event === 'waiting'));
    assert.deepEqual([bench.at('p', 'result'), bench.at('r', 'result')], [[], []]);
    await a.link.limit(0);
    await result('r');
    await result('p');
    await result('q');
  });

  it('list protections and let those for one destination go', async () => {
    const node = await replication(1);
    await start(node);
    bench.send('r');
    await result('r');
    bench.send('r', { control: { action: 'protections' } });
    const listed = await bench.until('the list', () => bench.events('r').find(({ event }) => event === 'protections'));
    const items = listed['items'] as { side: string; kind: string; dstId: string; stale: boolean }[];
    const [bookmark] = items.filter(({ side, kind }) => side === 'source' && kind === 'bookmark');
    assert.ok(bookmark);
    assert.equal(bookmark.stale, false);
    assert.notDeepEqual((await marks(a, node.from)).final, []);
    bench.send('r', { control: { action: 'release', dstId: bookmark.dstId } });
    await bench.until('the answer', () => bench.events('r').find(({ event }) => event === 'released'));
    assert.deepEqual((await marks(a, node.from)).final, []);
    await bench.until('completion', () => bench.at('r', 'complete').length === 3);
    assert.deepEqual([bench.at('r', 'result').length, bench.at('r', 'error').length], [1, 0]);
    bench.send('r', { control: { action: 'release', dstId: 'nonsense' } });
    await bench.until('the refusal', () => bench.events('r').find(({ event, code }) => event === 'warning' && code));
    assert.deepEqual(bench.at('r', 'error'), []);
  });

  it('call the protections of a destination stale that is gone, not those of others, and release for one that is away', async () => {
    const node = await replication(1);
    const other = { ...node, id: 'o', targetDataset: `${node.to}-other` };
    const away = { ...node, id: 'g', targetConnection: 'away' };
    const closed = { ...connectionNode('away', b), port: await closedPort() };
    const flow = flowOf([node, other, away], ...connections(), closed);
    await bench.start(flow, { ...credentials(), away: { privateKey: a.privateKey } });
    for (const id of ['r', 'o']) {
      bench.send(id);
      await result(id);
    }
    type Item = Record<'side' | 'dstId' | 'protects', string> & { stale: boolean };
    const answers = (id: string, name: string): unknown[] => bench.events(id).filter(({ event }) => event === name);
    const list = async (id: string): Promise<Item[]> => {
      const before = answers(id, 'protections').length;
      bench.send(id, { control: { action: 'protections' } });
      const said = () => answers(id, 'protections')[before] as { items: Item[] } | undefined;
      const { items } = await bench.until('the list', said, 30_000);
      return items.filter(({ side }) => side === 'source');
    };
    const shown = (items: Item[]): string[] => items.map(({ protects, stale }) => `${protects} ${stale}`).toSorted();
    const ours = `"${node.to}" has this snapshot false`;
    assert.deepEqual(shown(await list('r')), [ours, `"${other.targetDataset}" has this snapshot false`].toSorted());
    await b.sh('zfs release zfsflow_last "$1@s1"; zfs destroy -r "$1"', { args: [other.targetDataset] });
    assert.deepEqual(
      (await list('r')).map(({ stale }) => stale),
      (await list('r')).map(({ protects }) => !protects.includes(node.to)),
    );

    const kept = (await list('g')).find(({ protects }) => protects.includes(`"${node.to}"`));
    assert.ok(kept !== undefined && !kept.stale);
    bench.send('g', { control: { action: 'release', dstId: kept.dstId } });
    await bench.until('the answer', () => answers('g', 'released')[0], 60_000);
    const { final } = await marks(a, node.from);
    assert.equal(final.length, 1);
    assert.ok(!final[0]?.includes(kept.dstId));
  });

  it('show command lines at log level debug, those of their own job only', async () => {
    const dataset = `tank/n${++counter}`;
    await a.createDataset(dataset);
    const on = { connection: 'a', datasets: [dataset], logLevel: 'debug' };
    await start(
      { id: 's', type: 'zfs-snapshot', ...on },
      { id: 'l', type: 'zfs-list-snapshots', ...on, datasets: ['tank'], recursive: true },
    );
    bench.send('s');
    bench.send('l');
    await Promise.all([result('s'), result('l')]);
    const commands = (id: string): string =>
      bench
        .events(id)
        .filter(({ event }) => event === 'command')
        .map(({ message }) => String(message))
        .join('\n');
    assert.match(commands('s'), /zfs snapshot/);
    assert.doesNotMatch(commands('l'), /zfs snapshot/);
    assert.match(commands('l'), /zfs list/);
    assert.doesNotMatch(commands('s') + commands('l'), /PRIVATE KEY/);
  });
});
