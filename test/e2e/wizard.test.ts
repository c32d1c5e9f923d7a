// The wizard "Replicate…" (face.md §6) in real editors, where no machine answers: everything can be typed, nothing is lost back
// and forth, each field says what is wrong with it, leaving changes nothing, and what is created is one step of undo.
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { NODE_RED_4, NodeRed, type Platform, ROOT, makeUserDir, nodeRed5 } from '../package/node-red';
import { Editor, launch } from './browser';
import { WizardTray, type WizardStep } from './wizard';
import { FILLED, FLOWS } from './wizard-flows';

const platforms: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5 on Node 24', nodeRed5],
];

for (const [label, platform] of platforms) {
  describe(`the wizard, ${label}`, function () {
    this.timeout(90_000);
    let browser: Browser;
    let nodeRed: NodeRed;
    let editor: Editor;
    let wizard: WizardTray;

    before(async () => {
      browser = await launch();
      nodeRed = await NodeRed.start(await platform(), await makeUserDir({ packageSource: ROOT, flows: FLOWS }));
    });
    beforeEach(async () => {
      editor = await Editor.open(browser, nodeRed.url);
      wizard = await WizardTray.open(editor);
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

    /** Flows as an export has them, and what undo would take back. */
    const state = (): Promise<{ nodes: unknown[]; dirty: boolean; undo: number }> =>
      editor.ask(
        `({ nodes: RED.nodes.createCompleteNodeSet({ credentials: false }), dirty: RED.nodes.dirty(), undo: RED.history.depth() })`,
      );

    async function toSummary(target: Readonly<Record<string, string | boolean>> = {}): Promise<void> {
      await wizard.enter(FILLED);
      await wizard.next('destination');
      await wizard.enter({ targetConnection: 'nas2', targetDataset: 'backup/nas1', ...target });
      for (const step of ['security', 'schedule', 'lifetime', 'summary'] as const) await wizard.next(step);
    }

    it('makes a replication of what is typed, which one undo takes back and another brings again', async () => {
      const before = await state();
      await toSummary();
      assert.equal(await wizard.field('name').inputValue(), 'tank/data,tank/vm - backup/nas1');
      assert.equal(await wizard.field('tab').inputValue(), 'tab');
      await wizard.create();
      const after = await state();
      const known = new Set((before.nodes as { id: string }[]).map(({ id }) => id));
      const made = (after.nodes as { id: string; type: string; z?: string }[]).filter(({ id }) => !known.has(id));
      assert.deepEqual(made.map(({ type }) => type).toSorted(), [
        'comment',
        'debug',
        'inject',
        'zfs-replicate',
        'zfs-snapshot',
      ]);
      assert.ok(made.every(({ z }) => z === 'tab'));
      const replicate = made.find(({ type }) => type === 'zfs-replicate') as unknown as Record<string, unknown>;
      assert.deepEqual(
        [replicate['sourceDatasets'], replicate['recursive'], replicate['exclude'], replicate['createSnapshot']],
        [['tank/data', 'tank/vm'], true, ['tank/vm/tmp'], 'never'],
      );
      assert.deepEqual([replicate['targetConnection'], replicate['targetDataset']], ['nas2', 'backup/nas1']);
      assert.equal(after.dirty, true);
      assert.equal(after.undo, before.undo + 1);
      assert.equal(await editor.ask('RED.view.selection().nodes.length'), 5);
      for (const { id } of made) assert.equal(await editor.valid(id), true, id);
      await editor.ask('RED.history.pop()');
      assert.deepEqual(await state(), before);
      await editor.ask('RED.history.redo()');
      assert.deepEqual((await state()).nodes, after.nodes);
      await editor.ask('RED.history.pop()');
    });

    it('goes back and forth without losing anything', async () => {
      await wizard.enter({ ...FILLED, snapshotSelection: 'schema', namingSchemas: 'auto-%Y-%m-%d_%H-%M\ndaily-%s' });
      await wizard.next('destination');
      await wizard.enter({ targetConnection: 'nas2', targetDataset: 'backup/x', encryption: 'key', encryptionKeyFormat: 'passphrase', encryptionKey: 'correct horse' }); // prettier-ignore
      await wizard.next('security');
      await wizard.enter({ transport: 'ssh+netcat' });
      await wizard.next('schedule');
      await wizard.enter({ schedule: 'custom', scheduleCron: '30 2 * * 1-5', scheduleTimeZone: 'Europe/Berlin', readonly: 'ignore' }); // prettier-ignore
      await wizard.next('lifetime');
      await wizard.enter({ sourceLifetime: '3', sourceLifetimeUnit: 'week', targetRetention: 'custom', targetLifetime: '6', targetLifetimeUnit: 'month' }); // prettier-ignore
      await wizard.next('summary');
      await wizard.enter({ name: 'mine' });
      await wizard.page.locator('[data-zfs-go="source"]').click();
      await wizard.at('source');
      assert.equal(await wizard.field('sourceDatasets').inputValue(), 'tank/data\ntank/vm');
      assert.equal(await wizard.field('namingSchemas').inputValue(), 'auto-%Y-%m-%d_%H-%M\ndaily-%s');
      await wizard.enter({ sourceDatasets: 'tank/other' });
      await wizard.next('destination');
      assert.equal(await wizard.field('encryptionKey').inputValue(), 'correct horse');
      await wizard.page.locator('[data-zfs-go="summary"]').click();
      await wizard.at('summary');
      assert.equal(await wizard.field('name').inputValue(), 'mine', 'what was typed stays');
      const back: [WizardStep, string, string][] = [
        ['lifetime', 'targetLifetimeUnit', 'month'],
        ['schedule', 'scheduleCron', '30 2 * * 1-5'],
        ['security', 'transport', 'ssh+netcat'],
        ['destination', 'targetConnection', 'nas2'],
      ];
      for (const [step, name, value] of back) {
        await wizard.back(step);
        assert.equal(await wizard.field(name).inputValue(), value, name);
      }
      await wizard.leave();
    });

    it('says at each field what is wrong with it, and lets nobody past', async () => {
      assert.match(await wizard.refused('sourceDatasets'), /Which datasets/);
      assert.equal(await wizard.field('sourceDatasets').getAttribute('aria-invalid'), 'true');
      assert.equal(await wizard.field('sourceDatasets').evaluate((one) => one === document.activeElement), true);
      await wizard.enter({ sourceDatasets: 'tank//data' });
      assert.match(await wizard.refused('sourceDatasets'), /tank\/\/data/);
      await wizard.enter({ ...FILLED, exclude: 'tank//vm' });
      assert.match(await wizard.refused('exclude'), /tank\/\/vm/);
      await wizard.enter({ exclude: '', snapshotSelection: 'schema', namingSchemas: '' });
      assert.match(await wizard.refused('namingSchemas'), /look like/);
      await wizard.enter({ namingSchemas: 'nothing' });
      assert.match(await wizard.refused('namingSchemas'), /nothing/);
      await wizard.enter({ snapshotSelection: 'regex', nameRegex: '(' });
      assert.match(await wizard.refused('nameRegex'), /\(/);
      await wizard.enter({ snapshotSelection: 'all' });
      await wizard.next('destination');
      assert.match(await wizard.refused('targetDataset'), /which dataset/);
      await wizard.enter({ targetDataset: 'tank/data/copy' });
      assert.match(await wizard.refused('targetDataset'), /inside it/);
      await wizard.enter({ targetDataset: 'tank/copy', encryption: 'key', encryptionKeyFormat: 'passphrase', encryptionKey: 'short' }); // prettier-ignore
      assert.match(await wizard.refused('encryptionKey'), /8 characters/);
      await wizard.enter({ encryptionKeyFormat: 'hex', encryptionKeyGenerate: false, encryptionKey: 'abc' });
      assert.match(await wizard.refused('encryptionKey'), /64 digits/);
      await wizard.enter({ encryptionKeyLocation: '' });
      assert.match(await wizard.refused('encryptionKeyLocation'), /where the key file is/);
      await wizard.enter({ encryption: 'none' });
      await wizard.next('security');
      await wizard.next('schedule');
      await wizard.enter({ schedule: 'custom' });
      assert.match(await wizard.refused('scheduleCron'), /Say when/);
      await wizard.enter({ scheduleCron: '61 * * * *' });
      assert.match(await wizard.refused('scheduleCron'), /61/);
      await wizard.enter({ scheduleCron: '0 1 * * *', scheduleTimeZone: 'Europe/Nowhere' });
      assert.match(await wizard.refused('scheduleTimeZone'), /Nowhere/);
      await wizard.enter({ scheduleTimeZone: 'UTC' });
      assert.equal(await wizard.problem('scheduleTimeZone').count(), 0, 'taken back while it is mended');
      await wizard.enter({ alertAfter: 'soon' });
      assert.match(await wizard.refused('alertAfter'), /soon/);
      await wizard.enter({ alertAfter: '' });
      await wizard.next('lifetime');
      await wizard.enter({ sourceLifetime: '0', targetRetention: 'custom', targetLifetime: '' });
      assert.match(await wizard.refused('targetLifetime'), /whole number/);
      assert.equal(await wizard.problem('sourceLifetime').count(), 1, 'each of several');
      await wizard.enter({ sourceLifetime: '2', sourceLifetimeUnit: '', targetLifetime: '3' });
      await wizard.next('summary');
      await wizard.enter({ tab: 'shut' });
      await wizard.button('create').click();
      assert.match((await wizard.problem('tab').textContent()) ?? '', /locked/);
      await wizard.leave();
    });

    it('shows when it runs, in the zone that was chosen', async () => {
      await wizard.enter(FILLED);
      await wizard.next('destination');
      await wizard.enter({ targetDataset: 'other/x' });
      await wizard.next('security');
      assert.match(await wizard.tray.innerText(), /does not leave it/);
      await wizard.next('schedule');
      await wizard.enter({ schedule: 'custom', scheduleCron: '30 2 29 2 *', scheduleTimeZone: 'Europe/Berlin' });
      const runs = wizard.tray.locator('[data-zfs-runs] li');
      await runs.nth(4).waitFor();
      assert.deepEqual(
        (await runs.allTextContents()).map((time) => time.replace(/^\d+/, '')),
        Array.from({ length: 5 }, () => '-02-29 02:30'),
      );
      await wizard.enter({ schedule: '' });
      assert.match(await wizard.tray.locator('[data-zfs-runs]').innerText(), /button/);
      await wizard.leave();
    });

    it('creates once, and not by the second click of a double one on Next', async () => {
      const before = await state();
      await wizard.enter(FILLED);
      await wizard.next('destination');
      await wizard.enter({ targetDataset: 'other/x ' });
      for (const step of ['security', 'schedule', 'lifetime'] as const) await wizard.next(step);
      await wizard.button('next').dblclick();
      await wizard.at('summary');
      await editor.page.waitForTimeout(400);
      assert.deepEqual(await state(), before);
      // Two clicks that are not one double click, while the tray slides away.
      await wizard.button('create').evaluate((button: HTMLElement) => {
        button.click();
        button.click();
      });
      await wizard.tray.waitFor({ state: 'detached' });
      const after = await state();
      assert.equal(after.undo, before.undo + 1);
      assert.equal(after.nodes.length, before.nodes.length + 5);
      const made = await editor.ask(
        `RED.view.selection().nodes.find((node) => node.type === 'zfs-replicate').targetDataset`,
      );
      assert.equal(made, 'other/x', 'a blank that was pasted along is no part of it');
      await editor.ask('RED.history.pop()');
    });

    it('warns of a second task that takes the same snapshots at the same time', async () => {
      const before = await state();
      await wizard.enter({ sourceConnection: 'nas1', sourceDatasets: 'tank/home/photos', takeSnapshots: 'here' });
      await wizard.next('destination');
      await wizard.enter({ targetDataset: 'other/x' });
      await wizard.next('security');
      await wizard.next('schedule');
      const warning = wizard.tray.locator('[data-zfs-warning="schedule"]');
      assert.equal(await warning.isVisible(), false);
      await wizard.enter({ schedule: 'custom', scheduleCron: '0 3 * * *' });
      assert.match(await warning.innerText(), /takes the same snapshots at the same time/);
      await wizard.next('lifetime');
      await wizard.leave();
      assert.deepEqual(await state(), before);
    });

    it('says that it is the task that takes the snapshots where old ones are to go', async () => {
      await wizard.enter({ sourceConnection: 'nas1', sourceDatasets: 'tank/home/photos' });
      assert.equal(await wizard.field('takeSnapshots').inputValue(), 'ifNone');
      await wizard.next('destination');
      await wizard.enter({ targetDataset: 'other/x' });
      for (const step of ['security', 'schedule', 'lifetime'] as const) await wizard.next(step);
      const told = wizard.tray.getByText(/^For this the task takes the snapshots itself from now on/);
      assert.equal(await told.count(), 0);
      await wizard.enter({ sourceLifetime: '2', sourceLifetimeUnit: 'week' });
      await told.waitFor();
      await wizard.leave();
    });

    it('changes nothing when it is left, and asks before answers are lost', async () => {
      const before = await state();
      await wizard.button('cancel').click();
      await wizard.tray.waitFor({ state: 'detached' });
      wizard = await WizardTray.open(editor);
      await toSummary({ encryption: 'key' });
      await wizard.button('cancel').click();
      const question = wizard.tray.locator('[data-zfs-confirm="leave"]');
      assert.doesNotMatch(await question.innerText(), /machines/);
      await question.locator('[data-zfs-action="cancel"]').click();
      await wizard.at('summary');
      assert.equal(await question.count(), 0);
      await wizard.leave();
      assert.deepEqual(await state(), before);
    });

    it('is not moved by a click beside it', async () => {
      const { page } = editor;
      const before = await state();
      const beside = async (step: WizardStep): Promise<void> => {
        await page.mouse.click(120, 600);
        await page.waitForTimeout(60);
        await wizard.at(step);
        assert.deepEqual(await state(), before, step);
      };
      await wizard.enter(FILLED);
      await beside('source');
      await wizard.next('destination');
      await wizard.enter({ targetDataset: 'other/x' });
      await beside('destination');
      for (const step of ['security', 'schedule', 'lifetime', 'summary'] as const) {
        await wizard.next(step);
        await beside(step);
      }
      await wizard.leave();
    });

    it('is led by the keyboard alone', async () => {
      const { keyboard } = editor.page;
      const onward = async (step: WizardStep): Promise<void> => {
        await keyboard.press('Control+Enter');
        await wizard.at(step);
        await editor.page.waitForFunction('(document.activeElement.getAttribute("name") ?? "") !== ""');
      };
      await editor.page.waitForFunction('document.activeElement.getAttribute("name") === "startFrom"');
      await wizard.field('sourceDatasets').focus();
      await keyboard.type('tank/data');
      await onward('destination');
      await wizard.field('targetDataset').focus();
      await keyboard.type('other/data');
      for (const step of ['security', 'schedule', 'lifetime', 'summary'] as const) {
        if (step === 'security') {
          // Nothing is to be chosen there, since nothing leaves this machine.
          await keyboard.press('Control+Enter');
          await wizard.at('security');
          continue;
        }
        await onward(step);
      }
      const before = await state();
      await keyboard.press('Control+Enter');
      await wizard.tray.waitFor({ state: 'detached' });
      assert.equal((await state()).undo, before.undo + 1);
      await editor.ask('RED.history.pop()');
    });

    it('puts it into another flow or a new one, and into none that cannot take it', async () => {
      await toSummary();
      await wizard.enter({ tab: 'off' });
      assert.match(await wizard.tray.innerText(), /disabled: nothing in it runs/);
      await wizard.enter({ tab: 'new' });
      await wizard.create();
      const tabs = await editor.ask<string[]>(`RED.nodes.createCompleteNodeSet().filter(n => n.type === 'tab').map(n => n.label)`); // prettier-ignore
      assert.equal(tabs.length, 4);
      const z = await editor.ask<string>('RED.view.selection().nodes[0].z');
      assert.equal(await editor.ask('RED.workspaces.active()'), z);
      await editor.ask('RED.history.pop()');
      for (const open of ['shut', 'sub']) {
        await editor.ask(`RED.workspaces.show(${JSON.stringify(open)})`);
        wizard = await WizardTray.open(editor);
        await toSummary();
        assert.equal(await wizard.field('tab').inputValue(), 'new', open);
        await wizard.leave();
      }
      await editor.ask(`RED.workspaces.show('tab')`);
    });

    it('starts from a task that exists, and leaves that as it is', async () => {
      const before = await state();
      await wizard.enter({ startFrom: 'old' });
      assert.equal(await wizard.field('sourceConnection').inputValue(), 'nas1');
      assert.equal(await wizard.field('sourceDatasets').inputValue(), 'tank/home');
      assert.equal(await wizard.field('recursive').isChecked(), true);
      assert.equal(await wizard.field('exclude').inputValue(), 'tank/home/tmp');
      assert.match(await wizard.tray.locator('[data-zfs-notes]').innerText(), /streamCompression/);
      await wizard.next('destination');
      assert.equal(await wizard.field('targetConnection').inputValue(), 'nas2');
      assert.equal(await wizard.field('targetDataset').inputValue(), '');
      await wizard.enter({ targetDataset: 'backup/second' });
      await wizard.next('security');
      assert.equal(await wizard.field('transport').inputValue(), 'ssh+tls');
      await wizard.next('schedule');
      assert.equal(await wizard.field('scheduleCron').inputValue(), '0 3 * * *');
      await wizard.next('lifetime');
      assert.equal(await wizard.field('sourceLifetime').inputValue(), '4');
      await wizard.next('summary');
      assert.equal(await wizard.field('name').inputValue(), 'tank/home - backup/second');
      await wizard.enter({ name: 'typed' });
      await wizard.page.locator('[data-zfs-go="source"]').click();
      await wizard.enter({ startFrom: '' });
      await wizard.enter({ startFrom: 'old' });
      await wizard.page.locator('[data-zfs-go="summary"]').click();
      await wizard.at('summary');
      assert.equal(await wizard.field('name').inputValue(), 'typed', 'what was typed stays');
      await wizard.create();
      const after = await state();
      const made = (after.nodes as Record<string, unknown>[]).find(({ targetDataset }) => targetDataset === 'backup/second'); // prettier-ignore
      assert.equal(made?.['streamCompression'], 'zstd');
      await editor.ask('RED.history.pop()');
      assert.deepEqual(await state(), before);
    });

    it('shows a new key once, and hands it over to be stored', async () => {
      await wizard.enter({ sourceDatasets: 'tank/data' });
      await wizard.next('destination');
      await wizard.enter({ targetDataset: 'other/data', encryption: 'key' });
      const shown = ((await wizard.tray.locator('[data-zfs-key]').textContent()) ?? '').replaceAll(' ', '');
      assert.match(shown, /^[0-9a-f]{64}$/);
      for (const step of ['security', 'schedule', 'lifetime', 'summary'] as const) await wizard.next(step);
      assert.ok(!(await wizard.tray.innerHTML()).includes(shown));
      await wizard.create();
      const id = await editor.ask<string>(
        `RED.view.selection().nodes.find((node) => node.type === 'zfs-replicate').id`,
      );
      assert.ok(!JSON.stringify((await state()).nodes).includes(shown), 'it is in no export');
      await editor.page.locator('.red-ui-notification button', { hasText: 'Deploy now' }).click();
      await editor.page.waitForFunction('!RED.nodes.dirty()');
      const stored = (await nodeRed.get(`credentials/zfs-replicate/${id}`)) as Record<string, unknown>;
      assert.equal(stored['has_encryptionKey'], true);
      await editor.page.locator('.red-ui-notification', { hasText: 'in the flow' }).waitFor({ state: 'detached' });
      await nodeRed.deploy(FLOWS);
    });
  });
}
