// Jump connections as Node-RED deploys them: circles and missing ones, what a change of one is for those behind it, and which
// secrets go where. Node-RED makes no node of a configuration that needs itself, and stops making nodes at the first.
import assert from 'node:assert/strict';
import { Doorkeeper, Gatekeeper, HOST_KEYS } from '../support/doorkeeper';
import {
  BlackHole,
  FlowBench,
  flowOf,
  flowWith,
  helper,
  PRIVATE_KEY,
  sshConnection,
  type FlowNode,
} from '../support/flow-bench';

const bench = new FlowBench();

describe('jump connections', () => {
  let hole: BlackHole;

  before(() => bench.open());
  beforeEach(async () => {
    hole = await new BlackHole().open();
  });
  afterEach(async () => {
    await bench.stop();
    await hole.close();
  });
  after(() => bench.close());

  const ssh = (id: string, jumpConnection = '', more: Record<string, unknown> = {}): FlowNode =>
    sshConnection(hole.port, { id, name: id.toUpperCase(), connectTimeout: 60, jumpConnection, ...more });
  const lister = (connection: string, id = `list-${connection}`): FlowNode => ({
    id,
    type: 'zfs-list-snapshots',
    connection,
    datasets: ['tank'],
  });
  const keysFor = (...ids: string[]): Record<string, object> =>
    Object.fromEntries(ids.map((id) => [id, { privateKey: PRIVATE_KEY }]));

  async function ask(endpoint: string, body: object): Promise<Record<string, unknown>> {
    const response = await helper.request().post(`/zfs-flows/${endpoint}`).send(body).expect(200);
    return response.body as Record<string, unknown>;
  }

  it('in a circle are refused, and nothing else', async () => {
    const circle = [ssh('a', 'b'), ssh('b', 'a'), ssh('c', 'c'), ssh('behind', 'a'), ssh('gone', 'nowhere')];
    const off = [ssh('off', '', { d: true }), ssh('below', 'off')];
    const listers = ['a', 'b', 'c', 'behind', 'gone', 'below', 'ok'].map((id) => lister(id));
    await bench.start(flowOf(listers, ...circle, ...off, ssh('jump'), ssh('ok', 'jump')), keysFor('jump', 'ok'));
    const expected: [string, RegExp][] = [
      ['a', /jump connections of "A" lead in a circle: A → B → A/],
      ['b', /lead in a circle: B → A → B/],
      ['c', /lead in a circle: C → C/],
      ['behind', /lead in a circle: BEHIND → A → B → A/],
      ['gone', /"GONE" is reached through the SSH connection "nowhere"/],
      ['below', /"BELOW" is reached through the SSH connection "off"/],
    ];
    for (const [id, text] of expected) {
      bench.send(`list-${id}`);
      const { error } = (await bench.first(`list-${id}`, 'error')) as unknown as { error: Record<string, unknown> };
      assert.equal(error['code'], 'INVALID_OPTIONS', id);
      assert.equal(error['field'], 'jumpConnection');
      assert.match(String(error['message']), text);
      const answer = await ask('datasets', { connection: id });
      assert.deepEqual([answer['code'], answer['message']], ['INVALID_OPTIONS', error['message']]);
    }
    bench.send('list-ok');
    await bench.until('a connection to the jump host of the one that is right', () => hole.connections === 1);
    assert.deepEqual(bench.at('list-ok', 'error'), []);
  });

  it('that are not deployed yet are refused in a test, and those that would make a circle', async () => {
    await bench.start([ssh('x'), ssh('y', 'x')], keysFor('x', 'y'));
    const asked = { ...ssh('x', 'y'), credentials: { privateKey: PRIVATE_KEY } };
    for (const endpoint of ['test-connection', 'discover-host-key']) {
      const { code, field, message } = await ask(endpoint, asked);
      assert.deepEqual([code, field], ['INVALID_OPTIONS', 'jumpConnection']);
      assert.match(String(message), /X → Y → X/);
      const missing = await ask(endpoint, { ...asked, jumpConnection: 'new' });
      assert.deepEqual([missing['code'], missing['field']], ['INVALID_OPTIONS', 'jumpConnection']);
      assert.match(String(missing['hint']), /not deployed yet/);
    }
  });

  it('that are changed are a change of those behind them', async () => {
    const flow = (jump: Record<string, unknown> = {}): FlowNode[] =>
      flowWith(lister('ssh', 'n'), ssh('first', '', jump), ssh('second', 'first'), ssh('ssh', 'second'));
    const keys = keysFor('first', 'second', 'ssh');
    await bench.start(flow(), keys);
    bench.send('n');
    await bench.until('the connection', () => hole.connections === 1);
    await bench.deploy([...flow(), { id: 'more', type: 'test-collector', z: 'tab', wires: [] }], 'full', keys);
    assert.deepEqual(bench.at('n', 'error'), []);
    await bench.deploy(flow({ username: 'other' }), 'nodes', keys);
    const failed = (await bench.first('n', 'error')) as unknown as { error: { code: string } };
    assert.equal(failed.error.code, 'CANCELLED');
    bench.send('n');
    await bench.until('another connection', () => hole.connections === 2);
  });

  it('never lead a stored secret somewhere else', async () => {
    const [gate, door] = [await new Gatekeeper().open(), await new Doorkeeper().open()];
    const safe = ssh('safe', '', {
      authMethod: 'password',
      username: 'me',
      port: door.port,
      hostKeys: HOST_KEYS.public,
    });
    const jump = ssh('jump', '', { port: gate.port, hostKeys: HOST_KEYS.public });
    await bench.start([safe, jump], { safe: { password: 'stored' }, ...keysFor('jump') });
    const test = async (more: object): Promise<unknown> => (await ask('test-connection', { ...safe, ...more }))['code'];
    assert.equal(await test({ credentials: { password: '__PWRD__' } }), 'AUTHENTICATION_FAILED');
    assert.equal(await test({ jumpConnection: 'jump', credentials: { password: 'typed' } }), 'AUTHENTICATION_FAILED');
    // Over another way the same name may be another machine's: there is nothing to log in with.
    assert.equal(
      await test({ jumpConnection: 'jump', credentials: { password: '__PWRD__' } }),
      'AUTHENTICATION_FAILED',
    );
    assert.deepEqual(door.passwords, ['stored', 'typed', '']);
    await Promise.all([gate.close(), door.close()]);
  });
});
