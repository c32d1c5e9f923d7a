// A task whose schedule brings no success, with a clock that the test turns: what the node says, and how often, over deploys, and
// what a pause does to its ticks. With real runs and restarts: test/zfs/nodes/tasks.test.ts.
import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FlowBench, flowWith, helper, type FlowNode } from '../support/flow-bench';
import { memories } from '../../nodes/runtime/task-memory';
import { directory } from '../../nodes/runtime/directory';

const bench = new FlowBench();
const MINUTE = 60_000;
/** A day of its own: that the clock was set in other tests is remembered. */
const START = Date.UTC(2026, 11, 5, 12, 3);

describe('a task that is late', () => {
  /** Each tick is refused: the connection does not exist. */
  const node = (more: Record<string, unknown> = {}): FlowNode => ({
    id: 'n',
    type: 'zfs-snapshot',
    connection: 'nobody',
    datasets: ['tank'],
    schedule: '0 * * * *',
    scheduleTimeZone: 'UTC',
    ...more,
  });
  const told = (...events: string[]): [string, string][] =>
    bench.events('n').filter(({ event }) => events.includes(String(event))).map(({ event, time }) => [String(event), String(time).slice(8, 16)]); // prettier-ignore
  const state = (): string => JSON.stringify(helper.getNode('n') === null ? null : directory.get('n')?.late());

  before(() => bench.open());
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'], now: START }));
  afterEach(async () => {
    mock.timers.reset();
    await bench.stop();
  });
  after(() => bench.close());

  async function start(flow: FlowNode[]): Promise<void> {
    await bench.start(flow);
    for (let turn = 0; turn < 50; turn++) await nextTurn();
  }

  /** As time passes: in steps, and what happens in one is over before the next. */
  async function pass(minutes: number): Promise<void> {
    for (let minute = 0; minute < minutes; minute++) {
      mock.timers.tick(MINUTE);
      for (let turn = 0; turn < 3; turn++) await nextTurn();
    }
  }

  it('says so five minutes after the second due time, though every run has failed, and then once a day', async () => {
    await start(flowWith(node()));
    await pass(120);
    assert.deepEqual([told('late'), state()], [[], undefined]);
    assert.equal(bench.at('n', 'error').length, 2);
    await pass(5);
    assert.deepEqual(told('late'), [['late', '05T14:05']]);
    const { level, since, missed, lastSuccess, message } =
      bench.events('n').find(({ event }) => event === 'late') ?? {};
    assert.deepEqual([level, since, missed, lastSuccess], ['warn', '2026-12-05T14:05:00.000Z', 2, null]);
    assert.match(String(message), /no success yet/);
    await pass(26 * 60);
    assert.deepEqual(told('late', 'recovered'), [['late', '05T14:05'], ['late', '06T14:05']]); // prettier-ignore
    assert.deepEqual(JSON.parse(state()), { since: '2026-12-05T14:05:00.000Z', missed: 28 });
  });

  it('is told of by the log level, and kept in the log anyway', async () => {
    await start(flowWith(node({ logLevel: 'error' })));
    await pass(130);
    assert.deepEqual(told('late'), []);
    const log = directory.history.page('n', { limit: 200, level: 'warn' }).events;
    assert.ok(log.some(({ event }) => event === 'late'));
  });

  it('stays so over a deploy; another schedule begins anew; turned off, nothing is expected', async () => {
    await start(flowWith(node()));
    await pass(130);
    assert.equal(told('late').length, 1);
    const deploy = async (more: object): Promise<void> => {
      await bench.deploy(flowWith(node({ ...more })));
      await pass(1);
    };
    await deploy({});
    await deploy({ overlap: 'queue' });
    assert.deepEqual([told('late', 'recovered').length, JSON.parse(state())], [1, { since: '2026-12-05T14:05:00.000Z', missed: 2 }]); // prettier-ignore
    await deploy({ schedule: '0 3 * * *' });
    assert.deepEqual([told('late', 'recovered').map(([event]) => event), state()], [['late', 'recovered'], undefined]);
    await deploy({ enabled: false });
    await pass(3 * 24 * 60);
    assert.deepEqual([told('late').length, state()], [1, undefined]);
    await deploy({});
    assert.deepEqual([told('late').length, state()], [1, undefined]);
    await pass(3 * 60);
    assert.equal(told('late').length, 2);
  });

  it('begins anew when its node, which was disabled, is enabled again', async () => {
    await start(flowWith(node()));
    await pass(130);
    assert.equal(told('late').length, 1);
    await bench.deploy(flowWith(node({ d: true })));
    await pass(3 * 24 * 60);
    await bench.deploy(flowWith(node()));
    await pass(60);
    assert.deepEqual([told('late').length, state()], [1, undefined]);
    await pass(2 * 60);
    assert.deepEqual(told('late'), [['late', '05T14:05'], ['late', '08T16:05']]); // prettier-ignore
  });

  it('is not, because of what was due during a pause, whose ticks are skipped', async () => {
    await start(flowWith(node()));
    await pass(30);
    const pause = (paused: boolean): unknown =>
      memories.setPause(
        memories.of({ settings: { available: () => false } } as never, 'n'),
        paused ? { by: 'ann', at: new Date().toISOString(), note: 'new disks' } : undefined,
        new Date().toISOString(),
      );
    pause(true);
    directory.get('n')?.pauseChanged('paused');
    await pass(5 * 60);
    assert.deepEqual(told('skipped').length, 5);
    const skipped = bench.events('n').find(({ event }) => event === 'skipped') ?? {};
    assert.deepEqual([skipped['scheduledAt'], bench.at('n', 'error')], ['2026-12-05T13:00:00.000Z', []]);
    assert.match(String(skipped['message']), /^skipped: this task is paused by ann at .*: new disks$/);
    assert.deepEqual([told('late'), state()], [[], undefined]);
    pause(false);
    directory.get('n')?.pauseChanged('goes on');
    await pass(90);
    assert.deepEqual(told('late'), []);
    await pass(10);
    assert.deepEqual(told('late'), [['late', '05T19:05']]);
  });

  it('from before a deploy is told when what sends it on has had time to connect', async () => {
    await start(flowWith(node({ schedule: '' })));
    await pass(60);
    await bench.deploy(flowWith(node({ schedule: '', alertAfter: '30m' })));
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    mock.timers.tick(4_000);
    assert.deepEqual(told('late'), []);
    mock.timers.tick(1_000);
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    assert.deepEqual([told('late').length, JSON.parse(state())], [1, { since: '2026-12-05T12:33:00.000Z', missed: 2 }]);
  });

  it('not at once when the clock is set forward: what is due then has five minutes', async () => {
    await start(flowWith(node({ schedule: '', alertAfter: '36h' })));
    await pass(10);
    mock.timers.setTime(START + 4 * 24 * 60 * MINUTE);
    await pass(3);
    assert.deepEqual([told('late'), state()], [[], undefined]);
  });
});
