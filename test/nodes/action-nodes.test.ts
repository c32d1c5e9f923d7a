// What all action nodes have in common, on a real Node-RED: outputs, Catch and Complete, typed fields, refusals, control
// messages, status. Nothing here needs ZFS: the hosts refuse or do not answer.
import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BlackHole,
  closedPort,
  FlowBench,
  flowWith,
  helper,
  sshConnection,
  type FlowNode,
} from '../support/flow-bench';

const bench = new FlowBench();

const list = (more: Record<string, unknown> = {}): FlowNode => ({
  id: 'n',
  type: 'zfs-list-snapshots',
  connection: 'ssh',
  datasets: ['tank'],
  ...more,
});

const verification = (more: Record<string, unknown> = {}): FlowNode => ({
  id: 'n',
  type: 'zfs-verify',
  sourceConnection: 'ssh',
  sourceDatasets: ['tank/a'],
  targetConnection: 'ssh',
  targetDataset: 'backup/a',
  ...more,
});

const replication = (more: Record<string, unknown> = {}): FlowNode => ({
  id: 'n',
  type: 'zfs-replicate',
  sourceConnection: 'ssh',
  sourceDatasets: ['tank/a'],
  targetConnection: 'ssh',
  targetDataset: 'backup/a',
  retries: 0,
  ...more,
});

describe('an action node', () => {
  let port: number;
  let hole: BlackHole;

  before(() => bench.open());
  beforeEach(async () => {
    // Of its own for each test: a host that failed is tried again only after a while.
    port = await closedPort();
    hole = await new BlackHole().open();
  });
  afterEach(async () => {
    await bench.stop();
    await hole.close();
  });
  after(() => bench.close());

  it('reports a host that refuses once on output 3 and once to Catch, and keeps the message', async () => {
    await bench.start(flowWith(list(), sshConnection(port)));
    const req = { path: '/hook' };
    bench.send('n', { topic: 'mine', payload: 'kept', req, _msgid: 'id-1' });
    const failed = await bench.first('n', 'error');
    const caught = await bench.first('n', 'catch');
    const error = failed['error'] as Record<string, unknown>;
    assert.equal(error['code'], 'CONNECTION_REFUSED');
    assert.equal(error['retryable'], true);
    assert.equal(typeof error['message'], 'string');
    assert.deepEqual([failed.topic, failed['_msgid'], failed['req']], ['mine', 'id-1', req]);
    assert.equal(failed.payload, null, 'a listing that failed is no list');
    assert.equal((caught['error'] as Record<string, unknown>)['code'], 'CONNECTION_REFUSED');
    assert.equal(caught.payload, 'kept');
    const events = bench.events('n').map((event) => event['event']);
    assert.deepEqual(events, ['queued', 'started', 'failed']);
    const [first] = bench.at('n', 'log');
    assert.equal(first?.topic, 'zfs/zfs-list-snapshots/queued');
    assert.equal(first?.['_msgid'], 'id-1');
    assert.equal(bench.at('n', 'catch').length, 1);
    assert.equal(bench.at('n', 'error').length, 1);
    assert.deepEqual(bench.at('n', 'result'), []);
    assert.deepEqual(bench.at('n', 'complete'), []);
  });

  it('never carries a secret, a host object or a key in a message [C1 73]', async () => {
    await bench.start(flowWith(list({ logLevel: 'debug' }), sshConnection(port)));
    bench.send('n');
    await bench.first('n', 'catch');
    const all = JSON.stringify([bench.at('n', 'log'), bench.at('n', 'error'), bench.at('n', 'catch')]);
    assert.doesNotMatch(all, /PRIVATE KEY/);
  });

  it('can be used again at once after a failure', async () => {
    await bench.start(flowWith(list(), sshConnection(port)));
    for (const count of [1, 2, 3]) {
      bench.send('n', { payload: count });
      await bench.until(`failure ${count}`, () => bench.at('n', 'error').length === count);
    }
  });

  describe('refuses', () => {
    const refusals: [string, FlowNode, Record<string, unknown>, string, string][] = [
      ['an unknown connection', list({ connection: 'gone' }), {}, 'INVALID_OPTIONS', 'connection'],
      ['an unknown source', replication({ sourceConnection: 'gone' }), {}, 'INVALID_OPTIONS', 'sourceConnection'],
      ['an unknown target', replication({ targetConnection: 'gone' }), {}, 'INVALID_OPTIONS', 'targetConnection'],
      ['a dataset name that is none', list({ datasets: ['tank/$(touch x)'] }), {}, 'INVALID_OPTIONS', 'datasets'],
      ['a missing property', list({ datasets: 'payload', datasetsType: 'msg' }), {}, 'INVALID_OPTIONS', 'datasets'],
      [
        'a wrong type',
        list({ datasets: 'payload', datasetsType: 'msg' }),
        { payload: 42 },
        'INVALID_OPTIONS',
        'datasets',
      ],
      ['a bad expression', list({ nameRegex: '$$$(', nameRegexType: 'jsonata' }), {}, 'INVALID_OPTIONS', 'nameRegex'],
      [
        'an unknown kind of value',
        list({ nameRegex: 'x', nameRegexType: 'magic' }),
        {},
        'INVALID_OPTIONS',
        'nameRegex',
      ],
      ['a bad regular expression', list({ nameRegex: '(' }), {}, 'INVALID_OPTIONS', 'nameRegex'],
      ['a log level that is none', list({ logLevel: 'loud' }), {}, 'INVALID_OPTIONS', 'logLevel'],
      ['an overlap that is none', list({ overlap: 'always' }), {}, 'INVALID_OPTIONS', 'overlap'],
      ['a newer configuration', list({ version: 99 }), {}, 'INVALID_OPTIONS', 'version'],
      ['no dataset', { id: 'n', type: 'zfs-retention-prune' }, {}, 'INVALID_OPTIONS', 'datasets'],
      [
        'no dataset to verify',
        { id: 'n', type: 'zfs-verify', targetDataset: 'b/a' },
        {},
        'INVALID_OPTIONS',
        'sourceDatasets',
      ],
      [
        'an age that is none',
        verification({ maxAge: 'payload', maxAgeType: 'msg' }),
        { payload: 'old' },
        'INVALID_OPTIONS',
        'maxAge',
      ],
      ['a drill that is none', verification({ drill: 'look' }), {}, 'INVALID_OPTIONS', 'drill'],
      ['no dataset to snapshot', { id: 'n', type: 'zfs-snapshot' }, {}, 'INVALID_OPTIONS', 'datasets'],
      [
        'a bad schema',
        { id: 'n', type: 'zfs-snapshot', datasets: ['a'], namingSchema: 'x' },
        {},
        'INVALID_OPTIONS',
        'namingSchema',
      ],
      ['a port that needs rights', replication({ netcatPortMin: '80' }), {}, 'INVALID_OPTIONS', 'netcatPortMin'],
    ];
    for (const [what, node, message, code, field] of refusals) {
      it(`${what} (${field})`, async () => {
        await bench.start(flowWith(node, sshConnection(port)));
        bench.send('n', message);
        const failed = await bench.first('n', 'error');
        const error = failed['error'] as Record<string, unknown>;
        assert.deepEqual([error['code'], error['field']], [code, field], String(error['message']));
        assert.equal(((await bench.first('n', 'catch'))['error'] as Record<string, unknown>)['code'], code);
        assert.deepEqual(bench.events('n'), [], 'nothing was started');
      });
    }

    it('a disabled node’s messages, with a grey ring', async () => {
      await bench.start(flowWith(list({ enabled: false }), sshConnection(port)));
      bench.send('n');
      const failed = await bench.first('n', 'error');
      assert.equal((failed['error'] as Record<string, unknown>)['code'], 'DISABLED');
      const statuses = bench.at('n', 'status').map((message) => message['status'] as Record<string, unknown>);
      assert.ok(statuses.every(({ fill, shape }) => fill === 'grey' && shape === 'ring'));
      assert.equal(statuses.length, 1);
    });
  });

  describe('typed fields', () => {
    it('take their value from a message, a context, the environment or an expression', async () => {
      process.env['ZFS_FLOWS_TEST'] = '["tank/$(env)"]';
      const kinds: [string, string, Record<string, unknown>, string][] = [
        ['msg', 'list', { list: ['tank/$(msg)'] }, 'msg'],
        ['msg', 'list', { list: '["tank/$(text)"]' }, 'text'],
        ['flow', 'list', {}, 'flow'],
        ['global', 'list', {}, 'global'],
        ['env', 'ZFS_FLOWS_TEST', {}, 'env'],
        ['jsonata', '["tank/$(" & topic & ")"]', { topic: 'jsonata' }, 'jsonata'],
      ];
      for (const [type, value, message, expected] of kinds) {
        await bench.start(flowWith(list({ datasets: value, datasetsType: type }), sshConnection(port)));
        const context = helper.getNode('n').context();
        context.flow.set('list', ['tank/$(flow)']);
        context.global.set('list', ['tank/$(global)']);
        bench.send('n', message);
        const error = (await bench.first('n', 'error'))['error'] as Record<string, unknown>;
        // The name is refused, which shows that it is the one that was looked up.
        assert.ok(String(error['message']).includes(`$(${expected})`), `${type}: ${String(error['message'])}`);
        await bench.stop();
      }
      await bench.start([]);
    });

    it('are never overridden by a message when they are literal', async () => {
      await bench.start(flowWith(list({ datasets: ['tank/$(mine)'] }), sshConnection(port)));
      bench.send('n', { datasets: ['tank'], payload: { datasets: ['tank'] } });
      const error = (await bench.first('n', 'error'))['error'] as Record<string, unknown>;
      assert.ok(String(error['message']).includes('$(mine)'));
    });

    it('let no message choose to discard data on the target, unless the node allows it', async () => {
      const node = { whenDiverged: 'payload', whenDivergedType: 'msg' };
      await bench.start(flowWith(replication(node), sshConnection(port)));
      bench.send('n', { payload: 'rollback' });
      const error = (await bench.first('n', 'error'))['error'] as Record<string, unknown>;
      assert.deepEqual([error['code'], error['field']], ['INVALID_OPTIONS', 'whenDiverged']);
      await bench.stop();
      const allowed: [Record<string, unknown>, string][] = [
        [{ ...node, allowDestructiveFromMessage: true }, 'rollback'],
        [node, 'refuse'],
        [{ whenDiverged: 'rollback' }, 'ignored'],
      ];
      for (const [more, payload] of allowed) {
        await bench.start(flowWith(replication(more), sshConnection(await closedPort())));
        bench.send('n', { payload });
        const error = (await bench.first('n', 'error'))['error'] as Record<string, unknown>;
        assert.equal(error['code'], 'CONNECTION_REFUSED', String(error['message']));
        await bench.stop();
      }
      await bench.start([]);
    });
  });

  describe('with a run that hangs', () => {
    const slow = (more: Record<string, unknown> = {}): FlowNode[] =>
      flowWith(list(more), sshConnection(hole.port, { connectTimeout: 60 }));
    const running = async (): Promise<void> => {
      await bench.until('the connection', () => hole.connections > 0);
    };

    it('answers BUSY to the same message, and runs other options beside it [C1 35]', async () => {
      await bench.start(slow({ datasets: 'payload', datasetsType: 'msg' }));
      bench.send('n', { payload: ['a'] });
      await running();
      bench.send('n', { payload: ['a'] });
      const failed = await bench.first('n', 'error');
      assert.equal((failed['error'] as Record<string, unknown>)['code'], 'BUSY');
      bench.send('n', { payload: ['b'] });
      await bench.until('two runs', () => bench.events('n').filter(({ event }) => event === 'started').length === 2);
      bench.send('n', { reset: true });
      await bench.until('all ended', () => bench.at('n', 'catch').length === 3);
    });

    it('queues one run with overlap "queue", and all who joined end with it', async () => {
      await bench.start(slow({ overlap: 'queue' }));
      bench.send('n', { topic: '1' });
      await running();
      bench.send('n', { topic: '2' });
      bench.send('n', { topic: '3' });
      await bench.until('waiting', () => bench.events('n').some(({ event }) => event === 'waiting'));
      const queued = bench.events('n').filter(({ event }) => event === 'queued');
      assert.equal(queued.length, 2);
      bench.send('n', { control: { action: 'cancel', jobId: queued[1]?.['jobId'] } });
      await bench.until('both', () => bench.at('n', 'error').length === 2);
      assert.deepEqual(
        bench.at('n', 'error').map(({ topic }) => topic),
        ['2', '3'],
      );
      hole.cut();
      await bench.until('the first', () => bench.at('n', 'error').length === 3);
      assert.equal(bench.at('n', 'catch').length, 3);
    });

    it('is cancelled by control messages, which complete and leave outputs 1 and 3 alone', async () => {
      await bench.start(slow());
      bench.send('n', { topic: 'run' });
      await running();
      bench.send('n', { topic: 'c', control: { action: 'cancel', jobId: 'another' } });
      await bench.until('completion', () => bench.at('n', 'complete').length === 1);
      assert.deepEqual(bench.at('n', 'error'), []);
      bench.send('n', { topic: 'c', control: { action: 'cancel' } });
      const failed = await bench.first('n', 'error');
      assert.equal((failed['error'] as Record<string, unknown>)['code'], 'CANCELLED');
      assert.equal(failed.topic, 'run');
      await bench.until('completion', () => bench.at('n', 'complete').length === 2);
      assert.equal(bench.at('n', 'catch').length, 1);
      assert.equal(bench.at('n', 'error').length, 1);
    });

    it('says what runs when it is asked', async () => {
      await bench.start(slow());
      bench.send('n', { topic: 'run' });
      await running();
      bench.send('n', { control: { action: 'status' } });
      const status = await bench.until('the answer', () => bench.events('n').find(({ event }) => event === 'status'));
      const [job] = status['running'] as { jobId: string; state: string }[];
      assert.equal(job?.state, 'running');
      assert.equal(job.jobId, bench.events('n')[0]?.['jobId']);
      assert.deepEqual([status['waiting'], status['last'], status['next']], [[], null, null]);
      // What a flow does with the answer is no affair of the job's.
      Object.assign(job, { state: 'finished', endedAt: 'never' });
      bench.send('n', { reset: true });
      await bench.first('n', 'error');
      bench.send('n', { control: { action: 'status' } });
      const later = await bench.until(
        'the answer',
        () => bench.events('n').filter(({ event }) => event === 'status')[1],
      );
      assert.equal((later['last'] as Record<string, unknown>)['code'], 'CANCELLED');
      assert.deepEqual(later['running'], []);
    });

    it('takes any other control message without starting or breaking anything', async () => {
      await bench.start(slow());
      const odd = ['cancel', {}, { action: 'dance' }, { action: 'speedLimit' }, { action: 'release' }, 7, []];
      for (const control of odd) bench.send('n', { control });
      bench.send('n', { control: { action: 'speedLimit', bytesPerSecond: 5 } });
      bench.send('n', { control: { action: 'protections' } });
      await bench.until('completion', () => bench.at('n', 'complete').length === odd.length + 2);
      assert.ok(bench.events('n').every(({ event }) => event === 'warning'));
      assert.equal(bench.events('n').length, odd.length + 1);
      assert.deepEqual([bench.at('n', 'error'), bench.at('n', 'result')], [[], []]);
    });

    it('shows a blue dot, then a red ring, at most once a second', async () => {
      await bench.start(slow());
      const times: number[] = [];
      (helper.getNode('n') as EventEmitter).on('call:status', () => times.push(Date.now()));
      bench.send('n');
      await running();
      // From now on the next status is shown at once: it must be the right one already.
      await sleep(1_100);
      bench.send('n', { reset: true });
      await bench.until('the red ring', () => bench.at('n', 'status').length === 2);
      const shown = bench.at('n', 'status').map((message) => message['status'] as Record<string, unknown>);
      assert.deepEqual(
        shown.map(({ fill, shape }) => `${String(fill)} ${String(shape)}`),
        ['blue dot', 'red ring'],
      );
      assert.equal(shown[1]?.['text'], 'cancelled');
      const [first = 0, second = 0] = times.slice(-2);
      assert.ok(second - first >= 990, `${second - first} ms`);
    });
  });

  it('waits behind a job that is in its way, with a yellow ring and an event that says for whom', async () => {
    const prune: FlowNode = {
      id: 'n',
      type: 'zfs-retention-prune',
      name: 'tidy up',
      connection: 'ssh',
      datasets: 'payload',
      datasetsType: 'msg',
      mode: 'execute',
      scope: { namingSchemas: [], nameRegex: 'auto' },
      policy: { keep: [{ type: 'last', count: 1 }] },
    };
    await bench.start(flowWith(prune, sshConnection(hole.port, { connectTimeout: 60 })));
    bench.send('n', { payload: ['tank'] });
    await bench.until('the connection', () => hole.connections > 0);
    bench.send('n', { payload: ['tank/below'] });
    const waiting = await bench.until('waiting', () => bench.events('n').find(({ event }) => event === 'waiting'));
    assert.match(String(waiting['message']), /tidy up \(tank\/below\)/);
    bench.send('n', { reset: true });
    await bench.until('both', () => bench.at('n', 'catch').length === 2);
    const codes = bench.at('n', 'error').map((message) => (message['error'] as Record<string, unknown>)['code']);
    assert.deepEqual(codes, ['CANCELLED', 'CANCELLED']);
  });

  it('runs as many jobs at once as the settings say', async () => {
    helper.settings({ zfsMaxParallelJobs: 1 } as object);
    const flow = flowWith(
      list({ datasets: 'payload', datasetsType: 'msg' }),
      sshConnection(hole.port, { connectTimeout: 60 }),
    );
    await bench.start(flow);
    helper.settings({});
    bench.send('n', { payload: ['a'] });
    bench.send('n', { payload: ['b'] });
    const waiting = await bench.until('waiting', () => bench.events('n').find(({ event }) => event === 'waiting'));
    assert.match(String(waiting['message']), /free place/);
    bench.send('n', { reset: true });
    await bench.until('both', () => bench.at('n', 'catch').length === 2);
  });

  it('hides events below its log level', async () => {
    await bench.start(flowWith(list({ logLevel: 'error' }), sshConnection(port)));
    bench.send('n');
    await bench.first('n', 'error');
    assert.deepEqual(
      bench.events('n').map(({ event }) => event),
      ['failed'],
    );
  });
});
