// Properties, read-only and mounting on real ZFS: what travels, what is set, and that nothing is ever mounted over
// anything.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import { type Engine } from '../../support/engine';
import { relay } from '../../support/job';
import { usePair } from '../../support/machines';

describe('properties on real ZFS', function () {
  this.timeout(240_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;

  usePair((pair) => ({ a, b, engine } = pair));
  before(async () => {
    await a.run(['zfs', 'create', '-p', 'tank/tree/child']);
    await a.run(['zfs', 'create', '-V', '8M', 'tank/tree/vol']);
    const own = [
      'compression=gzip',
      'atime=off',
      'refquota=1G',
      'sharenfs=off',
      'my:note=two words',
      'mountpoint=/srv/t',
    ];
    await a.run(['zfs', 'set', ...own, 'tank/tree']);
    await a.run(['zfs', 'set', 'volmode=dev', 'tank/tree/vol']);
    await a.writeFile('tank/tree', 'file', 'in the tree');
    await a.writeFile('tank/tree/child', 'file', 'in the child');
    await a.sh('umask 077; head -c 32 /dev/urandom >/root/key');
    const key = ['-o', 'encryption=on', '-o', 'keyformat=raw', '-o', 'keylocation=file:///root/key'];
    await a.run(['zfs', 'create', ...key, 'tank/secret']);
    await a.run(['zfs', 'create', '-V', '8M', 'tank/secret/vol']);
    await a.run(['zfs', 'set', ...own.slice(0, -1), 'mountpoint=/srv/s', 'tank/secret']);
    await a.run(['zfs', 'set', 'my:lines=one\ntwo', 'tank/secret']);
    await a.snapshot('tank/tree', 's1', { recursive: true });
    await a.snapshot('tank/secret', 's1', { recursive: true });
  });

  let counter = 0;
  /** Options of a copy of a tree to a new place. */
  const to = (
    source: string,
    more: Record<string, unknown> = {},
  ): Record<string, unknown> & { targetDataset: string } => ({
    ...relay,
    sourceDatasets: [`tank/${source}`],
    targetDataset: `backup/copy${++counter}`,
    recursive: true,
    ...more,
  });
  const values = async (dataset: string, ...names: string[]): Promise<string[]> =>
    Promise.all(names.map((name) => b.property(dataset, name)));
  const where = async (dataset: string, name: string): Promise<string> =>
    (await b.read(['zfs', 'get', '-H', '-o', 'source', name, dataset])).trim();

  it('sends properties but the excluded, sets the overrides, and drops what a volume does not have [C1 42] [C1 43]', async () => {
    const options = to('tree', { propertiesOverride: { atime: 'on', 'my:own': 'x', recordsize: '16K', copies: '2' } });
    await engine.replicate(options);
    const [root, vol] = [options.targetDataset, `${options.targetDataset}/vol`];
    assert.deepEqual(await values(root, 'compression', 'my:note', 'refquota'), ['gzip', 'two words', String(1 << 30)]);
    assert.deepEqual(await values(root, 'atime', 'my:own', 'recordsize', 'mountpoint'), [
      'on',
      'x',
      '16384',
      `/${root}`,
    ]);
    assert.deepEqual(await values(vol, 'copies', 'my:own', 'volmode', 'compression'), ['2', 'x', 'dev', 'gzip']);
    const bare = to('tree', { includeProperties: false });
    await engine.replicate(bare);
    assert.notEqual((await values(bare.targetDataset, 'compression'))[0], 'gzip');
    assert.deepEqual(await values(`${bare.targetDataset}/vol`, 'volmode', 'volsize'), ['default', String(8 << 20)]);
  });

  it('carries the properties of an encrypted source that is sent decrypted', async () => {
    const options = to('secret', { raw: 'never', propertiesOverride: { atime: 'on' } });
    const result = await engine.replicate(options);
    const root = options.targetDataset;
    assert.deepEqual(await values(root, 'compression', 'my:note', 'atime', 'refquota', 'my:lines', 'mountpoint'), [
      'gzip',
      'two words',
      'on',
      String(1 << 30),
      'one\ntwo',
      `/${root}`,
    ]);
    assert.deepEqual(await values(`${root}/vol`, 'type', 'compression', 'readonly'), ['volume', 'gzip', 'on']);
    const warnings = result.datasets.flatMap((dataset) => dataset.warnings);
    assert.ok(
      warnings.every((warning) => /in the clear/.test(warning)),
      warnings.join('\n'),
    );
    // What changes later follows; what is not wanted stays behind.
    await a.run(['zfs', 'set', 'compression=lz4', 'tank/secret']);
    await a.snapshot('tank/secret', 's2', { recursive: true });
    await engine.replicate(options);
    assert.equal((await values(root, 'compression'))[0], 'lz4');
    const bare = to('secret', { raw: 'never', includeProperties: false });
    await engine.replicate(bare);
    assert.equal((await values(bare.targetDataset, 'my:note'))[0], '-');
  });

  it('sets read-only on the root and has children and volumes inherit it [C1 44]', async () => {
    for (const source of ['tree', 'secret']) {
      const options = to(source, { raw: 'never' });
      await a.run(['zfs', 'set', 'readonly=off', `tank/${source}/vol`]);
      await engine.replicate(options);
      const [root, vol] = [options.targetDataset, `${options.targetDataset}/vol`];
      assert.deepEqual(await values(root, 'readonly'), ['on']);
      assert.deepEqual([await where(root, 'readonly'), (await values(vol, 'readonly'))[0]], ['local', 'on']);
      // Somebody made it writable; nothing was written, so nothing is sent.
      await b.run(['zfs', 'set', 'readonly=off', root, vol]);
      await engine.replicate(options);
      assert.deepEqual([(await values(root, 'readonly'))[0], (await values(vol, 'readonly'))[0]], ['on', 'on']);
      assert.equal(await where(vol, 'readonly'), `inherited from ${root}`);
      await a.run(['zfs', 'inherit', 'readonly', `tank/${source}/vol`]);
    }
  });

  it('leaves read-only alone with ignore, and requires it with require [C1 44]', async () => {
    const options = to('tree', { readonly: 'ignore' });
    await engine.replicate(options);
    const vol = `${options.targetDataset}/vol`;
    assert.deepEqual(
      [...(await values(options.targetDataset, 'readonly')), ...(await values(vol, 'readonly'))],
      ['off', 'off'],
    );
    await a.snapshot('tank/tree', `more${counter}`, { recursive: true });
    const refused = await engine.refuse('TARGET_NOT_READONLY', { ...options, readonly: 'require' });
    assert.match(refused.hint ?? '', /^zfs set readonly=on backup\//);
    await b.run(['zfs', 'set', 'readonly=on', options.targetDataset]);
    await engine.replicate({ ...options, readonly: 'require' });
    assert.equal(await b.exists(`${vol}@more${counter}`), true);
  });

  it('mounts what it received, parents first, and nothing without being asked', async () => {
    const closed = to('tree');
    await engine.replicate(closed);
    assert.deepEqual([...(await values(closed.targetDataset, 'mounted'))], ['no']);
    const options = to('tree', { mount: true });
    const result = await engine.replicate(options);
    assert.deepEqual(result.warnings, []);
    const child = `${options.targetDataset}/child`;
    assert.deepEqual(
      [...(await values(options.targetDataset, 'mounted')), ...(await values(child, 'mounted'))],
      ['yes', 'yes'],
    );
    assert.equal(await b.read(['cat', `/${child}/file`]), 'in the child');
    await a.snapshot('tank/tree', `again${counter}`, { recursive: true });
    assert.equal((await engine.replicate(options)).state, 'success');
  });

  it('never mounts over anything: another mount, files, the system [C1 41]', async () => {
    const place = async (mountpoint: string): Promise<string[]> => {
      const options = to('tree', { mount: true, recursive: false, propertiesOverride: { mountpoint } });
      const { warnings } = await engine.replicate(options);
      assert.deepEqual(await values(options.targetDataset, 'mounted'), ['no']);
      return warnings;
    };
    await b.run(['zfs', 'create', '-o', 'mountpoint=/srv/other', 'backup/other']);
    assert.match((await place('/srv/other')).join(), /not mounted at \/srv\/other: "backup\/other" is mounted there/);
    await b.sh('mkdir -p /srv/full && echo precious >/srv/full/.hidden');
    assert.match((await place('/srv/full')).join(), /not mounted at \/srv\/full: the directory is not empty/);
    assert.equal(await b.read(['cat', '/srv/full/.hidden']), 'precious');
    assert.match((await place('/etc')).join(), /not empty/);
    // A place that is free is taken, and one that ZFS must not use is not.
    const off = to('tree', { mount: true, recursive: false, propertiesOverride: { canmount: 'noauto' } });
    assert.deepEqual((await engine.replicate(off)).warnings, []);
    assert.deepEqual(await values(off.targetDataset, 'mounted'), ['no']);
  });
});
