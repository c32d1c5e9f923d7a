// The properties that are yes or no, of all action nodes: read like every other option, so that nonsense in one is an error
// and not a guess, and texts of environment variables count.
import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BlackHole, closedPort, FlowBench, flowWith, sshConnection, type FlowNode } from '../support/flow-bench';

const bench = new FlowBench();

const snapshot = (more: Record<string, unknown>): FlowNode => ({
  id: 'n',
  type: 'zfs-snapshot',
  connection: 'ssh',
  datasets: ['tank/a'],
  ...more,
});

const errorOf = (index = 0): Record<string, unknown> | undefined =>
  bench.at('n', 'error')[index]?.['error'] as Record<string, unknown> | undefined;

const statuses = (): Record<string, unknown>[] =>
  bench.at('n', 'status').map((message) => message['status'] as Record<string, unknown>);

describe('yes or no', () => {
  let hole: BlackHole;

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

  for (const field of ['enabled', 'runOnDeploy', 'catchUp']) {
    for (const nonsense of ['nonsense', '', 1, null, ['true']]) {
      it(`${field}: ${JSON.stringify(nonsense)} is red at deploy, an error for each message, and nothing runs`, async () => {
        await bench.start(flowWith(snapshot({ [field]: nonsense }), sshConnection(hole.port)));
        await bench.until('the status', () => statuses().length > 0);
        const { fill, shape, text } = statuses()[0] ?? {};
        assert.deepEqual([fill, shape, text], ['red', 'ring', `invalid options: ${field}`]);
        assert.deepEqual(bench.at('n', 'error'), [], 'no message, no run');
        bench.send('n');
        const failed = await bench.first('n', 'error');
        assert.deepEqual([errorOf()?.['code'], errorOf()?.['field']], ['INVALID_OPTIONS', field]);
        assert.equal(
          ((await bench.first('n', 'catch'))['error'] as Record<string, unknown>)['code'],
          'INVALID_OPTIONS',
        );
        assert.deepEqual([failed.payload, bench.events('n'), hole.connections], [{}, [], 0]);
      });
    }

    it(`${field}: a schedule goes on, and says so each time`, async () => {
      mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.UTC(2026, 10, 21, 12, 3) });
      const node = snapshot({ [field]: 'nonsense', schedule: '*/5 * * * *', scheduleTimeZone: 'UTC' });
      await bench.start(flowWith(node, sshConnection(hole.port)));
      mock.timers.tick(121_000);
      // Messages go from node to node in turns of the loop.
      for (let turn = 0; turn < 1000 && errorOf() === undefined; turn++) await nextTurn();
      assert.deepEqual([errorOf()?.['field'], hole.connections], [field, 0]);
    });
  }

  it('texts count', async () => {
    await bench.start(flowWith(snapshot({ enabled: 'false', runOnDeploy: 'true' }), sshConnection(hole.port)));
    bench.send('n');
    await bench.first('n', 'error');
    assert.equal(errorOf()?.['code'], 'DISABLED');
    assert.equal(statuses()[0]?.['fill'], 'grey');
    const on = snapshot({ enabled: 'true', runOnDeploy: 'true', catchUp: 'false', recursive: 'true' });
    await bench.deploy(flowWith(on, sshConnection(await closedPort())));
    await bench.until('the run on deploy', () => bench.at('n', 'error')[1]);
    assert.equal(errorOf(1)?.['code'], 'CONNECTION_REFUSED');
  });

  for (const [type, value, code] of [
    ['bool', 'false', 'DISABLED'],
    ['str', 'false', 'DISABLED'],
    ['bool', 'true', 'CONNECTION_REFUSED'],
    ['str', 'true', 'CONNECTION_REFUSED'],
    ['str', 'off', 'INVALID_OPTIONS'],
  ] as const) {
    it(`an environment variable counts (${type} ${value})`, async () => {
      // Of a tab; those of a subflow are put in by the same function of Node-RED.
      const [tab, ...others] = flowWith(snapshot({ enabled: '${ON}' }), sshConnection(await closedPort()));
      assert.ok(tab);
      await bench.start([{ ...tab, env: [{ name: 'ON', type, value }] }, ...others]);
      bench.send('n');
      await bench.first('n', 'error');
      assert.equal(errorOf()?.['code'], code);
    });
  }

  describe('allowDestructiveFromMessage', () => {
    const replicate = (allow: unknown): FlowNode => ({
      id: 'n',
      type: 'zfs-replicate',
      sourceConnection: 'ssh',
      sourceDatasets: ['tank/a'],
      targetDataset: 'backup/a',
      whenDiverged: 'mode',
      whenDivergedType: 'msg',
      retries: 0,
      ...(allow === undefined ? {} : { allowDestructiveFromMessage: allow }),
    });

    for (const [allow, mode, code, field] of [
      [undefined, 'rollback', 'INVALID_OPTIONS', 'whenDiverged'],
      [false, 'recreate', 'INVALID_OPTIONS', 'whenDiverged'],
      ['false', 'recreate', 'INVALID_OPTIONS', 'whenDiverged'],
      ['yes', 'recreate', 'INVALID_OPTIONS', 'allowDestructiveFromMessage'],
      ['yes', 'refuse', 'INVALID_OPTIONS', 'allowDestructiveFromMessage'],
      [1, 'rollback', 'INVALID_OPTIONS', 'allowDestructiveFromMessage'],
      [true, 'rollback', 'CONNECTION_REFUSED', undefined],
      ['true', 'rollback', 'CONNECTION_REFUSED', undefined],
      [undefined, 'rotate', 'CONNECTION_REFUSED', undefined],
    ] as const) {
      it(`${String(allow)}: a message that asks for ${mode} ends with ${code} ${field ?? ''}`, async () => {
        await bench.start(flowWith(replicate(allow), sshConnection(await closedPort())));
        bench.send('n', { mode });
        await bench.first('n', 'error');
        assert.deepEqual([errorOf()?.['code'], errorOf()?.['field']], [code, field]);
      });
    }
  });
});
