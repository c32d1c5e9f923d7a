// A person with two machines: adds the connections with the dialog's own buttons, presses the button of an example flow,
// and watches the status. Real ZFS over real SSH, in the lab.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Locator } from 'playwright-core';
import { bootMachines, type DemoMachines } from '../../scripts/demo/machines';
import { Lab } from '../lab/lab';
import type { Machine } from '../lab/machine';
import { NODE_RED_4, NodeRed, ROOT, makeUserDir } from '../package/node-red';
import { Editor, launch } from './browser';

interface FlowNode {
  id: string;
  type: string;
  [property: string]: unknown;
}

async function example(name: string): Promise<FlowNode[]> {
  return JSON.parse(await readFile(path.join(ROOT, 'examples', `${name}.json`), 'utf8')) as FlowNode[];
}

describe('a first replication, by hand', function () {
  this.timeout(300_000);
  let lab: Lab;
  let machines: DemoMachines;
  let browser: Browser;
  let nodeRed: NodeRed;
  let editor: Editor;

  before(async () => {
    lab = await Lab.create();
    [machines, browser] = await Promise.all([bootMachines(lab), launch()]);
    const flows = await example('00 - Replicate now');
    nodeRed = await NodeRed.start(NODE_RED_4, await makeUserDir({ packageSource: ROOT, flows }));
  });
  beforeEach(async () => {
    editor = await Editor.open(browser, nodeRed.url);
  });
  afterEach(async () => {
    const { complaints } = editor;
    await editor.page.close();
    assert.deepEqual(complaints, [], 'the browser complained');
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.stop();
    await lab?.close();
  });

  /** Fills in a connection as a person does: host, key pair, host key, test. */
  async function connect(id: string, machine: Machine, pool: string): Promise<void> {
    const { page } = editor;
    await editor.editConfig(id);
    const { host, port } = machine.login();
    await page.locator('#node-config-input-host').fill(host);
    await page.locator('#node-config-input-port').fill(String(port));
    await page.locator('#zfs-generate').click();
    const publicKey = await page.locator('#zfs-public-key').inputValue();
    await machine.sh('echo "$1" >>~/.ssh/authorized_keys', { args: [publicKey] });

    await page.locator('#zfs-test').click();
    const tested = page.locator('.zfs-tested');
    await page.locator('.zfs-tested.zfs-error').waitFor();
    assert.match((await tested.textContent()) ?? '', /HOST_KEY_UNKNOWN/, 'a host was trusted without being asked');

    await page.locator('#zfs-discover').click();
    await page.locator('#zfs-trust').waitFor();
    assert.match((await page.locator('.zfs-discovered').textContent()) ?? '', /SHA256:/);
    await page.locator('#zfs-trust').click();
    await page.locator('#zfs-test').click();
    await page.locator('.zfs-tested', { hasText: 'The connection works.' }).waitFor();
    await editor.screen(`connection-${machine.name}`);
    assert.match((await tested.textContent()) ?? '', new RegExp(`ZFS.*\\d+\\.\\d+.*Pools${pool}`));
    await editor.doneConfig();
    assert.equal(await editor.valid(id), true);
  }

  it('connections are made with the buttons of their dialog', async () => {
    await connect('zfs-example-nas1', machines.nas1, 'tank');
    await connect('zfs-example-nas2', machines.nas2, 'backup');
    await editor.deploy();
  });

  it('datasets are chosen from what the machine has', async () => {
    await editor.edit('zfs-ex00-replicate');
    await editor.section('source').getByRole('button', { name: 'browse…' }).click();
    const panel = editor.page.locator('.zfs-browse');
    const dataset = (name: string): Locator => panel.locator(`[data-zfs-dataset="${name}"]`);
    // The node is recursive, so the one that is chosen stands for those below it.
    await dataset('tank/data').locator('.fa-angle-right').click();
    const documents = dataset('tank/data/documents').locator('input');
    await documents.waitFor();
    assert.deepEqual([await documents.isChecked(), await documents.isDisabled()], [true, true]);
    await editor.screen('browse');
    await dataset('tank/data').locator('input').uncheck();
    await panel.getByLabel('Search names').fill('photos');
    await dataset('tank/data/documents').waitFor({ state: 'detached' });
    await dataset('tank/data/photos').click();
    await panel.getByRole('button', { name: 'Choose' }).click();
    const rows = editor.section('source').getByLabel('Dataset', { exact: true });
    assert.deepEqual(await rows.evaluateAll((inputs) => inputs.map((input) => (input as HTMLInputElement).value)), [
      'tank/data/photos',
    ]);
    await editor.cancel();
  });

  /** Presses the button of the flow and waits for the replication to end, green or red. */
  async function pressAndWatch(): Promise<{ status: string; text: string }> {
    const status = editor.node('zfs-ex00-replicate').locator('.red-ui-flow-node-status-group');
    const shape = status.locator('.red-ui-flow-node-status');
    await editor.node('zfs-ex00-button').locator('.red-ui-flow-node-button-button').click();
    // The end of a run before this one is still shown until this one has begun.
    await status.locator('.red-ui-flow-node-status-dot-blue').waitFor({ timeout: 60_000 });
    await status
      .locator('.red-ui-flow-node-status-dot-green, .red-ui-flow-node-status-ring-red')
      .waitFor({ timeout: 120_000 });
    return {
      status: (await shape.getAttribute('class')) ?? '',
      text: (await status.locator('.red-ui-flow-node-status-label').textContent()) ?? '',
    };
  }

  it('the button replicates: the status turns green and the data is on the other machine', async () => {
    const { status, text } = await pressAndWatch();
    assert.match(status, /dot-green/, text);
    const [newest] = (await machines.nas1.snapshots('tank/data/photos')).toReversed();
    const [received] = (await machines.nas2.snapshots('backup/data/photos')).toReversed();
    assert.ok(newest && received);
    assert.match(newest.name, /^manual-/);
    assert.equal(received.guid, newest.guid);
  });

  it('a pool that is gone turns the status red, and the next press works when it is back', async () => {
    await machines.nas2.run(['zpool', 'export', 'backup']);
    assert.match((await pressAndWatch()).status, /ring-red/);
    await machines.nas2.run(['zpool', 'import', '-d', '/dev', 'backup']);
    const { status, text } = await pressAndWatch();
    assert.match(status, /dot-green/, text);
  });
});
