// The import from a running TrueNAS, in real editors: certificate, password, second factor, and people with few rights. Then a
// flow that was imported with its key runs on a real machine.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { selfSigned } from '../fake-truenas/certificates';
import { FakeTrueNas } from '../fake-truenas/server';
import { labSide } from '../fake-truenas/ssh-side';
import { NO_SUDO, OTP, type FakeUser } from '../fake-truenas/state';
import { NODE_RED_4, nodeRed5, type Platform } from '../package/node-red';
import { answersOf } from '../unit/import/truenas/samples';
import { ConnectionBench } from './connection-bench';
import { ImportForm } from './import-form';

const PASSWORD = 'of the web interface';

const user = (username: string, more: Partial<FakeUser> = {}): FakeUser => ({
  id: username.length,
  uid: 3000,
  username,
  home: `/home/${username}`,
  shell: '/bin/bash',
  password: PASSWORD,
  privilege: 'full',
  sudo: NO_SUDO,
  ...more,
});

const platforms: [string, () => Promise<Platform>][] = [
  ['Node-RED 4.1', () => Promise.resolve(NODE_RED_4)],
  ['Node-RED 5', nodeRed5],
];

describe('the import from a running TrueNAS', function () {
  this.timeout(60_000);
  const bench = new ConnectionBench();
  bench.useMachine();
  let fake: FakeTrueNas;

  before(async () => {
    fake = await FakeTrueNas.start({
      profile: 'scale2510',
      side: labSide(bench.nas),
      users: [user('admin'), user('second', { otp: true }), user('reader', { privilege: 'readonly' })],
      certificate: await selfSigned(),
      plain: 'serve',
    });
  });
  after(() => fake?.close());
  beforeEach(() => {
    fake.state.documents = answersOf('SCALE 25.10.6');
  });

  /** Asks as somebody, up to the question of the certificate. */
  async function ask(username: string, password = PASSWORD): Promise<ImportForm> {
    const form = await ImportForm.open(bench.editor);
    await form.field('url').fill(fake.url);
    await form.field('username').fill(username);
    await form.field('password').fill(password);
    await form.field('here').selectOption('');
    await form.action('next').click();
    await form.action('confirm').waitFor();
    return form;
  }

  const rows = (form: ImportForm): Promise<void> => form.tray.locator('[data-zfs-item]').first().waitFor();

  for (const [label, platform] of platforms) {
    describe(`with ${label}`, () => {
      bench.useNodeRed(platform);
      bench.useCleanEditor();

      it('sends nothing before its certificate is confirmed, and says what is wrong at its field', async () => {
        const called = fake.called.length;
        const form = await ask('admin', 'wrong');
        assert.ok((await form.tray.innerText()).includes(fake.fingerprint));
        assert.equal(fake.called.length, called, 'something was sent to a TrueNAS that nobody has vouched for');
        await form.action('confirm').click();
        await form.problem('password', 'AUTHENTICATION_FAILED').waitFor();
        await form.field('password').fill(PASSWORD);
        await form.next();
        assert.deepEqual(await form.items(), ['repl-4 new', 'repl-7 new', 'snap-5 new', 'ssh-2 new']);
        await form.cancel();
      });

      it('asks for the second factor', async () => {
        const form = await ask('second');
        await form.action('confirm').click();
        await form.problem('otp', 'OTP_REQUIRED').waitFor();
        await form.field('otp').fill('000000');
        await form.action('next').click();
        await form.problem('otp').filter({ hasText: 'not accepted' }).waitFor();
        await form.field('otp').fill(OTP);
        await form.next();
        await form.cancel();
      });

      it('gives people with few rights everything but the keys', async () => {
        const form = await ask('reader');
        await form.action('confirm').click();
        await rows(form);
        await form.item('ssh-2').locator('[data-zfs-level="warn"]', { hasText: 'key missing' }).waitFor();
        const told = await form.create();
        assert.match(told, /vault: key missing/);
        assert.doesNotMatch(told, /wait on the server/);
      });
    });
  }

  describe('and then', () => {
    bench.useNodeRed(() => Promise.resolve(NODE_RED_4));
    bench.useCleanEditor();

    it('guesses the machine by its address, and asks before a password goes over plain http', async () => {
      await bench.addConnections({ id: 'attic', type: 'zfs-ssh-connection', name: 'attic', host: 'attic.lan' });
      const form = await ImportForm.open(bench.editor);
      await form.field('url').fill('attic.lan');
      assert.equal(await form.field('here').inputValue(), 'attic');
      await form.field('url').fill('other.lan');
      assert.equal(await form.field('here').inputValue(), 'new');
      assert.equal(await form.field('hereHost').inputValue(), 'other.lan');
      await form.field('here').selectOption('attic');
      await form.field('url').fill(fake.plainUrl);
      assert.equal(await form.field('here').inputValue(), 'attic', 'somebody has chosen');
      await form.field('username').fill('admin');
      await form.field('password').fill(PASSWORD);
      const heard = fake.heard.length;
      await form.action('next').click();
      await form.action('insecure').waitFor();
      assert.equal(fake.heard.length, heard);
      await form.action('insecure').click();
      await rows(form);
      assert.match(await form.item('snap-5').innerText(), /attic:tank\/family/);
      await form.cancel();
    });

    it('makes a connection to the machine where there is none, set up right here', async () => {
      const form = await ImportForm.open(bench.editor);
      await form.field('json').fill(JSON.stringify(answersOf('SCALE 25.10.6')));
      await form.field('here').selectOption('new');
      await form.action('next').click();
      await form.problem('hereHost').waitFor();
      await form.action('set-up').click();
      await bench.form.fillPassword(bench.account());
      await bench.form.action('confirm').click();
      await bench.form.step('done');
      await form.next();
      assert.deepEqual(await form.items(), ['repl-4 new', 'repl-7 new', 'snap-5 new', 'self new', 'ssh-2 new']);
      await form.create();
      const flows = await form.flows();
      const made = [...flows.values()].find(({ host }) => host === bench.nas.login().host) ?? assert.fail();
      const snap = [...flows.values()].find(({ type }) => type === 'zfs-snapshot');
      assert.equal(snap?.['connection'], made['id']);
      await bench.editor.deploy();
      assert.equal(await bench.poolOf(String(made['id'])), 'tank');
    });

    it('runs: a snapshot task and the replication that it starts, with the key that was imported', async () => {
      const { privateKey, ...gate } = bench.nas.login();
      await bench.addConnections({ id: 'gate', type: 'zfs-ssh-connection', ...gate, credentials: { privateKey } });
      fake.state.documents = machineWith(privateKey, gate);
      const form = await ask('admin');
      await form.action('back').click();
      await form.field('here').selectOption('gate');
      await form.action('next').click();
      await form.action('confirm').click();
      await rows(form);
      for (const item of ['snap-1', 'repl-1']) await form.item(item).locator('[name="enabled"]').selectOption('on');
      await form.create();
      await bench.editor.deploy();
      const ids = [...(await form.flows()).keys()];
      const id = ids.find((one) => one.startsWith('zfs-imp-snap-1-')) ?? assert.fail(ids.join());
      const run = async (): Promise<boolean> => {
        const answer = await fetch(`${bench.nodeRed.url}/zfs-flows/tasks/run`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ id }),
        });
        return ((await answer.json()) as { ok: boolean }).ok;
      };
      // A deploy is over for the editor before its nodes are there.
      for (let turn = 0; !(await run()); turn++) {
        assert.ok(turn < 100, 'it cannot be run');
        await sleep(100);
      }
      const until = Date.now() + 20_000;
      while ((await bench.nas.snapshotNames('tank/copy').catch(() => [])).length === 0) {
        assert.ok(Date.now() < until, 'nothing came');
        await sleep(200);
      }
      assert.deepEqual(
        (await bench.nas.snapshotNames('tank/copy')).at(-1),
        (await bench.nas.snapshotNames('tank/data')).at(-1),
      );
    });
  });
});

/** A TrueNAS that copies a dataset to another place on the lab machine, over SSH. */
function machineWith(
  privateKey: string,
  { host, port, username, hostKeys }: Record<string, unknown>,
): Record<string, unknown> {
  const schema = 'auto-%Y-%m-%d_%H-%M';
  const ssh = { host, port, username, private_key: 1, remote_host_key: hostKeys, connect_timeout: 10 };
  return {
    'keychaincredential.query': [
      { id: 1, name: 'key', type: 'SSH_KEY_PAIR', attributes: { private_key: privateKey, public_key: '' } },
      { id: 2, name: 'copy', type: 'SSH_CREDENTIALS', attributes: ssh },
    ],
    'pool.snapshottask.query': [
      {
        id: 1,
        dataset: 'tank/data',
        recursive: false,
        exclude: [],
        lifetime_value: 2,
        lifetime_unit: 'WEEK',
        naming_schema: schema,
        allow_empty: true,
        enabled: true,
        schedule: { minute: '0', hour: '3', dom: '*', month: '*', dow: '*', begin: '00:00', end: '23:59' },
      },
    ],
    'replication.query': [
      {
        id: 1,
        name: 'data to copy',
        direction: 'PUSH',
        transport: 'SSH',
        ssh_credentials: { id: 2 },
        sudo: false,
        source_datasets: ['tank/data'],
        target_dataset: 'tank/copy',
        recursive: false,
        exclude: [],
        properties: true,
        replicate: false,
        encryption: false,
        periodic_snapshot_tasks: [{ id: 1 }],
        also_include_naming_schema: [],
        naming_schema: [],
        auto: true,
        schedule: null,
        allow_from_scratch: false,
        readonly: 'SET',
        retention_policy: 'NONE',
        retries: 2,
        enabled: true,
      },
    ],
    'system.general.config': { timezone: 'UTC' },
    'system.info': { version: 'TrueNAS-25.10.6', hostname: 'attic' },
  };
}
