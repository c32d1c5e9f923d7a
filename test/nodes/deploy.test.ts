// What a deploy does to a run that is under way: it goes on and reports through the new instance, unless the node or a
// connection it uses was changed or deleted. The run is a connection to a host that never answers.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { directory } from '../../nodes/runtime/directory';
import { memories } from '../../nodes/runtime/task-memory';
import { BlackHole, FlowBench, flowWith, PRIVATE_KEY, sshConnection, type FlowNode } from '../support/flow-bench';

const bench = new FlowBench();

describe('a deploy during a run', () => {
  let hole: BlackHole;
  const node = (more: Record<string, unknown> = {}): FlowNode => ({
    id: 'n',
    type: 'zfs-list-snapshots',
    connection: 'ssh',
    datasets: ['tank'],
    ...more,
  });
  const ssh = (more: Record<string, unknown> = {}): FlowNode =>
    sshConnection(hole.port, { connectTimeout: 60, ...more });
  const codeOf = (message: Record<string, unknown> | undefined): unknown =>
    (message?.['error'] as Record<string, unknown> | undefined)?.['code'];

  /** A flow in which one run hangs. */
  async function hanging(flow = flowWith(node(), ssh())): Promise<void> {
    await bench.start(flow);
    bench.send('n', { topic: 'mine', payload: 'kept' });
    await bench.until('the connection', () => hole.connections > 0);
  }

  async function running(): Promise<unknown[]> {
    const before = bench.events('n').length;
    bench.send('n', { control: { action: 'status' } });
    const answer = await bench.until('the answer', () =>
      bench
        .events('n')
        .slice(before)
        .find(({ event }) => event === 'status'),
    );
    return answer['running'] as unknown[];
  }

  before(() => bench.open());
  beforeEach(async () => {
    hole = await new BlackHole().open();
  });
  afterEach(async () => {
    await bench.stop();
    await hole.close();
  });
  after(() => bench.close());

  const unchanged: [string, (flow: FlowNode[]) => FlowNode[], 'full' | 'flows' | 'nodes'][] = [
    ['full, nothing changed', (flow) => flow, 'full'],
    [
      'full, moved on the canvas',
      (flow) => flow.map((item) => ('z' in item ? { ...item, x: 500, y: 40 } : item)),
      'full',
    ],
    [
      'full, another node changed',
      (flow) => flow.map((item) => (item.id === 'tab' ? { ...item, label: 'new name' } : item)),
      'full',
    ],
    ['modified flows', (flow) => [...flow, { id: 'more', type: 'test-collector', z: 'tab', wires: [] }], 'flows'],
    ['modified nodes', (flow) => [...flow, { id: 'more', type: 'test-collector', z: 'tab', wires: [] }], 'nodes'],
  ];
  for (const [what, change, type] of unchanged) {
    it(`lets it go on (${what})`, async () => {
      const flow = flowWith(node(), ssh());
      await hanging(flow);
      const before = Date.now();
      await bench.deploy(change(flow), type);
      assert.ok(Date.now() - before < 2_000, 'the deploy is not held up');
      assert.equal((await running()).length, 1);
      assert.equal(hole.connections, 1, 'the same connection');
      hole.cut();
      const failed = await bench.first('n', 'error');
      assert.notEqual(codeOf(failed), 'CANCELLED');
      assert.deepEqual([failed.topic, codeOf(await bench.first('n', 'catch'))], ['mine', codeOf(failed)]);
      assert.equal((await bench.first('n', 'catch')).payload, 'kept');
      assert.equal((await running()).length, 0);
      assert.deepEqual([bench.at('n', 'error').length, bench.at('n', 'catch').length], [1, 1]);
      assert.equal(bench.events('n').filter(({ event }) => event === 'failed').length, 1);
    });
  }

  it('reports what happened between the two instances', async () => {
    const flow = flowWith(node(), ssh());
    await hanging(flow);
    const deployed = bench.deploy(flow);
    hole.cut();
    await deployed;
    assert.notEqual(codeOf(await bench.first('n', 'error')), 'CANCELLED');
    await bench.first('n', 'catch');
  });

  const changed: [string, () => FlowNode[], object][] = [
    ['the node was changed', () => flowWith(node({ recursive: true }), ssh()), { privateKey: PRIVATE_KEY }],
    ['its connection was changed', () => flowWith(node(), ssh({ connectTimeout: 61 })), { privateKey: PRIVATE_KEY }],
    ['a credential was changed', () => flowWith(node(), ssh()), { privateKey: PRIVATE_KEY, passphrase: 'new' }],
    ['the node was disabled', () => flowWith(node({ enabled: false }), ssh()), { privateKey: PRIVATE_KEY }],
  ];
  for (const [what, flow, credentials] of changed) {
    it(`cancels it when ${what}`, async () => {
      await hanging();
      await bench.deploy(flow(), 'full', { ssh: credentials });
      const failed = await bench.first('n', 'error');
      assert.deepEqual([codeOf(failed), failed.topic], ['CANCELLED', 'mine']);
      assert.equal(codeOf(await bench.first('n', 'catch')), 'CANCELLED');
      assert.deepEqual(await running(), []);
    });
  }

  it('cancels it when the node was deleted, and tells nobody', async () => {
    await hanging();
    await bench.deploy(flowWith(node({ id: 'other' }), ssh()));
    await bench.deploy(flowWith(node(), ssh()));
    assert.deepEqual(await running(), []);
    assert.deepEqual([bench.at('n', 'error'), bench.at('n', 'catch')], [[], []]);
  });

  it('lets nodes share one connection', async () => {
    const flow = flowWith(node({ datasets: 'payload', datasetsType: 'msg' }), ssh());
    await bench.start(flow);
    for (const name of ['a', 'b', 'c']) bench.send('n', { payload: [name] });
    await bench.until('three runs', () => bench.events('n').filter(({ event }) => event === 'started').length === 3);
    await bench.until('the connection', () => hole.connections > 0);
    assert.equal(hole.connections, 1);
  });

  for (const [what, more, kept] of [
    ['disabled, which its log and its runs tell', [{ d: true }], true],
    ['deleted, and keeps nothing of it', [], false],
  ] as const) {
    it(`cancels it when the node was ${what}`, async () => {
      await hanging();
      const tab: FlowNode = { id: 'tab', type: 'tab' };
      await bench.deploy([tab, ssh(), ...more.map((off) => node({ z: 'tab', wires: [[], [], []], ...off }))]);
      const ended = (): boolean => memories.find(bench.RED, 'n')?.runs.at(-1)?.state === 'cancelled';
      if (kept) await bench.until('the end', ended);
      // Longer than the other one takes.
      else await delay(200);
      const { events } = directory.history.page('n', { limit: 200, level: 'debug' });
      assert.deepEqual([ended(), events.at(-1)?.event], kept ? [true, 'cancelled'] : [false, undefined]);
    });
  }
});
