// The file that has all dialogs, in real editors: it is loaded once, wherever Node-RED is mounted; and an editor that gets it
// late, not at all or from another build shows all nodes, says what is wrong, and cannot change a node by accident.
import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { NODE_TYPES } from '../../nodes/node-options';
import { NODE_RED_4, NodeRed, type Platform, ROOT, makeUserDir, nodeRed5 } from '../package/node-red';
import { type ReverseProxy, reverseProxy } from '../package/reverse-proxy';
import { Editor, launch } from './browser';
import { ACTION_NODES, FLOWS } from './flows';

const DIALOG_FILE = '**/dialog.js*';
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

/** A node whose datasets are refused by a validator. */
const WRONG = {
  id: 'wrong',
  type: 'zfs-snapshot',
  z: 'tab',
  x: 500,
  y: 100,
  wires: [[], [], []],
  datasets: ['tank/da@ta'],
};
const WITH_WRONG = [...FLOWS, WRONG];

function requestsIn(page: Page): string[] {
  const urls: string[] = [];
  page.on('request', (request) => {
    if (request.url().includes('node-red-zfs-replication')) urls.push(request.url());
  });
  return urls;
}

const platforms: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5 on Node 24', nodeRed5],
];
for (const [label, platform] of platforms) {
  describe(`the file with the dialogs, in ${label}`, function () {
    this.timeout(180_000);
    let browser: Browser;
    let nodeRed: NodeRed;
    let proxy: ReverseProxy;
    let editor: Editor | null = null;

    before(async () => {
      browser = await launch();
      const settings = { httpAdminRoot: '/x/y' };
      const userDir = await makeUserDir({ packageSource: ROOT, flows: WITH_WRONG, settings });
      nodeRed = await NodeRed.start(await platform(), userDir);
      proxy = await reverseProxy(nodeRed.url, '/behind/it', { 'content-security-policy': POLICY });
    });
    afterEach(async () => {
      await editor?.page.close();
      editor = null;
    });
    after(async () => {
      await browser?.close();
      await proxy?.close();
      await nodeRed?.stop();
    });

    /** Opens the editor in a page that `prepare` has seen before. */
    async function open(prepare: (page: Page) => Promise<unknown>): Promise<Editor> {
      editor = await Editor.open(browser, `${nodeRed.url}/x/y/`, 'light', prepare);
      return editor;
    }

    async function openEveryDialog(opened: Editor): Promise<void> {
      for (const id of ACTION_NODES) {
        await opened.edit(id);
        assert.notEqual(await opened.section('running').locator('.zfs-section-summary').textContent(), '', id);
        await opened.done();
        assert.equal(await opened.changed(id), false, id);
      }
      await opened.editConfig('nas2');
      assert.equal(
        await opened.section('machine').locator('.zfs-section-summary').textContent(),
        'backup@nas2.invalid',
      );
      await opened.doneConfig();
      assert.equal(await opened.changed('nas2'), false);
    }

    for (const [place, url] of [
      ['below httpAdminRoot', () => `${nodeRed.url}/x/y/`],
      ['behind a proxy, with a content security policy', () => `${proxy.url}x/y/`],
    ] as const) {
      it(`is loaded once, and all dialogs open: ${place}`, async () => {
        let asked: string[] = [];
        editor = await Editor.open(browser, url(), 'light', async (page) => {
          asked = requestsIn(page);
        });
        await openEveryDialog(editor);
        const loaded = asked.filter((one) => !/\/(?:icons|locales|messages)\b/.test(one));
        assert.equal(loaded.length, 1, loaded.join());
        assert.match(
          loaded[0] ?? '',
          new RegExp(`^${url()}resources/@zfs-flows/.*/dialog\\.js\\?v=\\d+\\.\\d+\\.\\d+-`),
        );
        assert.equal(await editor.valid('wrong'), false);
        assert.deepEqual(editor.complaints, []);
      });
    }

    it('comes late: nodes are there before it, and are judged and named when it has come', async () => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const opened = await open((page) =>
        page.route(DIALOG_FILE, async (route) => {
          await held;
          await route.continue();
        }),
      );
      const replicate = opened.node('replicate').locator('.red-ui-flow-node-label');
      assert.equal(await replicate.textContent(), 'zfs replicate');
      assert.equal(await opened.valid('wrong'), true);
      await opened.edit('snapshot');
      assert.match((await opened.excuse()) ?? '', /still being loaded/);
      await opened.done();
      assert.equal(await opened.changed('snapshot'), false);

      release();
      await opened.page.waitForFunction('RED.nodes.node("wrong").valid === false');
      await opened.node('wrong').locator('.red-ui-flow-node-error').waitFor();
      assert.match((await replicate.textContent()) ?? '', /tank\/data → backup\/data/);
      await openEveryDialog(opened);
      assert.deepEqual(opened.complaints, []);
    });

    it('does not come: the editor works, says so, changes nothing, and tries again', async () => {
      const opened = await open((page) => page.route(DIALOG_FILE, (route) => route.abort()));
      const notice = opened.page.locator('.red-ui-notification-error');
      await notice.waitFor();
      assert.match((await notice.textContent()) ?? '', /could not be loaded \(resources\/.*dialog\.js/);
      for (const type of NODE_TYPES) {
        assert.equal(await opened.ask(`RED.nodes.getType(${JSON.stringify(type)}) !== undefined`), true, type);
      }
      const before = await opened.ask('JSON.stringify(RED.nodes.createCompleteNodeSet())');
      for (const id of ACTION_NODES) {
        await opened.edit(id);
        assert.match((await opened.excuse()) ?? '', /could not be loaded/, id);
        assert.equal(await opened.page.locator('.zfs-form input, .zfs-form select, .zfs-form textarea').count(), 0, id);
        await opened.done();
      }
      await opened.editConfig('nas1');
      assert.match((await opened.excuse()) ?? '', /could not be loaded/);
      await opened.doneConfig();
      assert.equal(await opened.ask('JSON.stringify(RED.nodes.createCompleteNodeSet())'), before);
      assert.equal(await opened.ask('RED.nodes.dirty()'), false);

      await opened.page.unroute(DIALOG_FILE);
      assert.equal(await notice.count(), 1);
      await notice.getByRole('button', { name: 'Try again' }).click();
      await opened.page.waitForFunction('RED.nodes.node("wrong").valid === false');
      await openEveryDialog(opened);
    });

    it('comes from another build: it is not used', async () => {
      const opened = await open((page) =>
        page.route(DIALOG_FILE, async (route) => {
          const answer = await route.fetch();
          const body = (await answer.text()).replace(/deliver\("[^"]+"/, 'deliver("9.9.9-00000000"');
          await route.fulfill({ response: answer, body });
        }),
      );
      const notice = opened.page.locator('.red-ui-notification-error');
      await notice.waitFor();
      assert.match((await notice.textContent()) ?? '', /9\.9\.9-00000000\. Restart Node-RED/);
      await opened.edit('prune');
      assert.match((await opened.excuse()) ?? '', /Restart Node-RED/);
      await opened.cancel();
      assert.deepEqual(opened.complaints, []);
    });
  });
}
