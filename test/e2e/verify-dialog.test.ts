// The dialog of zfs-verify in a real editor: it asks for what the kind of drill needs. What all dialogs do is dialogs.test.ts.
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { NODE_RED_4, NodeRed, ROOT, makeUserDir } from '../package/node-red';
import { Editor, launch } from './browser';
import { FLOWS } from './flows';

describe('dialog of zfs-verify', function () {
  this.timeout(180_000);
  let browser: Browser;
  let nodeRed: NodeRed;
  let editor: Editor;

  before(async () => {
    browser = await launch();
    nodeRed = await NodeRed.start(NODE_RED_4, await makeUserDir({ packageSource: ROOT, flows: FLOWS }));
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.stop();
  });
  beforeEach(async () => {
    await nodeRed.deploy(FLOWS);
    editor = await Editor.open(browser, nodeRed.url);
  });
  afterEach(async () => {
    const { complaints } = editor;
    await editor.page.close();
    assert.deepEqual(complaints, [], 'the browser complained');
  });

  /** The node as the flow file has it. */
  const saved = async (id: string): Promise<Record<string, unknown>> => {
    const node = (await nodeRed.savedFlows()).find((candidate) => candidate['id'] === id);
    assert.ok(node, `${id} is not in the flow file`);
    return node;
  };

  it('zfs-verify: what is asked for follows the kind of drill, and is in the flow file', async () => {
    await editor.edit('verify');
    const { form } = editor;
    const shown = (selector: string): Promise<boolean> => form.locator(selector).isVisible();
    const asked = async (): Promise<boolean[]> => [
      await shown('#node-input-drillDatasets'),
      await shown('#node-input-drillCommand'),
      await shown('#node-input-drillTimeout'),
      await shown('#node-input-drillSample'),
    ];
    assert.match((await form.locator('.zfs-landings').textContent()) ?? '', /tank\/data → backup\/data/);
    assert.deepEqual(await asked(), [false, false, false, false]);
    await form.locator('#node-input-drill').selectOption('open');
    assert.deepEqual(await asked(), [true, true, false, false]);
    await form.locator('#node-input-drill').selectOption('compare');
    await form.locator('#node-input-drillCommand').fill('test -s "$ZFS_MOUNTPOINT/db"');
    assert.deepEqual(await asked(), [true, true, true, true]);
    await form.locator('#node-input-drillDatasets').selectOption('all');
    await form.locator('#node-input-drillSample').fill('7');
    await form.locator('#node-input-drillTimeout').fill('60');
    await editor.section('snapshots').locator('.red-ui-typedInput-input').last().fill('26h');
    await editor.done();
    assert.equal(await editor.valid('verify'), true);
    await editor.deploy();
    const node = await saved('verify');
    const expected = {
      drill: 'compare',
      drillDatasets: 'all',
      drillSample: 7,
      drillCommand: 'test -s "$ZFS_MOUNTPOINT/db"',
      drillTimeout: 60,
      maxAge: '26h',
    };
    for (const [property, value] of Object.entries(expected)) assert.deepEqual(node[property], value, property);
    await editor.edit('verify');
    assert.match((await editor.section('drill').locator('.zfs-section-summary').textContent()) ?? '', / · /);
    await editor.done();
    assert.equal(await editor.changed('verify'), false);
  });
});
