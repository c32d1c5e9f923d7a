// A run that nobody waits for any more, in a real Node-RED: flows that are stopped under it, and a Node-RED that ends. It is seen
// afterwards that it did not come to its end.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Task, TaskLog } from '../../nodes/admin/task-answers';
import { BlackHole, sshConnection } from '../support/flow-bench';
import { makeUserDir, NODE_RED_4, NodeRed, ROOT } from './node-red';

describe('a run that is interrupted', function () {
  this.timeout(90_000);
  let hole: BlackHole;
  let nodeRed: NodeRed;

  before(async () => {
    hole = await new BlackHole().open();
    const flows = [
      { id: 'tab', type: 'tab', label: 'test' },
      sshConnection(hole.port, { authMethod: 'password', connectTimeout: 100 }),
      ...['zfs-replicate', 'zfs-snapshot'].map((type) => ({
        id: type,
        type,
        z: 'tab',
        x: 1,
        y: 1,
        wires: [[], [], []],
        connection: 'ssh',
        datasets: ['a'],
        sourceConnection: 'ssh',
        sourceDatasets: ['a'],
        targetDataset: 'b',
      })),
    ];
    const settings = { runtimeState: { enabled: true, ui: false } };
    nodeRed = await NodeRed.start(NODE_RED_4, await makeUserDir({ packageSource: ROOT, flows, settings }));
  });

  after(async () => {
    await nodeRed.stop();
    await hole.close();
  });

  const task = async (id: string): Promise<Task | undefined> =>
    ((await nodeRed.get(`zfs-flows/tasks?ids=${id}`)) as { tasks: Task[] }).tasks[0];
  const log = async (id: string): Promise<TaskLog> => (await nodeRed.get(`zfs-flows/tasks/log?id=${id}`)) as TaskLog;

  async function post(resource: string, body: object): Promise<Record<string, unknown>> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${nodeRed.url}/${resource}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await answer.json()) as Record<string, unknown>;
  }

  async function run(id: string): Promise<string> {
    const { jobId } = await post('zfs-flows/tasks/run', { id });
    for (let turn = 0; turn < 100 && (await task(id))?.state !== 'running'; turn++) await sleep(50);
    assert.equal((await task(id))?.jobs[0]?.jobId, jobId);
    return String(jobId);
  }

  it('by flows that are stopped was cancelled, in its log and in its runs', async () => {
    const jobId = await run('zfs-replicate');
    await post('flows/state', { state: 'stop' });
    for (let turn = 0; turn < 150 && (await task('zfs-replicate'))?.last === undefined; turn++) await sleep(100);
    const { state, last } = (await task('zfs-replicate')) ?? {};
    assert.deepEqual([state, last?.jobId, last?.state, last?.code], ['off', jobId, 'cancelled', 'CANCELLED']);
    assert.equal((await log('zfs-replicate')).events.at(-1)?.event, 'cancelled');
    await post('flows/state', { state: 'start' });
    for (let turn = 0; turn < 100 && (await task('zfs-replicate'))?.state !== 'idle'; turn++) await sleep(50);
    assert.equal((await log('zfs-replicate')).runs.length, 1);
  });

  it('by the end of Node-RED was cancelled, which is remembered', async () => {
    const ids = ['zfs-replicate', 'zfs-snapshot'];
    const jobIds = await Promise.all(ids.map(run));
    const { userDir } = nodeRed;
    assert.ok((await nodeRed.end()) < 5_000);
    nodeRed = await NodeRed.start(NODE_RED_4, userDir);
    for (const [index, id] of ids.entries()) {
      const last = (await log(id)).runs.at(-1);
      assert.deepEqual([last?.jobId, last?.state, last?.code], [jobIds[index], 'cancelled', 'CANCELLED']);
      assert.match(last?.text ?? '', /Node-RED ended/);
    }
  });
});
