// The endpoint of the import: every way in, the keys that wait on the server, pieces of large files. Node-RED and its store of
// credentials are real; the TrueNAS that is asked live is a fake one of each version.
import assert from 'node:assert/strict';
import { unstageKey } from '../../nodes/admin/staged-keys';
import { PROFILE_NAMES, PROFILES, type ProfileName } from '../fake-truenas/profiles';
import { Refused } from '../fake-truenas/state';
import { helper, type FlowNode } from '../support/flow-bench';
import { PASSWORD, useTrueNas, refused, type Answer } from '../support/truenas-bench';
import { configurationSql, SEED, sqliteFile, tarFile } from '../unit/import/truenas/archives';
import { answersOf, PASSPHRASE, PRIVATE_KEY, type VersionName } from '../unit/import/truenas/samples';

const VERSION: Readonly<Record<ProfileName, VersionName>> = {
  core13: 'CORE 13.3-U1.2',
  scale2410: 'SCALE 24.10.2.4',
  scale2504: 'SCALE 25.04.2.6',
  scale2510: 'SCALE 25.10.6',
  scale26: 'SCALE 26.0.0-BETA.3',
};

interface Imported extends Answer {
  version: string;
  nodes: FlowNode[];
  secrets: string[];
  findings: { item: string; level: string; message: string }[];
}

describe('the endpoint truenas-import', () => {
  const waiting = new Set<string>();
  // Before Node-RED stops, so that no key waits in the tests that come after these.
  afterEach(() => {
    for (const id of waiting) unstageKey(nas.bench.RED, id);
    waiting.clear();
  });
  const nas = useTrueNas();

  async function ask(body: object): Promise<Imported> {
    const response = await helper.request().post('/zfs-flows/truenas-import').send(body).expect(200);
    const text = JSON.stringify(response.body);
    nas.told.push(text);
    assert.doesNotMatch(text, /THE-(?:SECRET|PASSPHRASE)/);
    const answer = response.body as Imported;
    for (const id of answer.secrets ?? []) waiting.add(id);
    return answer;
  }

  async function imported(body: object): Promise<Imported> {
    const answer = await ask(body);
    assert.equal(answer['ok'], true, JSON.stringify(answer));
    return answer;
  }

  const idOf = ({ nodes }: Imported, kind: string): string =>
    nodes.find(({ id }) => id.startsWith(`zfs-imp-${kind}-`))?.id ?? '';
  const json = answersOf('SCALE 25.10.6');
  const credentials = (id: string): unknown => nas.bench.RED.nodes.getCredentials(id);

  it('answers nodes without keys, and keeps the keys until their nodes are deployed', async () => {
    const answer = await imported({ json, here: '', enable: ['repl-4'] });
    const [ssh, repl] = [idOf(answer, 'ssh-2'), idOf(answer, 'repl-4')];
    assert.deepEqual(answer.secrets, [ssh, repl]);
    assert.equal(answer.version, 'SCALE 25.10.6');
    assert.equal(answer.nodes.find(({ id }) => id === repl)?.['enabled'], true);
    assert.equal(answer.nodes.find(({ id }) => id === idOf(answer, 'repl-7'))?.['enabled'], false);
    assert.deepEqual(credentials(ssh), { privateKey: PRIVATE_KEY });
    await nas.bench.deploy(
      answer.nodes.filter(({ type }) => type !== 'comment'),
      'full',
      {},
    );
    assert.deepEqual(credentials(ssh), { privateKey: PRIVATE_KEY });
    assert.deepEqual(credentials(repl), { encryptionKey: PASSPHRASE });
  });

  it('gives a second import the same ids, and the nodes that are deployed the newer keys', async () => {
    const first = await imported({ json });
    const flow = first.nodes.filter(({ type }) => type !== 'comment');
    await nas.bench.deploy(flow, 'full', {});
    const again = await imported({ json });
    assert.deepEqual(again, first);
    const text = JSON.stringify(json).replaceAll('THE-SECRET', 'THE-SECRET-OF-NOW');
    const newer = await imported({ json: text });
    assert.deepEqual(newer.secrets, first.secrets);
    const ssh = idOf(first, 'ssh-2');
    assert.match(JSON.stringify(nas.bench.RED.nodes.getCredentials(ssh)), /"privateKey":"[^"]*THE-SECRET\\n/);
    await nas.bench.deploy(
      flow.map((node) => (node.id === ssh ? { ...node, name: 'renamed' } : node)),
      'full',
      {},
    );
    assert.match(JSON.stringify(credentials(ssh)), /"privateKey":"[^"]*THE-SECRET-OF-NOW\\n/);
  });

  it('puts no key into a node of another kind that has the id', async () => {
    const ids = (await imported({ json })).nodes;
    const ssh = ids.find(({ id }) => id.startsWith('zfs-imp-ssh'))?.id ?? '';
    await nas.bench.deploy([{ id: ssh, type: 'test-collector' }], 'full', {});
    const answer = await imported({ json });
    assert.ok(!answer.secrets.includes(ssh));
    assert.match(JSON.stringify(answer.findings), /its key could not be kept/);
  });

  it('says where somebody has made a node of the same name by hand', async () => {
    const own = { id: 'own', type: 'zfs-snapshot', name: 'tank/family' };
    await nas.bench.deploy([own], 'full', {});
    const told = (await imported({ json })).findings.filter(({ message }) => message.includes('already'));
    assert.deepEqual(
      told.map(({ item, level }) => [item, level]),
      [['snap-5', 'warn']],
    );
  });

  it('says so of what came from another tool too, and uses a connection that is there', async () => {
    const text = '0 4 * * * syncoid tank/a vault.lan:backup/a\n';
    const first = await imported({ text });
    await nas.bench.deploy(
      first.nodes.filter(({ type }) => type !== 'comment'),
      'full',
      {},
    );
    const zrepl = `jobs:
- {name: tank/a to vault.lan:backup/a, type: push, filesystems: {tank/a: true}, connect: {type: tcp, address: "vault.lan:1"}}
`;
    const second = await imported({ text: zrepl });
    const ssh = idOf(first, 'ssh');
    const repl = second.nodes.find(({ type }) => type === 'zfs-replicate');
    assert.equal(repl?.['targetConnection'], ssh);
    const told = second.findings.map(({ message }) => message).join('\n');
    assert.match(told, /uses your connection "root@vault\.lan"/);
    assert.match(told, /there is another zfs-replicate node named "tank\/a to vault\.lan:backup\/a" already: does/);
    assert.doesNotMatch(told, /another zfs-ssh-connection/);
    assert.equal((await imported({ text })).nodes.length, first.nodes.length, 'what it has made itself stays its own');

    for (const more of [
      { d: true },
      { jumpConnection: 'hop' },
      { port: 2222 },
      { username: 'op' },
      { port: 'nonsense' },
    ]) {
      await nas.bench.deploy([{ id: 'own', type: 'zfs-ssh-connection', host: 'vault.lan', ...more }], 'full', {});
      const { nodes } = await imported({ text });
      assert.deepEqual(nodes, first.nodes, JSON.stringify(more));
    }
    await nas.bench.deploy([{ id: 'own', type: 'zfs-ssh-connection', host: 'vault.lan' }], 'full', {});
    assert.equal(idOf(await imported({ text }), 'ssh'), '');
  });

  it('takes text, files and pieces of files', async () => {
    const database = sqliteFile(configurationSql({ privateKey: PRIVATE_KEY, passphrase: PASSPHRASE }));
    const archive = tarFile({ 'freenas-v1.db': database, pwenc_secret: SEED });
    const names = ({ nodes }: Imported): unknown[] =>
      nodes.filter(({ type }) => type === 'zfs-replicate').map(({ name }) => name);
    assert.deepEqual(names(await imported({ json: JSON.stringify(json) })), ['family to vault', 'mail from vault']);
    assert.deepEqual(names(await imported({ file: Buffer.from(JSON.stringify(json)).toString('base64') })), [
      'family to vault',
      'mail from vault',
    ]);
    const whole = await imported({ file: archive.toString('base64') });
    assert.deepEqual([names(whole), whole.secrets.length], [['family'], 2]);
    const bare = await imported({ file: database.toString('base64') });
    assert.deepEqual([names(bare), bare.secrets], [['family'], []]);

    const size = 10_000;
    const of = Math.ceil(archive.length / size);
    for (const [upload, first] of [
      ['from-0', 0],
      ['from-1', 1],
    ] as const) {
      for (let part = of - 1; part >= 0; part--) {
        if (part === 0) refused(await ask({ upload }), 'INVALID_OPTIONS', /not complete/);
        const data = archive.subarray(part * size, (part + 1) * size).toString('base64');
        assert.equal((await ask({ upload, part: part + first, of, data }))['ok'], true);
      }
      assert.deepEqual(await imported({ upload }), whole);
      assert.deepEqual(await imported({ upload }), whole);
    }
    // Somebody cuts the base64 and not the file.
    const text = archive.toString('base64');
    const half = 4 * Math.floor(text.length / 8) + 1;
    await ask({ upload: 'cut', part: 0, of: 2, data: text.slice(0, half) });
    await ask({ upload: 'cut', part: 1, of: 2, data: text.slice(half) });
    assert.deepEqual(await imported({ upload: 'cut' }), whole);
  });

  it('takes the configuration of sanoid and of zrepl by the same ways', async () => {
    const sanoid = '[tank/a]\nhourly = 3\ndaily = 0\nmonthly = 0\n';
    const zrepl =
      'jobs:\n- {name: s, type: snap, filesystems: {"tank/a": true}, snapshotting: {type: periodic, interval: 1h, prefix: z_}}\n';
    for (const [text, version] of [
      [sanoid, 'sanoid'],
      [zrepl, 'zrepl'],
    ] as const) {
      for (const body of [{ text }, { json: text }, { file: Buffer.from(text).toString('base64') }]) {
        const answer = await imported(body);
        assert.equal(answer.version, version);
        assert.deepEqual(
          answer.nodes.map(({ type }) => type).toSorted((a, b) => (a < b ? -1 : 1)),
          ['comment', 'tab', 'zfs-snapshot'],
        );
      }
    }
  });

  it('refuses more than 64 MiB, and what is no file', async () => {
    const data = Buffer.alloc(3 << 20).toString('base64');
    const of = 22;
    let last: Answer = { details: {} };
    for (let part = 1; part <= of; part++) last = await ask({ upload: 'large', part, of, data });
    refused(last, 'INVALID_OPTIONS', /64 MiB/);
    assert.equal(last['field'], 'file');
    for (const [body, field] of [
      [{ upload: 'large' }, 'file'],
      [{ upload: 'nobody' }, 'file'],
      [{ upload: 'x', part: 3, of: 2, data: '' }, 'file'],
      [{ upload: 'x', part: 1, of: 2, data: '!' }, 'file'],
      [{ upload: '../x', part: 1, of: 2, data: '' }, 'file'],
      [{ file: 'not base64!' }, 'file'],
      [{ file: Buffer.from([0xff, 0xfe, 0]).toString('base64') }, 'file'],
      [{ json: '{"private_key": THE-SECRET' }, 'json'],
      [{ json: { a: 1 } }, 'json'],
      [{}, 'json'],
      [{ json, file: 'eA==' }, 'file'],
      [{ json, enable: 5 }, 'enable'],
      [{ live: { url: '' } }, 'username'],
    ] as const) {
      const answer = await ask(body);
      assert.deepEqual(
        [answer['ok'], answer['code'], answer['field']],
        [false, 'INVALID_OPTIONS', field],
        JSON.stringify(body),
      );
    }
  });

  it('is refused for pages of other sites', async () => {
    const response = await helper
      .request()
      .post('/zfs-flows/truenas-import')
      .set('Origin', 'https://evil.example')
      .send({ json });
    assert.equal(response.status, 403);
  });

  describe('asking a TrueNAS', () => {
    const live = (more: object = {}): object => ({
      live: { url: nas.fake.url, certificate: nas.fake.fingerprint, username: 'root', password: PASSWORD, ...more },
    });

    for (const profile of PROFILE_NAMES) {
      it(`gives what its answers give: ${PROFILES[profile].version}`, async () => {
        await nas.start(profile);
        nas.fake.state.documents = answersOf(VERSION[profile]);
        const answer = await imported(live());
        assert.deepEqual(
          answer.nodes.filter(({ type }) => type === 'zfs-replicate').map(({ name }) => name),
          ['family to vault', 'mail from vault'],
        );
        assert.equal(answer.secrets.length, 2);
        assert.match(answer.version, PROFILES[profile].core ? /^CORE / : /^SCALE /);
        assert.ok(
          nas.fake.called.every((method) => /^auth\.|\.query$|^system\./.test(method)),
          nas.fake.called.join(),
        );
      });
    }

    it('shows its certificate first, and says nothing', async () => {
      await nas.start('scale2510', { plain: 'serve' });
      const answer = await ask(live({ certificate: undefined }));
      refused(answer, 'CERTIFICATE_UNKNOWN', /Nothing secret was sent/);
      assert.deepEqual(nas.fake.heard, []);
      refused(await ask(live({ password: 'wrong' })), 'AUTHENTICATION_FAILED', /wrong user name or password/);
      refused(await ask(live({ url: nas.fake.plainUrl, apiKey: '1-x', password: undefined })), 'INVALID_OPTIONS', /./);
    });

    it('for somebody with few rights has everything but keys', async () => {
      await nas.start('scale2510');
      nas.fake.state.documents = answersOf('SCALE 25.10.6');
      const answer = await imported(live({ username: 'reader' }));
      assert.deepEqual(answer.secrets, []);
      assert.match(JSON.stringify(answer.findings), /key missing/);
    });

    it('says what was refused, and is nothing where the tasks are', async () => {
      await nas.start('scale2510');
      nas.fake.state.documents = answersOf('SCALE 25.10.6');
      const no = new Refused(13, 'EACCES', 'Not authorized');
      nas.fake.nasty = { refuse: { 'keychaincredential.query': no } };
      const answer = await imported(live());
      assert.match(JSON.stringify(answer.findings[0]), /keychaincredential\.query.*Not authorized/);
      nas.fake.nasty = { refuse: { 'replication.query': no } };
      refused(await ask(live()), 'API_ERROR', /replication\.query/);
    });
  });
});
