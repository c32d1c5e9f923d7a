// The dialog of a connection leads from what a person has to a connection that works: a password, a TrueNAS, or a key, by
// hand. Real machines over real SSH, and a key that nobody but the server has seen. What fails: connection-failures.test.ts.
import assert from 'node:assert/strict';
import { selfSigned } from '../fake-truenas/certificates';
import { FakeTrueNas } from '../fake-truenas/server';
import { labSide } from '../fake-truenas/ssh-side';
import { NO_SUDO, OTP } from '../fake-truenas/state';
import { NODE_RED_4, NodeRed, nodeRed5, type Platform } from '../package/node-red';
import { ConnectionBench, HOME, USER } from './connection-bench';

const platforms: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5', nodeRed5],
];

describe('the dialog of a connection', function () {
  this.timeout(60_000);
  const bench = new ConnectionBench();
  bench.useMachine();

  for (const [label, platform] of platforms) {
    describe(`of ${label}`, () => {
      bench.useNodeRed(platform);
      bench.useCleanEditor();

      it('leads from a password to a tested connection, which replicates after a restart too', async () => {
        await bench.editor.edit('replicate');
        const id = await bench.form.add();
        await bench.form.fillPassword(bench.account());
        assert.match((await bench.form.setUp.locator('.zfs-key-list').textContent()) ?? '', /ssh-ed25519 SHA256:/);
        assert.equal(
          bench.form.times('set-up-remote'),
          0,
          'the password was sent before the key of the machine was confirmed',
        );
        const before = Date.now();
        await bench.form.confirm();
        const took = Date.now() - before;
        console.log(`      from the click to a tested connection: ${took} ms`);
        assert.ok(took < 10_000, `it took ${took} ms`);
        assert.match((await bench.keysThere())[0] ?? '', /^ssh-ed25519 AAAA/);
        assert.match((await bench.form.setUp.locator('.zfs-set-up-changed').textContent()) ?? '', /authorized_keys/);
        for (const name of ['ssh', 'zfs-snapshot', 'zfs-replicate-source', 'zfs-replicate-target', 'zfs-verify']) {
          assert.equal(await bench.form.check(name), 'true', name);
        }
        assert.deepEqual(await bench.form.properties('host', 'port', 'username', 'authMethod', 'privateKey'), [
          '127.0.0.1',
          String(bench.nas.port),
          USER,
          'privateKey',
          '__PWRD__',
        ]);
        assert.ok((await bench.form.property('hostKeys').inputValue()).includes(bench.nas.hostKey));
        await bench.form.leave('ok');
        await bench.editor.done();
        await bench.editor.edit('replicate');
        await bench.editor.page.locator('#node-input-targetConnection').selectOption(id);
        await bench.editor.done();
        assert.deepEqual([await bench.editor.valid(id), await bench.editor.valid('replicate')], [true, true]);
        await bench.editor.deploy();
        assert.equal(await bench.hasKey(id), true);
        await replicate();

        const { userDir } = bench.nodeRed;
        await bench.nodeRed.end();
        bench.nodeRed = await NodeRed.start(await platform(), userDir);
        await bench.editor.page.goto(bench.nodeRed.url);
        await bench.editor.node('replicate').waitFor();
        await bench.nas.writeFile('tank/data', 'more', String(Date.now()));
        await replicate();
        await bench.editor.editConfig(id);
        assert.equal(await bench.form.property('privateKey').inputValue(), '__PWRD__');
        assert.equal(
          await bench.form.setUp.isVisible(),
          false,
          'a connection that is filled in opened with a question',
        );
        await bench.test();
        await bench.form.leave('cancel');
      });

      it('leads through the API of a TrueNAS, its certificate and its second factor', async () => {
        const fake = await startFake();
        try {
          await bench.editor.edit('replicate');
          const id = await bench.form.add();
          await bench.form.action('truenas').click();
          await bench.form.field('url').fill(fake.url);
          await bench.form.field('username').fill('root');
          assert.equal(await bench.form.field('sudo').isVisible(), false, 'root needs no sudo');
          await bench.form.field('username').fill(USER);
          await bench.form.field('password').fill('of the web interface');
          await bench.form.action('next').click();
          await bench.form.step('certificate');
          assert.ok((await bench.form.setUp.textContent())?.includes(fake.fingerprint));
          assert.equal(fake.called.length, 0, 'something was sent to a TrueNAS that nobody has vouched for');
          await bench.form.action('confirm').click();
          await bench.form.problem('otp', 'OTP_REQUIRED').waitFor();
          await bench.form.field('otp').fill('000000');
          await bench.form.action('next').click();
          await bench.form.problem('otp').filter({ hasText: 'not accepted' }).waitFor();
          assert.equal(await bench.form.field('password').inputValue(), 'of the web interface');
          await bench.form.field('otp').fill(OTP);
          await bench.form.action('next').click();
          await bench.form.step('done');
          await bench.form.works();
          const filledIn = ['127.0.0.1', String(bench.nas.port), USER, 'sudo'];
          assert.deepEqual(await bench.form.properties('host', 'port', 'username', 'sudo'), filledIn);
          assert.ok(
            (await bench.form.setUp.locator('.zfs-set-up-changed li').count()) >= 2,
            'not all changes are told',
          );
          await bench.form.leave('ok');
          await bench.editor.done();
          await bench.editor.deploy();
          assert.equal(await bench.hasKey(id), true);
          await bench.editor.editConfig(id);
          await bench.test();
          await bench.form.leave('cancel');
        } finally {
          await fake.close();
        }
      });
    });
  }

  /** Presses the button of the flow and waits until the status turns green. */
  async function replicate(): Promise<void> {
    const status = bench.editor.node('replicate').locator('.red-ui-flow-node-status-group');
    await bench.editor.node('button').locator('.red-ui-flow-node-button-button').click();
    await status.locator('.red-ui-flow-node-status-dot-blue').waitFor();
    const ended = status.locator('.red-ui-flow-node-status-dot-green, .red-ui-flow-node-status-ring-red');
    await ended.waitFor();
    const text = await status.locator('.red-ui-flow-node-status-label').textContent();
    assert.match((await ended.getAttribute('class')) ?? '', /dot-green/, text ?? '');
    assert.deepEqual(
      (await bench.nas.snapshotNames('tank/copy')).at(-1),
      (await bench.nas.snapshotNames('tank/data')).at(-1),
    );
  }

  async function startFake(): Promise<FakeTrueNas> {
    const administrator = { privilege: 'full', sudo: NO_SUDO, otp: true, password: 'of the web interface' } as const;
    const person = { id: 70, uid: 3000, username: USER, home: HOME, shell: '/usr/sbin/nologin' };
    return FakeTrueNas.start({
      profile: 'scale2510',
      side: labSide(bench.nas),
      users: [{ ...person, ...administrator }],
      certificate: await selfSigned(),
    });
  }

  describe('of one of them', () => {
    bench.useNodeRed(() => Promise.resolve(NODE_RED_4));
    bench.useCleanEditor();

    it('by hand is as ever: everything can be filled in at once, question or not', async () => {
      await bench.editor.edit('replicate');
      await bench.form.add();
      const { host, port } = bench.nas.login();
      await bench.form.property('host').fill(host);
      await bench.form.action('key').click();
      assert.equal(await bench.form.setUp.isVisible(), false);
      assert.equal(await bench.editor.ask('document.activeElement.id'), 'node-config-input-host');
      await bench.form.property('port').fill(String(port));
      await bench.form.property('username').fill(USER);
      await bench.editor.page.locator('#zfs-generate').click();
      const publicKey = await bench.editor.page.locator('#zfs-public-key').inputValue();
      const script = `install -d -m 700 -o ${USER} ${HOME}/.ssh; echo "$1" >${HOME}/.ssh/authorized_keys`;
      await bench.nas.sh(script, { args: [publicKey] });
      await bench.editor.page.locator('#zfs-discover').click();
      await bench.editor.page.locator('#zfs-trust').click();
      await bench.test();
      await bench.form.leave('ok');
      await bench.editor.cancel();
    });

    it('sets up a machine that only another one reaches', async () => {
      const { privateKey, ...gate } = bench.nas.login();
      await bench.addConnections({ id: 'gate', type: 'zfs-ssh-connection', ...gate, credentials: { privateKey } });
      const { editor, form } = bench;
      await editor.edit('replicate');
      await form.add();
      await form.property('jumpConnection').selectOption('gate');
      // As it is reached from there.
      await form.fillPassword({ ...bench.account(), host: bench.nas.address, port: 22 });
      await form.confirm();
      assert.equal(await form.check('ssh+tls'), 'false', 'TLS goes through no other connection');
      assert.deepEqual(await form.properties('host', 'jumpConnection'), [bench.nas.address, 'gate']);
      assert.equal((await bench.keysThere()).length, 1);
      await form.leave('ok');
      await editor.done();
      await editor.deploy();
      const id = await editor.ask<string>('RED.nodes.node("replicate").sourceConnection');
      assert.equal(await bench.poolOf(id), 'tank');
    });

    it('shows connections that lead back to themselves as invalid, and no other', async () => {
      const { host, hostKeys } = bench.nas.login();
      const through = (id: string, jumpConnection: string): object => {
        return { id, type: 'zfs-ssh-connection', name: `to ${id}`, host, hostKeys, jumpConnection };
      };
      await bench.addConnections(through('a', 'b'), through('b', 'a'), through('self', 'self'), through('c', ''));
      const { editor, form } = bench;
      const valid = (): Promise<boolean[]> => Promise.all(['a', 'b', 'self', 'c'].map((id) => editor.valid(id)));
      assert.deepEqual(await valid(), [false, false, false, true]);
      await editor.editConfig('a');
      assert.equal(await form.property('jumpConnection').inputValue(), 'b');
      const section = editor.section('machine');
      assert.match((await section.locator('.zfs-section-summary').textContent()) ?? '', /leads back/);
      await form.property('jumpConnection').selectOption('c');
      await editor.doneConfig();
      await editor.editConfig('b');
      await editor.doneConfig();
      assert.deepEqual(await valid(), [true, true, false, true]);
    });

    it('works by keyboard alone, and every control has a name', async () => {
      await bench.editor.edit('replicate');
      await bench.form.add();
      const { keyboard } = bench.editor.page;
      await bench.form.property('name').focus();
      await bench.form.press('Tab', 'Enter');
      await bench.form.step('password');
      assert.deepEqual(await bench.form.nameless(), []);
      const { host, port, username, password } = bench.account();
      for (const value of [host, port, username]) {
        await keyboard.press('Control+A');
        await keyboard.type(String(value));
        await keyboard.press('Tab');
      }
      await keyboard.type(password);
      await keyboard.press('Enter');
      await bench.form.step('hostKey');
      // Pressed once more than needed, nothing is confirmed that nobody has read.
      await keyboard.press('Enter');
      assert.equal(await bench.form.setUp.getAttribute('data-zfs-step'), 'hostKey');
      await bench.form.press('Tab', 'Enter');
      await bench.form.step('done');
      await bench.form.works();
      await bench.form.leave('cancel');
      await bench.form.add();
      await bench.form.property('name').focus();
      await bench.form.press('Tab', 'Tab', 'Enter');
      await bench.form.step('truenas');
      assert.deepEqual(await bench.form.nameless(), []);
      await bench.form.leave('cancel');
      await bench.editor.cancel();
    });
  });
});
