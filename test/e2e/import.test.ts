// The import from saved and pasted configurations, in real editors: what is listed, what a tick means, one undo, a second import
// that updates, and keys that nobody has asked for any more. From a running TrueNAS: import-live.test.ts.
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { NODE_RED_4, NodeRed, type Platform, ROOT, makeUserDir, nodeRed5 } from '../package/node-red';
import { configurationSql, SEED, sqliteFile, tarFile } from '../unit/import/truenas/archives';
import { answersOf, PASSPHRASE, PRIVATE_KEY } from '../unit/import/truenas/samples';
import { Editor, launch } from './browser';
import { ImportForm } from './import-form';

const EMPTY = [
  { id: 'tab', type: 'tab', label: 'x' },
  { id: 'note', type: 'comment', z: 'tab', x: 200, y: 100, name: 'here', info: '', wires: [] },
];
const JSON_TEXT = JSON.stringify(answersOf('SCALE 25.10.6'));

const platforms: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5 on Node 24', nodeRed5],
];

for (const [label, platform] of platforms) {
  describe(`the import, ${label}`, function () {
    this.timeout(60_000);
    let browser: Browser;
    let nodeRed: NodeRed;
    let editor: Editor;
    let form: ImportForm;
    /** Bodies of what was asked of our endpoints. */
    let asked: [endpoint: string, body: Record<string, unknown>][];

    before(async () => {
      browser = await launch();
      nodeRed = await NodeRed.start(await platform(), await makeUserDir({ packageSource: ROOT, flows: EMPTY }));
    });
    beforeEach(async () => {
      await nodeRed.deploy(EMPTY);
      await open();
    });
    afterEach(async () => {
      const { complaints } = editor;
      await editor.page.close();
      assert.deepEqual(complaints, [], 'the browser complained');
    });
    after(async () => {
      await browser?.close();
      await nodeRed?.stop();
    });

    async function open(): Promise<void> {
      editor = await Editor.open(browser, nodeRed.url);
      asked = [];
      editor.page.on('request', (request) => {
        const [, endpoint] = /\/zfs-flows\/([a-z-]+)$/.exec(request.url()) ?? [];
        if (endpoint !== undefined && request.method() === 'POST') {
          asked.push([endpoint, request.postDataJSON() as Record<string, unknown>]);
        }
      });
      form = await ImportForm.open(editor);
    }

    const forgotten = (): unknown[] => asked.filter(([name]) => name === 'forget-staged-key').map(([, { id }]) => id);
    const idOf = (ids: Iterable<string>, kind: string): string =>
      [...ids].find((id) => id.startsWith(`zfs-imp-${kind}-`)) ?? assert.fail(`no ${kind}`);
    const stored = async (type: string, id: string): Promise<Record<string, unknown>> =>
      (await nodeRed.get(`credentials/${type}/${id}`)) as Record<string, unknown>;
    /** The flows without what an import has nothing to do with. */
    const dirty = (): Promise<boolean> => editor.ask('RED.nodes.dirty()');

    it('lists what becomes of each task, and puts it there with one undo', async () => {
      await form.nameless();
      await form.paste(JSON_TEXT);
      await form.nameless();
      assert.deepEqual(await form.items(), ['repl-4 new', 'repl-7 new', 'snap-5 new', 'ssh-2 new']);
      assert.deepEqual(await form.ticked(), ['repl-4', 'repl-7', 'snap-5', 'ssh-2']);
      assert.match(await form.item('repl-4').innerText(), /here:tank\/family and below → vault:backup\/family/);
      assert.match(await form.item('snap-5').innerText(), /daily at 03:00.*kept 2 weeks/);
      assert.match(await form.item('repl-4').locator('[data-zfs-level="info"]').innerText(), /rolls it back unasked/);
      assert.equal(await form.item('repl-7').locator('[name="enabled"]').inputValue(), '', 'disabled at first');
      await form.item('repl-7').locator('[name="enabled"]').selectOption('on');
      const before = await form.flows();
      const told = await form.create();
      assert.match(told, /Deploy now: keys that were found wait/);
      const after = await form.flows();
      const [snap, repl, pull] = ['snap-5', 'repl-4', 'repl-7'].map((kind) => after.get(idOf(after.keys(), kind)));
      assert.deepEqual(snap?.['wires'], [[repl?.['id']], [], []]);
      assert.deepEqual([snap?.['enabled'], repl?.['enabled'], pull?.['enabled']], [false, false, true]);
      assert.equal(after.get(String(snap?.['z']))?.['label'], 'Imported from attic');
      assert.equal(await editor.ask('RED.workspaces.active()'), snap?.['z']);
      assert.deepEqual(forgotten(), []);
      await editor.ask('RED.history.pop()');
      assert.deepEqual([(await form.flows()).size, await dirty()], [before.size, false]);
      await editor.ask('RED.history.redo()');
      assert.equal((await form.flows()).size, after.size);
      await editor.deploy();
      assert.equal((await stored('zfs-ssh-connection', idOf(after.keys(), 'ssh-2')))['has_privateKey'], true);
      assert.equal((await stored('zfs-replicate', idOf(after.keys(), 'repl-4')))['has_encryptionKey'], true);
    });

    it('imports once, however often its button is pressed', async () => {
      await form.paste(JSON_TEXT);
      const depth = await editor.ask<number>('RED.history.depth()');
      await form.action('create').evaluate((button: HTMLElement) => {
        button.click();
        button.click();
      });
      await form.tray.waitFor({ state: 'detached' });
      await editor.page.locator('.red-ui-notification').last().waitFor();
      await editor.page.waitForTimeout(400);
      assert.equal(await editor.ask('RED.history.depth()'), depth + 1);
      assert.equal(await editor.page.locator('.red-ui-notification').count(), 1);
      await editor.page.locator('.red-ui-notification button', { hasText: 'Close' }).click();
      await editor.ask('RED.history.pop()');
    });

    it('leaves out what is not ticked, with what cannot be without it, and forgets its keys', async () => {
      await form.paste(JSON_TEXT);
      await form.tick('ssh-2', false);
      assert.deepEqual(await form.ticked(), ['snap-5']);
      assert.match(await form.item('repl-4').innerText(), /Left out with its connection \(vault\)/);
      await form.tick('repl-4', true);
      assert.deepEqual(await form.ticked(), ['repl-4', 'snap-5', 'ssh-2'], 'its connection comes with it');
      await form.tick('snap-5', false);
      assert.match(await form.item('repl-4').innerText(), /Nothing starts it: tank\/family is not imported/);
      await form.tick('repl-4', false);
      assert.deepEqual(await form.ticked(), []);
      assert.ok(await form.action('create').isDisabled());
      await form.tick('snap-5', true);
      await form.create();
      const ids = [...(await form.flows()).keys()].filter((id) => id.startsWith('zfs-imp'));
      assert.deepEqual(
        ids.map((id) => id.replace(/-[0-9a-f]{8}$/, '')),
        ['zfs-imp-tab', 'zfs-imp-snap-5'],
      );
      assert.equal(forgotten().length, 2);
      await editor.deploy();
      const keyless = idOf(forgotten() as string[], 'ssh-2');
      assert.notEqual((await stored('zfs-ssh-connection', keyless))['has_privateKey'], true);
    });

    it('updates the nodes of the first time instead of doubling them, and leaves what somebody has done', async () => {
      await form.paste(JSON_TEXT);
      await form.create();
      await editor.deploy();
      const first = await form.flows();
      const [ssh, snap, repl] = ['ssh-2', 'snap-5', 'repl-4'].map((kind) => idOf(first.keys(), kind));
      await nodeRed.deploy(
        [...first.values()].map((node) => {
          if (node['id'] === snap) return { ...node, x: 600, alertAfter: '2d', enabled: true };
          return node['id'] === ssh ? { ...node, host: '10.0.0.9', jumpConnection: '' } : node;
        }),
      );
      await editor.page.close();
      await open();
      await form.paste(JSON_TEXT.replaceAll('"vault.lan"', '"localhost"'));
      assert.deepEqual(await form.items(), ['repl-4 same', 'repl-7 same', 'snap-5 same', 'ssh-2 same']);
      assert.equal(await form.item('snap-5').locator('[name="enabled"]').inputValue(), 'on', 'as it is here');
      await form.action('back').click();
      const other = JSON_TEXT.replace('"hour":"3"', '"hour":"5"').replaceAll('"backup/family"', '"backup/other"');
      await form.paste(other);
      assert.deepEqual(await form.items(), ['repl-4 changed', 'repl-7 same', 'snap-5 changed', 'ssh-2 changed']);
      await form.item('snap-5').locator('summary').click();
      assert.match(await form.item('snap-5').innerText(), /schedule: 0 3 \* \* \* → 0 5 \* \* \*/);
      await form.tick('ssh-2', false);
      assert.deepEqual(await form.ticked(), ['repl-4', 'repl-7', 'snap-5'], 'it is there for its tasks');
      const told = await form.create();
      assert.match(told, /nodes were updated/);
      const second = await form.flows();
      assert.deepEqual([...second.keys()].toSorted(), [...first.keys()].toSorted());
      const { schedule, x, alertAfter, enabled } = second.get(snap ?? '') ?? {};
      assert.deepEqual([schedule, x, alertAfter, enabled], ['0 5 * * *', 600, '2d', true]);
      assert.equal(second.get(repl ?? '')?.['targetDataset'], 'backup/other');
      assert.equal(second.get(ssh ?? '')?.['host'], '10.0.0.9');
      await editor.ask('RED.history.pop()');
      assert.equal((await form.flows()).get(snap ?? '')?.['schedule'], '0 3 * * *');
      assert.equal(await dirty(), false);
      await editor.ask('RED.history.redo()');
      await editor.deploy();
      assert.equal((await stored('zfs-ssh-connection', ssh ?? ''))['has_privateKey'], true, 'its key is still there');
    });

    it('forgets the keys when it is left, and not those of what is in the flows already', async () => {
      await form.paste(JSON_TEXT);
      await form.cancel();
      const ids = forgotten() as string[];
      assert.equal(ids.length, 2);
      assert.equal(await dirty(), false);
      await nodeRed.deploy([...EMPTY, { id: idOf(ids, 'ssh-2'), type: 'zfs-ssh-connection', host: 'x.invalid' }]);
      assert.notEqual((await stored('zfs-ssh-connection', idOf(ids, 'ssh-2')))['has_privateKey'], true);

      await nodeRed.deploy(EMPTY);
      await editor.page.close();
      await open();
      await form.paste(JSON_TEXT);
      await form.create();
      form = await ImportForm.open(editor);
      await form.paste(JSON_TEXT);
      assert.deepEqual(await form.items(), ['repl-4 same', 'repl-7 same', 'snap-5 same', 'ssh-2 same']);
      await form.cancel();
      assert.deepEqual(forgotten(), []);
      await editor.deploy();
      assert.equal((await stored('zfs-ssh-connection', idOf(ids, 'ssh-2')))['has_privateKey'], true);
    });

    it('takes a saved configuration, in pieces where it is large, and says when its seed is another one', async () => {
      const database = sqliteFile(configurationSql({ privateKey: PRIVATE_KEY, passphrase: PASSPHRASE }));
      const filler = Buffer.alloc(3_500_000, 'x');
      const whole = tarFile({ 'freenas-v1.db': database, pwenc_secret: SEED, root_authorized_keys: filler });
      await form.choose('attic.tar', whole);
      await form.next();
      assert.deepEqual(
        (await form.items()).map((item) => item.split('-')[0]),
        ['repl', 'snap', 'ssh'],
      );
      assert.ok(asked.filter(([, { part }]) => part !== undefined).length >= 3, 'it came in pieces');
      await form.action('back').click();
      await form.choose('attic.tar', tarFile({ 'freenas-v1.db': database, pwenc_secret: Buffer.alloc(32, 7) }));
      await form.next();
      await form.tray.locator('[data-zfs-level="error"]', { hasText: 'does not belong to this database' }).waitFor();
      await form.action('back').click();
      await form.choose('attic.db', database);
      await form.next();
      await form.tray.locator('[data-zfs-level="warn"]', { hasText: 'Export Password Secret Seed' }).waitFor();
      assert.equal(forgotten().length, 2, 'keys of the first file');
      await form.cancel();
    });

    it('takes sanoid and zrepl, and says what it cannot take', async () => {
      await form.action('next').click();
      await form.problem('').filter({ hasText: 'choose a file' }).waitFor();
      await form.choose('picture.png', Buffer.from([0x89, 0x50, 0xff, 0xfe, 0]));
      await form.action('next').click();
      await form.problem('file', 'INVALID_OPTIONS').filter({ hasText: 'neither a saved configuration' }).waitFor();
      await form.field('url').fill('nas.invalid');
      await form.action('next').click();
      await form.problem('url').filter({ hasText: 'leave one of them empty' }).waitFor();
      await form.field('url').fill('');
      await form.tray.locator('[aria-label="Take no file"]').click();
      await assert.rejects(form.paste('{"a": 1}'));
      await form.problem('json', 'INVALID_OPTIONS').waitFor();
      await form.paste(
        '[tank/a]\nhourly = 3\ndaily = 0\nmonthly = 0\n\n0 * * * * root syncoid tank/a backup@vault.invalid:pool/a\n',
      );
      assert.deepEqual(
        (await form.items()).map((item) => item.split('-')[0]),
        ['repl', 'snap', 'ssh'],
      );
      await form.create();
      assert.equal((await form.flows()).size, EMPTY.length + 4 + 2, 'a tab, three nodes, two comments');
    });
  });
}
