// The task list of a Node-RED process of its own, with runs that succeed: what it tells of them, that a task is late and
// recovers, what it still knows after a restart and what it keeps of secrets (nothing).
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Task } from '../../../nodes/admin/task-answers';
import type { LoggedEvent } from '../../../src/jobs/history';
import { makeUserDir, NODE_RED_4, NodeRed, ROOT } from '../../package/node-red';
import type { Machine } from '../../lab/machine';
import { connectionNode } from '../../support/flow-lab';
import { useMachines } from '../../support/machines';

type FlowNode = Record<string, unknown> & { id: string; type: string };

describe('tasks in a Node-RED process', function () {
  this.timeout(90_000);
  let a: Machine;
  let red: NodeRed | undefined;
  useMachines({ a: { pool: 'tank' } }, (machines) => ({ a } = machines));
  before(async () => {
    await a.createDataset('tank/from');
    await a.writeRandom('tank/from', 'data', 2);
    await a.snapshot('tank/from', 'first');
    red = await NodeRed.start(NODE_RED_4, await makeUserDir({ packageSource: ROOT }));
  });
  after(() => red?.stop());

  function nodeRed(): NodeRed {
    assert.ok(red);
    return red;
  }

  const connection = (): FlowNode => ({
    ...connectionNode('a', a),
    name: 'nas',
    credentials: { privateKey: a.privateKey },
  });
  const flow = (...nodes: FlowNode[]): FlowNode[] => [
    { id: 'tab', type: 'tab', label: 'backups' },
    connection(),
    ...nodes.map((node, index) => ({ z: 'tab', x: 100, y: 100 + 60 * index, wires: [[], ['said'], []], ...node })),
    { id: 'said', type: 'function', z: 'tab', x: 300, y: 100, func: 'node.log("SAID " + JSON.stringify(msg.payload))', wires: [] }, // prettier-ignore
  ];
  const ends = {
    sourceConnection: 'a',
    sourceDatasets: ['tank/from'],
    targetConnection: 'a',
    targetDataset: 'tank/to',
  };
  const replicate = (more: object = {}): FlowNode => ({
    id: 'r',
    type: 'zfs-replicate',
    name: 'nightly',
    ...ends,
    createSnapshot: 'never',
    ...more,
  });

  async function task(id: string): Promise<Task> {
    const { tasks } = (await nodeRed().get(`zfs-flows/tasks?ids=${id}`)) as { tasks: Task[] };
    assert.ok(tasks[0], `no task ${id}`);
    return tasks[0];
  }

  async function until(what: string, id: string, look: (task: Task) => boolean): Promise<Task> {
    for (let turn = 0; turn < 400; turn++) {
      const now = await task(id);
      if (look(now)) return now;
      await sleep(50);
    }
    return assert.fail(`waited in vain for ${what}: ${JSON.stringify(await task(id))}`);
  }

  async function events(id: string): Promise<LoggedEvent[]> {
    const log = (await nodeRed().get(`zfs-flows/tasks/log?id=${id}`)) as { events: LoggedEvent[] };
    return log.events;
  }

  async function order(what: string, body: object): Promise<Record<string, unknown>> {
    const headers = { 'content-type': 'application/json' };
    const url = `${nodeRed().url}/zfs-flows/tasks/${what}`;
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await answer.json()) as Record<string, unknown>;
  }

  /** A deploy answers a moment before its nodes are there. */
  async function run(id: string): Promise<unknown> {
    for (let turn = 1; ; turn++) {
      const { ok, jobId, code } = await order('run', { id });
      if (ok === true) return jobId;
      assert.ok(turn < 50 && (code === 'BUSY' || code === 'DISABLED'), String(code));
      await sleep(100);
    }
  }

  const said = (event: string): unknown[] =>
    [...nodeRed().log.matchAll(/SAID (\{.*\})/g)].map(([, text = '']) => JSON.parse(text) as { event: string }).filter((one) => one.event === event); // prettier-ignore

  /** So many alarms and ends of alarms; what the state tells comes a moment later as a line of the log. */
  async function heard(late: number, recovered: number): Promise<void> {
    for (let turn = 0; turn < 100 && (said('late').length < late || said('recovered').length < recovered); turn++) {
      await sleep(50);
    }
    assert.deepEqual([said('late').length, said('recovered').length], [late, recovered]);
  }

  it('tell what a run has brought, and keep every command line of it without a secret', async () => {
    await nodeRed().deploy(flow(replicate({ logLevel: 'warn' })));
    await until('the task', 'r', ({ can }) => can.run);
    const jobId = await run('r');
    const done = await until('the end', 'r', ({ last }) => last !== undefined);
    const { last, lastSuccess, state, from, to } = done;
    assert.deepEqual([state, last?.jobId, last?.state, last?.by], ['ok', jobId, 'success', 'person']);
    assert.ok((last?.bytes ?? 0) > 2 * 2 ** 20, JSON.stringify(last));
    assert.deepEqual([lastSuccess, from, to], [last?.endedAt, 'nas:tank/from', 'nas:tank/to']);
    assert.match(last?.text ?? '', /^1 snapshot, 2\.\d MiB$/);
    const log = await events('r');
    assert.ok(log.some(({ event, message }) => event === 'command' && /zfs send/.test(message)));
    assert.deepEqual(log.slice(-1).map(({ event }) => event), ['finished']); // prettier-ignore
    assert.doesNotMatch(JSON.stringify([log, done]), /PRIVATE KEY/);
    assert.deepEqual(said('command'), [], 'the log level of the node is as it was');
  });

  it('that only made a plan have succeeded, and brought no backup', async () => {
    const before = await task('r');
    await nodeRed().deploy(flow(replicate({ mode: 'plan' })));
    await run('r');
    const { last, lastSuccess, state } = await until('the plan', 'r', (now) => now.last?.jobId !== before.last?.jobId);
    assert.deepEqual([state, last?.state, lastSuccess], ['ok', 'success', before.lastSuccess]);
  });

  it('are late after `alertAfter` without a success, once, and recover with the next', async () => {
    const node = { id: 's', type: 'zfs-snapshot', connection: 'a', datasets: ['tank/from'], alertAfter: '3s' };
    await nodeRed().deploy(flow({ ...node, namingSchema: 's-%Y%m%d-%H%M%S-%f' }));
    const deployed = Date.now();
    assert.equal((await task('s')).late, undefined);
    const late = await until('it to be late', 's', (now) => now.late !== undefined);
    assert.ok(Math.abs(Date.parse(late.late?.since ?? '') - deployed - 3_000) < 2_000, JSON.stringify(late.late));
    assert.match(late.status.text, /^late since 20/);
    await heard(1, 0);
    const [first] = said('late') as Record<string, unknown>[];
    assert.deepEqual(
      [first?.['level'], first?.['since'], first?.['missed'], first?.['lastSuccess']],
      ['warn', late.late?.since, 1, null],
    );
    // A deploy of the unchanged node tells nothing anew.
    await nodeRed().deploy(flow({ ...node, namingSchema: 's-%Y%m%d-%H%M%S-%f' }));
    await sleep(1_000);
    assert.equal((await task('s')).late?.since, late.late?.since);
    await run('s');
    const recovered = await until('it to recover', 's', (now) => now.late === undefined && now.last !== undefined);
    assert.equal(recovered.state, 'ok');
    await heard(1, 1);
    await until('it to be late again', 's', (now) => now.late !== undefined);
    await heard(2, 1);
  });

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    it(`know after ${signal} and a restart how the last runs went, who paused what, and that one is late`, async () => {
      const node = { id: 's', type: 'zfs-snapshot', connection: 'a', datasets: ['tank/from'], alertAfter: '2s' };
      const nodes = flow(replicate(), { ...node, namingSchema: `${signal}-%Y%m%d-%H%M%S-%f` });
      await nodeRed().deploy(nodes);
      await until('the tasks', 's', ({ can }) => can.run);
      for (const id of ['r', 's']) {
        const { last } = await task(id);
        await run(id);
        await until('a run', id, (now) => now.last?.jobId !== last?.jobId);
      }
      await order('pause', { id: 'r', paused: true, note: 'moving house' });
      await until('it to be late', 's', (now) => now.late !== undefined);
      // Written once in five seconds; a kill takes what is not.
      if (signal === 'SIGKILL') await sleep(5_500);
      const before = await Promise.all(['r', 's'].map(task));
      const runs = ((await nodeRed().get('zfs-flows/tasks/log?id=r')) as { runs: unknown[] }).runs;
      const { userDir } = nodeRed();
      assert.ok((await nodeRed().end(signal)) < 5_000);
      const kept = await readFile(path.join(userDir, '.config.runtime.json'), 'utf8');
      assert.doesNotMatch(kept, /PRIVATE/);
      red = await NodeRed.start(NODE_RED_4, userDir);
      await until('the flows', 'r', ({ state }) => state === 'paused');
      const after = await Promise.all(['r', 's'].map(task));
      const shown = ({ state, last, lastSuccess, pause, late }: Task): unknown => [state, last, lastSuccess, pause, late?.since]; // prettier-ignore
      assert.deepEqual(after.map(shown), before.map(shown)); // prettier-ignore
      assert.deepEqual(((await nodeRed().get('zfs-flows/tasks/log?id=r')) as { runs: unknown[] }).runs, runs);
      assert.equal((await order('run', { id: 'r' }))['code'], 'DISABLED');
      await sleep(1_500);
      assert.deepEqual(said('late'), [], 'it has been told');
      await order('pause', { id: 'r', paused: false });
      await run('s');
      await until(
        'it to recover',
        's',
        ({ late, last }) => late === undefined && last?.jobId !== before[1]?.last?.jobId,
      );
      await heard(0, 1);
    });
  }
});
