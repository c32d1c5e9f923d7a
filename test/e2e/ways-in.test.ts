// Ways to what makes new tasks: the main menu, the head of the sidebar, the sidebar when it has nothing to show, an action; for
// those who may, and only where nothing is in the way. What opens is tested where it is made.
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { NODE_RED_4, NodeRed, type Platform, ROOT, makeUserDir, nodeRed5 } from '../package/node-red';
import { Editor, launch } from './browser';
import { Sidebar } from './sidebar';

const EMPTY = [
  { id: 'tab', type: 'tab', label: 'x' },
  { id: 'note', type: 'comment', z: 'tab', x: 200, y: 100, name: 'here', info: '', wires: [] },
];
const TASK = { id: 'snap', type: 'zfs-snapshot', z: 'tab', x: 200, y: 200, datasets: ['tank/a'], wires: [[], [], []] };

const WAYS = [
  { action: 'new', part: 'wizard', opens: '[data-zfs-wizard]' },
  { action: 'import', part: 'import', opens: '[data-zfs-import]' },
];

/** Everybody may read, nobody may more. */
const READERS = { adminAuth: { type: 'credentials', users: [], default: { permissions: 'read' } } };

const platforms: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5 on Node 24', nodeRed5],
];

for (const [label, platform] of platforms) {
  describe(`ways to new tasks, ${label}`, function () {
    this.timeout(90_000);
    let browser: Browser;
    let editor: Editor;
    const running: NodeRed[] = [];

    async function start(settings: Record<string, unknown> = {}): Promise<NodeRed> {
      const userDir = await makeUserDir({ packageSource: ROOT, flows: EMPTY, settings });
      const nodeRed = await NodeRed.start(await platform(), userDir);
      running.push(nodeRed);
      return nodeRed;
    }

    async function cancel(opened: string): Promise<void> {
      await editor.page.locator(opened).waitFor();
      await editor.page.waitForFunction('$(":animated").length === 0');
      await editor.cancel();
    }

    before(async () => {
      browser = await launch();
    });
    afterEach(() => editor.page.close());
    after(async () => {
      await browser?.close();
      for (const nodeRed of running) await nodeRed.stop();
    });

    it('are in the main menu and in the sidebar, in the middle of it while there is nothing else', async () => {
      const nodeRed = await start();
      editor = await Editor.open(browser, nodeRed.url);
      const { page } = editor;
      const sidebar = await Sidebar.show(editor);
      await sidebar.panel.getByText('There is no ZFS task yet').waitFor();
      for (const { action, opens } of WAYS) {
        const button = sidebar.panel.locator(`[data-zfs-action="${action}"]`);
        assert.ok((await button.locator('span').innerText()).length > 5, 'its words are seen');
        await button.click();
        await cancel(opens);
      }
      await nodeRed.deploy([...EMPTY, TASK]);
      await sidebar.row('snap').waitFor();
      for (const { action, opens } of WAYS) {
        const button = sidebar.panel.locator(`.zfs-tasks-header [data-zfs-action="${action}"]`);
        assert.match((await button.getAttribute('aria-label')) ?? '', /…$/);
        await button.focus();
        await page.keyboard.press('Enter');
        await cancel(opens);
      }
      const entries = page.locator('#red-ui-header-button-sidemenu-submenu > li');
      for (const [index, { part, opens }] of WAYS.entries()) {
        await page.locator('#red-ui-header-button-sidemenu').click();
        const texts = (await entries.allInnerTexts()).map((text) => text.trim());
        const at = texts.findIndex((text) => text.startsWith('Export'));
        assert.deepEqual(texts.slice(at + 1, at + 3), ['Replicate ZFS datasets…', 'Import from TrueNAS…']);
        await page.locator(`#zfs-${part}-menu`).click();
        await cancel(opens);
        assert.equal(
          index,
          WAYS.findIndex((way) => way.part === part),
        );
      }
      assert.deepEqual(editor.complaints, []);
    });

    it('wait while a dialog is open, and can be taken again when their file did not come', async () => {
      const [nodeRed] = running;
      if (nodeRed === undefined) throw new Error('nothing runs');
      await nodeRed.deploy([...EMPTY, TASK]);
      editor = await Editor.open(browser, nodeRed.url, 'light', (page) =>
        page.route(/\/(?:wizard|import)\.js\?/, (route) => route.abort()),
      );
      const { page } = editor;
      for (const { action, part, opens } of WAYS) {
        const name = `zfs-flows:${action === 'new' ? 'replicate' : 'import'}`;
        await editor.ask(`RED.editor.edit(RED.nodes.node('snap'))`);
        await editor.form.waitFor();
        await editor.ask(`RED.actions.invoke('${name}')`);
        await page.locator('.red-ui-notification', { hasText: 'Close the dialog' }).first().waitFor();
        await editor.cancel();
        await editor.ask(`RED.actions.invoke('${name}')`);
        const notice = page.locator('.red-ui-notification', { hasText: `${part}.js` });
        await notice.waitFor();
        assert.match(await notice.innerText(), /could not be loaded/);
        await page.unroute(/\/(?:wizard|import)\.js\?/);
        await notice.locator('button', { hasText: 'Try again' }).click();
        await cancel(opens);
        await page.route(/\/(?:wizard|import)\.js\?/, (route) => route.abort());
      }
      assert.ok(
        editor.complaints.every((text) => /(?:wizard|import)\.js/.test(text)),
        editor.complaints.join('\n'),
      );
    });

    it('are not there for whoever may only read, and say so', async () => {
      const nodeRed = await start(READERS);
      editor = await Editor.open(browser, nodeRed.url);
      const sidebar = await Sidebar.show(editor);
      await sidebar.panel.getByText('Whoever may edit flows can add one').waitFor();
      for (const { action, part } of WAYS) {
        assert.equal(await sidebar.panel.locator(`[data-zfs-action="${action}"]`).isVisible(), false);
        assert.equal(await editor.page.locator(`#zfs-${part}-menu`).count(), 0);
        await editor.ask(`RED.actions.invoke('zfs-flows:${action === 'new' ? 'replicate' : 'import'}')`);
        await editor.page.locator('.red-ui-notification', { hasText: 'flows.write and zfs.write' }).last().waitFor();
      }
      assert.equal(await editor.page.locator('.red-ui-tray').count(), 0);
      assert.deepEqual(editor.complaints, []);
    });
  });
}
