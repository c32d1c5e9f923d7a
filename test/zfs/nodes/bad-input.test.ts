// Bad input and bad days, through the nodes: each failure has its code on output 3 and once in Catch, nothing is lost on
// either side, and the same node works as soon as the cause is gone. Names that are none are in bad-names.test.ts.
import assert from 'node:assert/strict';
import type { ErrorCode } from '../../../src/base/errors';
import { closedPort, type FlowNode } from '../../support/flow-bench';
import { assertSame } from '../../support/engine';
import { FlowLab } from '../../support/flow-lab';
import { newKeyPair } from '../../support/key-pair';

const MB = 1 << 20;

describe('bad input', function () {
  this.timeout(120_000);
  const home = new FlowLab();
  const { bench } = home;

  before(() => home.open());
  after(() => home.close());
  afterEach(async () => {
    await bench.stop();
    await Promise.all([home.a, home.b].map((machine) => machine.link.restore()));
    await Promise.all([home.a, home.b].map((machine) => machine.link.limit(0)));
  });

  /** Each node that can meet a failure of a connection, with work that it can do once that leads to machine a. */
  async function allOn(connection: string): Promise<FlowNode[]> {
    const { from, to } = await home.dataset();
    const back = `${from}-back`;
    return [
      home.snapshot(`s-${connection}`, from, { connection }),
      home.list(`l-${connection}`, from, { connection }),
      home.prune(`p-${connection}`, from, { connection }),
      home.replicate(`source-${connection}`, from, to, { sourceConnection: connection }),
      home.replicate(`target-${connection}`, from, back, { targetConnection: connection }),
    ];
  }
  const ids = (nodes: readonly FlowNode[]): string[] => nodes.map(({ id }) => id);

  it('hosts, ports, keys: each has its code at each node, time and again, and all is well with the right ones', async () => {
    const other = newKeyPair();
    const wrong: [string, ErrorCode, Record<string, unknown>][] = [
      ['host', 'HOST_NOT_FOUND', { host: 'nas.invalid' }],
      ['port', 'CONNECTION_REFUSED', { port: await closedPort() }],
      ['changed', 'HOST_KEY_MISMATCH', { hostKeys: other.public.trim() }],
      ['unknown', 'HOST_KEY_UNKNOWN', { hostKeys: '' }],
      ['garbled', 'INVALID_OPTIONS', { hostKeys: 'ssh-ed25519 nonsense' }],
      ['shut-out', 'AUTHENTICATION_FAILED', { privateKey: other.private }],
      ['no-key', 'AUTHENTICATION_FAILED', { privateKey: '' }],
    ];
    const nodes = await Promise.all(wrong.map(([id]) => allOn(id)));
    await home.start(nodes.flat(), ...wrong.map(([id, , more]) => home.ssh(id, home.a, more)));
    await Promise.all(wrong.map(([, code], index) => home.fails(code, ids(nodes[index] ?? []))));
    // A failed connection is no reason to be slow or silent the next time.
    const began = Date.now();
    await Promise.all(wrong.map(([id, code]) => home.fails(code, [`l-${id}`])));
    assert.ok(Date.now() - began < 15_000, `the second time took ${Date.now() - began} ms`);
    const names = (await home.a.run(['zfs', 'list', '-H', '-t', 'snapshot', '-o', 'name', '-r', 'tank'])).stdout;
    assert.deepEqual(
      names.split('\n').filter((name) => name !== '' && !name.endsWith('@first')),
      [],
    );
    await home.deploy(nodes.flat(), ...wrong.map(([id]) => home.ssh(id, home.a)));
    await home.succeed(ids(nodes.flat()).filter((id) => id.startsWith('l-')));
    await home.succeed(ids(nodes[0] ?? []));
  });

  it('a machine without zfs: COMMAND_NOT_FOUND, and all is well once it is there, found through zfsPath', async () => {
    const nodes = await allOn('x');
    const elsewhere = { zfsPath: '/opt/zfs/bin' };
    await home.start(nodes, home.ssh('x', home.a, elsewhere), home.ssh('a', home.a, elsewhere));
    const zfs = await home.a.read(['readlink', '-f', '/sbin/zfs']);
    await home.a.sh('mkdir -p /opt/zfs/bin; mv "$1" /opt/zfs/away', { args: [zfs] });
    try {
      await home.fails('COMMAND_NOT_FOUND', ids(nodes));
      await home.a.run(['mv', '/opt/zfs/away', '/opt/zfs/bin/zfs']);
      await home.succeed(ids(nodes));
    } finally {
      await home.a.sh('mv /opt/zfs/*/zfs "$1" || mv /opt/zfs/away "$1"', { args: [zfs] });
    }
  });

  it('datasets that are not there: DATASET_NOT_FOUND, and nothing is made', async () => {
    const { to } = await home.dataset();
    await home.start([
      home.snapshot('s', 'tank/nothing'),
      home.list('l', 'tank/nothing'),
      home.prune('p', 'tank/nothing'),
      home.replicate('r', 'tank/nothing', to),
    ]);
    await home.fails('DATASET_NOT_FOUND', ['s', 'l', 'p', 'r']);
    assert.equal(await home.b.exists(to), false);
    await home.a.createDataset('tank/nothing');
    await home.a.snapshot('tank/nothing', 'x');
    await home.succeed(['s', 'l', 'p', 'r']);
    await home.a.destroy('tank/nothing');
  });

  it('an account without rights: PERMISSION_DENIED, and all is well with zfs allow', async () => {
    const user = 'op';
    const { from, to } = await home.dataset();
    for (const name of ['old1', 'old2']) await home.a.snapshot(from, name);
    const parent = 'backup/of-op';
    await home.b.createDataset(parent);
    const copy = `${parent}/copy`;
    await home.start(
      [
        home.snapshot('s', from, { connection: 'ax' }),
        home.prune('p', from, { connection: 'ax' }),
        home.replicate('source', from, to, { sourceConnection: 'ax' }),
        home.replicate('target', from, copy, { targetConnection: 'bx' }),
      ],
      home.ssh('ax', home.a, { username: user }),
      home.ssh('bx', home.b, { username: user }),
    );
    await home.fails('PERMISSION_DENIED', ['s', 'p', 'source', 'target']);
    const names = await home.a.snapshotNames(from);
    assert.deepEqual(names, ['first', 'old1', 'old2']);
    assert.deepEqual([await home.b.exists(to), await home.b.exists(copy)], [false, false]);
    await home.a.run(['zfs', 'allow', user, 'snapshot,mount,destroy,send,bookmark,hold,release,userprop', from]);
    await home.b.run(['zfs', 'allow', user, 'create,receive,mount,readonly,hold,release,userprop', parent]);
    await home.succeed(['source', 'target']);
    await assertSame(home.a, from, home.b, to);
    await assertSame(home.a, from, home.b, copy);
    await home.succeed(['s', 'p']);
    assert.equal((await home.a.snapshots(from)).filter(({ name }) => name.startsWith('old')).length, 1);
  });

  it('an account without rights may list, as zfs allows everybody', async () => {
    const { from } = await home.dataset();
    await home.start([home.list('l', from, { connection: 'ax' })], home.ssh('ax', home.a, { username: 'plain' }));
    assert.equal(((await home.success('l')) as unknown[]).length, 1);
  });

  it('a target with data of somebody else: TARGET_HAS_DATA, and the data stays', async () => {
    const { from, to } = await home.dataset();
    await home.b.createDataset(to);
    await home.b.writeFile(to, 'precious', 'the only copy');
    await home.start([home.replicate('r', from, to)]);
    await home.fails('TARGET_HAS_DATA', ['r']);
    assert.equal(await home.b.read(['cat', `/${to}/precious`]), 'the only copy');
    assert.deepEqual(await home.b.snapshots(to), []);
    await home.b.run(['zfs', 'rename', to, `${to}-kept`]);
    await home.succeed(['r']);
    await assertSame(home.a, from, home.b, to);
  });

  it('a target with snapshots of somebody else: NO_COMMON_SNAPSHOT with both lists, and they stay', async () => {
    const { from, to } = await home.dataset();
    await home.b.createDataset(to);
    await home.b.writeFile(to, 'precious', 'the only copy');
    await home.b.snapshot(to, 'first');
    const before = await home.b.snapshots(to);
    await home.start([home.replicate('r', from, to)]);
    const error = await home.failure('r', 'NO_COMMON_SNAPSHOT');
    const { sourceOnly, targetOnly } = error.details ?? {};
    assert.deepEqual([sourceOnly, targetOnly], [['first'], ['first']]);
    assert.deepEqual(await home.b.snapshots(to), before);
    assert.equal(await home.b.property(to, 'readonly'), 'off');
    await home.b.run(['zfs', 'rename', to, `${to}-kept`]);
    await home.succeed(['r']);
  });

  it('a full pool and a quota: OUT_OF_SPACE and QUOTA_EXCEEDED, and it goes on when there is room', async () => {
    const { from } = await home.dataset(24);
    // In memory; ZFS wants at least 64 MB.
    await home.b.sh(`truncate -s 96M /dev/shm/small; zpool create -O mountpoint=none small /dev/shm/small
      zfs create -o reservation=20M small/reserved`);
    await home.b.run(['zfs', 'create', '-o', 'quota=8M', 'backup/limited']);
    try {
      await home.start([
        home.replicate('full', from, 'small/copy'),
        home.replicate('quota', from, 'backup/limited/copy'),
      ]);
      const [full, quota] = await Promise.all([
        home.failure('full', 'OUT_OF_SPACE'),
        home.failure('quota', 'QUOTA_EXCEEDED'),
      ]);
      assert.deepEqual([full.dataset, quota.dataset], [from, from]);
      assert.equal((await home.a.snapshots(from)).length, 1);
      await home.b.run(['zfs', 'destroy', 'small/reserved']);
      await home.b.run(['zfs', 'set', 'quota=none', 'backup/limited']);
      await home.succeed(['full', 'quota']);
      await assertSame(home.a, from, home.b, 'small/copy');
      await assertSame(home.a, from, home.b, 'backup/limited/copy');
    } finally {
      // Where the test has failed, a receive may still use it; that must not be all that is told.
      await home.b.sh('zpool destroy -f small; rm -f /dev/shm/small', { check: false });
    }
  });

  it('a pool that is not imported: an error at every node, and all is well when it is', async () => {
    const { from, to } = await home.dataset();
    await home.b.createDataset('backup/own');
    const nodes = [
      home.snapshot('s', 'backup/own', { connection: 'b' }),
      home.list('l', 'backup/own', { connection: 'b' }),
      home.prune('p', 'backup/own', { connection: 'b' }),
      home.replicate('target', from, to),
      home.replicate('source', 'backup/own', 'tank/from-backup', { sourceConnection: 'b', targetConnection: 'a' }),
    ];
    await home.start(nodes);
    await home.b.run(['zpool', 'export', 'backup']);
    try {
      await home.fails(/^(POOL_UNAVAILABLE|DATASET_NOT_FOUND)$/, ['s', 'l', 'p', 'source']);
      await home.fails('POOL_UNAVAILABLE', ['target']);
    } finally {
      await home.b.run(['zpool', 'import', '-d', '/dev', 'backup']);
    }
    await home.succeed(['s', 'l', 'p', 'target']);
    await home.succeed(['source']);
  });

  it('a link that is dead when a message comes: an error soon, and all is well when it is back', async () => {
    const nodes = await allOn('x');
    await home.start(nodes, home.ssh('x', home.a, { connectTimeout: 2 }));
    await home.succeed(['l-x']);
    await home.a.link.cut();
    // That the open connection is dead is noticed by its keepalive; after that, no new one can be made.
    await home.fails(/^CONNECTION_(LOST|TIMEOUT)$/, ids(nodes));
    await home.a.link.restore();
    await home.succeed(ids(nodes));
  });

  it('a link that drops in mid-transfer and stays down: an error after the tries, then a resume', async () => {
    const { from, to } = await home.dataset(16);
    await home.start([home.replicate('r', from, to, { retries: 2 })], home.ssh('b', home.b, { connectTimeout: 2 }));
    await home.b.link.limit(16 * MB);
    await home.b.link.cutAfter(6 * MB, 'cut');
    const began = Date.now();
    const error = await home.failure('r', /^CONNECTION_(LOST|TIMEOUT)$/);
    assert.ok(Date.now() - began < 30_000);
    assert.equal(error.retryable, true);
    const [retry] = bench.events('r').filter(({ event }) => event === 'retry');
    assert.match(String(retry?.['message']), /the connection broke|not responding|lost the connection/);
    await home.b.link.restore();
    await home.b.link.limit(0);
    const done = (await home.success('r')) as { bytes: number; datasets: { action: string }[] };
    assert.equal(done.datasets[0]?.action, 'resume');
    assert.ok(done.bytes < 14 * MB, `bytes: ${done.bytes}`);
    await assertSame(home.a, from, home.b, to);
  });
});
