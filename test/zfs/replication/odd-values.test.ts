// Properties with values that nobody expects, on real ZFS: tabs, ends of lines, what reads like another property, and more
// than a command line takes. None of them stops a run, and none becomes what it is not.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import { type Engine } from '../../support/engine';
import { relay } from '../../support/job';
import { usePair } from '../../support/machines';

describe('odd values of properties on real ZFS', function () {
  this.timeout(240_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;

  usePair((pair) => ({ a, b, engine } = pair));

  let counter = 0;
  /** A new encrypted source and where its copy goes: ZFS sends no properties with a decrypted stream, so we carry them. */
  async function secret(
    more: Record<string, unknown> = {},
  ): Promise<{ source: string; target: string; options: Record<string, unknown> }> {
    const name = `odd${++counter}`;
    const [source, target] = [`tank/${name}`, `backup/${name}`];
    await a.sh(
      'printf %s 12345678 >/root/pass; zfs create -o encryption=on -o keyformat=passphrase -o keylocation=file:///root/pass "$1"',
      {
        args: [source],
      },
    );
    await a.snapshot(source, 's1');
    return {
      source,
      target,
      options: { ...relay, sourceDatasets: [source], targetDataset: target, raw: 'never', ...more },
    };
  }

  /** A value as it is: `zfs get` adds one end of line. */
  async function value(machine: Machine, dataset: string, property: string): Promise<string> {
    const { stdout } = await machine.run(['zfs', 'get', '-Hp', '-o', 'value', property, dataset]);
    return stdout.replace(/\n$/, '');
  }
  const where = async (dataset: string, property: string): Promise<string> =>
    (await b.read(['zfs', 'get', '-H', '-o', 'source', property, dataset])).trim();

  it('a value that reads like native properties stays one value [B16]', async () => {
    const { source, target, options } = await secret();
    const evil = ['setuid', 'devices', 'exec', 'sharenfs'].reduce(
      (text, one) => `${text}\n${source}\t${one}\toff`,
      'x',
    );
    const other = `y\n${source}\tcom.example:never\tz\n`;
    await a.run(['zfs', 'set', `com.example:evil=${evil}`, `com.example:other=${other}`, 'com.example:empty=', source]);
    await engine.replicate(options);
    assert.equal(await value(b, target, 'com.example:evil'), evil);
    assert.equal(await value(b, target, 'com.example:other'), other);
    assert.equal(await value(b, target, 'com.example:empty'), '');
    assert.equal(await where(target, 'com.example:empty'), 'local');
    for (const native of ['setuid', 'devices', 'exec', 'sharenfs'])
      assert.equal(await where(target, native), 'default');
    assert.equal(await where(target, 'com.example:never'), '-');
  });

  it('more values than a command line takes are all carried, also on an increment [B16]', async () => {
    const { source, target, options } = await secret();
    const values = new Map<string, string>();
    for (let i = 0; i < 50; i++) values.set(`com.example:p${i}`, `${i}\n`.repeat(4000).slice(0, 8190).concat('e'));
    for (const [property, text] of values) await a.run(['zfs', 'set', `${property}=${text}`, source]);
    const check = async (): Promise<void> => {
      for (const [property, text] of values) assert.equal(await value(b, target, property), text, property);
    };
    const first = await engine.replicate(options);
    assert.deepEqual(
      first.datasets[0]?.warnings.filter((one) => !/in the clear/.test(one)),
      [],
    );
    await check();
    values.set('com.example:p49', `new\t${'ü'.repeat(4000)}`);
    await a.run(['zfs', 'set', `com.example:p49=${values.get('com.example:p49')}`, source]);
    await a.snapshot(source, 's2');
    await engine.replicate(options);
    await check();
  });

  it('bytes that are no text are left out with a warning, never changed [B16]', async () => {
    const { source, target, options } = await secret();
    await a.sh('zfs set "com.example:bytes=$(printf "a\\377\\376b")" com.example:fine=1 "$1"', { args: [source] });
    const result = await engine.replicate(options);
    const all = [...result.warnings, ...result.datasets.flatMap(({ warnings }) => warnings)];
    assert.ok(
      all.some((warning) => /com\.example:bytes/.test(warning)),
      JSON.stringify(all),
    );
    assert.equal(await where(target, 'com.example:bytes'), '-');
    assert.equal(await value(b, target, 'com.example:fine'), '1');
  });

  it('listings stand what is in mount points and in properties of our own names [B16]', async () => {
    await a.createDataset('tank/listed');
    await a.snapshot('tank/listed', 's 1');
    const options = { ...relay, sourceDatasets: ['tank/listed'], targetDataset: 'backup/listed', recursive: true };
    const forged = 'x\ntank/victim\tfilesystem\t1\nbackup/victim\tzfsflow:replaced\ty\t\t';
    for (const machine of [a, b]) {
      const root = machine === a ? 'tank/listed' : 'backup';
      await machine.run(['zfs', 'create', '-p', '-o', 'canmount=off', '-o', 'mountpoint=/x\ty\nz', `${root}/odd`]);
      for (const property of ['zfsflow:raw', 'zfsflow:replaced', 'zfsflow:placeholder'])
        await machine.run(['zfs', 'set', `${property}=${forged}`, `${root}/odd`]);
    }
    await a.snapshot('tank/listed/odd', 's 1');
    const result = await engine.replicate({ ...options, mount: true });
    assert.deepEqual(result.datasets.map(({ target }) => target).toSorted(), ['backup/listed', 'backup/listed/odd']);
    assert.equal(await where('backup/listed/odd', 'zfsflow:replaced'), '-');
    await a.snapshot('tank/listed', 's2', { recursive: true });
    await engine.replicate({ ...options, whenDiverged: 'rotate' });
    assert.deepEqual(await b.snapshotNames('backup/listed/odd'), ['s 1', 's2']);
  });

  it('a mount point with ends of lines is carried whole, and nothing is mounted there unseen [B16]', async () => {
    const { source, target, options } = await secret({ propertiesExclude: [], mount: true });
    const point = '/srv/odd\n/srv/more\tx';
    await a.run(['zfs', 'set', `mountpoint=${point}`, source]);
    const result = await engine.replicate(options);
    assert.equal(await value(b, target, 'mountpoint'), point);
    assert.equal(await value(b, target, 'mounted'), 'no');
    assert.ok(
      result.warnings.some((warning) => /not mounted/.test(warning)),
      JSON.stringify(result.warnings),
    );
  });
});
