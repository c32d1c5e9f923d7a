// Connections in real Node-REDs: a key that was made on the server outlives other deploys and restarts, is on the disk only
// encrypted, and replaces another at its own deploy; connections whose jumps lead in a circle harm no other.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HOST_KEYS, Homekeeper } from '../support/doorkeeper';
import { closedPort } from '../support/flow-bench';
import { NODE_RED_4, NodeRed, ROOT, makeUserDir, nodeRed5, type Platform } from './node-red';

const PASSWORD = 'only-for-this-test';

const platforms: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5 on Node 24', nodeRed5],
];
for (const [label, platform] of platforms) {
  describe(`connections in ${label}`, function () {
    this.timeout(300_000);
    let nodeRed: NodeRed;
    let home: string;
    let account: Homekeeper;

    before(async () => {
      home = await mkdtemp(path.join(tmpdir(), 'zfs-flows-home-'));
      account = await new Homekeeper(home, PASSWORD).open();
      nodeRed = await NodeRed.start(await platform(), await makeUserDir({ packageSource: ROOT, flows: [TAB] }));
    });
    after(async () => {
      await nodeRed?.stop();
      await account?.close();
      await rm(home, { recursive: true, force: true });
    });

    const TAB = { id: 'tab', type: 'tab', label: 'mine' };
    const OTHER = { id: 'other', type: 'zfs-ssh-connection', host: 'elsewhere' };
    const connection = (): object => ({
      id: 'made',
      type: 'zfs-ssh-connection',
      ...place(),
      hostKeys: HOST_KEYS.public,
    });
    const place = (): object => ({ host: '127.0.0.1', port: account.port, username: 'me' });

    async function ask(endpoint: string, body: object): Promise<Record<string, unknown>> {
      const headers = { 'content-type': 'application/json' };
      const options = { method: 'POST', headers, body: JSON.stringify(body) };
      const answer = await fetch(`${nodeRed.url}/zfs-flows/${endpoint}`, options);
      assert.equal(answer.status, 200);
      const text = await answer.text();
      assert.doesNotMatch(text, new RegExp(`PRIVATE|${PASSWORD}`));
      return JSON.parse(text) as Record<string, unknown>;
    }

    /** Sets it up, and answers the public key in base64. */
    async function setUp(more: object = {}): Promise<string> {
      const asked = { id: 'made', ...place(), password: PASSWORD, hostKey: HOST_KEYS.public, ...more };
      const answer = await ask('set-up-remote', asked);
      assert.equal(answer['ok'], true, JSON.stringify(answer));
      return String(answer['publicKey']).split(' ')[1] ?? '';
    }

    /** The key with which the deployed connection logs in, by a connection that is new. */
    async function used(): Promise<string | undefined> {
      account.keys.length = 0;
      await ask('datasets', { connection: 'made' });
      return account.keys.at(-1);
    }

    async function restart(): Promise<void> {
      const { userDir } = nodeRed;
      await nodeRed.end();
      nodeRed = await NodeRed.start(await platform(), userDir);
    }

    /** Node-RED answers before it has started the flows, and says in its log when it has. */
    async function deploy(...flows: object[]): Promise<void> {
      const starts = (): number => nodeRed.log.split('Started flows').length;
      const before = starts();
      await nodeRed.deploy(flows);
      for (const deadline = Date.now() + 10_000; starts() === before; await sleep(20)) assert.ok(Date.now() < deadline);
    }

    it('keep a key that was made on the server, over deploys of others and restarts', async () => {
      const key = await setUp();
      await deploy(TAB, OTHER);
      await deploy(TAB, connection());
      assert.equal(await used(), key);
      await restart();
      assert.equal(await used(), key);
      for (const name of (await readdir(nodeRed.userDir)).filter((file) => /^\.?(flows|config)/.test(file))) {
        assert.doesNotMatch(await readFile(path.join(nodeRed.userDir, name), 'utf8'), /PRIVATE KEY/, name);
      }
    });

    it('take another key at their own deploy, and not before', async () => {
      await restart();
      const former = await used();
      const next = await setUp({ replace: true });
      assert.notEqual(next, former);
      await restart();
      assert.equal(await used(), former, 'nobody has deployed');
      const last = await setUp({ replace: true });
      await deploy(TAB, connection());
      assert.equal(await used(), last);
      await restart();
      assert.equal(await used(), last, 'what was deployed was also saved');
      await deploy(TAB, connection(), OTHER);
      await restart();
      assert.equal(await used(), last);
    });

    it('in a circle are refused, and no other connection', async () => {
      const port = await closedPort();
      const one = (id: string, jumpConnection: string): object => ({
        ...connection(),
        id,
        port,
        authMethod: 'password',
        jumpConnection,
      });
      const inject = { id: 'button', type: 'inject', z: 'tab', x: 100, y: 100, props: [], wires: [[]] };
      await deploy(TAB, inject, one('a', 'b'), one('b', 'a'), one('self', 'self'), one('fine', ''));
      for (const id of ['a', 'b', 'self']) {
        const { code, message } = await ask('datasets', { connection: id });
        assert.equal(code, 'INVALID_OPTIONS');
        assert.match(String(message), /lead in a circle/);
      }
      assert.equal((await ask('datasets', { connection: 'fine' }))['code'], 'CONNECTION_REFUSED');
      await nodeRed.inject('button');
      await deploy(TAB, one('a', ''), one('b', 'a'));
      assert.equal((await ask('datasets', { connection: 'b' }))['code'], 'CONNECTION_REFUSED');
    });
  });
}
