// What the dialogs ask of the runtime. The servers are real: ssh2's own SSH server, and ports that refuse or stay silent.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { registerEndpoints } from '../../nodes/admin/endpoints';
import listSnapshots = require('../../nodes/list-snapshots/list-snapshots');
import replicate = require('../../nodes/replicate/replicate');
import prune = require('../../nodes/retention-prune/retention-prune');
import type { Red } from '../../nodes/runtime/red';
import snapshot = require('../../nodes/snapshot/snapshot');
import connection = require('../../nodes/ssh-connection/ssh-connection');
import { fingerprint, parseHostKeys } from '../../src/host/ssh/host-keys';
import { readPrivateKey } from '../../src/host/ssh/private-key';
import { Doorkeeper, HOST_KEYS } from '../support/doorkeeper';
import { closedPort, FlowBench, helper, sshConnection, type FlowNode } from '../support/flow-bench';
import { newKeyPair } from '../support/key-pair';

const bench = new FlowBench();
describe('the admin endpoints', () => {
  let door: Doorkeeper;

  async function ask(endpoint: string, body: object): Promise<Record<string, unknown>> {
    const response = await helper.request().post(`/zfs-flows/${endpoint}`).send(body).expect(200);
    return response.body as Record<string, unknown>;
  }

  const deployed = (): FlowNode => sshConnection(door.port, { authMethod: 'password', hostKeys: HOST_KEYS.public });
  const question = (more: object = {}): object => ({
    ...deployed(),
    credentials: { password: '__PWRD__' },
    ...more,
  });

  before(() => bench.open());
  beforeEach(async () => {
    door = await new Doorkeeper().open();
    await bench.start([deployed()], { ssh: { password: 'stored' } });
  });
  afterEach(async () => {
    await bench.stop();
    await door.close();
  });
  after(() => bench.close());

  it('discover the host keys with fingerprints as ssh-keygen prints them', async () => {
    const { keys } = await ask('discover-host-key', { host: '127.0.0.1', port: door.port });
    const [expected] = parseHostKeys(HOST_KEYS.public);
    assert.ok(expected);
    assert.deepEqual(keys, [{ type: 'ssh-ed25519', key: expected.base64, fingerprint: fingerprint(expected) }]);
  });

  it('say why a host cannot be asked', async () => {
    const refused = await ask('discover-host-key', { host: '127.0.0.1', port: await closedPort() });
    assert.deepEqual([refused['ok'], refused['code']], [false, 'CONNECTION_REFUSED']);
    const nameless = await ask('discover-host-key', { port: door.port });
    assert.deepEqual([nameless['ok'], nameless['code']], [false, 'INVALID_OPTIONS']);
  });

  it('generate key pairs that can be read again', async () => {
    for (const type of ['ed25519', 'rsa']) {
      const { privateKey, publicKey } = await ask('generate-key-pair', { type });
      const key = readPrivateKey(String(privateKey), undefined);
      assert.ok(String(publicKey).includes(key.getPublicSSH().toString('base64')), type);
    }
    assert.equal((await ask('generate-key-pair', { type: 'dsa' }))['code'], 'INVALID_OPTIONS');
  });

  it('test a connection with the stored secret of the account that is deployed', async () => {
    const answer = await ask('test-connection', question());
    assert.deepEqual([answer['ok'], answer['code']], [false, 'AUTHENTICATION_FAILED']);
    assert.deepEqual([...new Set(door.passwords)], ['stored']);
    assert.doesNotMatch(JSON.stringify(answer), /stored/);
  });

  it('test with what was typed in rather than with what is stored', async () => {
    await ask('test-connection', question({ credentials: { password: 'typed' } }));
    assert.deepEqual([...new Set(door.passwords)], ['typed']);
  });

  it('never send a stored secret to another host, port or account', async () => {
    const other = await new Doorkeeper().open();
    await ask('test-connection', question({ port: other.port }));
    await ask('test-connection', question({ host: 'localhost' }));
    await ask('test-connection', question({ username: 'somebody' }));
    await ask('test-connection', question({ id: 'unknown' }));
    await other.close();
    assert.ok(![...door.passwords, ...other.passwords].includes('stored'));
  });

  it('refuse a changed host key with both fingerprints, before any secret is sent', async () => {
    const strange = newKeyPair().public;
    const answer = await ask('test-connection', question({ hostKeys: strange }));
    assert.equal(answer['code'], 'HOST_KEY_MISMATCH');
    assert.equal(String(answer['message']).match(/SHA256:/g)?.length, 2, String(answer['message']));
    assert.deepEqual(door.passwords, []);
    assert.equal((await ask('test-connection', question({ hostKeys: '' })))['code'], 'HOST_KEY_UNKNOWN');
  });

  it('list datasets of deployed connections only', async () => {
    assert.equal((await ask('datasets', { connection: 'unknown' }))['code'], 'INVALID_OPTIONS');
    assert.equal((await ask('datasets', { connection: 'ssh' }))['code'], 'AUTHENTICATION_FAILED');
  });

  it('tell when a schedule is due next, as the clocks of its zone show it', async () => {
    const answer = await ask('next-runs', { schedule: '0 0 29 2 *', scheduleTimeZone: 'Asia/Kolkata' });
    const times = answer['times'] as string[];
    assert.equal(times.length, 3);
    for (const time of times) assert.match(time, /^\d{4}-02-29 00:00$/);
    assert.deepEqual(await ask('next-runs', { schedule: '' }), { ok: true, times: [] });
    const { code, ok } = await ask('next-runs', { schedule: '* * *' });
    assert.deepEqual([ok, code], [false, 'INVALID_OPTIONS']);
  });

  it('preview no rules on what only a message knows', async () => {
    const asked = { connection: 'unknown', datasets: ['tank'], policy: {}, scope: {} };
    const later: object[] = [
      { ...asked, datasetsType: 'msg' },
      { ...asked, namingSchemaType: 'flow' },
      { ...asked, sourceDatasets: ['tank'], sourceDatasetsType: 'jsonata', targetDataset: 'b' },
      { ...asked, nameRegexType: 'env' },
    ];
    for (const question of later) {
      const { code, message } = await ask('preview-retention', question);
      assert.equal(code, 'INVALID_OPTIONS');
      assert.match(String(message), /comes from (msg|flow|jsonata|env), so it is known only when a message comes/);
    }
    // What is done with the plan does not matter.
    const { message } = await ask('preview-retention', { ...asked, modeType: 'msg' });
    assert.match(String(message), /no SSH connection/);
  });

  it('survive any body', async () => {
    for (const body of [
      { credentials: [] },
      { host: 7 },
      { host: 'h', port: 'x' },
      { connection: {} },
      { credentials: 5, host: 'h' },
    ]) {
      for (const endpoint of ['discover-host-key', 'test-connection', 'set-up-remote', 'datasets']) {
        if (endpoint === 'datasets' && !('connection' in body)) continue;
        const answer = await ask(endpoint, { connectTimeout: 1, ...body });
        assert.equal(answer['ok'], false);
      }
    }
  });
});

describe('the admin endpoints of one node type alone', () => {
  before(() => bench.open());
  after(() => bench.close());
  afterEach(() => helper.unload());

  // As when somebody has disabled all the others in the palette.
  const types = { connection, snapshot, listSnapshots, replicate, prune };
  for (const [name, module] of Object.entries(types)) {
    it(`answer to all dialogs (${name})`, async () => {
      await helper.load(module, []);
      const refused = ['datasets', 'preview-retention', 'discover-host-key', 'test-connection', 'set-up-remote'];
      for (const endpoint of refused) {
        const question = { connection: 'none', datasets: ['tank'] };
        const answer = await helper.request().post(`/zfs-flows/${endpoint}`).send(question).expect(200);
        assert.equal((answer.body as { code: string }).code, 'INVALID_OPTIONS', endpoint);
      }
      const runs = await helper.request().post('/zfs-flows/next-runs').send({ schedule: '@daily' }).expect(200);
      assert.equal((runs.body as { times: string[] }).times.length, 3);
      await helper.request().post('/zfs-flows/generate-key-pair').send({}).expect(200);
    });
  }

  it('are registered once for each admin server', () => {
    const routes: string[] = [];
    const runtime = (httpAdmin: object): Red =>
      ({ httpAdmin, events: new EventEmitter(), auth: { needsPermission: () => () => undefined } }) as unknown as Red;
    const server = {
      post: (route: string) => routes.push(`POST ${route}`),
      get: (route: string) => routes.push(`GET ${route}`),
    };
    registerEndpoints(runtime(server));
    registerEndpoints(runtime(server));
    assert.deepEqual(routes.toSorted(), [...new Set(routes)].toSorted());
    registerEndpoints(runtime({ ...server }));
    assert.equal(routes.length, 2 * new Set(routes).size);
  });
});
