// Scheduled runs of action nodes, with a clock that the test turns: a tick is like a message, a tick during a run is
// skipped, an invalid schedule refuses every message, `runOnDeploy` runs once per change.
import assert from 'node:assert/strict';
import { mock } from 'node:test';
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

/** Waits without a clock: the one there is stands still. */
async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  for (let turn = 0; turn < 20_000; turn++) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  return assert.fail(`waited in vain for ${what}`);
}

describe('the schedule of an action node', () => {
  let hole: BlackHole;
  const node = (more: Record<string, unknown> = {}): FlowNode => ({
    id: 'n',
    type: 'zfs-snapshot',
    connection: 'ssh',
    datasets: ['tank'],
    schedule: '*/5 * * * *',
    scheduleTimeZone: 'UTC',
    ...more,
  });
  const statuses = (): Record<'fill' | 'shape' | 'text', unknown>[] =>
    bench.at('n', 'status').map((message) => {
      const { fill, shape, text } = message['status'] as Record<string, unknown>;
      return { fill, shape, text };
    });
  const codes = (): unknown[] =>
    bench.at('n', 'error').map((message) => (message['error'] as Record<string, unknown>)['code']);

  before(() => bench.open());
  beforeEach(async () => {
    hole = await new BlackHole().open();
  });
  afterEach(async () => {
    mock.timers.reset();
    await bench.stop();
    await hole.close();
  });
  after(() => bench.close());

  /** From here on the test's clock counts, which begins at 12:03 UTC. */
  function stopClock(): void {
    mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.UTC(2026, 10, 21, 12, 3) });
  }

  it('runs as if a message had come in, at the stated time', async () => {
    stopClock();
    await bench.start(flowWith(node(), sshConnection(await closedPort())));
    mock.timers.tick(60_000);
    assert.deepEqual(bench.events('n'), []);
    mock.timers.tick(61_000);
    const failed = await until('the failure', () => bench.at('n', 'error')[0]);
    assert.deepEqual(
      [failed.topic, failed['scheduledAt'], codes()],
      ['zfs/zfs-snapshot/schedule', '2026-11-21T12:05:00.000Z', ['CONNECTION_REFUSED']],
    );
    await until('Catch', () => bench.at('n', 'catch')[0]);
  });

  it('shows the next run, and tells it when asked', async () => {
    stopClock();
    await bench.start(flowWith(node(), sshConnection(hole.port)));
    // The helper's translator gives the key; the text itself is shown by the package and browser tests.
    const [first] = await until('a status', () => (statuses().length > 0 ? statuses() : undefined));
    assert.deepEqual(first, { fill: 'grey', shape: 'dot', text: 'common.status.next' });
    bench.send('n', { control: { action: 'status' } });
    const answer = await until('the answer', () => bench.events('n')[0]);
    assert.equal(answer['next'], '2026-11-21T12:05:00.000Z');
  });

  it('skips a tick while the same run is under way, as a log event', async () => {
    stopClock();
    await bench.start(flowWith(node(), sshConnection(hole.port, { connectTimeout: 3_000 })));
    bench.send('n', { topic: 'mine' });
    await until('the connection', () => hole.connections > 0);
    mock.timers.tick(121_000);
    const skipped = await until('the event', () => bench.events('n').find(({ event }) => event === 'skipped'));
    assert.equal(skipped['scheduledAt'], '2026-11-21T12:05:00.000Z');
    assert.deepEqual([bench.at('n', 'error'), bench.at('n', 'catch'), bench.at('n', 'complete')], [[], [], []]);
  });

  it('does nothing in a disabled node', async () => {
    stopClock();
    await bench.start(flowWith(node({ enabled: false }), sshConnection(hole.port)));
    mock.timers.tick(3_600_000);
    await until('the status', () => statuses().length > 0);
    assert.deepEqual([statuses()[0]?.['shape'], bench.events('n'), bench.at('n', 'error')], ['ring', [], []]);
  });

  it('makes up for a run that falls due during a deploy, once', async () => {
    stopClock();
    const flow = flowWith(node(), sshConnection(await closedPort()));
    await bench.start(flow);
    mock.timers.tick(115_000);
    const deployed = bench.deploy(flow);
    // The old instance is closed, the new one not there yet.
    mock.timers.setTime(Date.UTC(2026, 10, 21, 12, 5, 2));
    await deployed;
    mock.timers.tick(5_000);
    await until('the run', () => bench.at('n', 'error')[0]);
    mock.timers.tick(60_000);
    assert.equal(bench.at('n', 'error').length, 1);
    assert.equal(bench.at('n', 'error')[0]?.['scheduledAt'], '2026-11-21T12:05:00.000Z');
  });

  const invalid: [string, Record<string, unknown>, string][] = [
    ['three fields', { schedule: '* * *' }, 'schedule'],
    ['a blank', { schedule: ' ' }, 'schedule'],
    ['a minute that is none', { schedule: '61 * * * *' }, 'schedule'],
    ['@reboot', { schedule: '@reboot' }, 'schedule'],
    ['an unknown zone', { scheduleTimeZone: 'Mars/Olympus' }, 'scheduleTimeZone'],
    ['a window of nothing', { scheduleBegin: '10:00', scheduleEnd: '10:00' }, 'scheduleBegin'],
  ];
  for (const [what, more, field] of invalid) {
    it(`refuses ${what}: red at deploy, and an error for each message`, async () => {
      await bench.start(flowWith(node(more), sshConnection(hole.port)));
      await bench.until('the status', () => statuses().length > 0);
      assert.deepEqual(statuses()[0], { fill: 'red', shape: 'ring', text: 'common.status.invalidSchedule' });
      bench.send('n');
      bench.send('n');
      await bench.until('both', () => bench.at('n', 'error').length === 2);
      const error = bench.at('n', 'error')[1]?.['error'] as Record<string, unknown>;
      assert.equal(error['code'], 'INVALID_OPTIONS');
      assert.match(String(error['field']), new RegExp(`^schedule${field === 'scheduleBegin' ? '(Begin|End)' : ''}`));
    });
  }

  it('runs once on deploy when the node is new or changed, not otherwise', async () => {
    const runs = (): number => bench.at('n', 'error').length;
    const flow = async (more: Record<string, unknown>): Promise<FlowNode[]> =>
      flowWith(node({ schedule: '', runOnDeploy: true, ...more }), sshConnection(await closedPort()));
    const first = await flow({ recursive: true });
    await bench.start(first);
    await bench.until('the first run', () => runs() === 1);
    assert.equal(bench.at('n', 'error')[0]?.topic, 'zfs/zfs-snapshot/schedule');
    await bench.deploy(first);
    await bench.deploy(await flow({}));
    await bench.until('the run after the change', () => runs() === 2);
    await bench.deploy(await flow({ runOnDeploy: false }));
    assert.equal(runs(), 2);
    assert.ok(helper.getNode('n'));
  });
});
