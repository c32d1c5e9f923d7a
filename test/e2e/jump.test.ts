// The choice of a jump connection in the dialog: what can be chosen, and that it is kept. What goes through it is
// test/zfs/host/jump.test.ts.
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { NODE_RED_4, NodeRed, ROOT, makeUserDir, nodeRed5, type Platform } from '../package/node-red';
import { Editor, launch } from './browser';
import { FLOWS } from './flows';

const connection = (id: string, jumpConnection?: string): object => ({
  id,
  type: 'zfs-ssh-connection',
  name: id,
  host: `${id}.example.org`,
  hostKeys: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIELujZT8SCKAdNQoeY+lGTJQqx4H31CSTPweGAYWz0Dm',
  ...(jumpConnection === undefined ? {} : { jumpConnection }),
});

const platforms: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5 on Node 24', nodeRed5],
];
for (const [label, platform] of platforms) {
  describe(`the choice of a jump connection in ${label}`, function () {
    this.timeout(180_000);
    let browser: Browser;
    let nodeRed: NodeRed;

    before(async () => {
      browser = await launch();
      const flows = [...FLOWS, connection('gate'), connection('inner', 'gate'), connection('vault', 'inner')];
      nodeRed = await NodeRed.start(await platform(), await makeUserDir({ packageSource: ROOT, flows }));
    });
    after(async () => {
      await browser?.close();
      await nodeRed?.stop();
    });

    it('offers those that do not lead back, and keeps what was chosen', async () => {
      const editor = await Editor.open(browser, nodeRed.url);
      const select = editor.form.locator('#node-config-input-jumpConnection');
      const chosen = async (): Promise<unknown> =>
        (await nodeRed.savedFlows()).find(({ id }) => id === 'inner')?.['jumpConnection'];
      await editor.editConfig('inner');
      await editor.unfold('machine');
      const offered = await editor.ask<string[]>(
        `[...document.querySelectorAll('#node-config-input-jumpConnection option')].map(({ value }) => value)`,
      );
      assert.deepEqual(offered.toSorted(), ['_ADD_', 'gate', 'nas1', 'nas2'].toSorted());
      assert.equal(await select.inputValue(), 'gate');
      assert.equal(await editor.form.locator('[id^="node-config-input-btn-jumpConnection"]').count(), 0);
      await editor.doneConfig();
      assert.equal(await editor.changed('inner'), false);

      await editor.editConfig('inner');
      await editor.unfold('machine');
      await select.selectOption('nas1');
      await editor.doneConfig();
      await editor.deploy();
      assert.equal(await chosen(), 'nas1');

      await editor.editConfig('inner');
      await editor.unfold('machine');
      assert.match((await select.locator('option[value="_ADD_"]').textContent()) ?? '', /reached directly/);
      await select.selectOption('_ADD_');
      await editor.doneConfig();
      await editor.deploy();
      assert.equal(await chosen(), '');
      assert.deepEqual(editor.complaints, []);
    });
  });
}
