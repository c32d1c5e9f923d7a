// Two lab machines and a Node-RED with flows that work on them, for tests of what goes wrong: a message that must fail
// with a code on output 3 and once in Catch, and one that must succeed soon afterwards.
import assert from 'node:assert/strict';
import type { ErrorCode } from '../../src/base/errors';
import { Lab } from '../lab/lab';
import type { Machine } from '../lab/machine';
import { reloadSshd } from '../lab/sshd';
import { FlowBench, flowOf, type FlowNode, type Message } from './flow-bench';

export interface FlowError {
  code: string;
  message: string;
  retryable: boolean;
  hint?: string;
  field?: string;
  dataset?: string;
  host?: string;
  details?: Record<string, unknown>;
}

/** What a node that was refused a moment ago may take for a good message; the lab's machines are slow. */
const SOON_MS = 60_000;

/** A `zfs-ssh-connection` that leads to a machine; its key is a credential. */
export function connectionNode(id: string, machine: Machine): FlowNode {
  const { host, port, username, hostKeys } = machine.login();
  return { id, type: 'zfs-ssh-connection', host, port, username, hostKeys };
}

export class FlowLab {
  readonly bench = new FlowBench();
  private lab: Lab | undefined;
  private machines: { a: Machine; b: Machine } | undefined;
  private counter = 0;
  /** Messages at output 3 and at Catch, and results, that earlier calls have accounted for; by node. */
  private readonly seen = new Map<string, { failed: number; succeeded: number }>();

  /** Machine a with pool `tank`, b with pool `backup`. */
  async open(): Promise<void> {
    const lab = await Lab.create();
    this.lab = lab;
    const [a, b] = await Promise.all([lab.up('a', { pool: 'tank' }), lab.up('b', { pool: 'backup' })]);
    this.machines = { a, b };
    // OpenSSH since 9.8 shuts out addresses that fail to log in too often; here all tests come from one.
    const lenient = `if sshd -t -o PerSourcePenalties=no 2>/dev/null; then
      sed -i '1i PerSourcePenalties no' /etc/ssh/sshd_config; fi`;
    await Promise.all([a, b].map((machine) => machine.sh(lenient).then(() => reloadSshd(machine))));
    await this.bench.open();
  }

  async close(): Promise<void> {
    await this.bench.close();
    await this.lab?.close();
  }

  get a(): Machine {
    assert.ok(this.machines);
    return this.machines.a;
  }

  get b(): Machine {
    assert.ok(this.machines);
    return this.machines.b;
  }

  ssh(id: string, machine: Machine, more: Record<string, unknown> = {}): FlowNode {
    return { ...connectionNode(id, machine), name: `nas ${id}`, keepaliveInterval: 1, ...more };
  }

  /** Flows with these nodes and with connections `a` and `b`; one given by the same id replaces those. */
  async start(nodes: readonly FlowNode[], ...connections: FlowNode[]): Promise<void> {
    this.seen.clear();
    await this.bench.start(this.flow(nodes, connections), this.credentials(connections));
  }

  async deploy(nodes: readonly FlowNode[], ...connections: FlowNode[]): Promise<void> {
    await this.bench.deploy(this.flow(nodes, connections), 'full', this.credentials(connections));
  }

  private flow(nodes: readonly FlowNode[], connections: readonly FlowNode[]): FlowNode[] {
    const given = connections.map(({ privateKey: _secret, ...node }): FlowNode => node);
    const usual = [this.ssh('a', this.a), this.ssh('b', this.b)];
    return flowOf(nodes, ...usual.filter(({ id }) => given.every((other) => other.id !== id)), ...given);
  }

  /** `privateKey` of a connection is the lab's, unless it names another. */
  private credentials(connections: readonly FlowNode[]): Record<string, object> {
    const { privateKey } = this.a;
    const keys: [string, object][] = ['a', 'b'].map((id) => [id, { privateKey }]);
    for (const { id, privateKey: own } of connections) keys.push([id, { privateKey: own ?? privateKey }]);
    return Object.fromEntries(keys);
  }

  /** A new source dataset with a snapshot of `mb` MiB on a, and the name of a copy on b that is not there yet. */
  async dataset(mb = 1): Promise<{ from: string; to: string }> {
    const [from, to] = [`tank/d${++this.counter}`, `backup/d${this.counter}`];
    await this.a.createDataset(from);
    await this.a.writeRandom(from, 'data', mb);
    await this.a.snapshot(from, 'first');
    return { from, to };
  }

  replicate(id: string, from: string, to: string, more: Record<string, unknown> = {}): FlowNode {
    const ends = { sourceConnection: 'a', sourceDatasets: [from], targetConnection: 'b', targetDataset: to };
    return { id, type: 'zfs-replicate', ...ends, createSnapshot: 'never', retries: 1, retryDelay: 0.2, ...more };
  }

  snapshot(id: string, dataset: string, more: Record<string, unknown> = {}): FlowNode {
    const node = { id, type: 'zfs-snapshot', connection: 'a', datasets: [dataset] };
    return { ...node, namingSchema: `${id}-%Y%m%d-%H%M%S-%f`, ...more };
  }

  list(id: string, dataset: string, more: Record<string, unknown> = {}): FlowNode {
    return { id, type: 'zfs-list-snapshots', connection: 'a', datasets: [dataset], ...more };
  }

  prune(id: string, dataset: string, more: Record<string, unknown> = {}): FlowNode {
    const what = { scope: { namingSchemas: [], nameRegex: '^old' }, policy: { keep: [{ type: 'last', count: 1 }] } };
    return { id, type: 'zfs-retention-prune', connection: 'a', datasets: [dataset], mode: 'execute', ...what, ...more };
  }

  /** One message after the other, each of which fails with this code: once at output 3, once in Catch, nothing else. */
  async fails(code: ErrorCode | RegExp, ids: readonly string[], message: Record<string, unknown> = {}): Promise<void> {
    await Promise.all(ids.map((id) => this.failure(id, code, message)));
  }

  async failure(id: string, code: ErrorCode | RegExp, message: Record<string, unknown> = {}): Promise<FlowError> {
    const { bench } = this;
    const before = this.seen.get(id) ?? { failed: 0, succeeded: 0 };
    bench.send(id, { topic: 'mine', ...message });
    const both = (): boolean => ['error', 'catch'].every((kind) => this.count(id, kind) > before.failed);
    const wrong = (): boolean => this.count(id, 'result') > before.succeeded;
    await bench.until(`an error of ${id}`, () => both() || wrong(), 60_000);
    assert.ok(!wrong(), `${id} succeeded: ${JSON.stringify(bench.at(id, 'result').at(-1)?.payload)}`);
    const [out, caught] = [bench.at(id, 'error').at(-1), bench.at(id, 'catch').at(-1)] as [Message, Message];
    const error = out['error'] as FlowError;
    const said = `${id}: ${JSON.stringify(error)}`;
    if (code instanceof RegExp) assert.match(error.code, code, said);
    else assert.equal(error.code, code, said);
    assert.equal((caught['error'] as FlowError).code, error.code);
    assert.deepEqual([out.topic, caught.topic], ['mine', 'mine']);
    assert.ok(error.message.length > 10 && typeof error.retryable === 'boolean', said);
    assert.ok(typeof out.payload === 'object', said);
    assert.doesNotMatch(JSON.stringify([out, caught]), /PRIVATE KEY/);
    this.seen.set(id, { ...before, failed: before.failed + 1 });
    this.counted(id);
    return error;
  }

  /** A message to each, all of which succeed soon. */
  async succeed(ids: readonly string[], message: Record<string, unknown> = {}, withinMs = SOON_MS): Promise<void> {
    await Promise.all(ids.map((id) => this.success(id, message, withinMs)));
  }

  async success(id: string, message: Record<string, unknown> = {}, withinMs = SOON_MS): Promise<unknown> {
    const { bench } = this;
    const before = this.seen.get(id) ?? { failed: 0, succeeded: 0 };
    bench.send(id, message);
    const over = (): boolean => this.count(id, 'result') > before.succeeded || this.count(id, 'error') > before.failed;
    await bench.until(`a result of ${id}`, over, withinMs);
    const error = this.count(id, 'error') > before.failed ? bench.at(id, 'error').at(-1)?.['error'] : undefined;
    assert.equal(error, undefined, `${id}: ${JSON.stringify(error)}`);
    this.seen.set(id, { ...before, succeeded: before.succeeded + 1 });
    this.counted(id);
    return bench.at(id, 'result').at(-1)?.payload;
  }

  /** Nothing was said twice. */
  private counted(id: string): void {
    const { failed, succeeded } = this.seen.get(id) ?? { failed: 0, succeeded: 0 };
    const counts = ['error', 'catch', 'result'].map((kind) => this.count(id, kind));
    assert.deepEqual(counts, [failed, failed, succeeded], id);
  }

  private count(id: string, kind: string): number {
    return this.bench.at(id, kind as 'error').length;
  }
}
