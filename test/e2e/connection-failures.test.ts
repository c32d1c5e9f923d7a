// What goes wrong while a connection is set up, is stopped, or is thought better of: it is said where it was typed in, nothing
// secret is sent to somebody else, and nothing is left in Node-RED.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { NODE_RED_4 } from '../package/node-red';
import { ConnectionBench, HOME, PASSWORD, USER } from './connection-bench';

describe('setting up a connection', function () {
  this.timeout(60_000);
  const bench = new ConnectionBench();
  bench.useMachine();

  describe('that goes wrong', () => {
    bench.useNodeRed(() => Promise.resolve(NODE_RED_4));
    bench.useCleanEditor();

    it('says a wrong password at the password, and lets one try again', async () => {
      await bench.editor.edit('replicate');
      const id = await bench.form.add();
      await bench.form.fillPassword(bench.account('not this one'));
      await bench.form.action('confirm').click();
      await bench.form.problem('password', 'AUTHENTICATION_FAILED').waitFor();
      assert.match((await bench.form.problem('password').textContent()) ?? '', new RegExp(USER));
      assert.deepEqual([await bench.keysThere(), await bench.hasKey(id)], [[], false]);
      await bench.form.field('password').fill(PASSWORD);
      await bench.form.field('password').press('Enter');
      await bench.form.step('hostKey');
      await bench.form.confirm();
      await bench.form.leave('cancel');
      await bench.editor.cancel();
    });

    it('says what cannot be reached where it was typed in', async () => {
      await bench.editor.edit('replicate');
      await bench.form.add();
      await bench.form.action('password').click();
      await bench.form.action('next').click();
      await bench.form.problem('host').waitFor();
      assert.equal(bench.form.times('discover-host-key'), 0);
      await bench.form.field('host').fill('no-such-machine.invalid');
      await bench.form.field('password').fill(PASSWORD);
      await bench.form.action('next').click();
      await bench.form.problem('host', 'HOST_NOT_FOUND').waitFor();
      await bench.form.field('host').fill('127.0.0.1');
      assert.equal(await bench.form.problem('host').count(), 0, 'a complaint stays when its field has changed');
      await bench.form.field('port').fill('1');
      await bench.form.action('next').click();
      await bench.form.problem('port', 'CONNECTION_REFUSED').waitFor();
      await bench.form.action('back').click();
      await bench.form.step('choose');
      await bench.form.action('truenas').click();
      await bench.form.field('url').fill('http://127.0.0.1:1');
      await bench.form.field('with').selectOption('apiKey');
      await bench.form.field('apiKey').fill('1-abc');
      await bench.form.action('next').click();
      await bench.form.problem('url').waitFor();
      assert.equal(bench.form.times('set-up-truenas'), 0, 'an API key was about to be sent over http');
      await bench.form.field('with').selectOption('password');
      await bench.form.field('username').fill('root');
      await bench.form.field('password').fill('secret');
      await bench.form.action('next').click();
      await bench.form.step('plain');
      await bench.form.action('insecure').click();
      await bench.form.problem('url', 'CONNECTION_REFUSED').waitFor();
      assert.equal(bench.form.asked.find(([endpoint]) => endpoint === 'set-up-truenas')?.[1]['insecure'], true);
      await bench.form.leave('cancel');
      await bench.editor.cancel();
    });

    it('sends no password to a machine that shows another key than the one confirmed', async () => {
      await bench.editor.edit('replicate');
      await bench.form.add();
      await bench.editor.page.route('**/zfs-flows/discover-host-key', async (route) => {
        const response = await route.fetch();
        const { keys } = (await response.json()) as { keys: { key: string }[] };
        const [first] = keys;
        assert.ok(first);
        // The last characters are those of the key itself.
        await route.fulfill({ json: { keys: [{ ...first, key: `${first.key.slice(0, -4)}AAAA` }] } });
      });
      await bench.form.fillPassword(bench.account());
      await bench.form.action('confirm').click();
      const alert = bench.form.setUp.locator('[data-zfs-code="HOST_KEY_MISMATCH"]');
      await alert.waitFor();
      assert.match((await alert.textContent()) ?? '', /SHA256:.*SHA256:/s);
      assert.deepEqual(await bench.keysThere(), []);
      await bench.form.leave('cancel');
      await bench.editor.cancel();
    });

    it('leaves nothing in Node-RED when it is cancelled, before, while and after something is done', async () => {
      await bench.editor.edit('replicate');
      const ids = [await bench.form.add()];
      await bench.form.leave('cancel');
      ids.push(await bench.form.add());
      await bench.nas.link.delay(150);
      await bench.form.fillPassword(bench.account());
      await bench.form.action('confirm').click();
      await bench.form.setUp.locator('[aria-busy]').waitFor();
      await bench.form.leave('cancel');
      await bench.nas.link.delay(0);
      const last = await bench.form.add();
      ids.push(last);
      await bench.form.fillPassword(bench.account());
      await bench.form.confirm();
      assert.equal(await bench.hasKey(last), true);
      await bench.form.leave('cancel');
      await bench.editor.page.locator('.red-ui-notification', { hasText: 'authorized_keys' }).waitFor();
      await bench.editor.cancel();
      await sleep(500);
      for (const id of ids) assert.deepEqual(await bench.stored(id), {}, 'a key waits for nobody');
      assert.equal(await bench.editor.ask('RED.nodes.dirty()'), false);
      assert.equal(await bench.editor.ask('document.querySelectorAll(".zfs-set-up").length'), 0);
    });

    it('can be stopped in the middle and gone on with, and sends nothing twice', async () => {
      await bench.editor.edit('replicate');
      await bench.form.add();
      await bench.nas.link.delay(150);
      await bench.form.fillPassword(bench.account());
      await bench.form.action('confirm').dblclick();
      await bench.form.action('cancel').click();
      await bench.form.step('password');
      assert.equal(await bench.form.problem('').count(), 0, 'somebody who has stopped it is told that it was stopped');
      assert.equal(bench.form.times('set-up-remote'), 1);
      await bench.nas.link.delay(0);
      await bench.form.action('next').dblclick();
      await bench.form.step('hostKey');
      assert.equal(bench.form.times('discover-host-key'), 2);
      await bench.form.action('back').click();
      await bench.form.action('by-hand').click();
      const typed = ['127.0.0.1', String(bench.nas.port), USER];
      assert.deepEqual(await bench.form.properties('host', 'port', 'username'), typed, 'what was typed in is gone');
      await bench.form.leave('cancel');
      await bench.editor.cancel();
    });

    it('sets up a connection that exists again, and its new key counts from the deploy on', async () => {
      await bench.editor.editConfig('empty');
      await bench.form.step('choose');
      await bench.form.fillPassword(bench.account());
      await bench.form.confirm();
      await bench.editor.doneConfig();
      assert.equal(await bench.editor.valid('empty'), true);
      await bench.editor.deploy();
      const [first] = await bench.keysThere();
      assert.ok(first);

      await bench.editor.editConfig('empty');
      assert.equal(await bench.form.setUp.isVisible(), false);
      await setUpAgain();
      const keys = await bench.keysThere();
      assert.deepEqual([keys.length, keys[0]], [2, first]);
      await bench.editor.doneConfig();
      assert.equal(await bench.editor.changed('empty'), true, 'there is nothing to deploy');
      await bench.nas.sh(`sed -i 1d ${HOME}/.ssh/authorized_keys`);
      assert.equal(await bench.poolOf('empty'), 'AUTHENTICATION_FAILED', 'the old key was replaced before the deploy');
      await bench.editor.deploy();
      assert.equal(await bench.poolOf('empty'), 'tank');

      // And again, but cancelled: a deploy of something else brings nothing in.
      await bench.editor.editConfig('empty');
      await setUpAgain();
      await bench.editor.cancelConfig();
      await bench.nas.sh(`sed -i 2d ${HOME}/.ssh/authorized_keys`);
      await deployAnother();
      assert.equal(await bench.poolOf('empty'), 'tank');
    });

    it('confirmed once, keeps its key when the dialog is opened again and cancelled', async () => {
      const { editor, form } = bench;
      await editor.edit('replicate');
      const id = await form.add();
      await form.fillPassword(bench.account());
      await form.confirm();
      await form.leave('ok');
      await editor.done();
      await editor.editConfig(id);
      await setUpAgain();
      await editor.cancelConfig();
      await editor.deploy();
      assert.equal(await bench.poolOf(id), 'tank');
    });

    async function deployAnother(): Promise<void> {
      await bench.editor.edit('replicate');
      await bench.editor.page.locator('#node-input-name').fill('other');
      await bench.editor.done();
      await bench.editor.deploy();
    }

    it('cancelled, lets a connection that exists keep its key', async () => {
      await bench.editor.editConfig('empty');
      for (const [name, value] of Object.entries(bench.nas.login(USER)))
        await bench.form.property(name).fill(String(value));
      await bench.editor.doneConfig();
      await bench.editor.deploy();
      await bench.editor.editConfig('empty');
      await setUpAgain();
      await bench.editor.cancelConfig();
      await bench.nas.sh(`rm ${HOME}/.ssh/authorized_keys`);
      await deployAnother();
      assert.equal(
        await bench.poolOf('empty'),
        'tank',
        'a deploy has brought in the key of a set-up that was cancelled',
      );
    });

    /** The host key is trusted already, so that the password is all that is asked for. */
    async function setUpAgain(): Promise<void> {
      await bench.editor.page.locator('#zfs-set-up-remote').click();
      await bench.form.step('choose');
      await bench.form.action('password').click();
      const values = ['host', 'port', 'username'].map((name) => bench.form.field(name).inputValue());
      assert.deepEqual(await Promise.all(values), ['127.0.0.1', String(bench.nas.port), USER]);
      await bench.form.field('password').fill(PASSWORD);
      await bench.form.action('next').click();
      await bench.form.step('done');
      await bench.form.works();
    }
  });

  describe('for who may only look', () => {
    // The password of the lab, as `node-red admin hash-pw` gives it.
    const password = '$2b$08$xfbMVlNA148tvrShMK1lxe1n/zqTiesH3xgpBuoZNUWtFlbkICibu';
    const users = [
      { username: 'reader', permissions: 'read', password },
      { username: 'admin', permissions: '*', password },
    ];
    bench.useNodeRed(() => Promise.resolve(NODE_RED_4), { adminAuth: { type: 'credentials', users } });

    async function login(username: string, scope: string): Promise<void> {
      const body = { client_id: 'node-red-editor', grant_type: 'password', scope, username, password: PASSWORD };
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${bench.nodeRed.url}/auth/token`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      const token = JSON.stringify(await answer.json());
      await bench.open((page) => page.addInitScript((text) => localStorage.setItem('auth-tokens', text), token));
    }

    it('offers nothing that would be refused', async () => {
      await login('reader', 'read');
      await bench.editor.editConfig('empty');
      assert.equal(await bench.form.setUp.isVisible(), false);
      for (const id of ['zfs-test', 'zfs-discover', 'zfs-generate', 'zfs-set-up-remote']) {
        assert.equal(await bench.editor.page.locator(`#${id}`).isVisible(), false, id);
      }
      assert.ok(await bench.editor.page.locator('.zfs-may-not-connect').isVisible());
      await bench.editor.cancelConfig();
    });

    it('says so when the login has ended meanwhile', async () => {
      await login('admin', '*');
      await bench.editor.editConfig('empty');
      await bench.editor.page.route('**/zfs-flows/discover-host-key', (route) =>
        route.fulfill({ status: 401, body: 'Unauthorized' }),
      );
      await bench.form.action('password').click();
      await bench.form.field('host').fill('127.0.0.1');
      await bench.form.field('password').fill(PASSWORD);
      await bench.form.action('next').click();
      await bench.form.setUp.locator('.zfs-sentence.zfs-error', { hasText: 'log in' }).waitFor();
      await bench.editor.cancelConfig();
      // What the browser itself says of such an answer.
      bench.editor.complaints.splice(0);
    });
  });
});
