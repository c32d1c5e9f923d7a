// The wizard from two machines that nobody has set up, with nothing but passwords, to a replication that runs: real machines
// over real SSH. What is typed where no machine answers: wizard.test.ts.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import type { Browser, Locator } from 'playwright-core';
import { ACCOUNTS } from '../lab/lab';
import type { Machine } from '../lab/machine';
import { NODE_RED_4, NodeRed, type Platform, ROOT, makeUserDir, nodeRed5 } from '../package/node-red';
import { useMachines } from '../support/machines';
import { Editor, launch } from './browser';
import { WizardTray } from './wizard';

const USER = 'pw';
const PASSWORD: string = ACCOUNTS[USER].password;
const RIGHTS =
  'send,hold,release,bookmark,snapshot,destroy,mount,receive,create,canmount,userprop,readonly,rollback,userused,userobjused,userquota,userobjquota';
const FLOWS = [
  { id: 'tab', type: 'tab', label: 'Backups' },
  { id: 'note', type: 'comment', z: 'tab', x: 200, y: 60, name: 'here', info: '', wires: [] },
];

const platforms: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5 on Node 24', nodeRed5],
];

describe('the wizard with machines', function () {
  this.timeout(90_000);
  let browser: Browser;
  let source: Machine;
  let target: Machine;
  let editor: Editor;
  let wizard: WizardTray;

  useMachines({ a: { pool: 'tank' }, b: { pool: 'backup' } }, async ({ a, b }) => {
    [source, target] = [a, b];
    await a.run(['zfs', 'allow', USER, RIGHTS, 'tank']);
    await b.run(['zfs', 'allow', USER, RIGHTS, 'backup']);
  });
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  for (const [label, platform] of platforms) {
    describe(label, () => {
      let nodeRed: NodeRed;
      before(async () => {
        nodeRed = await NodeRed.start(await platform(), await makeUserDir({ packageSource: ROOT, flows: FLOWS }));
      });
      beforeEach(async () => {
        for (const machine of [source, target]) await machine.sh(`rm -rf /home/${USER}/.ssh`);
        await Promise.all([remove(target, 'backup/data'), remove(source, 'tank/data')]);
        for (const name of ['tank/data', 'tank/data/photos']) await source.createDataset(name);
        await source.writeFile('tank/data', 'file', 'what somebody wants to keep');
        await source.run(['zfs', 'snapshot', '-r', 'tank/data@auto-2026-11-20_03-00']);
        await nodeRed.deploy(FLOWS);
        editor = await Editor.open(browser, nodeRed.url);
        wizard = await WizardTray.open(editor);
      });
      afterEach(async () => {
        const { complaints } = editor;
        await editor.page.close();
        assert.deepEqual(complaints, [], 'the browser complained');
      });
      after(() => nodeRed?.stop());

      const setUp = (): Locator => wizard.tray.locator('[data-zfs-set-up]');

      /** A new machine by its password, as a person does it. Returns the id of its connection. */
      async function newMachine(field: string, machine: Machine): Promise<string> {
        await wizard.enter({ [field]: '_ADD_' });
        await setUp().locator('[data-zfs-action="password"]').click();
        const { host, port } = machine.login();
        for (const [name, value] of Object.entries({ host, port, username: USER, password: PASSWORD })) {
          await setUp().locator(`[name="${name}"]`).fill(String(value));
        }
        await setUp().locator('[data-zfs-action="next"]').click();
        await setUp().locator('[data-zfs-action="confirm"]').click();
        await wizard.tray.locator('[data-zfs-set-up][data-zfs-step="done"]').waitFor();
        const id = await wizard.field(field).inputValue();
        assert.notEqual(id, '_ADD_');
        return id;
      }

      const stored = async (id: string): Promise<boolean> =>
        ((await nodeRed.get(`credentials/zfs-ssh-connection/${id}`)) as Record<string, unknown>)['has_privateKey'] ===
        true;

      it('leads from two passwords to a replication that runs', async () => {
        const { tray } = wizard;
        // This machine is no worse for having no ZFS of its own.
        const own = spawnSync('zfs', ['list']).error === undefined ? '[data-zfs-tree] *' : '.zfs-tree-without';
        await tray.locator(own).first().waitFor();
        const from = await newMachine('sourceConnection', source);
        const called = await source.read(['uname', '-n']);
        const shown = wizard.field('sourceConnection').locator('option:checked');
        assert.equal(await shown.innerText(), `${called} (new)`, 'by its own name, not by an address');
        assert.match(await setUp().innerText(), new RegExp(`${called} \\(127\\.0\\.0\\.1\\) is set up`));
        await tray.locator('[data-zfs-dataset="tank/data"] input').check();
        assert.equal(await wizard.field('sourceDatasets').inputValue(), 'tank/data');
        await wizard.enter({ recursive: true, takeSnapshots: 'here' });
        const count = tray.locator('[data-zfs-count="tank/data"]');
        await count.filter({ hasText: '2 of 2 snapshots will be replicated' }).waitFor();
        await wizard.next('destination');
        const to = await newMachine('targetConnection', target);
        await tray.locator('[data-zfs-dataset="backup"] input').check();
        assert.equal(await wizard.field('targetDataset').inputValue(), 'backup');
        await tray.locator('[data-zfs-action="below"]').click();
        assert.equal(await wizard.field('targetDataset').inputValue(), 'backup/data');
        assert.match(await tray.locator('.zfs-wizard-landings').innerText(), /tank\/data → backup\/data/);
        for (const step of ['security', 'schedule', 'lifetime'] as const) await wizard.next(step);
        await wizard.enter({ sourceLifetime: '5', sourceLifetimeUnit: 'week' });
        // Also of what somebody else has taken there.
        await tray.locator('[data-zfs-preview="source"]', { hasText: 'tank/data/photos' }).waitFor();
        await wizard.next('summary');
        await tray.locator('[data-zfs-action="check"]').click();
        const check = tray.locator('[data-zfs-check]');
        await check.waitFor();
        assert.equal(await check.getAttribute('data-zfs-check'), 'ready', await check.innerText());
        assert.match(await check.innerText(), /first copy/);
        assert.doesNotMatch(await check.innerText(), /createSnapshot|selected snapshot|to send from/);
        await wizard.create();
        await editor.page.locator('.red-ui-notification button', { hasText: 'Deploy now' }).click();
        await editor.page.waitForFunction('!RED.nodes.dirty()');
        assert.deepEqual([await stored(from), await stored(to)], [true, true]);
        const button = await editor.ask<string>(`RED.view.selection().nodes.find((node) => node.type === 'inject').id`);
        await editor.ask(`$.post('inject/' + ${JSON.stringify(button)})`);
        await waitFor(
          async () => {
            const { stdout } = await target.sh('zfs list -H -o name -t snapshot -r backup/data 2>/dev/null || :');
            // The one that was there, and the new one that the flow took, of both datasets.
            return stdout.split('\n').filter((line) => line !== '').length >= 4;
          },
          () => nodeRed.get('zfs-flows/tasks'),
        );
        const { stdout } = await target.sh('zfs get -H -o value readonly backup/data');
        assert.equal(stdout.trim(), 'on');
      });

      it('takes snapshots of what nobody takes any of, and of nothing else', async () => {
        await newMachine('sourceConnection', source);
        const { tray } = wizard;
        await source.createDataset('tank/none');
        await wizard.enter({ sourceDatasets: 'tank/none' });
        const taken = (value: string): Promise<unknown> =>
          tray
            .page()
            .waitForFunction(([name, wanted]) => $(`[name="${name}"]`).val() === wanted, ['takeSnapshots', value]);
        await taken('here');
        await wizard.enter({ sourceDatasets: 'tank/data' });
        await taken('ifNone');
        // Somebody took one, and nobody any more: the copy would stay that old.
        await source.sh(
          'zfs create tank/old; date -s "-9 days" >/dev/null; zfs snapshot tank/old@1; date -s "+9 days" >/dev/null',
        );
        await wizard.enter({ sourceDatasets: 'tank/old' });
        await taken('here');
        await tray.getByText(/The newest is 9 days old, so nothing on .* seems to take any/).waitFor();
        await wizard.enter({ sourceDatasets: 'tank/none\ntank/gone' });
        const missing = tray.locator('[data-zfs-warning="sourceDatasets"]', {
          hasText: 'tank/gone is not on that machine',
        });
        await missing.first().waitFor();
        await wizard.enter({ sourceDatasets: 'tank/none' });
        await missing.first().waitFor({ state: 'hidden' });
        await taken('here');
        await wizard.next('destination');
        await wizard.enter({ targetDataset: 'backup/none' });
        await newMachine('targetConnection', target);
        for (const step of ['security', 'schedule', 'lifetime', 'summary'] as const) await wizard.next(step);
        await tray.locator('[data-zfs-action="check"]').click();
        const check = tray.locator('[data-zfs-check="ready"]');
        assert.match(await check.innerText(), /takes a snapshot and sends it/);
        assert.doesNotMatch(await check.innerText(), /createSnapshot|selected snapshot|taken first/);
        await wizard.leave();
        await source.sh('zfs destroy -r tank/none; zfs destroy -r tank/old');
      });

      it('keeps nothing of a machine that was set up and then left', async () => {
        const id = await newMachine('sourceConnection', source);
        assert.equal(await stored(id), true, 'the key waits on the server');
        await wizard.button('cancel').click();
        const question = wizard.tray.locator('[data-zfs-confirm="leave"]');
        assert.match(await question.innerText(), /the set-up changed on these machines stays there: the public keys/);
        await question.locator('[data-zfs-action="cancel"]').click();
        await wizard.leave();
        await waitFor(async () => !(await stored(id)));
        assert.equal(await editor.ask('RED.nodes.dirty()'), false);
        assert.equal(await editor.ask(`RED.nodes.node(${JSON.stringify(id)}) ?? null`), null);
      });

      it('takes a machine by hand, with a key that is generated here', async () => {
        await wizard.enter({ sourceConnection: '_ADD_' });
        await setUp().locator('[data-zfs-action="key"]').click();
        const { host, port } = source.login();
        await setUp().locator('[name="host"]').fill(host);
        await setUp().locator('[name="port"]').fill(String(port));
        await setUp().locator('[name="username"]').fill(USER);
        await setUp().locator('[data-zfs-action="generate"]').click();
        const line = setUp().locator('.zfs-wizard-public-key textarea');
        await line.waitFor();
        const key = await line.inputValue();
        await source.sh(`install -d -m 700 -o ${USER} /home/${USER}/.ssh && echo '${key}' > /home/${USER}/.ssh/authorized_keys && chown ${USER} /home/${USER}/.ssh/authorized_keys`); // prettier-ignore
        await setUp().locator('[data-zfs-action="next"]').click();
        await setUp().locator('[data-zfs-action="confirm"]').click();
        await wizard.tray.locator('.zfs-set-up-done').waitFor();
        await wizard.tray.locator('[data-zfs-dataset="tank/data"] input').check();
        await wizard.tray.locator('[data-zfs-count="tank/data"]', { hasText: '1 of 1' }).waitFor();
        await wizard.leave();
      });
    });
  }
});

/** With the holds that a replication leaves on its newest snapshots. */
async function remove(machine: Machine, dataset: string): Promise<void> {
  const snapshots = `zfs list -H -o name -t snapshot -r ${dataset} 2>/dev/null`;
  const release = `zfs holds -H $s | while read n t r; do zfs release $t $n; done`;
  await machine.sh(`for s in $(${snapshots}); do ${release}; done; zfs destroy -r ${dataset} 2>/dev/null || :`);
}

async function waitFor(condition: () => Promise<boolean>, instead?: () => Promise<unknown>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > end) assert.fail(`not within 30 seconds: ${JSON.stringify(await instead?.())}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
  }
}
