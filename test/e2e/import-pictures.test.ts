// Pictures of the import for people to look at, in test/results/: both steps, in Node-RED 4.1 and 5, light and dark, wide and as
// narrow as it may get.
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { NODE_RED_4, NodeRed, type Platform, ROOT, makeUserDir, nodeRed5 } from '../package/node-red';
import { answersOf } from '../unit/import/truenas/samples';
import { Editor, launch } from './browser';
import { ImportForm } from './import-form';

const EMPTY = [
  { id: 'tab', type: 'tab', label: 'x' },
  { id: 'note', type: 'comment', z: 'tab', x: 200, y: 100, name: 'here', info: '', wires: [] },
];

const platforms: [string, 'light' | 'dark', () => Promise<Platform>][] = [
  ['4', 'light', () => Promise.resolve(NODE_RED_4)],
  ['5', 'dark', nodeRed5],
];

describe('pictures of the import', function () {
  this.timeout(60_000);
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  for (const [label, theme, platform] of platforms) {
    it(`in Node-RED ${label}`, async () => {
      const nodeRed = await NodeRed.start(await platform(), await makeUserDir({ packageSource: ROOT, flows: EMPTY }));
      try {
        const editor = await Editor.open(browser, nodeRed.url, theme);
        const form = await ImportForm.open(editor);
        await editor.screen(`import-source-${label}`);
        await form.field('here').selectOption('new');
        await editor.page.setViewportSize({ width: 500, height: 900 });
        await editor.screen(`import-narrow-${label}`);
        await editor.page.setViewportSize({ width: 1500, height: 1000 });
        await form.paste(JSON.stringify(answersOf('CORE 13.3-U1.2')));
        await editor.screen(`import-items-${label}`);
        await form.tick('ssh-2', false);
        await editor.page.setViewportSize({ width: 500, height: 900 });
        await editor.screen(`import-items-narrow-${label}`);
        await editor.page.setViewportSize({ width: 1500, height: 1000 });
        await form.tick('repl-4', true);
        await form.action('create').click();
        await editor.page.locator('.red-ui-notification').waitFor();
        await editor.page.waitForFunction('$(":animated").length === 0');
        await editor.screen(`import-after-${label}`);
        assert.deepEqual(editor.complaints, []);
        await editor.page.close();
      } finally {
        await nodeRed.stop();
      }
    });
  }
});
