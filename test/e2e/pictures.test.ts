// Pictures of every dialog for people to look at, in test/results/: Node-RED 4.1, and Node-RED 5 in light and dark.
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { NODE_RED_4, NodeRed, type Platform, ROOT, makeUserDir, nodeRed5 } from '../package/node-red';
import { Editor, launch } from './browser';
import { ACTION_NODES, FLOWS } from './flows';

/** With a connection that nobody has filled in yet, whose dialog asks what there is. */
const flows = [...FLOWS, { id: 'nas3', type: 'zfs-ssh-connection', name: 'nas3', host: '', hostKeys: '' }];

type Theme = 'light' | 'dark';

describe('pictures of every dialog', function () {
  this.timeout(180_000);
  let browser: Browser;

  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });

  async function take(platform: Platform, prefix: string, themes: readonly Theme[]): Promise<void> {
    const nodeRed = await NodeRed.start(platform, await makeUserDir({ packageSource: ROOT, flows }));
    try {
      for (const theme of themes) {
        const editor = await Editor.open(browser, nodeRed.url, theme);
        for (const id of ACTION_NODES) {
          await editor.edit(id);
          await editor.picture(`${prefix}-${theme}-${id}`);
          await editor.cancel();
        }
        await editor.editConfig('nas2');
        await editor.picture(`${prefix}-${theme}-connection`);
        await editor.cancelConfig();
        await editor.editConfig('nas3');
        await editor.picture(`${prefix}-${theme}-connection-new`);
        await editor.cancelConfig();
        assert.deepEqual(editor.complaints, []);
        await editor.page.close();
      }
    } finally {
      await nodeRed.stop();
    }
  }

  it('in Node-RED 4.1', () => take(NODE_RED_4, 'node-red-4', ['light']));

  it('in Node-RED 5, light and dark', async () => take(await nodeRed5(), 'node-red-5', ['light', 'dark']));
});
