// Connections that a request brings along: what is asked with them, and above all which secrets go where. The SSH servers are
// real; they remember what they were offered.
import assert from 'node:assert/strict';
import { stageKey, unstageKey } from '../../nodes/admin/staged-keys';
import { readPrivateKey } from '../../src/host/ssh/private-key';
import { Doorkeeper, Gatekeeper, HOST_KEYS } from '../support/doorkeeper';
import { FlowBench, helper, PRIVATE_KEY, sshConnection, type FlowNode } from '../support/flow-bench';
import { newKeyPair } from '../support/key-pair';

const bench = new FlowBench();
const blobOf = (privateKey: string): string => readPrivateKey(privateKey, undefined).getPublicSSH().toString('base64');

describe('connections that a request brings along', () => {
  let door: Doorkeeper;
  let gate: Gatekeeper;
  /** Where nothing of the deployed connections may get to. */
  let elsewhere: Doorkeeper;
  let trap: Gatekeeper;

  const props = (more: Record<string, unknown> = {}): FlowNode =>
    sshConnection(door.port, { authMethod: 'password', hostKeys: HOST_KEYS.public, ...more });
  /** As the contract has them: properties, without the editor's. */
  const draft = (more: Record<string, unknown> = {}): Record<string, unknown> => {
    const { id: _id, type: _type, ...values } = props(more);
    return values;
  };
  const through = (more: Record<string, unknown> = {}): FlowNode =>
    sshConnection(gate.port, { id: 'gate', hostKeys: HOST_KEYS.public, ...more });

  async function ask(connections: unknown, connection = 'ssh'): Promise<Record<string, unknown>> {
    const question = { connection, ...(connections === undefined ? {} : { connections }) };
    const response = await helper.request().post('/zfs-flows/dataset-level').send(question).expect(200);
    return response.body as Record<string, unknown>;
  }

  before(() => bench.open());
  beforeEach(async () => {
    door = await new Doorkeeper().open();
    gate = await new Gatekeeper().open();
    elsewhere = await new Doorkeeper().open();
    trap = await new Gatekeeper().open();
    await bench.start([props(), through(), props({ id: 'inner', jumpConnection: 'gate' })], {
      ssh: { password: 'stored' },
      inner: { password: 'inner' },
      gate: { privateKey: PRIVATE_KEY },
    });
  });
  afterEach(async () => {
    await bench.stop();
    await Promise.all([door, gate, elsewhere, trap].map((server) => server.close()));
  });
  after(() => bench.close());

  it('are asked with the key that waits for them on the server, and with what was typed in', async () => {
    const pair = newKeyPair();
    const values = draft({ authMethod: 'privateKey', name: 'new one' });
    stageKey(bench.RED, 'new', { privateKey: pair.private }, { account: values });
    try {
      const answer = await ask({ new: values }, 'new');
      assert.deepEqual([answer['ok'], answer['code']], [false, 'AUTHENTICATION_FAILED']);
      assert.match(String(answer['message']), /new one/);
      assert.equal(door.offered, blobOf(pair.private));
      await ask({ new: draft({ credentials: { password: 'typed' } }) }, 'new');
      assert.deepEqual([...new Set(door.passwords)], ['typed']);
    } finally {
      unstageKey(bench.RED, 'new');
    }
  });

  it('use a stored secret for the account that is deployed, also where something else is changed', async () => {
    await ask({ ssh: draft({ zfsPath: '/opt/zfs/bin' }) });
    assert.deepEqual([...new Set(door.passwords)], ['stored']);
  });

  it('never bring a stored secret to another host, port, account, or over another way', async () => {
    for (const changed of [
      { port: elsewhere.port },
      { host: 'localhost' },
      { username: 'somebody' },
      { jumpConnection: 'gate' },
    ]) {
      const answer = await ask({ ssh: draft(changed) });
      assert.equal(answer['code'], 'AUTHENTICATION_FAILED', JSON.stringify(changed));
    }
    // Another id than it is stored under.
    await ask({ somebody: draft() }, 'somebody');
    // Ids of nodes that are no connections, and of none at all.
    await ask({ tab: draft() }, 'tab');
    assert.deepEqual(
      [...door.passwords, ...elsewhere.passwords].filter((password) => password !== ''),
      [],
    );
  });

  it('never send a stored password to a host that has other keys than the deployed one', async () => {
    const liar = newKeyPair().public;
    const answer = await ask({ ssh: draft({ hostKeys: `${liar}\n${HOST_KEYS.public}` }) });
    assert.equal(answer['code'], 'AUTHENTICATION_FAILED');
    assert.deepEqual(
      door.passwords.filter((password) => password !== ''),
      [],
    );
  });

  it('never lead the way of what is deployed over a stop of their own', async () => {
    // The stop lets everybody through to a host of its choice.
    const stop = { ...through({ port: trap.port }), credentials: { privateKey: PRIVATE_KEY } };
    const inner = draft({ jumpConnection: 'gate' });
    await ask({ gate: stop, inner }, 'inner');
    assert.ok(!door.passwords.includes('inner'), 'the stored password of "inner" went over the stop of the request');
    // What has no draft is reached as it is deployed.
    await ask({ gate: stop }, 'inner');
    assert.deepEqual(
      [...new Set(door.passwords)].filter((password) => password !== ''),
      ['inner'],
    );
    door.passwords.length = 0;
    // The same stop, and so the same way.
    await ask({ gate: through(), inner }, 'inner');
    assert.deepEqual([...new Set(door.passwords)], ['inner']);
  });

  it('may be reached through one another, and not in a circle', async () => {
    const typed = draft({ jumpConnection: 'first', credentials: { password: 'second' } });
    const first = { ...through({ username: 'other' }), credentials: { privateKey: PRIVATE_KEY } };
    assert.equal((await ask({ first, second: typed }, 'second'))['code'], 'AUTHENTICATION_FAILED');
    assert.deepEqual([...new Set(door.passwords)], ['second']);
    const circle = await ask({ first: { ...first, jumpConnection: 'second' }, second: typed }, 'second');
    assert.deepEqual([circle['code'], circle['field']], ['INVALID_OPTIONS', 'jumpConnection']);
    const nowhere = await ask({ second: draft({ jumpConnection: 'nobody' }) }, 'second');
    assert.deepEqual([nowhere['code'], nowhere['field']], ['INVALID_OPTIONS', 'jumpConnection']);
  });

  it('are refused when they are none', async () => {
    for (const connections of [7, 'ssh', [], { ssh: 7 }, { ssh: null }, { ssh: [] }, { '': {} }]) {
      const answer = await ask(connections);
      assert.deepEqual(
        [answer['code'], answer['field']],
        ['INVALID_OPTIONS', 'connections'],
        JSON.stringify(connections),
      );
    }
    assert.equal((await ask({ ssh: draft({ host: '' }) }))['field'], 'host');
    assert.equal((await ask({ other: draft() }, 'unknown'))['field'], 'connection');
    assert.deepEqual(door.passwords, []);
  });
});
