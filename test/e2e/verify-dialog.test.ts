// The dialog of zfs-verify in a real editor: it asks for what the kind of drill needs. What all dialogs do is dialogs.test.ts.
import assert from 'node:assert/strict';
import type { Editor } from './browser';
import { useDialogs } from './dialog-bench';

describe('dialog of zfs-verify', function () {
  this.timeout(180_000);
  let editor: Editor;
  const saved = useDialogs((bench) => ({ editor } = bench));

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
