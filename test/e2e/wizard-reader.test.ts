// The wizard for whoever may look and no more: it explains, and what comes of it can be copied for somebody else.
import assert from 'node:assert/strict';
import { NODE_RED_4, NodeRed, ROOT, makeUserDir } from '../package/node-red';
import { Editor, launch } from './browser';
import { WizardTray } from './wizard';
import { FILLED, FLOWS } from './wizard-flows';

describe('the wizard of whoever may only look', function () {
  this.timeout(90_000);

  it('explains, and gives the flow to be copied without changing anything', async () => {
    const settings = { adminAuth: { type: 'credentials', users: [], default: { permissions: 'read' } } };
    const nodeRed = await NodeRed.start(NODE_RED_4, await makeUserDir({ packageSource: ROOT, flows: FLOWS, settings }));
    const browser = await launch();
    try {
      const editor = await Editor.open(
        browser,
        nodeRed.url,
        'light',
        (page) =>
        page.addInitScript('document.execCommand = (name) => (window.copied = document.getSelection().toString() || document.activeElement.value, true)'), // prettier-ignore
      );
      await editor.ask(`RED.actions.invoke('zfs-flows:replicate')`);
      await editor.page.locator('.red-ui-notification button', { hasText: 'Fill it in' }).click();
      const wizard = await WizardTray.opened(editor);
      assert.match(await wizard.tray.innerText(), /You may look/);
      assert.equal(await wizard.field('sourceConnection').locator('option[value="_ADD_"]').count(), 0);
      await wizard.enter(FILLED);
      await wizard.next('destination');
      await wizard.enter({ targetDataset: 'other/x', encryption: 'key' });
      for (const step of ['security', 'schedule', 'lifetime', 'summary'] as const) await wizard.next(step);
      assert.equal(await wizard.button('create').isVisible(), false);
      await wizard.tray.locator('[data-zfs-action="copy-flow"]').click();
      const copied = await editor.ask<string>('window.copied');
      const nodes = JSON.parse(copied) as Record<string, unknown>[];
      assert.ok(nodes.some(({ type, targetDataset }) => type === 'zfs-replicate' && targetDataset === 'other/x'));
      assert.ok(!/[0-9a-f]{64}/.test(copied), 'a key is in it');
      await wizard.leave();
      assert.equal(await editor.ask('RED.nodes.dirty()'), false);
      assert.deepEqual(editor.complaints, []);
    } finally {
      await browser.close();
      await nodeRed.stop();
    }
  });
});
