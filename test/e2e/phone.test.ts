// The page for a phone in a real browser, 390 px wide: list, log, run and cancel; with and without a login; where the editor is
// turned off. What the browser complains about, its policy for the page included, is a failure.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { NODE_RED_4, NodeRed, ROOT, makeUserDir, nodeRed5, type Platform } from '../package/node-red';
import { BlackHole, PRIVATE_KEY, sshConnection } from '../support/flow-bench';
import { launch } from './browser';

const RESULTS = path.join(ROOT, 'test', 'results');
const PASSWORD = 'lab-password';
/** PASSWORD, as `node-red admin hash-pw` gives it. */
const HASH = '$2b$08$xfbMVlNA148tvrShMK1lxe1n/zqTiesH3xgpBuoZNUWtFlbkICibu';
const USERS = { operator: ['read', 'zfs.tasks.write'], reader: 'read', stranger: ['flows.read'] };

const platforms: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5 on Node 24', nodeRed5],
];

for (const [label, platform] of platforms) {
  describe(`the page for a phone, ${label}`, function () {
    this.timeout(90_000);
    let hole: BlackHole;
    let browser: Browser;
    let context: BrowserContext;
    let nodeRed: NodeRed | undefined;
    let page: Page;
    let complaints: string[];

    before(async () => {
      [hole, browser] = await Promise.all([new BlackHole().open(), launch()]);
    });
    after(async () => {
      await browser.close();
      await hole.close();
    });
    afterEach(async () => {
      await context.close();
      await nodeRed?.stop();
      nodeRed = undefined;
    });

    const place = { z: 'tab', x: 1, y: 1, wires: [[], [], []] };
    const flows = (): object[] => [
      { id: 'tab', type: 'tab', label: 'backups' },
      { ...sshConnection(hole.port), name: 'silent', credentials: { privateKey: PRIVATE_KEY } },
      { ...place, id: 'hangs', type: 'zfs-snapshot', name: 'takes <b>long</b>', connection: 'ssh', datasets: ['tank'] },
      {
        ...place,
        id: 'fails',
        type: 'zfs-replicate',
        name: 'nightly',
        sourceDatasets: ['tank/a'],
        targetDataset: 'x/y',
      },
      {
        ...place,
        id: 'prunes',
        type: 'zfs-retention-prune',
        datasets: ['tank'],
        mode: 'execute',
        schedule: '30 2 * * *',
      },
      { ...place, id: 'off', type: 'zfs-snapshot', name: 'not now', datasets: ['tank'], d: true },
    ];

    async function open(settings: object = {}): Promise<void> {
      const userDir = await makeUserDir({ packageSource: ROOT, flows: [], settings: { ...settings } });
      nodeRed = await NodeRed.start(await platform(), userDir);
      context = await browser.newContext({ viewport: { width: 390, height: 800 }, hasTouch: true, timezoneId: 'UTC' });
      page = await context.newPage();
      page.setDefaultTimeout(15_000);
      complaints = [];
      page.on('console', (message) => {
        // A browser notes each refusal by itself.
        if (['error', 'warning'].includes(message.type()) && !/status of 40[13]/.test(message.text()))
          complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(error.stack ?? error.message));
    }

    async function load(): Promise<void> {
      await page.goto(`${nodeRed?.url}/zfs-flows/phone`);
    }
    const row = (id: string): Locator => page.locator(`[data-zfs-task="${id}"]`);
    const press = (id: string, action: string): Promise<void> => row(id).locator(`.buttons [data-zfs-action="${action}"]`).first().click(); // prettier-ignore
    const inState = (id: string, state: string): Promise<void> => page.locator(`[data-zfs-task="${id}"][data-zfs-state="${state}"]`).waitFor(); // prettier-ignore
    const shownActions = (id: string): Promise<(string | null)[]> => row(id).locator('.buttons button:visible').evaluateAll((all) => all.map((one) => one.getAttribute('data-zfs-action'))); // prettier-ignore

    async function picture(name: string): Promise<void> {
      await mkdir(RESULTS, { recursive: true });
      await page.screenshot({ path: path.join(RESULTS, `phone-${name}.png`), fullPage: true });
    }

    it('shows every task, its log in place, runs and cancels it', async () => {
      await open();
      await nodeRed?.deploy(flows());
      await load();
      await inState('hangs', 'idle');
      assert.equal(await page.locator('[data-zfs-attention]').textContent(), '0 of 4 need attention');
      assert.equal(await row('hangs').locator('strong').textContent(), 'takes <b>long</b>');
      assert.match((await row('fails').textContent()) ?? '', /local:tank\/a → local:x\/y.*never run/);
      assert.deepEqual([await shownActions('off'), await shownActions('hangs')], [[], ['run']]);

      await press('fails', 'run');
      await inState('fails', 'failed');
      assert.equal(await page.locator('[data-zfs-attention]').textContent(), '1 of 4 needs attention');
      assert.equal(await page.locator('[data-zfs-task]').first().getAttribute('data-zfs-task'), 'fails');
      await row('fails').locator('[data-zfs-action="log"]').click();
      const log = page.locator('[data-zfs-log="fails"]');
      await log.locator('[data-zfs-event="failed"]').waitFor();
      const before = await log.locator('li').count();

      await press('hangs', 'run');
      await inState('hangs', 'running');
      assert.deepEqual(await shownActions('hangs'), ['cancel']);
      await picture(`${label.slice(0, 10).trim()}-light`);
      await page.emulateMedia({ colorScheme: 'dark' });
      await picture(`${label.slice(0, 10).trim()}-dark`);
      await press('hangs', 'cancel');
      await row('hangs').locator('[data-zfs-action="run"]').waitFor();

      // The log is still open, and shows what is new.
      await press('fails', 'run');
      await page.waitForFunction(
        (count) => document.querySelectorAll('[data-zfs-log="fails"] li').length > count,
        before,
      );
      assert.equal(await log.locator('[data-zfs-event="failed"]').count(), 2);
      await row('fails').locator('[data-zfs-action="log"]').click();
      assert.equal(await log.count(), 0);

      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= 390, `${width} px`);
      assert.deepEqual(complaints, []);
    });

    it('asks before a run that can destroy, and filters', async () => {
      await open();
      await nodeRed?.deploy(flows());
      await load();
      await inState('prunes', 'idle');
      await press('prunes', 'run');
      const question = row('prunes').locator('[data-zfs-confirm]');
      await question.waitFor();
      await question.locator('[data-zfs-action="cancel"]').click();
      assert.equal(await question.isVisible(), false);
      assert.equal(await row('prunes').getAttribute('data-zfs-state'), 'idle');
      await press('prunes', 'run');
      await question.locator('[data-zfs-action="confirm"]').click();
      await inState('prunes', 'failed');
      await page.locator('[name="filter"]').fill('NIGHT');
      assert.deepEqual(await page.locator('[data-zfs-task]:visible').evaluateAll((all) => all.map((one) => one.getAttribute('data-zfs-task'))), ['fails']); // prettier-ignore
      await page.locator('[name="filter"]').fill('no such task');
      assert.equal(await page.locator('.message').textContent(), 'No task matches.');
      assert.deepEqual(complaints, []);
    });

    it('goes on when Node-RED is gone for a while, and where the editor is turned off below another path', async () => {
      await open({ disableEditor: true, httpAdminRoot: '/nr/admin' });
      const at = `${nodeRed?.url}/nr/admin`;
      const headers = { 'content-type': 'application/json', 'Node-RED-Deployment-Type': 'full' };
      await fetch(`${at}/flows`, { method: 'POST', headers, body: JSON.stringify(flows()) });
      await page.goto(`${at}/zfs-flows/phone/`);
      await inState('fails', 'idle');
      await press('fails', 'run');
      await inState('fails', 'failed');
      await page.route('**/zfs-flows/**', (route) => route.abort());
      await press('fails', 'run');
      await page.locator('.message', { hasText: 'does not answer' }).waitFor();
      await page.unroute('**/zfs-flows/**');
      await page.locator('.message').waitFor({ state: 'hidden', timeout: 20_000 });
      assert.deepEqual(complaints.filter((text) => !/ERR_FAILED/.test(text)), []); // prettier-ignore
    });

    it('asks for a login where there is one, shows what its user may do, and forgets it', async () => {
      const users = Object.entries(USERS).map(([username, permissions]) => ({ username, permissions, password: HASH }));
      const admin = { username: 'admin', permissions: '*', password: HASH };
      await open({ adminAuth: { type: 'credentials', users: [...users, admin] } });
      const token = async (username: string): Promise<string> => {
        const asked = { client_id: 'node-red-admin', grant_type: 'password', scope: '*', username, password: PASSWORD };
        const headers = { 'content-type': 'application/json' };
        const answer = await fetch(`${nodeRed?.url}/auth/token`, {
          method: 'POST',
          headers,
          body: JSON.stringify(asked),
        });
        return ((await answer.json()) as { access_token: string }).access_token;
      };
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${await token('admin')}` };
      await fetch(`${nodeRed?.url}/flows`, { method: 'POST', headers, body: JSON.stringify(flows()) });
      await load();
      const logIn = async (username: string, password = PASSWORD): Promise<void> => {
        await page.locator('[name="username"]').fill(username);
        await page.locator('[name="password"]').fill(password);
        await page.locator('[type="submit"]').click();
      };
      await page.locator('[name="username"]').waitFor();
      assert.doesNotMatch(await page.content(), /nightly/);
      await logIn('operator', 'wrong');
      await page.locator('[role="alert"]', { hasText: 'wrong' }).waitFor();
      await logIn('operator');
      await inState('hangs', 'idle');
      await press('hangs', 'run');
      await inState('hangs', 'running');
      await row('hangs').locator('[data-zfs-action="log"]').click();
      await page.locator('[data-zfs-log="hangs"]', { hasText: 'asked for by operator' }).waitFor();
      await page.locator('[data-zfs-action="logout"]').click();
      await logIn('reader');
      await inState('hangs', 'running');
      assert.deepEqual([await shownActions('hangs'), await shownActions('fails')], [[], []]);
      await page.locator('[data-zfs-action="logout"]').click();
      await logIn('stranger');
      await page.locator('[role="alert"]', { hasText: 'not allowed to see' }).waitFor();
      assert.doesNotMatch(await page.content(), /nightly/);
      assert.doesNotMatch(page.url(), /token/);
      assert.deepEqual(complaints, []);
    });
  });
}
