// The sidebar tab where things are not as at home: behind a proxy that drops websockets and allows little, for people who may
// look, run, or neither, with a server in trouble, without a task, and without its own file.
import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { NODE_RED_4, NodeRed, type Platform, ROOT, makeUserDir, nodeRed5 } from '../package/node-red';
import { type ReverseProxy, reverseProxy } from '../package/reverse-proxy';
import { Editor, launch } from './browser';
import { Sidebar } from './sidebar';
import { openPorts, taskFlows, type Ports } from './task-flows';

const PASSWORD = 'lab-password';
/** PASSWORD, as `node-red admin hash-pw` gives it. */
const HASH = '$2b$08$xfbMVlNA148tvrShMK1lxe1n/zqTiesH3xgpBuoZNUWtFlbkICibu';
const USERS: Record<string, string | string[]> = {
  admin: '*',
  reader: 'read',
  operator: ['read', 'zfs.tasks.write'],
  stranger: [
    'flows.read',
    'settings.read',
    'nodes.read',
    'plugins.read',
    'context.read',
    'status.read',
    'library.read',
  ],
};
/** What Node-RED's own editor needs; nothing of ours may need more. */
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "worker-src 'self' blob:",
  'connect-src *',
].join('; ');
const ADMIN_ROOT = '/x/y';
const EMPTY = [
  { id: 'tab', type: 'tab', label: 'x' },
  { id: 'note', type: 'comment', z: 'tab', x: 200, y: 100, name: 'here', info: '', wires: [] },
];

const platforms: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5 on Node 24', nodeRed5],
];
for (const [label, platform] of platforms) {
  describe(`the sidebar tab in other places, ${label}`, function () {
    this.timeout(120_000);
    let browser: Browser;
    let nodeRed: NodeRed;
    let proxy: ReverseProxy;
    let ports: Ports;
    let editor: Editor;

    before(async () => {
      [browser, ports] = await Promise.all([launch(), openPorts()]);
      const users = Object.entries(USERS).map(([username, permissions]) => ({ username, permissions, password: HASH }));
      const settings = { httpAdminRoot: ADMIN_ROOT, adminAuth: { type: 'credentials', users } };
      const userDir = await makeUserDir({ packageSource: ROOT, flows: EMPTY, settings });
      nodeRed = await NodeRed.start(await platform(), userDir);
      await deploy(taskFlows(ports));
      proxy = await reverseProxy(nodeRed.url, '/behind/it', { 'content-security-policy': POLICY });
    });
    afterEach(() => editor.page.close());
    after(async () => {
      await browser?.close();
      await proxy?.close();
      await nodeRed?.stop();
      await ports?.hole.close();
    });

    async function login(username: string): Promise<string> {
      const scope = Array.isArray(USERS[username]) ? USERS[username].join(' ') : USERS[username];
      const asked = { client_id: 'node-red-admin', grant_type: 'password', scope, username, password: PASSWORD };
      const headers = { 'content-type': 'application/json' };
      const url = `${nodeRed.url}${ADMIN_ROOT}/auth/token`;
      const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(asked) });
      assert.equal(answer.status, 200, await answer.clone().text());
      return ((await answer.json()) as { access_token: string }).access_token;
    }

    async function deploy(flows: readonly object[]): Promise<void> {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${await login('admin')}` };
      const url = `${nodeRed.url}${ADMIN_ROOT}/flows`;
      const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(flows) });
      assert.equal(answer.status, 204);
    }

    /** The token is kept by the path of the editor. */
    async function open(
      username: string,
      {
        url = `${nodeRed.url}${ADMIN_ROOT}/`,
        prepare = async (_page: Page): Promise<unknown> => Promise.resolve(),
      } = {},
    ): Promise<{ token: string }> {
      const token = await login(username);
      const suffix = new URL(url).pathname.replace(/\/$/, '').replaceAll('/', '-');
      editor = await Editor.open(browser, url, 'light', async (page) => {
        await page.addInitScript(
          ([key, value]) => localStorage.setItem(key ?? '', value ?? ''),
          [`auth-tokens${suffix}`, JSON.stringify({ access_token: token })],
        );
        await prepare(page);
      });
      return { token };
    }

    const actionsOf = async (sidebar: Sidebar, id: string): Promise<string[]> => sidebar.actions(id);

    it('works without websockets, below another path, with the policy that the editor needs', async () => {
      const url = `${proxy.url.replace(/\/$/, '')}${ADMIN_ROOT}/`;
      await open('admin', { url, prepare: (page) => page.routeWebSocket(/\/comms$/, (socket) => void socket.close()) });
      const sidebar = await Sidebar.show(editor);
      await sidebar.choose('hangs', 'run');
      await sidebar.row('hangs', 'running').waitFor();
      const log = await sidebar.openLog('hangs');
      await log.locator('[data-zfs-event="started"]').waitFor();
      // Somebody else ends it: nothing tells this editor, and it finds out.
      const elsewhere = await fetch(`${nodeRed.url}${ADMIN_ROOT}/zfs-flows/tasks/cancel`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${await login('operator')}` },
        body: JSON.stringify({ id: 'hangs' }),
      });
      assert.deepEqual(await elsewhere.json(), { ok: true, cancelled: 1 });
      await sidebar.row('hangs', 'idle').waitFor();
      await log.locator('[data-zfs-event="cancelled"]').waitFor();
      const [download] = await Promise.all([
        sidebar.page.waitForEvent('download'),
        log.locator('[data-zfs-action="download"]').click(),
      ]);
      assert.equal(download.suggestedFilename(), 'Nightly.log.txt');
      assert.deepEqual(editor.complaints, []);
    });

    it('lets people do what they may, and shows nothing else', async () => {
      await open('reader');
      const reader = await Sidebar.show(editor);
      assert.deepEqual(await actionsOf(reader, 'fails'), ['reveal', 'edit']);
      await reader.openLog('fails');
      assert.equal(await editor.node('soon').locator('.red-ui-flow-node-button').first().isVisible(), false);
      assert.deepEqual(editor.complaints, []);
      await editor.page.close();
      await open('operator');
      const operator = await Sidebar.show(editor);
      assert.deepEqual(await actionsOf(operator, 'fails'), ['run', 'pause', 'reveal', 'edit']);
      await operator.choose('fails', 'pause');
      await operator.row('fails', 'paused').getByText('by operator').waitFor();
      await operator.page.keyboard.press('Escape');
      await operator.choose('fails', 'resume');
      await operator.row('fails', 'idle').waitFor();
      assert.deepEqual(editor.complaints, []);
      await editor.page.close();
      await open('stranger');
      assert.equal(await editor.page.locator('.zfs-tasks-place').count(), 0, 'there is no tab');
      assert.deepEqual(editor.complaints, []);
    });

    it('says so when the login is over, and keeps what it knows', async () => {
      const { token } = await open('admin');
      const sidebar = await Sidebar.show(editor);
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      await fetch(`${nodeRed.url}${ADMIN_ROOT}/auth/revoke`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ token }),
      });
      await sidebar.choose('fails', 'run');
      await sidebar.page.locator('.red-ui-notification', { hasText: 'You are not allowed' }).waitFor();
      await sidebar.panel.locator('[role="status"]', { hasText: 'You are not allowed' }).waitFor();
      assert.equal((await sidebar.ids()).length, 7);
      assert.ok(
        editor.complaints.every((text) => text.includes('401')),
        editor.complaints.join('\n'),
      );
    });

    it('says so when the server is in trouble, and goes on by itself when that is over', async () => {
      await open('admin');
      const sidebar = await Sidebar.show(editor);
      const isTask = /zfs-flows\/tasks/;
      await editor.page.route(isTask, (route) => route.fulfill({ status: 503, body: 'down' }));
      await sidebar.choose('fails', 'run');
      await sidebar.panel.locator('[role="status"]', { hasText: 'HTTP status 503' }).waitFor();
      assert.equal((await sidebar.ids()).length, 7);
      await editor.page.unroute(isTask);
      await sidebar.panel.locator('[role="status"]', { hasText: 'HTTP' }).waitFor({ state: 'hidden' });
      await sidebar.choose('fails', 'run');
      await sidebar.row('fails', 'failed').waitFor();
      assert.ok(
        editor.complaints.every((text) => text.includes('503')),
        editor.complaints.join('\n'),
      );
    });

    it('says what is missing when its file cannot be had, and gets it when asked again', async () => {
      await open('admin', { prepare: (page) => page.route('**/sidebar.js*', (route) => route.abort()) });
      await editor.ask(`RED.sidebar.show('zfs-tasks')`);
      const { page } = editor;
      await page.locator('.zfs-tasks-place', { hasText: 'could not be loaded' }).waitFor();
      await page.unroute('**/sidebar.js*');
      await page.locator('.zfs-tasks-place button').click();
      await page.locator('[data-zfs-task="fails"]').waitFor();
      assert.ok(
        editor.complaints.every((text) => text.includes('sidebar.js')),
        editor.complaints.join('\n'),
      );
    });

    it('says in one sentence what to do where there is no task', async () => {
      await deploy(EMPTY);
      await open('admin');
      const sidebar = await Sidebar.show(editor);
      assert.equal(await sidebar.attention.textContent(), '0 of 0 need attention');
      await sidebar.panel.getByText('There is no ZFS task yet').waitFor();
      assert.deepEqual(editor.complaints, []);
    });
  });
}
