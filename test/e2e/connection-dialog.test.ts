// The dialog of a connection leads from what a person has to a connection that works: a password, a TrueNAS, or a key, by
// hand. Real machines over real SSH, the key that nobody but the server has seen; what fails is said where it is wrong.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Locator, Page, Request } from 'playwright-core';
import { selfSigned } from '../fake-truenas/certificates';
import { FakeTrueNas } from '../fake-truenas/server';
import { labSide } from '../fake-truenas/ssh-side';
import { NO_SUDO, OTP } from '../fake-truenas/state';
import { ACCOUNTS } from '../lab/lab';
import type { Machine } from '../lab/machine';
import { NODE_RED_4, NodeRed, ROOT, makeUserDir, nodeRed5, type Platform } from '../package/node-red';
import { useMachines } from '../support/machines';
import { Editor, launch } from './browser';

const USER = 'pw';
const PASSWORD = ACCOUNTS[USER].password;
const HOME = `/home/${USER}`;
const RIGHTS =
  'send,hold,release,bookmark,snapshot,destroy,mount,receive,create,canmount,userprop,readonly,rollback,userused,userobjused,userquota,userobjquota';

/** A button that replicates on one machine, and a connection for it that somebody has yet to fill in. */
const FLOWS = [
  { id: 'tab', type: 'tab', label: 'Set-up' },
  { id: 'empty', type: 'zfs-ssh-connection', name: 'empty', host: '', hostKeys: '' },
  { id: 'button', type: 'inject', z: 'tab', x: 140, y: 100, props: [], wires: [['replicate']] },
  {
    id: 'replicate',
    type: 'zfs-replicate',
    z: 'tab',
    x: 380,
    y: 100,
    sourceConnection: '',
    sourceDatasets: ['tank/data'],
    targetConnection: '',
    targetDataset: 'tank/copy',
    wires: [[], [], []],
  },
];

const platforms: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5', nodeRed5],
];

describe('the dialog of a connection', function () {
  this.timeout(60_000);
  let nas: Machine;
  let browser: Browser;
  let nodeRed: NodeRed;
  let editor: Editor;
  let page: Page;
  /** Bodies of the requests to our endpoints, by name. */
  let asked: [endpoint: string, body: Record<string, unknown>][] = [];

  useMachines({ nas: { pool: 'tank' } }, async (machines) => {
    nas = machines.nas;
    await nas.createDataset('tank/data');
    await nas.writeFile('tank/data', 'file', 'what somebody wants to keep');
    await nas.run(['zfs', 'allow', USER, RIGHTS, 'tank']);
  });
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  async function open(url = nodeRed.url, prepare?: (page: Page) => Promise<unknown>): Promise<void> {
    editor = await Editor.open(browser, url, 'light', prepare);
    ({ page } = editor);
    asked = [];
    page.on('request', (request: Request) => {
      const [, endpoint] = /\/zfs-flows\/(.*)$/.exec(request.url()) ?? [];
      if (endpoint !== undefined) asked.push([endpoint, request.postDataJSON() as Record<string, unknown>]);
    });
  }

  async function close(): Promise<void> {
    const { complaints } = editor;
    await page.close();
    assert.deepEqual(complaints, [], 'the browser complained');
  }

  const setUp = (): Locator => page.locator('[data-zfs-set-up]');
  const step = (name: string): Promise<void> => page.locator(`[data-zfs-step="${name}"]`).waitFor();
  const action = (name: string): Locator => setUp().locator(`[data-zfs-action="${name}"]`);
  const field = (name: string): Locator => setUp().locator(`[name="${name}"]`);
  const problem = (name: string): Locator => setUp().locator(`[data-zfs-problem="${name}"]`);
  const property = (name: string): Locator => page.locator(`#node-config-input-${name}`);
  const works = (): Promise<void> => page.locator('.zfs-tested', { hasText: 'The connection works.' }).waitFor();
  const check = (name: string): Promise<string | null> =>
    page.locator(`[data-zfs-check="${name}"]`).getAttribute('data-zfs-ok');
  const times = (endpoint: string): number => asked.filter(([name]) => name === endpoint).length;

  /** A new connection, as a person adds one to a node. */
  async function add(): Promise<string> {
    await editor.edit('replicate');
    await page.locator('#node-input-btn-sourceConnection-add').click();
    await step('choose');
    await page.waitForFunction('$(":animated").length === 0');
    return (await editor.ask<string | undefined>('RED.editor.getEditStack().at(-1).id')) ?? assert.fail('no dialog');
  }

  async function leave(button: 'ok' | 'cancel'): Promise<void> {
    await page.locator(`#node-config-dialog-${button}`).click();
    await property('host').waitFor({ state: 'detached' });
    await page.waitForFunction('$(":animated").length === 0');
  }

  async function fillPassword(password: string): Promise<void> {
    await action('password').click();
    const { host, port } = nas.login();
    await field('host').fill(host);
    await field('port').fill(String(port));
    await field('username').fill(USER);
    await field('password').fill(password);
    await action('next').click();
    await step('hostKey');
  }

  const keysThere = async (): Promise<string[]> => {
    const { stdout } = await nas.sh(`cat ${HOME}/.ssh/authorized_keys 2>/dev/null || :`);
    return stdout.split('\n').filter((line) => line !== '');
  };
  /** What Node-RED's store of credentials says it has for a node. */
  const stored = (id: string): Promise<unknown> => nodeRed.get(`credentials/zfs-ssh-connection/${id}`);
  const has = async (id: string): Promise<boolean> =>
    ((await stored(id)) as Record<string, unknown>)['has_privateKey'] === true;

  for (const [label, platform] of platforms) {
    describe(`of ${label}`, () => {
      before(async () => {
        nodeRed = await NodeRed.start(await platform(), await makeUserDir({ packageSource: ROOT, flows: FLOWS }));
      });
      after(() => nodeRed?.stop());
      beforeEach(async () => {
        await nas.sh(`rm -rf ${HOME}/.ssh; zfs destroy -r tank/copy 2>/dev/null || :`);
        await nodeRed.deploy(FLOWS);
        await open();
      });
      afterEach(close);

      it('leads from a password to a tested connection, which replicates after a restart too', async () => {
        const id = await add();
        await fillPassword(PASSWORD);
        assert.match((await setUp().locator('.zfs-key-list').textContent()) ?? '', /ssh-ed25519 SHA256:/);
        assert.equal(times('set-up-remote'), 0, 'the password was sent before the key of the machine was confirmed');
        const before = Date.now();
        await action('confirm').click();
        await step('done');
        await works();
        const took = Date.now() - before;
        console.log(`      from the click to a tested connection: ${took} ms`);
        assert.ok(took < 10_000, `it took ${took} ms`);
        const [line] = await keysThere();
        assert.match(line ?? '', /^ssh-ed25519 AAAA/);
        assert.match((await setUp().locator('.zfs-set-up-changed').textContent()) ?? '', /authorized_keys/);

        for (const name of ['ssh', 'zfs-snapshot', 'zfs-replicate-source', 'zfs-replicate-target', 'zfs-verify']) {
          assert.equal(await check(name), 'true', name);
        }
        const { host, port, hostKeys } = nas.login();
        const shown = await Promise.all(
          ['host', 'port', 'username', 'authMethod', 'privateKey'].map((name) => property(name).inputValue()),
        );
        assert.deepEqual(shown, [host, String(port), USER, 'privateKey', '__PWRD__']);
        assert.ok((await property('hostKeys').inputValue()).includes(hostKeys));
        await leave('ok');
        await page.locator('#node-input-targetConnection').selectOption(id);
        await editor.done();
        assert.deepEqual([await editor.valid(id), await editor.valid('replicate')], [true, true]);
        await editor.deploy();
        assert.equal(await has(id), true);
        await replicate();

        const { userDir } = nodeRed;
        await nodeRed.end();
        nodeRed = await NodeRed.start(await platform(), userDir);
        await page.goto(nodeRed.url);
        await editor.node('replicate').waitFor();
        await nas.writeFile('tank/data', 'more', String(Date.now()));
        await replicate();
        await editor.editConfig(id);
        assert.equal(await property('privateKey').inputValue(), '__PWRD__');
        assert.equal(await setUp().isVisible(), false, 'a connection that is filled in opened with a question');
        await page.locator('#zfs-test').click();
        await works();
        await leave('cancel');
      });

      it('leads through the API of a TrueNAS, its certificate and its second factor', async () => {
        const fake = await startFake();
        try {
          const id = await add();
          await action('truenas').click();
          await field('url').fill(fake.url);
          await field('username').fill('root');
          assert.equal(await field('sudo').isVisible(), false, 'root needs no sudo');
          await field('username').fill(USER);
          await field('password').fill('of the web interface');
          await action('next').click();
          await step('certificate');
          assert.ok((await setUp().textContent())?.includes(fake.fingerprint));
          assert.equal(fake.called.length, 0, 'something was sent to a TrueNAS that nobody has vouched for');
          await action('confirm').click();
          await problem('otp').waitFor();
          await field('otp').fill('000000');
          await action('next').click();
          await page.locator('[data-zfs-problem="otp"]', { hasText: 'not accepted' }).waitFor();
          assert.equal(await field('password').inputValue(), 'of the web interface');
          await field('otp').fill(OTP);
          await action('next').click();
          await step('done');
          await works();
          assert.deepEqual(
            await Promise.all(['host', 'port', 'username', 'sudo'].map((name) => property(name).inputValue())),
            ['127.0.0.1', String(nas.port), USER, 'sudo'],
          );
          assert.ok((await setUp().locator('.zfs-set-up-changed li').count()) >= 2, 'not all changes are told');
          await leave('ok');
          await editor.done();
          await editor.deploy();
          assert.equal(await has(id), true);
          await editor.editConfig(id);
          await page.locator('#zfs-test').click();
          await works();
          await leave('cancel');
        } finally {
          await fake.close();
        }
      });

      async function replicate(): Promise<void> {
        const shape = editor.node('replicate').locator('.red-ui-flow-node-status');
        const before = await nas.snapshotNames('tank/data');
        await editor.node('button').locator('.red-ui-flow-node-button-button').click();
        await page.waitForFunction(
          '/dot-blue/.test(document.querySelector("#replicate .red-ui-flow-node-status").getAttribute("class"))',
        );
        await page.waitForFunction(
          '/dot-green|ring-red/.test(document.querySelector("#replicate .red-ui-flow-node-status").getAttribute("class"))',
        );
        const text = await editor.node('replicate').locator('.red-ui-flow-node-status-label').textContent();
        assert.match((await shape.getAttribute('class')) ?? '', /dot-green/, text ?? '');
        const after = await nas.snapshotNames('tank/data');
        assert.ok(after.length >= before.length);
        assert.deepEqual((await nas.snapshotNames('tank/copy')).at(-1), after.at(-1));
      }
    });
  }

  async function startFake(): Promise<FakeTrueNas> {
    const administrator = { privilege: 'full', sudo: NO_SUDO, otp: true, password: 'of the web interface' } as const;
    const account = { id: 70, uid: 3000, username: USER, home: HOME, shell: '/usr/sbin/nologin' };
    return FakeTrueNas.start({
      profile: 'scale2510',
      side: labSide(nas),
      users: [{ ...account, ...administrator }],
      certificate: await selfSigned(),
    });
  }

  describe('on one of them', () => {
    before(async () => {
      nodeRed = await NodeRed.start(NODE_RED_4, await makeUserDir({ packageSource: ROOT, flows: FLOWS }));
    });
    after(() => nodeRed?.stop());
    beforeEach(async () => {
      await nas.sh(`rm -rf ${HOME}/.ssh`);
      await nodeRed.deploy(FLOWS);
      await open();
    });
    afterEach(close);

    it('says a wrong password at the password, and lets one try again', async () => {
      const id = await add();
      await fillPassword('not this one');
      await action('confirm').click();
      await page.locator('[data-zfs-problem="password"][data-zfs-code="AUTHENTICATION_FAILED"]').waitFor();
      assert.match((await problem('password').textContent()) ?? '', new RegExp(USER));
      assert.deepEqual([await keysThere(), await has(id)], [[], false]);
      // The machine was confirmed a moment ago, but nothing is remembered of it that was not stored.
      await field('password').fill(PASSWORD);
      await field('password').press('Enter');
      await step('hostKey');
      await action('confirm').click();
      await step('done');
      await works();
      await leave('cancel');
      await editor.cancel();
    });

    it('says what cannot be reached where it was typed in', async () => {
      await add();
      await action('password').click();
      await action('next').click();
      await problem('host').waitFor();
      assert.equal(times('discover-host-key'), 0);
      await field('host').fill('no-such-machine.invalid');
      await field('password').fill(PASSWORD);
      await action('next').click();
      await page.locator('[data-zfs-problem="host"][data-zfs-code="HOST_NOT_FOUND"]').waitFor();
      await field('host').fill('127.0.0.1');
      assert.equal(await problem('host').count(), 0, 'a complaint stays when its field has changed');
      await field('port').fill('1');
      await action('next').click();
      await page.locator('[data-zfs-problem="port"][data-zfs-code="CONNECTION_REFUSED"]').waitFor();
      await action('back').click();
      await step('choose');
      await action('truenas').click();
      await field('url').fill('http://127.0.0.1:1');
      await field('with').selectOption('apiKey');
      await field('apiKey').fill('1-abc');
      await action('next').click();
      await problem('url').waitFor();
      assert.equal(times('set-up-truenas'), 0, 'an API key was about to be sent over http');
      await field('with').selectOption('password');
      await field('username').fill('root');
      await field('password').fill('secret');
      await action('next').click();
      await step('plain');
      await action('insecure').click();
      await page.locator('[data-zfs-problem="url"][data-zfs-code="CONNECTION_REFUSED"]').waitFor();
      assert.equal(asked.find(([endpoint]) => endpoint === 'set-up-truenas')?.[1]['insecure'], true);
      await leave('cancel');
      await editor.cancel();
    });

    it('sends no password to a machine that shows another key than the one confirmed', async () => {
      await add();
      await page.route('**/zfs-flows/discover-host-key', async (route) => {
        const response = await route.fetch();
        const { keys } = (await response.json()) as { keys: { key: string }[] };
        const [first] = keys;
        assert.ok(first);
        // The last characters are those of the key itself.
        await route.fulfill({ json: { keys: [{ ...first, key: `${first.key.slice(0, -4)}AAAA` }] } });
      });
      await fillPassword(PASSWORD);
      await action('confirm').click();
      const alert = setUp().locator('[data-zfs-code="HOST_KEY_MISMATCH"]');
      await alert.waitFor();
      assert.match((await alert.textContent()) ?? '', /SHA256:.*SHA256:/s);
      assert.deepEqual(await keysThere(), []);
      await leave('cancel');
      await editor.cancel();
    });

    it('leaves nothing in Node-RED when it is cancelled, before, while and after something is done', async () => {
      const id = await add();
      await leave('cancel');
      await page.locator('#node-input-btn-sourceConnection-add').click();
      await step('choose');
      await page.waitForFunction('$(":animated").length === 0');
      await nas.link.delay(150);
      await fillPassword(PASSWORD);
      await action('confirm').click();
      await setUp().locator('[aria-busy]').waitFor();
      await leave('cancel');
      await nas.link.delay(0);
      await page.locator('#node-input-btn-sourceConnection-add').click();
      await step('choose');
      await page.waitForFunction('$(":animated").length === 0');
      const last = await editor.ask<string>('RED.editor.getEditStack().at(-1).id');
      await fillPassword(PASSWORD);
      await action('confirm').click();
      await step('done');
      await works();
      assert.equal(await has(last), true);
      await leave('cancel');
      await page.locator('.red-ui-notification', { hasText: 'authorized_keys' }).waitFor();
      await editor.cancel();
      const ids = asked.flatMap(([endpoint, body]) => (endpoint === 'set-up-remote' ? [String(body['id'])] : []));
      assert.equal(new Set(ids).size, 2);
      await sleep(500);
      for (const one of [id, ...ids]) assert.deepEqual(await stored(one), {}, 'a key waits for nobody');
      assert.equal(await editor.ask('RED.nodes.dirty()'), false);
      assert.deepEqual(await editor.ask('[...document.querySelectorAll(".zfs-set-up")].length'), 0);
    });

    it('can be stopped in the middle and gone on with, and sends nothing twice', async () => {
      await add();
      await nas.link.delay(150);
      await fillPassword(PASSWORD);
      await action('confirm').dblclick();
      await action('cancel').click();
      await step('password');
      assert.equal(await problem('').count(), 0, 'somebody who has stopped it is told that it was stopped');
      assert.equal(times('set-up-remote'), 1);
      await nas.link.delay(0);
      await action('next').dblclick();
      await step('hostKey');
      assert.equal(times('discover-host-key'), 2);
      await action('back').click();
      await action('by-hand').click();
      assert.deepEqual(
        await Promise.all(['host', 'port', 'username'].map((name) => property(name).inputValue())),
        ['127.0.0.1', String(nas.port), USER],
        'what was typed in is gone',
      );
      await leave('cancel');
      await editor.cancel();
    });

    it('sets up a connection that exists again, and its new key counts from the deploy on', async () => {
      await editor.editConfig('empty');
      await step('choose');
      await fillPassword(PASSWORD);
      await action('confirm').click();
      await step('done');
      await works();
      await editor.doneConfig();
      assert.equal(await editor.valid('empty'), true);
      await editor.deploy();
      const [first] = await keysThere();
      assert.ok(first);

      await editor.editConfig('empty');
      assert.equal(await setUp().isVisible(), false);
      await page.locator('#zfs-set-up-remote').click();
      await step('choose');
      await action('password').click();
      assert.deepEqual(await Promise.all(['host', 'port', 'username'].map((name) => field(name).inputValue())), [
        '127.0.0.1',
        String(nas.port),
        USER,
      ]);
      await field('password').fill(PASSWORD);
      await action('next').click();
      // Its host key is trusted already.
      await step('done');
      await works();
      const keys = await keysThere();
      assert.equal(keys.length, 2);
      assert.equal(keys[0], first);
      await editor.doneConfig();
      assert.equal(await editor.changed('empty'), true, 'there is nothing to deploy');
      await nas.sh(`sed -i 1d ${HOME}/.ssh/authorized_keys`);
      assert.equal(await datasets(), 'AUTHENTICATION_FAILED', 'the old key was replaced before the deploy');
      await editor.deploy();
      assert.equal(await datasets(), 'tank');
    });

    it('cancelled, lets a connection that exists keep its key', async () => {
      const own = nas.login(USER);
      await nas.sh(`install -d -m 700 -o ${USER} ${HOME}/.ssh`);
      await editor.editConfig('empty');
      for (const [name, value] of Object.entries(own)) await property(name).fill(String(value));
      await editor.doneConfig();
      await editor.deploy();
      assert.equal(await datasets(), 'tank');
      await editor.editConfig('empty');
      await page.locator('#zfs-set-up-remote').click();
      await action('password').click();
      await field('password').fill(PASSWORD);
      await action('next').click();
      await step('done');
      await works();
      await editor.cancelConfig();
      await nas.sh(`rm ${HOME}/.ssh/authorized_keys`);
      await editor.ask('RED.nodes.node("replicate").name = "another"');
      await editor.edit('replicate');
      await page.locator('#node-input-name').fill('other');
      await editor.done();
      await editor.deploy();
      assert.equal(await datasets(), 'tank', 'a deploy has brought in the key of a set-up that was cancelled');
    });

    it('by hand is as ever: everything can be filled in at once, question or not', async () => {
      await add();
      const { host, port } = nas.login();
      await action('key').click();
      assert.equal(await setUp().isVisible(), false);
      assert.equal(await editor.ask('document.activeElement.id'), 'node-config-input-host');
      await property('host').fill(host);
      await property('port').fill(String(port));
      await property('username').fill(USER);
      await page.locator('#zfs-generate').click();
      const publicKey = await page.locator('#zfs-public-key').inputValue();
      const script = `install -d -m 700 -o ${USER} ${HOME}/.ssh; echo "$1" >${HOME}/.ssh/authorized_keys`;
      await nas.sh(script, { args: [publicKey] });
      await page.locator('#zfs-discover').click();
      await page.locator('#zfs-trust').click();
      await page.locator('#zfs-test').click();
      await works();
      await leave('ok');
      await editor.cancel();
    });

    it('works by keyboard alone, and every control has a name', async () => {
      await add();
      const nameless = `[...document.querySelectorAll('.zfs-set-up input, .zfs-set-up select, .zfs-set-up button')]
        .filter((element) => !(element.labels?.length > 0 && [...element.labels].some((label) => label.textContent.trim() !== '')))
        .filter((element) => !element.getAttribute('aria-label') && element.textContent.trim() === '')
        .map((element) => element.outerHTML)`;
      const press = async (...keys: string[]): Promise<void> => {
        for (const key of keys) await page.keyboard.press(key);
      };
      await property('name').focus();
      await press('Tab', 'Enter');
      await step('password');
      assert.deepEqual(await editor.ask(nameless), []);
      await page.keyboard.type('127.0.0.1');
      await press('Tab');
      await page.keyboard.type(String(nas.port));
      await press('Tab');
      await page.keyboard.type(USER);
      await press('Tab');
      await page.keyboard.type(PASSWORD);
      await press('Enter');
      await step('hostKey');
      // Pressed once more than needed, nothing is confirmed that nobody has read.
      await press('Enter');
      assert.equal(await setUp().getAttribute('data-zfs-step'), 'hostKey');
      await press('Tab', 'Enter');
      await step('done');
      await works();
      await leave('cancel');
      await page.locator('#node-input-btn-sourceConnection-add').click();
      await step('choose');
      await page.waitForFunction('$(":animated").length === 0');
      await property('name').focus();
      await press('Tab', 'Tab', 'Enter');
      await step('truenas');
      assert.deepEqual(await editor.ask(nameless), []);
      await leave('cancel');
      await editor.cancel();
    });

    async function datasets(): Promise<unknown> {
      const response = await fetch(`${nodeRed.url}/zfs-flows/datasets`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ connection: 'empty' }),
      });
      const { code, datasets } = (await response.json()) as { code?: string; datasets?: { name: string }[] };
      return code ?? datasets?.[0]?.name;
    }
  });

  describe('for who may only look', () => {
    const HASH = '$2b$08$xfbMVlNA148tvrShMK1lxe1n/zqTiesH3xgpBuoZNUWtFlbkICibu';
    const users = [
      { username: 'reader', permissions: 'read', password: HASH },
      { username: 'admin', permissions: '*', password: HASH },
    ];

    before(async () => {
      const settings = { adminAuth: { type: 'credentials', users } };
      nodeRed = await NodeRed.start(NODE_RED_4, await makeUserDir({ packageSource: ROOT, flows: FLOWS, settings }));
    });
    after(() => nodeRed?.stop());
    afterEach(close);

    async function login(username: string, scope: string): Promise<void> {
      const body = { client_id: 'node-red-editor', grant_type: 'password', scope, username, password: PASSWORD };
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${nodeRed.url}/auth/token`, { method: 'POST', headers, body: JSON.stringify(body) });
      const token = JSON.stringify(await answer.json());
      await open(nodeRed.url, (page) => page.addInitScript((text) => localStorage.setItem('auth-tokens', text), token));
    }

    it('offers nothing that would be refused', async () => {
      await login('reader', 'read');
      await editor.editConfig('empty');
      assert.equal(await setUp().isVisible(), false);
      for (const id of ['zfs-test', 'zfs-discover', 'zfs-generate', 'zfs-set-up-remote']) {
        assert.equal(await page.locator(`#${id}`).isVisible(), false, id);
      }
      assert.ok(await page.locator('.zfs-may-not-connect').isVisible());
      await editor.cancelConfig();
    });

    it('says so when the login has ended meanwhile', async () => {
      await login('admin', '*');
      await editor.editConfig('empty');
      await page.route('**/zfs-flows/discover-host-key', (route) =>
        route.fulfill({ status: 401, body: 'Unauthorized' }),
      );
      await action('password').click();
      await field('host').fill('127.0.0.1');
      await field('password').fill(PASSWORD);
      await action('next').click();
      const alert = setUp().locator('.zfs-sentence.zfs-error', { hasText: 'log in' });
      await alert.waitFor();
      await editor.cancelConfig();
      // What the browser itself says of the answer.
      editor.complaints.splice(0);
    });
  });
});
