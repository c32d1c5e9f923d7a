// The task list, the log and the buttons (face.md §2) in a real Node-RED: what is live and what is off, also in subflows, over
// deploys; runs that fail, wait, hang and are cancelled; pauses. Runs that succeed need ZFS: test/zfs/nodes/tasks.test.ts.
import assert from 'node:assert/strict';
import type { Task } from '../../nodes/admin/task-answers';
import type { LoggedEvent } from '../../src/jobs/history';
import type { Run } from '../../src/jobs/run-summary';
import {
  BlackHole,
  closedPort,
  FlowBench,
  flowOf,
  helper,
  PRIVATE_KEY,
  sshConnection,
  type FlowNode,
} from '../support/flow-bench';

const bench = new FlowBench();

interface Log {
  id: string;
  first: number;
  last: number;
  more: boolean;
  events: LoggedEvent[];
  runs: Run[];
}
/** Without a place a node is a configuration node for Node-RED. */
const PLACE = { x: 1, y: 1 };

type Answer = Record<string, unknown> & { ok?: boolean; code?: string };

async function list(query = ''): Promise<Task[]> {
  const answer = await helper.request().get(`/zfs-flows/tasks${query}`).expect(200);
  return (answer.body as { tasks: Task[] }).tasks;
}

async function task(id: string): Promise<Task> {
  const [found] = await list(`?ids=${id}`);
  assert.ok(found, `no task ${id}`);
  return found;
}

async function log(query: string): Promise<Log> {
  const answer = await helper.request().get(`/zfs-flows/tasks/log?${query}`).expect(200);
  return answer.body as Log;
}

async function order(what: 'run' | 'cancel' | 'pause', body: object, status = 200): Promise<Answer> {
  const answer = await helper.request().post(`/zfs-flows/tasks/${what}`).send(body).expect(status);
  return answer.body as Answer;
}

async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await look())) {
    assert.ok(Date.now() < deadline, `waited in vain for ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

const stateOf = (id: string, state: string): Promise<void> =>
  until(`${id} to be ${state}`, async () => (await task(id)).state === state);

describe('tasks', () => {
  let hole: BlackHole;
  let port: number;
  const snapshot = (id: string, more: Record<string, unknown> = {}): FlowNode => ({
    id,
    type: 'zfs-snapshot',
    name: `snapshot ${id}`,
    connection: 'ssh',
    datasets: ['tank'],
    ...more,
  });
  const connections = (): FlowNode[] => [
    sshConnection(hole.port, { name: 'silent' }),
    sshConnection(port, { id: 'closed', name: '' }),
  ];
  const failing = { connection: 'closed' };
  /** Resolves when the nodes are there, a moment after the flows have been loaded. */
  async function load(flow: FlowNode[], ...ids: string[]): Promise<void> {
    await bench.start(flow, keys());
    await bench.until('the nodes', () => ids.every((id) => Boolean(helper.getNode(id))));
  }
  const start = (...nodes: FlowNode[]): Promise<void> =>
    load(flowOf(nodes, ...connections()), ...nodes.map(({ id }) => id));

  const keys = (): Record<string, object> =>
    Object.fromEntries(['ssh', 'closed'].map((id) => [id, { privateKey: PRIVATE_KEY }]));
  const deploy = (...nodes: FlowNode[]): Promise<void> => bench.deploy(flowOf(nodes, ...connections()), 'full', keys());

  before(() => bench.open());
  beforeEach(async () => {
    hole = await new BlackHole().open();
    port = await closedPort();
  });
  afterEach(async () => {
    await bench.stop();
    await hole.close();
  });
  after(() => bench.close());

  describe('are listed', () => {
    it('with where they are, what they do, when they run next and what they show', async () => {
      const schedule = { schedule: '30 2 * * *', scheduleTimeZone: 'Europe/Berlin' };
      await start(
        snapshot('s', { datasets: ['tank/a', 'tank/b'], ...schedule }),
        { id: 'r', type: 'zfs-replicate', sourceConnection: 'ssh', sourceDatasets: ['tank/a'], targetDataset: 'b/c' },
        { id: 'p', type: 'zfs-retention-prune', connection: 'closed', datasets: 'ds', datasetsType: 'msg' },
      );
      const [s, r, p] = await list();
      assert.ok(s && r && p);
      assert.deepEqual(
        [s.id, s.type, s.name, s.state, s.path],
        ['s', 'zfs-snapshot', 'snapshot s', 'idle', [{ id: 'tab', label: 'test' }]],
      );
      assert.deepEqual([s.from, s.to, s.timeZone], ['silent:tank/a …', undefined, 'Europe/Berlin']);
      assert.match(s.next ?? '', /^20..-..-..T0[01]:30:00.000Z$/);
      await bench.until('the status', () => bench.at('s', 'status').length > 0);
      assert.deepEqual((await task('s')).status, { fill: 'grey', shape: 'dot', text: 'common.status.next' });
      assert.deepEqual([s.can, s.jobs], [{ run: true }, []]);
      for (const name of ['last', 'lastSuccess', 'late', 'pause']) assert.ok(!(name in s), name);
      assert.deepEqual(
        [r.from, r.to, r.name, r.next, r.status],
        ['silent:tank/a', 'local:b/c', '', undefined, { text: '' }],
      );
      assert.deepEqual([p.from, p.can], [undefined, { run: false, why: 'NEEDS_MESSAGE' }]);
    });

    it('each instance of a subflow by itself, with its own values, and what is disabled as off', async () => {
      const inner = {
        ...snapshot('n'),
        ...PLACE,
        z: 'sf',
        name: 'backup ${DS}',
        datasets: ['${DS}'],
        wires: [[], [], []],
      };
      const instance = (id: string, more: object): FlowNode => ({
        id,
        type: 'subflow:sf',
        ...PLACE,
        z: 'tab',
        name: `of ${id}`,
        env: [{ name: 'DS', type: 'str', value: `tank/${id}` }],
        wires: [],
        ...more,
      });
      await load(
        flowOf(
          [snapshot('off', { d: true }), snapshot('disabled', { enabled: false })],
          ...connections(),
          { id: 'sf', type: 'subflow', name: 'Backup', in: [], out: [] },
          inner,
          instance('i1', {}),
          instance('i2', {}),
          instance('i3', { d: true }),
          { id: 'tab2', type: 'tab', label: 'second', disabled: true },
          { ...snapshot('there'), z: 'tab2', wires: [[], [], []] },
        ),
        'disabled',
      );
      await stateOf('i2-n', 'idle');
      const all = new Map((await list()).map((one) => [one.id, one]));
      assert.deepEqual([...all.keys()].toSorted(), ['disabled', 'i1-n', 'i2-n', 'i3-n', 'off', 'there']);
      for (const id of ['disabled', 'i3-n', 'off', 'there']) {
        assert.deepEqual([all.get(id)?.state, all.get(id)?.can], ['off', { run: false, why: 'DISABLED' }], id);
      }
      const first = all.get('i1-n');
      assert.deepEqual(
        [first?.name, first?.state, first?.from, first?.path],
        ['backup tank/i1', 'idle', 'silent:tank/i1', [{ id: 'tab', label: 'test' }, { id: 'i1', label: 'of i1' }]], // prettier-ignore
      );
      assert.equal(all.get('i2-n')?.from, 'silent:tank/i2');
      assert.deepEqual(all.get('there')?.path, [{ id: 'tab2', label: 'second' }]);
      const { jobId } = await order('run', { id: 'i2-n' });
      await stateOf('i2-n', 'running');
      assert.equal((await task('i2-n')).jobs[0]?.jobId, jobId);
      assert.equal((await task('i1-n')).state, 'idle');
    });

    it('that cannot run as invalid, and a listing only while it runs or after it failed', async () => {
      await start(snapshot('bad', { schedule: 'nonsense' }), { ...snapshot('l', failing), type: 'zfs-list-snapshots' });
      assert.deepEqual((await list()).map(({ id, state, can }) => [id, state, can.why]), [['bad', 'invalid', 'INVALID_OPTIONS']]); // prettier-ignore
      bench.send('l');
      await bench.first('l', 'error');
      assert.deepEqual((await list('?ids=l')).map(({ state }) => state), ['failed']); // prettier-ignore
    });

    it('a listing not, but whoever knows its id can run and pause it; while it is paused it is there', async () => {
      await start({ ...snapshot('l'), type: 'zfs-list-snapshots' });
      const states = async (): Promise<string[]> => (await list()).map(({ state }) => state);
      assert.deepEqual(await states(), []);
      const { jobId } = await order('run', { id: 'l' });
      assert.deepEqual(await states(), ['running']);
      assert.equal((await order('pause', { id: 'l', paused: true }))['ok'], true);
      assert.deepEqual([await states(), (await task('l')).jobs.length], [['paused'], 1]);
      assert.equal((await order('cancel', { id: 'l' }))['cancelled'], 1);
      await bench.first('l', 'error');
      assert.deepEqual(await states(), ['paused']);
      const { task: shown } = await order('pause', { id: 'l', paused: false });
      assert.deepEqual([(shown as Task).state, await states()], ['idle', []]);
      assert.equal((await log('id=l')).runs[0]?.jobId, jobId);
    });

    it('those that are asked for, and not again while nothing has changed', async () => {
      await start(snapshot('a'), snapshot('b'), snapshot('c', failing));
      assert.deepEqual((await list('?ids=c,a,nobody')).map(({ id }) => id), ['a', 'c']); // prettier-ignore
      await bench.until('the flows', () => bench.at('a', 'status').length >= 0);
      const first = await helper.request().get('/zfs-flows/tasks').expect(200);
      const tag = String(first.headers['etag']);
      assert.ok(first.headers['cache-control']?.includes('no-cache'));
      assert.equal(first.headers['access-control-allow-origin'], undefined);
      await helper.request().get('/zfs-flows/tasks').set('If-None-Match', tag).expect(304);
      bench.send('c');
      await bench.first('c', 'error');
      const second = await helper.request().get('/zfs-flows/tasks').set('If-None-Match', tag).expect(200);
      const [before, after] = [first, second].map(({ body }) => body as { seq: number; now: string });
      assert.ok(before && after && after.seq > before.seq && Date.parse(after.now) >= Date.parse(before.now));
    });
  });

  describe('are run', () => {
    it('by a person as by a message, whose outputs, Catch and log say by whom', async () => {
      await start(snapshot('n', failing));
      const { ok, jobId } = await order('run', { id: 'n' });
      assert.equal(ok, true);
      const failed = await bench.first('n', 'error');
      assert.deepEqual([failed.topic, failed['startedBy']], ['zfs/zfs-snapshot/run', 'anonymous']);
      await bench.first('n', 'catch');
      const { last, state } = await task('n');
      assert.deepEqual(
        [state, last?.jobId, last?.state, last?.code, last?.by],
        ['failed', jobId, 'failed', 'CONNECTION_REFUSED', 'person'],
      );
      const { events, runs } = await log('id=n');
      assert.deepEqual(runs, [last]);
      assert.deepEqual(events.map(({ event }) => event).filter((event) => event !== 'command'), ['queued', 'started', 'failed']); // prettier-ignore
      assert.deepEqual([events[0]?.['startedBy'], events[0]?.jobId], ['anonymous', jobId]);
      bench.send('n');
      await bench.until('the second', () => bench.at('n', 'error').length === 2);
      assert.equal((await task('n')).last?.by, 'message');
    });

    it('not while it is off, needs a message, does not exist, or runs already', async () => {
      await start(
        snapshot('off', { enabled: false }),
        snapshot('asks', { datasets: 'x', datasetsType: 'msg' }),
        { ...snapshot('plan'), type: 'zfs-retention-prune', mode: 'approve' },
        snapshot('busy'),
        snapshot('lost', { connection: 'nobody' }),
      );
      const codes = await Promise.all(['off', 'asks', 'plan'].map((id) => order('run', { id })));
      assert.deepEqual(codes.map(({ ok, code }) => [ok, code]), [[false, 'DISABLED'], [false, 'NEEDS_MESSAGE'], [false, 'NEEDS_MESSAGE']]); // prettier-ignore
      for (const id of ['off', 'asks', 'plan']) assert.deepEqual(bench.at(id, 'error'), [], id);
      for (const what of ['run', 'cancel', 'pause'] as const) {
        assert.equal((await order(what, { id: 'nobody', paused: true }, 404)).code, 'NOT_FOUND');
        assert.equal((await order(what, { paused: true })).code, 'INVALID_OPTIONS');
      }
      await order('run', { id: 'busy' });
      assert.equal((await order('run', { id: 'busy' })).code, 'BUSY');
      const lost = await order('run', { id: 'lost' });
      assert.deepEqual([lost['code'], lost['field']], ['INVALID_OPTIONS', 'connection']);
      const { state, last } = await task('lost');
      assert.deepEqual([state, last?.state, last?.code, last?.jobId], ['failed', 'failed', 'INVALID_OPTIONS', '']);
    });

    it('until somebody cancels one run, or all', async () => {
      await start(snapshot('n', { datasets: 'ds', datasetsType: 'msg' }));
      for (const ds of ['a/a', 'a/b', 'a/c']) bench.send('n', { ds: [ds] });
      await until('three jobs', async () => (await task('n')).jobs.length === 3);
      const [{ jobId } = { jobId: '' }] = (await task('n')).jobs;
      assert.equal((await order('cancel', { id: 'n', jobId: 'nobody' }))['cancelled'], 0);
      assert.equal((await order('cancel', { id: 'n', jobId }))['cancelled'], 1);
      assert.equal((await order('cancel', { id: 'n' }))['cancelled'], 2);
      await bench.until('the ends', () => bench.at('n', 'error').length === 3);
      const { state, last, jobs } = await task('n');
      assert.deepEqual([state, last?.state, last?.code, jobs], ['idle', 'cancelled', 'CANCELLED', []]);
    });

    it('over a deploy, which leaves log, runs and pauses alone', async () => {
      await start(snapshot('n'), snapshot('f', failing));
      bench.send('f');
      await bench.first('f', 'error');
      await order('pause', { id: 'f', paused: true });
      const { jobId } = await order('run', { id: 'n' });
      await stateOf('n', 'running');
      const before = await log('id=f');
      await deploy(snapshot('n'), snapshot('f', failing));
      await stateOf('n', 'running');
      assert.equal((await task('n')).jobs[0]?.jobId, jobId);
      assert.deepEqual(await log('id=f'), before);
      assert.equal((await task('f')).state, 'paused');
      await deploy(snapshot('n'));
      assert.deepEqual((await list()).map(({ id }) => id), ['n']); // prettier-ignore
      await deploy(snapshot('n'), snapshot('f', failing));
      assert.equal((await task('f')).state, 'idle');
      assert.deepEqual((await log('id=f')).events, []);
    });
  });

  describe('are paused', () => {
    it('so that messages, buttons and ticks do nothing and say why; what runs goes on', async () => {
      await start(snapshot('n', { schedule: '* * * * *' }), snapshot('run'));
      await order('run', { id: 'run' });
      await stateOf('run', 'running');
      for (const id of ['n', 'run']) {
        const { ok, task: shown } = await order('pause', { id, paused: true, note: 'new disks' });
        const { state, pause, can } = shown as Task;
        assert.deepEqual([ok, state, pause?.by, pause?.note], [true, 'paused', 'anonymous', 'new disks']);
        assert.deepEqual(can, { run: false, why: 'DISABLED' });
      }
      assert.equal((await task('run')).jobs.length, 1);
      bench.send('n');
      const failed = (await bench.first('n', 'error'))['error'] as Record<string, unknown>;
      assert.equal(failed['code'], 'DISABLED');
      assert.match(String(failed['message']), /paused by anonymous at .*: new disks/);
      assert.equal((await order('run', { id: 'n' })).code, 'DISABLED');
      await bench.until('the status', () =>
        bench
          .at('n', 'status')
          .some(({ status }) => (status as Record<string, unknown>)['text'] === 'common.status.paused'),
      );
      await order('pause', { id: 'n', paused: false });
      const { state, pause } = await task('n');
      assert.deepEqual([state, pause], ['idle', undefined]);
      const messages = (await log('id=n&level=info')).events.filter(({ event }) => event === 'status');
      assert.deepEqual(messages.map(({ message }) => message.slice(0, 24)), ['paused by anonymous at 2', 'the pause was ended by a']); // prettier-ignore
    });

    it('until a moment, and no longer', async () => {
      await start(snapshot('n'));
      const { task: shown } = await order('pause', { id: 'n', paused: true, until: '1s' });
      assert.ok(Date.parse((shown as Task).pause?.until ?? '') > Date.now());
      await stateOf('n', 'idle');
      assert.equal((await order('run', { id: 'n' })).ok, true);
    });

    it('and what makes no sense is refused', async () => {
      await start(snapshot('n'));
      const nonsense: [object, string][] = [
        [{}, 'paused'],
        [{ paused: 'perhaps' }, 'paused'],
        [{ paused: true, until: 'tomorrow' }, 'until'],
        [{ paused: true, until: '2020-01-01T00:00:00Z' }, 'until'],
        [{ paused: true, until: '2099-02-31' }, 'until'],
        [{ paused: true, note: 'x'.repeat(501) }, 'note'],
        [{ paused: true, note: 5 }, 'note'],
      ];
      for (const [body, field] of nonsense) {
        const { code, field: wrong } = await order('pause', { id: 'n', ...body });
        assert.deepEqual([code, wrong], ['INVALID_OPTIONS', field], JSON.stringify(body));
      }
      assert.equal((await task('n')).state, 'idle');
      const long = await order('pause', { id: 'n', paused: true, note: 'x'.repeat(70_000) }, 413);
      assert.equal(long.ok, false);
    });
  });

  it('have a log in pages that can be asked for by number and level, whatever the log level of the node', async () => {
    await start(snapshot('n', { ...failing, logLevel: 'error' }));
    for (let run = 1; run <= 3; run++) {
      bench.send('n');
      await bench.until(`run ${run}`, () => bench.at('n', 'error').length === run);
    }
    const whole = await log('id=n');
    const numbers = whole.events.map(({ n }) => n);
    assert.deepEqual([whole.first, whole.last, whole.more], [1, numbers.length, false]);
    assert.deepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
    );
    const newest = await log('id=n&limit=2');
    assert.deepEqual([newest.events.map(({ n }) => n), newest.more], [numbers.slice(-2), true]); // prettier-ignore
    const older = await log(`id=n&before=${numbers.at(-2)}&limit=2`);
    assert.deepEqual([older.events.map(({ n }) => n), older.more], [numbers.slice(-4, -2), true]); // prettier-ignore
    const later = await log('id=n&after=1&limit=3');
    assert.deepEqual([later.events.map(({ n }) => n), later.more], [[2, 3, 4], true]); // prettier-ignore
    const errors = await log('id=n&level=error');
    assert.deepEqual(errors.events.map(({ event }) => event), ['failed', 'failed', 'failed']); // prettier-ignore
    assert.deepEqual([errors.first, errors.last], [whole.first, whole.last]);
    assert.equal(errors.runs.length, 3);
    for (const wrong of ['limit=0', 'limit=x', 'level=loud', 'after=-1', 'after=1&before=3']) {
      assert.equal(((await log(`id=n&${wrong}`)) as unknown as Answer).code, 'INVALID_OPTIONS', wrong);
    }
    await helper.request().get('/zfs-flows/tasks/log?id=nobody').expect(404);
  });
});
