// A Node-RED process of its own, with the built package installed: what its end and its start do to runs, and that texts
// come from the catalogue. (Deploys within one process are in nodes.test.ts.)
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeUserDir, NODE_RED_4, NodeRed, ROOT } from '../../package/node-red';
import type { Machine } from '../../lab/machine';
import { assertSame, marks } from '../../support/engine';
import { connectionNode } from '../../support/flow-lab';
import { usePair } from '../../support/machines';

const MB = 1 << 20;
type FlowNode = Record<string, unknown> & { id: string; type: string };

describe('Node-RED as a process', function () {
  this.timeout(180_000);
  let a: Machine;
  let b: Machine;
  let red: NodeRed | undefined;

  afterEach(async () => {
    await red?.stop();
    red = undefined;
  });
  usePair((pair) => ({ a, b } = pair));

  const ssh = (id: string, machine: Machine): FlowNode => ({
    ...connectionNode(id, machine),
    credentials: { privateKey: machine.privateKey },
  });

  /** A node with an Inject node before it, and Function nodes that write its results and statuses into the log. */
  function flowWith(node: FlowNode): FlowNode[] {
    const say = (id: string, code: string): FlowNode => ({ id, type: 'function', z: 'tab', func: code, wires: [[]] });
    return [
      { id: 'tab', type: 'tab', label: 'test' },
      ssh('a', a),
      ssh('b', b),
      { id: 'go', type: 'inject', z: 'tab', props: [{ p: 'payload' }], payload: 'x', x: 1, y: 1, wires: [['n']] },
      { z: 'tab', x: 2, y: 2, wires: [['ok'], [], ['bad']], ...node },
      { ...say('ok', "node.log('RESULT ' + JSON.stringify(msg.payload))"), x: 3, y: 3 },
      { ...say('bad', "node.log('ERROR ' + msg.error.code)"), x: 3, y: 3 },
      { id: 'watch', type: 'status', z: 'tab', scope: ['n'], x: 1, y: 4, wires: [['st']] },
      { ...say('st', "node.log('STATUS ' + JSON.stringify(msg.status))"), x: 3, y: 4 },
    ];
  }

  async function start(userDir?: string): Promise<NodeRed> {
    red = await NodeRed.start(NODE_RED_4, userDir ?? (await makeUserDir({ packageSource: ROOT })));
    return red;
  }

  /** Presses the button; a deploy answers a moment before its nodes are there. */
  async function press(instance: NodeRed): Promise<void> {
    for (let turn = 1; ; turn++) {
      try {
        await instance.inject('go');
        return;
      } catch (error) {
        if (turn === 50 || !String(error).includes('404')) throw error;
        await sleep(100);
      }
    }
  }

  async function logged(pattern: RegExp): Promise<RegExpExecArray> {
    for (let turn = 0; turn < 600; turn++) {
      const found = pattern.exec(red?.log ?? '');
      if (found) return found;
      await sleep(100);
    }
    return assert.fail(`not in the log: ${String(pattern)}\n${red?.log ?? ''}`);
  }

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    it(`leaves a transfer resumable when it ends by ${signal}, within 5 seconds, and resumes after the next start [C1 34]`, async () => {
      const name = signal.toLowerCase();
      const [from, to] = [`tank/${name}`, `backup/${name}`];
      await a.createDataset(from);
      await a.writeRandom(from, 'data', 48);
      await a.snapshot(from, 's1');
      const both = { sourceConnection: 'a', sourceDatasets: [from], targetConnection: 'b', targetDataset: to };
      const first = await start();
      await first.deploy(flowWith({ id: 'n', type: 'zfs-replicate', ...both }));
      await a.link.limit(8 * MB);
      await press(first);
      await logged(/STATUS .*% ·/);
      const took = await first.end(signal);
      assert.ok(took < 5_000, `${took} ms`);
      await a.link.limit(0);

      const second = await start(first.userDir);
      await press(second);
      const [, result = ''] = await logged(/RESULT (\{.*\})/);
      const { datasets, state } = JSON.parse(result) as { state: string; datasets: { action: string }[] };
      // After a SIGKILL nobody ends the two `ssh` processes, which hold the pipe: they may have finished the transfer.
      const actions = signal === 'SIGTERM' ? ['resume'] : ['resume', 'current'];
      assert.equal(state, 'success');
      assert.ok(actions.includes(datasets[0]?.action ?? ''), result);
      await assertSame(a, from, b, to);
      const left = await marks(a, from);
      assert.deepEqual([left.tentative, left.holds], [[], []]);
    });
  }

  it('runs the hook "after" of a snapshot before it ends by SIGTERM, within 5 seconds [C1 47]', async () => {
    await a.createDataset('tank/frozen');
    const hooks = { before: 'echo before >>/tmp/hooks; sleep 60', after: 'echo after >>/tmp/hooks' };
    const first = await start();
    await first.deploy(flowWith({ id: 'n', type: 'zfs-snapshot', connection: 'a', datasets: ['tank/frozen'], hooks }));
    await press(first);
    const said = (): Promise<string> => a.read(['sh', '-c', 'cat /tmp/hooks 2>/dev/null || true']);
    while ((await said()) !== 'before') await sleep(100);
    const took = await first.end('SIGTERM');
    assert.ok(took < 5_000, `${took} ms`);
    assert.equal(await said(), 'before\nafter');
    assert.deepEqual(await a.snapshots('tank/frozen'), []);
  });

  it('runs `runOnDeploy` when a node is new or changed, not when Node-RED starts again', async () => {
    await a.createDataset('tank/once');
    const taken = async (): Promise<number> => (await a.snapshots('tank/once')).length;
    const node = { id: 'n', type: 'zfs-snapshot', connection: 'a', datasets: ['tank/once'], runOnDeploy: true };
    const schema = (word: string): FlowNode => ({ ...node, namingSchema: `${word}-%Y-%m-%d_%H-%M` });
    const first = await start();
    await first.deploy(flowWith(schema('one')));
    await logged(/RESULT/);
    assert.equal(await taken(), 1);
    await first.end();
    const second = await start(first.userDir);
    await second.deploy(flowWith(schema('one')));
    await sleep(2_000);
    assert.equal(await taken(), 1);
    await second.deploy(flowWith(schema('two')));
    await logged(/RESULT/);
    assert.equal(await taken(), 2);
    await logged(/STATUS .*1 snapshot taken/);
  });

  it('makes up for missed runs with one run, where `catchUp` says so, and not again at the next start', async () => {
    await a.createDataset('tank/missed');
    const taken = async (): Promise<number> => (await a.snapshots('tank/missed')).length;
    const yearly = { schedule: '0 0 1 1 *', scheduleTimeZone: 'UTC', catchUp: true };
    const first = await start();
    await first.deploy(
      flowWith({ id: 'n', type: 'zfs-snapshot', connection: 'a', datasets: ['tank/missed'], ...yearly }),
    );
    const file = path.join(first.userDir, '.config.runtime.json');
    type Settings = Record<string, unknown> & { zfsFlowsSchedules?: Record<string, { schedule: string; at: string }> };
    const read = async (): Promise<Settings> => JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as Settings;
    while ((await read()).zfsFlowsSchedules?.['n'] === undefined) await sleep(100);
    await first.end();
    const settings = await read();
    const look = settings.zfsFlowsSchedules?.['n'];
    assert.ok(look);
    look.at = new Date(Date.now() - 3 * 366 * 86_400_000).toISOString();
    await writeFile(file, JSON.stringify(settings));
    const second = await start(first.userDir);
    await logged(/RESULT/);
    assert.equal(await taken(), 1);
    await second.end();
    await start(first.userDir);
    await logged(/STATUS/);
    await sleep(2_000);
    assert.equal(await taken(), 1);
  });
});
