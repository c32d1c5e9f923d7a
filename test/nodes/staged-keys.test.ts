// Keys that wait on the server for their node to be deployed: nobody else's deploy loses them, nothing is replaced before its
// own deploy, and what is not deployed is forgotten. The runtime and its store of credentials are real.
import assert from 'node:assert/strict';
import { mock } from 'node:test';
import {
  assertMayStage,
  stagedCredentials,
  stageKey,
  unstageKey,
  type StageOptions,
} from '../../nodes/admin/staged-keys';
import type { Red } from '../../nodes/runtime/red';
import { Doorkeeper, HOST_KEYS } from '../support/doorkeeper';
import { FlowBench, helper, type FlowNode } from '../support/flow-bench';
import { newKeyPair } from '../support/key-pair';

const bench = new FlowBench();

const blob = (pair: { public: string }): string => pair.public.split(' ')[1] ?? '';

describe('keys that wait for their node', () => {
  const old = newKeyPair();
  let door: Doorkeeper;
  let RED: Red;
  const cleanUp: string[] = [];

  const node = (more: Record<string, unknown> = {}): FlowNode => ({
    id: 'ssh',
    type: 'zfs-ssh-connection',
    host: '127.0.0.1',
    port: door.port,
    hostKeys: HOST_KEYS.public,
    ...more,
  });
  const other: FlowNode = { id: 'other', type: 'zfs-ssh-connection', host: 'elsewhere' };
  const account = (): Record<string, unknown> => ({ host: '127.0.0.1', port: door.port, username: '' });

  function stage(id: string, pair: { private: string }, options: StageOptions = {}): void {
    cleanUp.push(id);
    stageKey(RED, id, { privateKey: pair.private }, { account: account(), ...options });
  }

  /** As a deploy from the editor: without credentials, so that the runtime keeps and cleans its own. */
  const deploy = async (flow: FlowNode[], type: 'full' | 'nodes' = 'full'): Promise<void> =>
    bench.deploy(flow, type, {});

  /** Which key the deployed connection shows the server. */
  async function used(id = 'ssh'): Promise<string> {
    door.offered = 'none';
    const answer = await helper.request().post('/zfs-flows/datasets').send({ connection: id }).expect(200);
    assert.equal((answer.body as { ok: boolean }).ok, false);
    return door.offered;
  }

  async function tested(id: string, more: object = {}): Promise<string> {
    door.offered = 'none';
    await helper
      .request()
      .post('/zfs-flows/test-connection')
      .send({ ...node(), id, ...more })
      .expect(200);
    return door.offered;
  }

  const secretsOf = (id: string): string => JSON.stringify(RED.nodes.getCredentials(id) ?? null);

  before(() => bench.open());
  beforeEach(async () => {
    door = await new Doorkeeper().open();
    await bench.start([node()], { ssh: { privateKey: old.private, password: 'kept' } });
    RED = bench.RED;
  });
  afterEach(async () => {
    mock.timers.reset();
    for (const id of cleanUp.splice(0)) unstageKey(RED, id);
    await bench.stop();
    await door.close();
  });
  after(() => bench.close());

  it('wait for a node that does not exist yet, over deploys of others', async () => {
    const made = newKeyPair();
    stage('new', made);
    await deploy([node(), other]);
    await deploy([node()]);
    await deploy([node(), other], 'nodes');
    await deploy([node(), other, node({ id: 'new' })], 'nodes');
    assert.equal(await used('new'), blob(made));
    assert.equal(await used(), blob(old));
    // It is the node's own now.
    await helper.request().post('/zfs-flows/forget-staged-key').send({ id: 'new' }).expect(200);
    await deploy([node(), node({ id: 'new' })]);
    assert.equal(await used('new'), blob(made));
  });

  it('are there from the first moment of the deploy', async () => {
    const made = newKeyPair();
    stage('new', made);
    const seen: string[] = [];
    const look = (): void => void seen.push(secretsOf('new'));
    RED.events.on('flows:stopped', look);
    await deploy([node(), other]);
    RED.events.off('flows:stopped', look);
    assert.ok(seen[0]?.includes('PRIVATE KEY'), 'the next deploy may begin before the flows of this one have started');
  });

  it('can be tested before they are deployed, by the account that they are for', async () => {
    const made = newKeyPair();
    stage('new', made);
    assert.equal(await tested('new'), blob(made));
    assert.equal(await tested('new', { username: 'somebody' }), 'none');
    assert.equal(await tested('unknown'), 'none');
  });

  it('can be made anew', async () => {
    const [first, second] = [newKeyPair(), newKeyPair()];
    stage('new', first);
    stage('new', second);
    await deploy([node({ id: 'new' })]);
    assert.equal(await used('new'), blob(second));
  });

  it('never replace the secrets of a node unasked', async () => {
    await deploy([node(), { id: 'tab', type: 'tab' }]);
    const refuses = (id: string, replace = false): void => {
      assert.throws(() => assertMayStage(RED, id, replace), { code: 'INVALID_OPTIONS', field: 'id' }, id);
      assert.throws(() => stage(id, old, { replace }), { code: 'INVALID_OPTIONS', field: 'id' }, id);
    };
    void RED.nodes.addCredentials('foreign', { token: 't' });
    for (const id of ['ssh', 'foreign', '', '__proto__', 'constructor', 'a b', '../x']) refuses(id);
    // A node of another kind is nobody's own dialog here; what has credentials and no node is another package's.
    refuses('tab', true);
    refuses('foreign', true);
    assert.deepEqual(RED.nodes.getCredentials('foreign'), { token: 't' });
    assert.ok(secretsOf('ssh').includes(JSON.stringify(old.private)));
  });

  it('replace those of a node at its next deploy, and nothing before', async () => {
    const made = newKeyPair();
    stage('ssh', made, { replace: true });
    assert.equal(await used(), blob(old));
    assert.equal(await tested('ssh'), blob(made));
    // Stopped and started again, by somebody who deploys nothing.
    await helper.clearFlows();
    await (Reflect.get(helper, '_redNodes') as { startFlows(): Promise<void> }).startFlows();
    assert.equal(await used(), blob(old));
    await deploy([node()]);
    assert.equal(await used(), blob(made));
    assert.equal((RED.nodes.getCredentials('ssh') as { password?: string }).password, 'kept');
    assert.ok(!secretsOf('ssh').includes('Staged'));
  });

  it('replace them also where a deploy leaves the node alive', async () => {
    const made = newKeyPair();
    stage('ssh', made, { replace: true });
    const before = RED.nodes.getNode('ssh');
    await deploy([node(), other], 'nodes');
    assert.equal(RED.nodes.getNode('ssh'), before);
    assert.equal(await used(), blob(made));
  });

  it('replace nothing of a node that is deployed for another account', async () => {
    const made = newKeyPair();
    stage('ssh', made, { replace: true, account: { ...account(), username: 'other' } });
    await deploy([node(), other]);
    assert.equal(await used(), blob(old));
    await deploy([node({ username: 'other' })]);
    assert.equal(await used(), blob(made));
  });

  it('replace nothing that was entered by hand since', async () => {
    const [made, pasted] = [newKeyPair(), newKeyPair()];
    stage('ssh', made, { replace: true });
    await deploy([node({ credentials: { privateKey: pasted.private } })]);
    assert.equal(await used(), blob(pasted));
    assert.ok(!secretsOf('ssh').includes('Staged'));
  });

  it('take the passphrase of the former key away', async () => {
    await deploy([node({ credentials: { passphrase: 'of the old key' } })]);
    stage('ssh', newKeyPair(), { replace: true });
    await deploy([node()]);
    assert.deepEqual(Object.keys(RED.nodes.getCredentials('ssh')).toSorted(), ['password', 'privateKey']);
  });

  it('come into force when a restart finds them saved', async () => {
    const made = newKeyPair();
    stage('ssh', made, { replace: true });
    // What the deploy saves, before it has started anything.
    const saved = structuredClone(RED.nodes.getCredentials('ssh'));
    await deploy([node()]);
    await helper.unload();
    await bench.start([node()], { ssh: saved });
    assert.equal(await used(), blob(made));
    await helper.unload();
    await bench.start([node({ username: 'other' })], { ssh: saved });
    assert.equal(await used(), blob(old));
    assert.ok(!secretsOf('ssh').includes('Staged'));
  });

  it('are gone after an hour', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    stage('new', newKeyPair());
    stage('ssh', newKeyPair(), { replace: true });
    mock.timers.tick(3_599_000);
    assert.ok(secretsOf('new').includes('PRIVATE KEY'));
    mock.timers.tick(2_000);
    mock.timers.reset();
    assert.equal(secretsOf('new'), 'null');
    assert.equal(stagedCredentials('new', account()), undefined);
    assert.ok(!secretsOf('ssh').includes('Staged'));
    await deploy([node(), node({ id: 'new' })]);
    assert.equal(await used(), blob(old));
    assert.equal(await used('new'), 'none');
  });

  it('are no more than a hundred', () => {
    for (let n = 0; n < 100; n++) stage(`new${n}`, old);
    assert.throws(() => assertMayStage(RED, 'one-more'), { code: 'BUSY' });
    stage('new7', newKeyPair());
    unstageKey(RED, 'new3');
    assertMayStage(RED, 'one-more');
  });
});
