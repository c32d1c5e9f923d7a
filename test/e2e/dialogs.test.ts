// The dialogs in a real editor: each opens without a complaint, takes input, keeps it through deploy and reopening, and
// shows what is wrong. No machine is needed here; what the runtime does with it is inject.test.ts.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { NodeRed } from '../package/node-red';
import type { Editor } from './browser';
import { useDialogs } from './dialog-bench';
import { ACTION_NODES } from './flows';

describe('dialogs', function () {
  this.timeout(180_000);
  let nodeRed: NodeRed;
  let editor: Editor;
  const saved = useDialogs((bench) => ({ nodeRed, editor } = bench));

  it('open and close again and again without changing anything', async () => {
    for (const id of [...ACTION_NODES, ...ACTION_NODES]) {
      await editor.edit(id);
      await editor.done();
      assert.equal(await editor.changed(id), false, `${id} was changed by Done alone`);
      assert.equal(await editor.valid(id), true, id);
      await editor.edit(id);
      await editor.cancel();
    }
    await editor.editConfig('nas1');
    await editor.doneConfig();
    assert.equal(await editor.changed('nas1'), false, 'nas1 was changed by Update alone');
    const left = await editor.ask<number>('$(".zfs-browse, .red-ui-typedInput-options").length');
    assert.equal(left, 0, 'elements were left in the page');
  });

  it('have a name for every control that a person can use', async () => {
    const nameless = `[...document.querySelectorAll('.zfs-form input, .zfs-form select, .zfs-form textarea, .zfs-form button, .zfs-form a.red-ui-button')]
      .filter((element) => element.type !== 'hidden' && !element.id.startsWith('red-ui-trap'))
      .filter((element) => !(element.labels?.length > 0 && [...element.labels].some((label) => label.textContent.trim() !== '')))
      .filter((element) => !element.getAttribute('aria-label') && !element.title && element.textContent.trim() === '')
      .filter((element) => element.style.display !== 'none' && !/-(edit|add)$/.test(element.id))
      .map((element) => element.outerHTML.slice(0, 160))`;
    for (const id of ACTION_NODES) {
      await editor.edit(id);
      assert.deepEqual(await editor.ask(nameless), [], id);
      await editor.cancel();
    }
    await editor.editConfig('nas1');
    assert.deepEqual(await editor.ask(nameless), [], 'nas1');
    await editor.cancelConfig();
  });

  it('zfs-snapshot: what is filled in is in the flow file, and in the dialog again', async () => {
    await editor.edit('snapshot');
    const { form } = editor;
    await form.locator('#node-input-name').fill('Nightly');
    await form.locator('#node-input-connection').selectOption('nas1');
    const source = editor.section('source');
    await source.getByRole('button', { name: 'add a dataset' }).click();
    await source.getByLabel('Dataset', { exact: true }).last().fill('tank/vm');
    await form.locator('#node-input-recursive').check();
    await source.getByRole('button', { name: 'add an exception' }).click();
    await source.getByLabel('Dataset or pattern to leave out').fill('*/cache');
    await editor.unfold('retention', 'properties', 'hooks', 'schedule', 'running');
    await form.locator('#zfs-retention-enabled').check();
    await editor.section('retention').getByRole('button', { name: 'add a rule' }).click();
    await editor.section('retention').getByLabel('How many').fill('7');
    await form.getByRole('button', { name: 'add a property' }).click();
    await form.getByLabel('Property', { exact: true }).fill('com.example:by');
    await form.getByLabel('Value', { exact: true }).fill('Node-RED');
    await form.locator('#zfs-hook-before').fill('sync');
    await form.locator('#zfs-schedule-preset').selectOption('cron');
    await form.locator('#node-input-schedule').fill('30 2 * * 1-5');
    await form.locator('#node-input-scheduleTimeZone').fill('Europe/Berlin');
    await form.locator('.zfs-schedule-next', { hasText: /^Next: .* 02:30 · / }).waitFor();
    assert.match((await form.locator('.zfs-naming-preview').textContent()) ?? '', /auto-20\d\d-\d\d-\d\d_\d\d-\d\d/);
    assert.match((await form.locator('.zfs-retention-words').textContent()) ?? '', /among the 7 newest/);
    await editor.done();
    await editor.deploy();

    const node = await saved('snapshot');
    const expected = {
      name: 'Nightly',
      connection: 'nas1',
      datasets: ['tank/data', 'tank/vm'],
      recursive: true,
      exclude: ['*/cache'],
      retention: { keep: [{ type: 'last', count: 7 }] },
      properties: { 'com.example:by': 'Node-RED' },
      hooks: { before: 'sync', after: '', timeout: 60 },
      schedule: '30 2 * * 1-5',
      scheduleTimeZone: 'Europe/Berlin',
    };
    for (const [property, value] of Object.entries(expected)) assert.deepEqual(node[property], value, property);

    await editor.edit('snapshot');
    assert.deepEqual(await rowTexts(editor, 'source', 'Dataset'), ['tank/data', 'tank/vm']);
    assert.equal(await form.locator('#zfs-schedule-preset').inputValue(), 'cron');
    await editor.done();
    assert.equal(await editor.changed('snapshot'), false);
  });

  it('zfs-replicate: all parts of the dialog reach the flow file with their types', async () => {
    await editor.edit('replicate');
    const { form } = editor;
    await editor.unfold('snapshots', 'retention', 'safety', 'stream');
    assert.match((await form.locator('.zfs-landings').textContent()) ?? '', /tank\/data → backup\/data/);
    assert.equal(await form.locator('#node-input-name').getAttribute('placeholder'), 'tank/data → backup/data');
    await form.locator('#node-input-snapshotSelection').selectOption('schema');
    await editor.section('snapshots').getByLabel('add the names of another tool…').selectOption('truenas');
    await form.locator('#node-input-retries').fill('9');
    await form.locator('#node-input-largeBlocks').uncheck();
    await form.locator('#node-input-targetRetention').selectOption('custom');
    await editor.section('retention').getByRole('button', { name: 'add a rule' }).click();
    await editor.section('retention').getByLabel('Kind of rule').selectOption('every');
    await chooseTyped(editor, 'whenDiverged', 'roll the target back to the common snapshot');
    await editor.section('target').getByRole('button', { name: 'add a property' }).last().click();
    await editor.section('target').getByLabel('Property', { exact: true }).last().fill('compression');
    await editor.section('target').getByLabel('Value', { exact: true }).last().fill('zstd');
    assert.equal(await form.locator('#node-input-encryptionKey').isVisible(), false);
    await form.locator('#node-input-encryption').selectOption('key');
    await form.locator('#node-input-encryptionKey').fill('a key that is typed');
    await form.locator('#zfs-key-place').selectOption('file');
    assert.equal(await form.locator('#node-input-encryptionKey').isVisible(), false);
    await form.locator('#node-input-encryptionKeyLocation').fill('/etc/zfs/backup.key');
    await editor.done();
    await editor.deploy();

    const node = await saved('replicate');
    const expected = {
      snapshotSelection: 'schema',
      namingSchemas: ['auto-%Y-%m-%d_%H-%M'],
      retries: 9,
      largeBlocks: false,
      targetRetention: 'custom',
      targetRetentionPolicy: { keep: [{ type: 'every', period: 'day', count: 30 }] },
      whenDiverged: 'rollback',
      propertiesOverride: { compression: 'zstd' },
      encryption: 'key',
      encryptionKeyLocation: '/etc/zfs/backup.key',
      sourceConnection: 'nas1',
      targetDataset: 'backup/data',
    };
    for (const [property, value] of Object.entries(expected)) assert.deepEqual(node[property], value, property);
    assert.equal(JSON.stringify(await nodeRed.savedFlows()).includes('a key that is typed'), false);
    // What was not touched is still not there.
    assert.equal(node['encryptionKeyFormat'] === undefined || node['encryptionKeyFormat'] === 'hex', true);
    assert.equal('maxDestroyFraction' in node && node['maxDestroyFraction'] !== 0.5, false);
    assert.equal(node['propertiesExclude'], undefined);
  });

  it('zfs-retention-prune and zfs-list-snapshots: rules, destinations and kinds', async () => {
    await editor.edit('prune');
    await editor.unfold('protect', 'rules', 'safety');
    const rules = editor.section('rules');
    await rules.getByRole('button', { name: 'add a rule' }).click();
    await rules.getByLabel('Kind of rule').last().selectOption('age');
    await rules.getByLabel('How many').last().fill('14');
    await rules.getByLabel('Unit').last().selectOption('day');
    await editor.section('protect').getByRole('button', { name: 'add a destination' }).click();
    await editor.section('protect').getByLabel('Machine').selectOption('nas2');
    await editor.section('protect').getByLabel('Dataset').fill('backup/data');
    await editor.form.locator('#zfs-max-share').fill('25');
    await editor.form.locator('#node-input-minFree').fill('10%');
    await editor.done();
    await editor.edit('list');
    await editor.form.locator('#zfs-kind-bookmark').check();
    await editor.form.locator('#node-input-newest').fill('5');
    await editor.form.locator('#node-input-output').selectOption('count');
    await editor.done();
    await editor.deploy();
    const prune = await saved('prune');
    assert.deepEqual(prune['policy'], {
      keep: [
        { type: 'last', count: 3 },
        { type: 'age', value: 14, unit: 'day' },
      ],
    });
    assert.deepEqual(prune['protectFor'], [{ connection: 'nas2', dataset: 'backup/data' }]);
    assert.equal(prune['maxDestroyFraction'], 0.25);
    assert.equal(prune['minFree'], '10%');
    const list = await saved('list');
    assert.deepEqual(list['kinds'], ['snapshot', 'bookmark']);
    assert.deepEqual([list['newest'], list['output']], [5, 'count']);
  });

  it('datasets may come from a message, and come back as a list', async () => {
    await editor.edit('snapshot');
    await chooseType(editor, 'datasets', 'msg');
    const input = editor.section('source').locator('.red-ui-typedInput-input').first();
    await input.fill('payload.datasets');
    await editor.done();
    await editor.deploy();
    const fromMessage = await saved('snapshot');
    assert.deepEqual([fromMessage['datasets'], fromMessage['datasetsType']], ['payload.datasets', 'msg']);

    await editor.edit('snapshot');
    assert.equal(await input.inputValue(), 'payload.datasets');
    await chooseType(editor, 'datasets', 'list');
    await editor.section('source').getByRole('button', { name: 'add a dataset' }).click();
    await editor.section('source').getByLabel('Dataset', { exact: true }).fill('tank/x');
    await editor.done();
    await editor.deploy();
    const literal = await saved('snapshot');
    assert.deepEqual([literal['datasets'], literal['datasetsType']], [['tank/x'], 'list']);
  });

  it('several lines that are pasted become rows', async () => {
    await editor.edit('snapshot');
    const row = editor.section('source').getByLabel('Dataset', { exact: true });
    await row.evaluate((element) => {
      const data = new DataTransfer();
      data.setData('text/plain', 'tank/a\n tank/b \n\ntank/c\n');
      element.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    });
    assert.deepEqual(await rowTexts(editor, 'source', 'Dataset'), ['tank/a', 'tank/b', 'tank/c']);
    await editor.cancel();
  });

  it('show what is wrong: at the input, at the section, and at the node', async () => {
    await editor.edit('replicate');
    const row = editor.section('source').getByLabel('Dataset', { exact: true });
    await row.fill('tank/da@ta');
    await waitForClass(editor, '[data-section="source"]', 'zfs-invalid');
    assert.match((await row.getAttribute('class')) ?? '', /input-error/);
    assert.match((await row.getAttribute('title')) ?? '', /holds no "@"/);
    const said = (section: string): Promise<string | null> =>
      editor.section(section).locator('.zfs-section-summary').textContent();
    assert.match((await said('source')) ?? '', /holds no "@"/);
    await editor.unfold('schedule', 'stream');
    await editor.form.locator('#zfs-schedule-preset').selectOption('cron');
    await editor.form.locator('#node-input-schedule').fill('* * *');
    await editor.form.locator('#node-input-stallTimeout').fill('0');
    await editor.form.locator('#node-input-stallTimeout').blur();
    await waitForClass(editor, '[data-section="schedule"]', 'zfs-invalid');
    await waitForClass(editor, '[data-section="stream"]', 'zfs-invalid');
    assert.match((await said('schedule')) ?? '', /it has 3 fields; five are needed/);
    assert.match((await said('stream')) ?? '', /must be at least 1/);
    await editor.picture('replicate-invalid');
    await editor.done();
    assert.equal(await editor.valid('replicate'), false);
    assert.ok(await editor.node('replicate').locator('.red-ui-flow-node-error').isVisible());

    await editor.edit('replicate');
    await row.fill('tank/data');
    await editor.form.locator('#zfs-schedule-preset').selectOption('');
    await editor.form.locator('#node-input-stallTimeout').fill('60');
    await editor.done();
    assert.equal(await editor.valid('replicate'), true);
  });

  it('look at the form of a node also after the dialog of its connection, above it, was closed', async () => {
    await editor.edit('replicate');
    const { page } = editor;
    await page.locator('#node-input-btn-sourceConnection-edit').click();
    await page.locator('#node-config-input-host').waitFor();
    await page.locator('#node-config-dialog-cancel').click();
    await page.locator('#node-config-input-host').waitFor({ state: 'detached' });
    await page.waitForFunction('$(":animated").length === 0');
    await editor.unfold('snapshots');
    // The stored node sends all snapshots; only the form says that there must be a schema.
    await editor.form.locator('#node-input-snapshotSelection').selectOption('schema');
    await editor.section('source').getByLabel('Dataset', { exact: true }).fill('tank/x');
    await waitForClass(editor, '[data-section="snapshots"]', 'zfs-invalid');
    await editor.cancel();
  });

  it('Cancel keeps what was there', async () => {
    await editor.edit('prune');
    await editor.section('rules').getByLabel('Remove this row').click();
    await editor.form.locator('#node-input-name').fill('changed my mind');
    await editor.cancel();
    assert.equal(await editor.changed('prune'), false);
    const policy = await editor.ask('RED.nodes.node("prune").policy');
    assert.deepEqual(policy, { keep: [{ type: 'last', count: 3 }] });
  });

  it('zfs-ssh-connection: the private key is kept encrypted, also when other things are changed later', async () => {
    await editor.editConfig('nas1');
    await editor.page.locator('#zfs-generate').click();
    const publicKey = editor.page.locator('#zfs-public-key');
    await publicKey.waitFor();
    assert.match(await publicKey.inputValue(), /^ssh-ed25519 AAAA/);
    const privateKey = await editor.page.locator('#node-config-input-privateKey').inputValue();
    assert.match(privateKey, /^-----BEGIN OPENSSH PRIVATE KEY-----\n(?:[A-Za-z0-9+/=]+\n)+-----END/);
    await editor.doneConfig();
    await editor.deploy();
    assert.equal(await storedKey(nodeRed), true);

    await editor.editConfig('nas1');
    assert.equal(await editor.page.locator('#node-config-input-privateKey').inputValue(), '__PWRD__');
    await editor.page.locator('#node-config-input-host').fill('other.invalid');
    await editor.page.locator('#node-config-input-port').fill('2222');
    await editor.doneConfig();
    await editor.deploy();
    const node = await saved('nas1');
    assert.deepEqual([node['host'], node['port']], ['other.invalid', 2222]);
    assert.equal(await storedKey(nodeRed), true, 'the key was lost');
    const secret = privateKey.split('\n')[2] ?? privateKey;
    for (const file of ['flows.json', 'flows_cred.json']) {
      const text = await readFile(path.join(nodeRed.userDir, file), 'utf8');
      assert.ok(!text.includes(secret) && !text.includes('__PWRD__'), `${file} shows the key`);
    }
  });

  it('zfs-ssh-connection: the test says what is wrong, with its code', async () => {
    await editor.editConfig('nas1');
    await editor.page.locator('#zfs-generate').click();
    await editor.page.locator('#zfs-public-key').waitFor();
    await editor.page.locator('#zfs-test').click();
    const failed = editor.page.locator('.zfs-tested.zfs-error');
    await failed.waitFor();
    assert.match((await failed.textContent()) ?? '', /HOST_NOT_FOUND/);
    await editor.cancelConfig();
  });
});

async function storedKey(nodeRed: NodeRed): Promise<unknown> {
  const answer = (await nodeRed.get('credentials/zfs-ssh-connection/nas1')) as Record<string, unknown>;
  return answer['has_privateKey'];
}

function rowTexts(editor: Editor, section: string, label: string): Promise<string[]> {
  return editor
    .section(section)
    .getByLabel(label, { exact: true })
    .evaluateAll((inputs) => inputs.map((input) => (input as HTMLInputElement).value));
}

async function waitForClass(editor: Editor, selector: string, name: string): Promise<void> {
  await editor.page.locator(`.zfs-form ${selector}.${name}`).waitFor();
}

/** Chooses where a typed field takes its value from. */
async function chooseType(editor: Editor, property: string, type: string): Promise<void> {
  const container = editor.page.locator(
    `#node-input-${property} + input + .red-ui-typedInput-container, #node-input-${property} + .red-ui-typedInput-container`,
  );
  await container.locator('.red-ui-typedInput-type-select').click();
  await editor.page.locator(`.red-ui-typedInput-options:visible a[value="${type}"]`).click();
}

/** Chooses one of the fixed values of a typed field. */
async function chooseTyped(editor: Editor, property: string, label: string): Promise<void> {
  const container = editor.page.locator(
    `#node-input-${property} + input + .red-ui-typedInput-container, #node-input-${property} + .red-ui-typedInput-container`,
  );
  await container.locator('.red-ui-typedInput-option-trigger').click();
  await editor.page.locator('.red-ui-typedInput-options:visible a', { hasText: label }).click();
}
