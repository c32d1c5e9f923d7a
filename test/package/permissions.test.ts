// Who may ask what of the runtime, in a Node-RED with accounts (adminAuth): nobody without a token, and readers nothing
// that connects anywhere or makes keys. node-red-node-test-helper passes everybody, so this needs a real one.
import assert from 'node:assert/strict';
import { BlackHole } from '../support/flow-bench';
import { NODE_RED_4, NodeRed, ROOT, makeUserDir, nodeRed5, type Platform } from './node-red';
import { newKeyPair } from '../support/key-pair';

const PASSWORD = 'lab-password';
/** PASSWORD, as `node-red admin hash-pw` gives it. */
const HASH = '$2b$08$xfbMVlNA148tvrShMK1lxe1n/zqTiesH3xgpBuoZNUWtFlbkICibu';
const USERS: Record<string, string | string[]> = {
  admin: '*',
  reader: 'read',
  'zfs-reader': ['zfs.read'],
  'zfs-writer': ['zfs.write'],
  operator: ['read', 'zfs.tasks.write'],
};
const WRITE = [
  'discover-host-key',
  'generate-key-pair',
  'test-connection',
  'set-up-remote',
  'set-up-truenas',
  'forget-staged-key',
] as const;
/** They change what runs, and nothing that is deployed. */
const ORDERS = ['tasks/run', 'tasks/cancel', 'tasks/pause'] as const;
const LOOKS = ['tasks', 'tasks/log?id=n', 'metrics'] as const;
const READ = [
  'datasets',
  'dataset-level',
  'dataset-search',
  'count-snapshots',
  'next-runs',
  'preview-retention',
] as const;

const platforms: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5 on Node 24', nodeRed5],
];
for (const [label, platform] of platforms) {
  describe(`permissions in ${label}`, function () {
    this.timeout(300_000);
    let nodeRed: NodeRed;
    let hole: BlackHole;
    const tokens = new Map<string, string>();

    before(async () => {
      hole = await new BlackHole().open();
      const users = Object.entries(USERS).map(([username, permissions]) => ({ username, permissions, password: HASH }));
      const settings = { adminAuth: { type: 'credentials', users } };
      const node = {
        id: 'n',
        type: 'zfs-snapshot',
        z: 'tab',
        name: 'nightly',
        datasets: ['tank'],
        x: 1,
        y: 1,
        wires: [],
      };
      const flows = [{ id: 'tab', type: 'tab', label: 'test' }, node];
      nodeRed = await NodeRed.start(await platform(), await makeUserDir({ packageSource: ROOT, settings, flows }));
      for (const username of Object.keys(USERS)) tokens.set(username, await login(username));
    });
    after(async () => {
      await nodeRed?.stop();
      await hole?.close();
    });

    async function login(username: string): Promise<string> {
      const scope = Array.isArray(USERS[username]) ? USERS[username].join(' ') : USERS[username];
      const asked = { client_id: 'node-red-admin', grant_type: 'password', scope, username, password: PASSWORD };
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${nodeRed.url}/auth/token`, { method: 'POST', headers, body: JSON.stringify(asked) });
      assert.equal(answer.status, 200, await answer.clone().text());
      return ((await answer.json()) as { access_token: string }).access_token;
    }

    /** What an endpoint answers to a user, or to nobody: as to a connection that would hang for a second. */
    async function ask(
      endpoint: string,
      user: string | null,
      token: string | undefined = tokens.get(user ?? ''),
      more: object = {},
    ): Promise<Response> {
      const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const credentials = { privateKey: newKeyPair().private };
      const hostKeys = newKeyPair().public.trim();
      const host = { host: '127.0.0.1', port: hole.port, connectTimeout: 1, hostKeys, credentials };
      const body = { ...host, connection: 'none', schedule: 'none', id: 'n', paused: true, ...more };
      return fetch(`${nodeRed.url}/zfs-flows/${endpoint}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...authorization },
        body: JSON.stringify(body),
      });
    }

    async function look(endpoint: string, user: string | null): Promise<Response> {
      const token = tokens.get(user ?? '');
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return fetch(`${nodeRed.url}/zfs-flows/${endpoint}`, { headers });
    }

    it('no endpoint answers without a token, or with one that nobody has', async () => {
      for (const endpoint of LOOKS) {
        const answer = await look(endpoint, null);
        assert.equal(answer.status, 401, endpoint);
        assert.doesNotMatch(await answer.text(), /nightly|zfsflow/);
      }
      for (const endpoint of [...WRITE, ...ORDERS, ...READ]) {
        for (const token of [undefined, 'made-up']) {
          const answer = await ask(endpoint, null, token);
          assert.equal(answer.status, 401, endpoint);
          assert.doesNotMatch(await answer.text(), /ok|key/i);
        }
      }
      assert.equal(hole.connections, 0, 'a connection was made');
    });

    it('what connects somewhere or makes keys needs the right to write', async () => {
      for (const endpoint of WRITE) {
        for (const user of ['reader', 'zfs-reader', 'operator']) {
          assert.equal((await ask(endpoint, user)).status, 401, `${endpoint} for ${user}`);
        }
      }
      assert.equal(hole.connections, 0, 'a connection was made');
      for (const endpoint of WRITE) {
        for (const user of ['admin', 'zfs-writer']) {
          assert.equal((await ask(endpoint, user)).status, 200, `${endpoint} for ${user}`);
        }
      }
    });

    it('tasks are seen with the right to read', async () => {
      for (const endpoint of LOOKS) {
        for (const user of ['admin', 'reader', 'zfs-reader', 'operator']) {
          const answer = await look(endpoint, user);
          assert.equal(answer.status, 200, `${endpoint} for ${user}`);
          assert.match(await answer.text(), /nightly|"id":"n"/);
        }
        assert.equal((await look(endpoint, 'zfs-writer')).status, 401, `${endpoint} for zfs-writer`);
      }
    });

    it('tasks are run, cancelled and paused by operators, under their names, and not by readers', async () => {
      for (const endpoint of ORDERS) {
        for (const user of ['reader', 'zfs-reader', 'zfs-writer']) {
          assert.equal((await ask(endpoint, user)).status, 401, `${endpoint} for ${user}`);
        }
      }
      for (const user of ['admin', 'operator']) {
        const { task } = (await (await ask('tasks/pause', user)).json()) as { task: { pause: { by: string } } };
        assert.equal(task.pause.by, user);
        const refused = (await (await ask('tasks/run', user)).json()) as { code: string; message: string };
        assert.deepEqual([refused.code, refused.message.includes(`paused by ${user} `)], ['DISABLED', true]);
        assert.deepEqual(await (await ask('tasks/cancel', user)).json(), { ok: true, cancelled: 0 });
      }
    });

    it('what is deployed may be asked with the right to read', async () => {
      for (const endpoint of READ) {
        for (const user of ['admin', 'reader', 'zfs-reader']) {
          const answer = await ask(endpoint, user);
          assert.equal(answer.status, 200, `${endpoint} for ${user}`);
          assert.equal(((await answer.json()) as { code: string }).code, 'INVALID_OPTIONS');
        }
      }
    });

    it('what the request brings along may be asked with the right to write besides', async () => {
      const hostKeys = newKeyPair().public.trim();
      const draft = { host: '127.0.0.1', port: hole.port, connectTimeout: 1, hostKeys };
      const before = hole.connections;
      for (const endpoint of READ) {
        for (const connections of [{ none: draft }, {}, null, 'none']) {
          for (const user of ['reader', 'zfs-reader', 'operator', null]) {
            const answer = await ask(endpoint, user, undefined, { connections });
            assert.equal(answer.status, 401, `${endpoint} for ${user}`);
          }
        }
      }
      assert.equal(hole.connections, before, 'a connection was made');
      const question = {
        connections: { none: { ...draft, credentials: { password: 'typed' }, authMethod: 'password' } },
      };
      const answer = await ask('dataset-level', 'admin', undefined, question);
      assert.equal(((await answer.json()) as { code: string }).code, 'CONNECTION_TIMEOUT');
      assert.equal(hole.connections, before + 1);
    });
  });
}
