// The tree of datasets and the count of snapshots in a real editor, asking a real machine over SSH: what is shown, what can be
// chosen, by mouse and by keyboard, and what is said where a machine does not answer.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import type { Machine } from '../lab/machine';
import { NODE_RED_4, NodeRed, ROOT, makeUserDir, nodeRed5, type Platform } from '../package/node-red';
import { closedPort } from '../support/flow-bench';
import { useMachines } from '../support/machines';
import { Editor, launch } from './browser';

/** More than a level shows at once. */
const MANY = 520;

const platforms: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5', nodeRed5],
];

describe('the tree of datasets', function () {
  this.timeout(180_000);
  let nas: Machine;
  let directory: string;
  let browser: Browser;

  useMachines({ nas: { pool: 'tank' } }, async (machines) => {
    ({ nas } = machines);
    await nas.sh(
      `zfs create tank/data; zfs create tank/data/photos; zfs create tank/data/documents; zfs create tank/data/documents/old
       for n in auto-2026-01-01_00-00 auto-2026-01-02_00-00 by-hand; do zfs snapshot -r "tank/data@$n"; done
       zfs create -s -V 64M tank/vm; zfs create tank/.system; zfs create tank/empty
       for n in secret open; do head -c 32 /dev/zero >/root/$n.key
         zfs create -o encryption=on -o keyformat=raw -o keylocation=file:///root/$n.key tank/$n; done
       zfs create tank/secret/inner; zfs unmount tank/secret/inner; zfs unmount tank/secret; zfs unload-key tank/secret
       zfs create -o mountpoint=none tank/many
       seq 1 "$1" | xargs -P 8 -n 20 sh -c 'for n; do zfs create "tank/many/d$n" || exit 255; done' sh`,
      { args: [String(MANY)] },
    );
    directory = await mkdtemp(path.join(tmpdir(), 'zfs-tree-'));
    await writeFile(path.join(directory, 'key'), nas.privateKey, { mode: 0o600 });
  });
  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    if (directory !== undefined) await rm(directory, { recursive: true });
  });

  async function flows(): Promise<object[]> {
    const to = {
      type: 'zfs-ssh-connection',
      username: 'root',
      authMethod: 'keyFile',
      keyFile: path.join(directory, 'key'),
      hostKeys: nas.hostKey,
      host: '127.0.0.1',
    };
    return [
      { id: 'tab', type: 'tab', label: 'Trees' },
      { ...to, id: 'nas', name: 'the NAS', port: nas.port },
      { ...to, id: 'down', name: 'one that is down', port: await closedPort() },
      {
        id: 'replicate',
        type: 'zfs-replicate',
        z: 'tab',
        x: 200,
        y: 100,
        sourceConnection: 'nas',
        sourceDatasets: ['tank/data'],
        targetConnection: 'nas',
        targetDataset: 'tank/copy',
        wires: [[], [], []],
      },
      {
        id: 'lost',
        type: 'zfs-snapshot',
        z: 'tab',
        x: 200,
        y: 200,
        connection: 'down',
        datasets: ['tank/data'],
        wires: [[], [], []],
      },
    ];
  }

  for (const [label, platform] of platforms) {
    describe(`in ${label}`, () => {
      let nodeRed: NodeRed;
      let editor: Editor;

      before(async () => {
        nodeRed = await NodeRed.start(
          await platform(),
          await makeUserDir({ packageSource: ROOT, flows: await flows() }),
        );
      });
      after(() => nodeRed?.stop());
      beforeEach(async () => {
        editor = await Editor.open(browser, nodeRed.url);
      });
      afterEach(async function () {
        if (this.currentTest?.state === 'failed') await editor.screen('tree-failed');
        const { complaints, page } = editor;
        await page.close();
        assert.deepEqual(complaints, [], 'the browser complained');
      });

      const page = (): Page => editor.page;
      const tree = (): Locator => page().locator('.zfs-browse .zfs-tree');
      const row = (name: string): Locator => tree().locator(`[data-zfs-dataset="${name}"]`);
      const box = (name: string): Locator => row(name).locator('input');
      const button = (name: string): Locator => page().locator('.zfs-browse').getByRole('button', { name });
      const open = async (name: string): Promise<void> => {
        await row(name).locator('.fa-angle-right').click();
      };
      const rows = (): Promise<string[]> =>
        editor
          .section('source')
          .getByLabel('Dataset', { exact: true })
          .evaluateAll((inputs) => inputs.map((input) => (input as HTMLInputElement).value));
      const browse = async (section = 'source'): Promise<void> => {
        await editor.section(section).getByRole('button', { name: 'browse…' }).click();
        await row('tank').waitFor();
      };

      it('shows what there is, level by level, and what is locked, and keeps what is the system’s apart', async () => {
        await editor.edit('replicate');
        await browse();
        await row('tank/data').waitFor();
        assert.equal(await box('tank/data').isChecked(), true);
        assert.equal(await row('tank/data/photos').count(), 0, 'what was not opened was asked for');
        const lock = (name: string): Locator => row(name).locator('[data-zfs-lock]');
        assert.equal(await lock('tank/secret').getAttribute('data-zfs-lock'), 'closed');
        assert.equal(await lock('tank/open').getAttribute('data-zfs-lock'), 'open');
        assert.equal(await row('tank/secret').locator('.zfs-tree-key').count(), 1);
        assert.equal(await row('tank/vm').locator('.fa-hdd-o').count(), 1);
        // Whether anything is below is asked with the level; where the answer takes long, opening it tells.
        if ((await row('tank/empty').locator('.fa-angle-right').count()) > 0) {
          await open('tank/empty');
          await tree().locator('.zfs-tree-note').waitFor();
        }
        assert.match((await row('tank/data').locator('.zfs-tree-used').textContent()) ?? '', /\d [KMG]iB$/);
        assert.equal(await row('tank/.system').count(), 0);
        await open('tank/secret');
        await row('tank/secret/inner').waitFor();
        assert.equal(await lock('tank/secret/inner').getAttribute('data-zfs-lock'), 'closed');
        assert.equal(await row('tank/secret/inner').locator('.zfs-tree-key').count(), 0);
        await page()
          .locator('.zfs-tree-box')
          .evaluate((element) => element.scrollTo(0, 0));
        await editor.screen(`tree-${label}`);
        await tree().getByLabel('Show system datasets').check();
        await row('tank/.system').waitFor();
        await row('tank/secret/inner').waitFor();
        await button('Cancel').click();
        assert.deepEqual(await rows(), ['tank/data']);
        await editor.cancel();
      });

      it('lets a recursive parent stand for its children, and takes their place', async () => {
        await editor.edit('replicate');
        await browse();
        const leftOut = tree().locator('[data-zfs-left-out]');
        await leftOut.getByText('The datasets below tank/data are left out').waitFor();
        await open('tank/data');
        await box('tank/data').uncheck();
        await box('tank/data/photos').check();
        assert.equal(await leftOut.count(), 0, 'nothing is below it');
        assert.equal(await box('tank/data').evaluate((input) => (input as HTMLInputElement).indeterminate), true);
        await box('tank/data').check();
        assert.equal(await box('tank/data/photos').isEnabled(), true, 'locked although it is not recursive');
        await button('Choose').click();
        assert.deepEqual(await rows(), ['tank/data/photos', 'tank/data']);
        await editor.form.locator('#node-input-recursive').check();
        await browse();
        await row('tank/data/photos').waitFor();
        assert.equal(await leftOut.count(), 0, 'it is recursive');
        assert.deepEqual(
          [await box('tank/data/photos').isChecked(), await box('tank/data/photos').isDisabled()],
          [true, true],
        );
        await box('tank/data').uncheck();
        await box('tank/data').check();
        await button('Choose').click();
        assert.deepEqual(await rows(), ['tank/data']);
        await editor.cancel();
      });

      it('can be used without a mouse', async () => {
        await editor.edit('replicate');
        await browse();
        const keys = async (...names: string[]): Promise<void> => {
          for (const name of names) await page().keyboard.press(name);
        };
        const focused = (): Promise<string | null> => tree().locator('.focus').getAttribute('data-zfs-dataset');
        await row('tank/data').waitFor();
        await keys('Tab', 'Tab');
        assert.equal(await focused(), 'tank');
        await keys('ArrowLeft');
        await tree().locator('[data-zfs-dataset="tank"][aria-expanded="false"]').waitFor();
        await keys('ArrowRight');
        await tree().locator('[data-zfs-dataset="tank"][aria-expanded="true"]').waitFor();
        for (let i = 0; i < 12 && (await focused()) !== 'tank/data'; i++) await keys('ArrowDown');
        assert.equal(await focused(), 'tank/data');
        // Told when the tree has dealt with the key.
        const id = await row('tank/data').getAttribute('id');
        await tree().locator(`[role="tree"][aria-activedescendant="${id}"]`).waitFor();
        await keys('ArrowRight');
        await row('tank/data/photos').waitFor();
        await page().waitForFunction(`$('.zfs-tree [data-zfs-dataset="tank/data/photos"]').is(':visible')`);
        await keys('ArrowDown', 'ArrowDown', 'Enter');
        assert.equal(await box('tank/data/photos').isChecked(), true);
        assert.equal(await row('tank/data/photos').getAttribute('aria-checked'), 'true');
        await button('Choose').focus();
        await keys('Enter');
        assert.deepEqual(await rows(), ['tank/data', 'tank/data/photos']);
        await editor.cancel();
      });

      it('finds names on demand, and filters a long level', async () => {
        await editor.edit('replicate');
        await browse();
        await open('tank/many');
        const filter = tree().getByLabel(`Filter ${MANY} datasets`);
        await filter.waitFor();
        await page().waitForFunction(`$('.zfs-tree [data-zfs-dataset^="tank/many/"]').length === 100`);
        await filter.fill('d51');
        await row('tank/many/d510').waitFor();
        await box('tank/many/d510').check();
        await filter.fill('d3 ');
        await tree().getByLabel('Search names').fill('PHOTO');
        await row('tank/data/photos').waitFor();
        assert.equal(await row('tank/many').count(), 0);
        assert.equal(await row('tank/data/photos').locator('.zfs-tree-name').textContent(), 'tank/data/photos');
        await box('tank/data/photos').check();
        await tree().getByLabel('Search names').fill('no such');
        await tree().getByText('No dataset has this in its name.').waitFor();
        await tree().getByLabel('Search names').fill('');
        await row('tank/many/d510').waitFor();
        await button('Choose').click();
        assert.deepEqual(await rows(), ['tank/data', 'tank/many/d510', 'tank/data/photos']);
        await editor.cancel();
      });

      it('lets one target be chosen, and tells of one that is not there yet', async () => {
        await editor.edit('replicate');
        await editor.section('target').locator('.zfs-browse-targetDataset').click();
        await row('tank/data').waitFor();
        assert.equal(
          await tree().locator('[data-zfs-unknown="tank/copy"]').textContent(),
          'tank/copy does not exist yet: the first run makes it.',
        );
        await row('tank/empty').click();
        await row('tank/vm').click();
        assert.deepEqual([await box('tank/empty').isChecked(), await box('tank/vm').isChecked()], [false, true]);
        await button('Choose').click();
        assert.equal(await editor.form.locator('#node-input-targetDataset').inputValue(), 'tank/vm');
        await editor.cancel();
      });

      it('counts what would be replicated, while it is being chosen', async () => {
        await editor.edit('replicate');
        const count = editor.form.locator('[data-zfs-count="tank/data"]');
        await count.getByText('3 of 3 snapshots will be replicated, oldest').waitFor();
        await editor.unfold('snapshots');
        await editor.form.locator('#node-input-recursive').check();
        await count.getByText('12 of 12 snapshots').waitFor();
        await editor.form.locator('#node-input-snapshotSelection').selectOption('regex');
        await editor.form
          .locator(
            '#node-input-nameRegex + .red-ui-typedInput-container input, #node-input-nameRegex ~ .red-ui-typedInput-container input',
          )
          .last()
          .fill('^auto-');
        await editor.page.keyboard.press('Tab');
        await count.getByText('8 of 12 snapshots').waitFor();
        await editor.screen(`count-${label}`);
        await editor.section('source').getByRole('button', { name: 'add a dataset' }).click();
        const last = editor.section('source').getByLabel('Dataset', { exact: true }).last();
        await last.fill('tank/empty');
        await editor.form.locator('[data-zfs-count="tank/empty"]').getByText('The run takes one first.').waitFor();
        await editor.form.locator('#node-input-createSnapshot').selectOption('never');
        await editor.form.locator('[data-zfs-count="tank/empty"]').getByText('this node takes none itself').waitFor();
        await last.fill('tank/typo');
        await editor.form
          .locator('[data-zfs-count="tank/typo"]')
          .getByText('dataset "tank/typo" does not exist on the NAS')
          .waitFor();
        await count.getByText('8 of 12 snapshots').waitFor();
        await editor.cancel();
      });

      it('says at its place what went wrong, and tries again', async () => {
        await editor.edit('lost');
        await editor.section('source').getByRole('button', { name: 'browse…' }).click();
        const problem = tree().locator('[data-zfs-tree-problem=""]');
        await problem.locator('[data-zfs-code="CONNECTION_REFUSED"]').waitFor();
        await editor.screen(`tree-down-${label}`);
        await problem.getByRole('button', { name: 'Retry' }).click();
        await problem.locator('[data-zfs-code="CONNECTION_REFUSED"]').waitFor();
        await problem.getByRole('button', { name: 'Test connection' }).click();
        await page().locator('#node-config-input-host').waitFor();
        await page().locator('#node-config-dialog-cancel').click();
        await page().locator('#node-config-input-host').waitFor({ state: 'detached' });
        await page().waitForFunction('$(":animated").length === 0');
        await editor.cancel();

        await editor.edit('replicate');
        await browse();
        await nas.sh('zfs create tank/gone; zfs create tank/gone/below');
        await tree().locator('[data-zfs-action="refresh"]').click();
        await row('tank/gone').waitFor();
        await nas.sh('zfs rename tank/gone tank/went');
        await open('tank/gone');
        const below = tree().locator('[data-zfs-tree-problem="tank/gone"]');
        await below.getByText('does not exist').waitFor();
        assert.equal(await row('tank/data').count(), 1, 'the rest of the tree went with it');
        await nas.sh('zfs rename tank/went tank/gone');
        await below.getByRole('button', { name: 'Retry' }).click();
        await row('tank/gone/below').waitFor();
        await nas.sh('zfs destroy -r tank/gone');
        await button('Cancel').click();
        await editor.cancel();
      });
    });
  }
});
