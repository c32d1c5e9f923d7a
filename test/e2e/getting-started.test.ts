// What docs/getting-started.md promises: whoever has installed the package and knows the passwords of two machines has an
// encrypted, scheduled replication with an alert in less than five minutes, without reading anything. The clock counts what
// the machines take and, for each thing that a person does, what it takes a person who looks before each.
import assert from 'node:assert/strict';
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Locator } from 'playwright-core';
import type { Machine } from '../lab/machine';
import { reloadSshd } from '../lab/sshd';
import { NODE_RED_4, NodeRed, type Platform, ROOT, makeUserDir, nodeRed5 } from '../package/node-red';
import { useMachines } from '../support/machines';
import { Editor, launch } from './browser';
import { Sidebar } from './sidebar';
import { WizardTray } from './wizard';

const PASSWORD = 'only the administrator knows';
const KEEP = process.env['KEEP_PICTURES'] === '1';
/** Seconds. */
const LIMIT = 300;
const PER_CLICK = 3;
const PER_LETTER = 0.3;

const platforms: [string, 'light' | 'dark', () => Promise<Platform>][] = [
  ['Node-RED 4.1', 'light', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5', 'dark', nodeRed5],
];

/** Somebody at the mouse and the keyboard. */
class Person {
  seconds = 0;

  async click(what: Locator): Promise<void> {
    this.seconds += PER_CLICK;
    await what.click();
  }

  async type(where: Locator, text: string): Promise<void> {
    this.seconds += PER_CLICK + text.length * PER_LETTER;
    await where.fill(text);
  }

  async choose(where: Locator, value: string): Promise<void> {
    this.seconds += 2 * PER_CLICK;
    await where.selectOption(value);
  }
}

describe('getting started', function () {
  this.timeout(120_000);
  let browser: Browser;
  let nas: Machine;
  let other: Machine;

  useMachines({ a: { pool: 'tank' }, b: { pool: 'backup' } }, async ({ a, b }) => {
    [nas, other] = [a, b];
    for (const machine of [a, b]) {
      // As somebody has who has installed it a minute ago: an administrator with a password, and no key.
      await machine.sh(`echo 'root:${PASSWORD}' | chpasswd
        sed -i 's/^PermitRootLogin .*/PermitRootLogin yes/; s/^Match User pw$/Match User pw,root/' /etc/ssh/sshd_config`);
      await reloadSshd(machine);
    }
  });
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  for (const [label, theme, platform] of platforms) {
    describe(label, () => {
      let nodeRed: NodeRed;
      before(async () => {
        for (const machine of [nas, other]) await machine.sh('rm -rf /root/.ssh');
        await nas.createDataset('tank/family');
        await nas.createDataset('tank/family/photos');
        await nas.writeFile('tank/family/photos', 'first-steps.jpg', 'the only copy');
        nodeRed = await NodeRed.start(await platform(), await makeUserDir({ packageSource: ROOT }));
      });
      after(async () => {
        await nodeRed?.stop();
        await Promise.all([nas.sh(REMOVE('tank/family')), other.sh(REMOVE('backup/family'))]);
      });

      it('leads from two passwords to a backup that is encrypted, scheduled and watched in less than five minutes', async () => {
        const editor = await Editor.open(
          browser,
          nodeRed.url,
          theme,
          undefined,
          '#red-ui-workspace-tabs .red-ui-tab.active',
        );
        const { page } = editor;
        let pictures = 0;
        const picture = async (name: string): Promise<void> => {
          if (theme !== 'light') return;
          const before = Date.now();
          pictures++;
          await page.waitForTimeout(300);
          const file = `getting-started-${pictures}-${name}`;
          await editor.screen(file);
          if (KEEP) {
            const folder = path.join(ROOT, 'docs', 'getting-started');
            await mkdir(folder, { recursive: true });
            await copyFile(path.join(ROOT, 'test', 'results', `${file}.png`), path.join(folder, `${name}.png`));
          }
          waited += Date.now() - before;
        };
        let waited = 0;
        const person = new Person();
        const began = Date.now();

        await editor.ask(`RED.sidebar.show('zfs-tasks')`);
        person.seconds += PER_CLICK;
        const panel = page.locator('[data-zfs-panel="tasks"]');
        await panel.locator('[data-zfs-action="new"]').waitFor();
        await picture('empty');
        await person.click(panel.locator('[data-zfs-action="new"]'));
        const wizard = await WizardTray.opened(editor);
        const { tray } = wizard;
        const setUp = tray.locator('[data-zfs-set-up]');

        const machine = async (field: string, { login }: { login: ReturnType<Machine['login']> }): Promise<void> => {
          await person.choose(wizard.field(field), '_ADD_');
          await person.click(setUp.locator('[data-zfs-action="password"]'));
          const { host, port } = login;
          const values = { host, port, username: 'root', password: PASSWORD };
          for (const [name, value] of Object.entries(values)) {
            const input = setUp.locator(`[name="${name}"]`);
            if ((await input.inputValue()) !== String(value)) await person.type(input, String(value));
          }
          if (field === 'sourceConnection') await picture('password');
          await person.click(setUp.locator('[data-zfs-action="next"]'));
          await setUp.locator('[data-zfs-action="confirm"]').waitFor();
          if (field === 'sourceConnection') await picture('host-key');
          await person.click(setUp.locator('[data-zfs-action="confirm"]'));
          await tray.locator('[data-zfs-set-up][data-zfs-step="done"]').waitFor();
        };

        await machine('sourceConnection', { login: nas.login() });
        await person.click(tray.locator('[data-zfs-dataset="tank/family"] input'));
        await person.click(wizard.field('recursive'));
        await tray.locator('[data-zfs-count="tank/family"]').waitFor();
        await picture('source');
        person.seconds += PER_CLICK;
        await wizard.next('destination');

        await machine('targetConnection', { login: other.login() });
        await person.click(tray.locator('[data-zfs-dataset="backup"] input'));
        await person.click(tray.locator('[data-zfs-action="below"]'));
        assert.equal(await wizard.field('targetDataset').inputValue(), 'backup/family');
        await person.choose(wizard.field('encryption'), 'key');
        await picture('destination');
        person.seconds += 2 * PER_CLICK; // the key is put away
        await wizard.next('security');
        await picture('security');
        person.seconds += PER_CLICK;
        await wizard.next('schedule');
        await person.choose(wizard.field('schedule'), '@daily');
        await picture('schedule');
        person.seconds += PER_CLICK;
        await wizard.next('lifetime');
        await person.type(wizard.field('sourceLifetime'), '2');
        await person.choose(wizard.field('sourceLifetimeUnit'), 'week');
        await person.choose(wizard.field('targetRetention'), 'custom');
        await person.type(wizard.field('targetLifetime'), '3');
        await person.choose(wizard.field('targetLifetimeUnit'), 'month');
        await picture('lifetime');
        person.seconds += PER_CLICK;
        await wizard.next('summary');
        await tray.getByText('Raises an alert after 50 hours without a success.').waitFor();
        await person.click(tray.locator('[data-zfs-action="check"]'));
        const check = tray.locator('[data-zfs-check="ready"]');
        await check.waitFor();
        await picture('summary');
        person.seconds += PER_CLICK;
        await wizard.create();
        await picture('flow');
        await person.click(page.locator('.red-ui-notification button', { hasText: 'Deploy now' }));
        await page.waitForFunction('!RED.nodes.dirty()');

        const sidebar = await Sidebar.show(editor);
        const ids = await editor.ask<Record<string, string>>(
          `Object.fromEntries(RED.nodes.filterNodes({}).map(({ type, id }) => [type, id]))`,
        );
        const [snapshot, replicate] = [ids['zfs-snapshot'], ids['zfs-replicate']];
        assert.ok(snapshot !== undefined && replicate !== undefined, JSON.stringify(ids));
        await sidebar.row(replicate).waitFor();
        // The first copy now, not at night.
        await sidebar.choose(snapshot, 'run');
        person.seconds += 2 * PER_CLICK;
        await sidebar.row(replicate).and(page.locator('[data-zfs-state="ok"]')).waitFor({ timeout: 60_000 });
        await picture('running');
        const machines = (Date.now() - began - waited) / 1000;
        const total = machines + person.seconds;
        console.log(
          `      ${total.toFixed(0)} s: ${machines.toFixed(0)} the machines, ${person.seconds.toFixed(0)} the person`,
        );
        assert.ok(total < LIMIT, `${total} seconds`);

        const { stdout: about } = await other.sh(
          'zfs get -H -o value encryption,keyformat,readonly backup/family; zfs list -H -o name -t snapshot -r backup/family',
        );
        const [encryption, keyformat, readonly, ...snapshots] = about.trim().split('\n');
        assert.deepEqual([encryption, keyformat, readonly], ['aes-256-gcm', 'hex', 'on']);
        assert.equal(snapshots.length, 2, 'of both datasets');

        const task = async (id: string): Promise<Record<string, unknown>> => {
          const { tasks } = (await nodeRed.get(`zfs-flows/tasks?ids=${id}`)) as { tasks: Record<string, unknown>[] };
          return tasks[0] ?? {};
        };
        assert.ok(Date.parse(String((await task(snapshot))['next'])) > Date.now(), 'it comes again by itself');
        // And when it fails, that is seen: on the task, and in what the node for errors shows.
        await other.run(['zpool', 'export', 'backup']);
        try {
          await sidebar.choose(replicate, 'run');
          await sidebar.row(replicate).and(page.locator('[data-zfs-state="failed"]')).waitFor({ timeout: 90_000 });
          await editor.ask(`RED.sidebar.show('debug')`);
          await page.locator('.red-ui-debug-msg').first().waitFor();
        } finally {
          await other.run(['zpool', 'import', '-d', '/dev', 'backup']);
        }
        assert.deepEqual(editor.complaints, []);
        await page.close();
      });
    });
  }
});

/** With the holds that a replication leaves on its newest snapshots. */
const REMOVE = (dataset: string): string =>
  `for s in $(zfs list -H -o name -t snapshot -r ${dataset}); do zfs holds -H $s | while read n t r; do zfs release $t $n; done; done
  zfs destroy -r ${dataset} || :`;
