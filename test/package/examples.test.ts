// The examples do what they say, in a real Node-RED with two machines and a real MQTT broker. Only the one node that says
// "replace me" is replaced.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type MqttClient, connectAsync } from 'mqtt';
import { type Example, type FlowNode, connectionNode, demoFlows } from '../../scripts/demo/flows';
import { type DemoMachines, bootMachines } from '../../scripts/demo/machines';
import { Lab } from '../lab/lab';
import { NODE_RED_4, NodeRed, ROOT, freePort, makeUserDir } from './node-red';

const NOTIFICATION = 'test/notification';

async function readExamples(): Promise<Example[]> {
  const folder = path.join(ROOT, 'examples');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  return Promise.all(
    names.map(async (name) => ({
      name: path.basename(name, '.json'),
      nodes: JSON.parse(await readFile(path.join(folder, name), 'utf8')) as FlowNode[],
    })),
  );
}

/** What the comment in the example asks for: an own node in the place of the disabled one. */
function withNotification(flows: readonly FlowNode[]): FlowNode[] {
  const broker = flows.find((node) => node.type === 'mqtt-broker')?.id;
  return flows.map((node) => {
    if (node['name'] !== 'send it (replace me)') return node;
    const { id, z = '', x, y } = node;
    return { id, z, x, y, type: 'mqtt out', topic: NOTIFICATION, qos: '1', retain: 'false', broker, wires: [] };
  });
}

/** A mosquitto of its own on a free port. */
class Broker {
  private constructor(
    readonly port: number,
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {}

  static async start(): Promise<Broker> {
    const program = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto'].find((file) => existsSync(file));
    if (program === undefined) throw new Error('there is no mosquitto; install it with: apt-get install mosquitto');
    const port = await freePort();
    const folder = await mkdtemp(path.join(tmpdir(), 'zfs-flows-mqtt-'));
    const file = path.join(folder, 'mosquitto.conf');
    await writeFile(file, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`);
    const child = spawn(program, ['-c', file], { stdio: 'ignore' });
    return new Broker(port, child, folder);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill();
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Messages of the broker, by topic. */
class Listener {
  readonly messages: { topic: string; payload: unknown }[] = [];

  private constructor(readonly client: MqttClient) {
    client.on('message', (topic, payload) => {
      const text = payload.toString();
      this.messages.push({ topic, payload: text.startsWith('{') ? (JSON.parse(text) as unknown) : text });
    });
  }

  static async connect(port: number, ...topics: string[]): Promise<Listener> {
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`);
    const listener = new Listener(client);
    await client.subscribeAsync(topics);
    return listener;
  }

  /** The first message on `topic` that is there or comes within two minutes. */
  async next(topic: string): Promise<Record<string, unknown> | string> {
    const until = Date.now() + 120_000;
    while (Date.now() < until) {
      const index = this.messages.findIndex((message) => message.topic === topic);
      const [found] = index < 0 ? [] : this.messages.splice(index, 1);
      if (found !== undefined) return found.payload as Record<string, unknown> | string;
      await sleep(50);
    }
    throw new Error(`nothing on ${topic}; there were ${JSON.stringify(this.messages.map(({ topic }) => topic))}`);
  }
}

describe('examples', function () {
  this.timeout(300_000);
  let lab: Lab;
  let machines: DemoMachines;
  let broker: Broker;
  let nodeRed: NodeRed;
  let listener: Listener;
  let flows: FlowNode[] = [];

  before(async () => {
    lab = await Lab.create();
    machines = await bootMachines(lab);
    broker = await Broker.start();
    nodeRed = await NodeRed.start(NODE_RED_4, await makeUserDir({ packageSource: ROOT }));
    const connections = (['nas1', 'nas2'] as const).map((name) => connectionNode(name, machines[name].login()));
    const mqtt = { host: '127.0.0.1', port: broker.port };
    flows = withNotification(demoFlows(await readExamples(), connections, mqtt, nodeRed.url));
    await nodeRed.deploy(flows);
    const topics = ['nas/replicate/#', 'nas/prune/#', 'nas/maintenance/state', NOTIFICATION];
    listener = await Listener.connect(broker.port, ...topics);
  });
  after(async () => {
    await listener?.client.endAsync();
    await nodeRed?.stop();
    await broker?.stop();
    await lab?.close();
  });

  /** Presses the button of an inject node. */
  async function press(name: string): Promise<void> {
    const node = flows.find((candidate) => candidate.type === 'inject' && candidate['name'] === name);
    assert.ok(node, `there is no button "${name}"`);
    const response = await fetch(`${nodeRed.url}/inject/${encodeURIComponent(node.id)}`, { method: 'POST' });
    assert.equal(response.status, 200);
  }

  const names = async (machine: 'nas1' | 'nas2', dataset: string): Promise<string[]> =>
    (await machines[machine].exists(dataset)) ? machines[machine].snapshotNames(dataset) : [];

  it('00: the button replicates', async () => {
    await press('Replicate now');
    const until = Date.now() + 120_000;
    while (!(await names('nas2', 'backup/data/photos')).some((name) => name.startsWith('manual-'))) {
      assert.ok(Date.now() < until, nodeRed.log);
      await sleep(200);
    }
  });

  it('02: the webhook answers 202 at once and tells the result later', async () => {
    await machines.nas1.writeRandom('tank/data/photos', 'webhook', 32);
    await machines.nas1.snapshot('tank/data', 'auto-2030-01-01_00-00', { recursive: true });
    const began = performance.now();
    const accepted = await fetch(`${nodeRed.url}/replicate`, { method: 'POST' });
    assert.equal(accepted.status, 202);
    assert.deepEqual(await accepted.json(), { accepted: true, result: 'GET /replicate' });
    assert.ok(performance.now() - began < 2000, 'the answer waited for the replication');
    const until = Date.now() + 120_000;
    for (;;) {
      const last = (await (await fetch(`${nodeRed.url}/replicate`)).json()) as { state: string; error?: unknown };
      assert.equal(last.error, undefined);
      if (last.state === 'success') break;
      assert.ok(Date.now() < until, nodeRed.log);
      await sleep(200);
    }
    assert.ok((await names('nas2', 'backup/data/photos')).includes('auto-2030-01-01_00-00'));
  });

  it('03: an MQTT command replicates; events and result are published', async () => {
    await listener.client.publishAsync('nas/replicate/command', JSON.stringify({ action: 'status' }));
    const status = await listener.next('nas/replicate/status');
    assert.ok(typeof status === 'object' && status['event'] === 'status');

    await machines.nas1.writeRandom('tank/data/photos', 'mqtt', 32);
    await machines.nas1.snapshot('tank/data', 'auto-2030-01-02_00-00', { recursive: true });
    await listener.client.publishAsync('nas/replicate/command', JSON.stringify({ action: 'run' }));
    const started = await listener.next('nas/replicate/started');
    const progress = await listener.next('nas/replicate/progress');
    const result = await listener.next('nas/replicate/result');
    assert.ok(typeof started === 'object' && typeof progress === 'object' && typeof result === 'object');
    assert.equal(result['state'], 'success');
    assert.equal(started['jobId'], result['jobId']);
    assert.ok(Number(progress['bytes']) >= 0 && Number(progress['totalBytes']) > 0, JSON.stringify(progress));
    assert.ok(Number(result['bytes']) > 30e6);
  });

  it('10: the drill opens a copy, compares it, and tells how it went', async () => {
    await press('Drill now');
    const good = await listener.next(NOTIFICATION);
    assert.match(good as string, /^Restore drill passed\.\nbackup\/data: (?:same|behind)/);
    assert.match(good as string, /, \d+ files compared/);
    assert.deepEqual((await machines.nas2.datasets('backup')).filter((name) => name.includes('zfsflow-drill')), []); // prettier-ignore
    await machines.nas2.run(['zfs', 'rename', 'backup/data/photos', 'backup/photos']);
    await press('Drill now');
    const bad = await listener.next(NOTIFICATION);
    assert.equal(bad, 'Restore drill FAILED.\nthe target "backup/data/photos" does not exist');
    await machines.nas2.run(['zfs', 'rename', 'backup/photos', 'backup/data/photos']);
  });

  it('01: the nightly run takes snapshots and deletes old ones by the rules', async () => {
    const before = await names('nas1', 'tank/data/photos');
    await press('Every night at 2:30');
    const until = Date.now() + 120_000;
    let now = before;
    while (now.length >= before.length) {
      assert.ok(Date.now() < until, nodeRed.log);
      await sleep(200);
      now = await names('nas1', 'tank/data/photos');
    }
    assert.ok(
      now.some((name) => !before.includes(name)),
      'no snapshot was taken',
    );
    assert.ok(now.includes('auto-2030-01-02_00-00'), 'the newest one that nas2 has is gone');
    assert.ok(
      before.every((name) => now.includes(name) || name.startsWith('auto-')),
      'a foreign snapshot is gone',
    );
  });

  it('05: nothing is destroyed before somebody approves the plan, and then just that', async () => {
    const list = async (): Promise<string[]> => [
      ...(await names('nas1', 'tank/data')),
      ...(await names('nas1', 'tank/data/photos')),
    ];
    const before = await list();
    await press('Every Sunday at 3:00');
    const question = await listener.next('nas/prune/question');
    assert.ok(typeof question === 'object');
    const asked = question['snapshots'] as { snapshot: string; why: string }[];
    assert.ok(asked.length > 0 && asked.every(({ why }) => why.startsWith('goes:')));
    assert.deepEqual(await list(), before);
    const answer = (planId: unknown): Promise<unknown> =>
      listener.client.publishAsync('nas/prune/answer', JSON.stringify({ approve: planId }));
    await answer('0123456789');
    const refusal = await listener.next('nas/prune/error');
    assert.ok(typeof refusal === 'object');
    assert.equal(refusal['code'], 'PLAN_STALE');
    assert.deepEqual(await list(), before);
    await answer(question['planId']);
    const result = await listener.next('nas/prune/result');
    assert.ok(typeof result === 'object');
    assert.deepEqual((result['destroyed'] as string[]).toSorted(), asked.map(({ snapshot }) => snapshot).toSorted());
    assert.ok((await list()).length < before.length);
  });

  interface Task {
    id: string;
    name: string;
    state: string;
    pause?: { by: string; note?: string };
    last?: { state: string };
  }
  const tasks = async (): Promise<Task[]> =>
    ((await nodeRed.get('zfs-flows/tasks')) as { tasks: Task[] }).tasks.filter(({ state }) => state !== 'off');

  it('08: one MQTT message pauses all tasks, and another lets them go on', async () => {
    const before = await tasks();
    assert.ok(before.length >= 7);
    const order = (body: object): Promise<unknown> =>
      listener.client.publishAsync('nas/maintenance', JSON.stringify(body));
    await order({ paused: true, until: '2h', note: 'new disks' });
    const state = await listener.next('nas/maintenance/state');
    assert.deepEqual(state, { paused: before.length, going: 0, refused: 0 });
    for (const { name, state: now, pause } of await tasks()) {
      assert.deepEqual([now, pause?.note], ['paused', 'new disks'], name);
    }
    await order({ paused: false });
    assert.deepEqual(await listener.next('nas/maintenance/state'), { paused: 0, going: before.length, refused: 0 });
    assert.deepEqual((await tasks()).map(({ state: now }) => now), before.map(({ state: now }) => now)); // prettier-ignore
  });

  it('09: the status page shows every task, and what it is called is text', async () => {
    const name = 'photos <b>& more</b>';
    const rename = (to: string): FlowNode[] => flows.map((node) => (node['name'] === 'important data' ? { ...node, name: to } : node)); // prettier-ignore
    await nodeRed.deploy(rename(name));
    const until = Date.now() + 20_000;
    while (!(await tasks()).some((task) => task.name === name)) {
      assert.ok(Date.now() < until);
      await sleep(100);
    }
    const answer = await fetch(`${nodeRed.url}/zfs-status`);
    assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8');
    const page = await answer.text();
    for (const task of await tasks()) {
      const shown = (task.name || 'zfs-').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('/', '&#x2F;'); // prettier-ignore
      assert.ok(page.includes(shown), `${shown} is not in ${page}`);
    }
    assert.match(page, /<h1>\d+ of \d+ need attention<\/h1>/);
    assert.match(page, /<td>(?:ok|idle)<\/td>/);
    await nodeRed.deploy(flows);
  });

  it('07: one message when a backup is late, and one when it is fine again', async () => {
    listener.messages.length = 0;
    await nodeRed.deploy(flows.map((node) => (node['alertAfter'] === '36h' ? { ...node, alertAfter: '3s' } : node)));
    const late = await listener.next(NOTIFICATION);
    assert.match(late as string, /^Backup "important data" is late: late since .+: there has been no success yet$/);
    await sleep(2_000);
    assert.deepEqual(listener.messages.filter(({ topic }) => topic === NOTIFICATION), []); // prettier-ignore
    await press('Replicate the important data now');
    const fine = await listener.next(NOTIFICATION);
    assert.match(fine as string, /^Backup "important data" is fine again: no longer late: the last success was at /);
    await nodeRed.deploy(flows);
  });

  it('04: a failure becomes a message', async () => {
    await machines.nas2.run(['zpool', 'export', 'backup']);
    await press('Every hour');
    const text = await listener.next(NOTIFICATION);
    assert.ok(typeof text === 'string');
    assert.match(text, /^Replication "nas1 to nas2" failed: .+ \((?:DATASET_NOT_FOUND|POOL_UNAVAILABLE)\)$/);
    await machines.nas2.run(['zpool', 'import', '-d', '/dev', 'backup']);
  });
});
