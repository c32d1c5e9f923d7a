// Listing on real ZFS over real SSH: kinds, filters, numbers, columns by cost, and how many commands it takes.
import assert from 'node:assert/strict';
import { ZfsFlowError } from '../../../src/base/errors';
import type { SshHost } from '../../../src/host/ssh/ssh-host';
import { listSnapshots, type SnapshotListing } from '../../../src/snapshots/list';
import { parseListOptions } from '../../../src/snapshots/check-options';
import type { Machine } from '../../lab/machine';
import { connect } from '../../support/engine';
import { useMachines } from '../../support/machines';
import { TestContext } from '../../support/test-context';

describe('listSnapshots', function () {
  this.timeout(120_000);
  let machine: Machine;
  let host: SshHost;

  const list = async (options: Record<string, unknown>, now = new Date()): Promise<SnapshotListing> =>
    listSnapshots(parseListOptions({ timeZone: 'UTC', ...options }), () => host, new TestContext(() => now));

  const shown = ({ items }: SnapshotListing): string[] => items.map(({ snapshot }) => snapshot);

  async function failure(options: Record<string, unknown>): Promise<ZfsFlowError> {
    try {
      await list(options);
    } catch (error) {
      assert.ok(error instanceof ZfsFlowError);
      return error;
    }
    return assert.fail('it did not fail');
  }

  /** Commands of `zfs`, and how often the host was asked at all. */
  async function cost(options: Record<string, unknown>): Promise<{ commands: string[]; roundTrips: number }> {
    const commands: string[] = [];
    const forget = host.onCommand((line) => commands.push(line));
    const before = host.counters.commands;
    await list(options);
    forget();
    return { commands, roundTrips: host.counters.commands - before };
  }

  useMachines({ list: { disks: 1 } }, async ({ list: booted }) => {
    machine = booted;
    host = connect(machine);
    await machine.createDataset('tank/a/b c');
    await machine.createDataset('tank/z/vol', { volumeMb: 16 });
    await machine.sh('truncate -s 128M /tmp/second.img; zpool create -m none second /tmp/second.img');
    await machine.snapshot('tank/a', 'auto-2024-01-01_00-00', { recursive: true });
    await machine.writeRandom('tank/a', 'f', 1);
    await machine.snapshot('tank/a', 'manual');
    await machine.snapshot('tank/a', 'auto-2024-01-02_00-00');
    await machine.snapshot('tank/a', 'auto-2024-13-02_00-00');
    await machine.snapshot('tank/z/vol', 'auto-2024-01-01_00-00');
    await machine.snapshot('second', 'auto-2024-01-01_00-00');
    await machine.sh(`
      zfs bookmark tank/a@manual tank/a#mark
      zfs hold -r keep tank/a@manual; zfs hold two tank/a@manual
      zfs clone tank/a@manual tank/clone
      zfs set my:note="$(printf 'x\\ty z')" tank/a@manual; zfs set my:inherited=1 tank/a`);
  });

  after(async () => {
    await host.close();
  });

  it('lists one dataset, oldest first, with the standard columns', async () => {
    const listing = await list({ datasets: ['tank/a'] });
    assert.deepEqual(shown(listing), [
      'tank/a@auto-2024-01-01_00-00',
      'tank/a@manual',
      'tank/a@auto-2024-01-02_00-00',
      'tank/a@auto-2024-13-02_00-00',
    ]);
    assert.deepEqual([listing.eligible, listing.total], [4, 4]);
    const [, item] = listing.items;
    assert.ok(item);
    const real = async (name: string): Promise<string> => machine.property('tank/a@manual', name);
    assert.deepEqual(item, {
      dataset: 'tank/a',
      name: 'manual',
      snapshot: 'tank/a@manual',
      kind: 'snapshot',
      guid: await real('guid'),
      createtxg: await real('createtxg'),
      creation: new Date(Number(await real('creation')) * 1000).toISOString(),
      used: Number(await real('used')),
      referenced: Number(await real('referenced')),
      written: Number(await real('written')),
    });
    assert.ok((item.written ?? 0) > 1_000_000);
  });

  it('goes down trees, leaves out the excluded, and lists all pools when no dataset is given', async () => {
    const tree = await list({ datasets: ['tank'], recursive: true, exclude: ['tank/z'] });
    assert.deepEqual([...new Set(tree.items.map(({ dataset }) => dataset))], ['tank/a', 'tank/a/b c']);
    const all = await list({});
    assert.deepEqual(
      [...new Set(all.items.map(({ dataset }) => dataset))],
      ['second', 'tank/a', 'tank/a/b c', 'tank/z/vol'],
    );
  });

  it('filters by schema and gives the parsed date', async () => {
    const listing = await list({ datasets: ['tank/a'], namingSchema: 'auto-%Y-%m-%d_%H-%M', timeZone: 'Asia/Kolkata' });
    assert.deepEqual(
      listing.items.map(({ name, parsedDate }) => [name, parsedDate]),
      [
        ['auto-2024-01-01_00-00', '2023-12-31T18:30:00.000Z'],
        ['auto-2024-01-02_00-00', '2024-01-01T18:30:00.000Z'],
      ],
    );
    assert.deepEqual([listing.eligible, listing.total], [2, 4]);
  });

  it('filters by an unanchored expression on the part after @', async () => {
    assert.deepEqual(shown(await list({ datasets: ['tank/a'], nameRegex: 'anu' })), ['tank/a@manual']);
    assert.deepEqual(shown(await list({ datasets: ['tank/a'], nameRegex: 'tank' })), []);
  });

  it('filters by age: by creation, or by the date in the name when there is a schema', async () => {
    const schema = { datasets: ['tank/a'], namingSchema: 'auto-%Y-%m-%d_%H-%M' };
    assert.equal((await list({ ...schema, newerThan: '2024-01-01' })).items[0]?.name, 'auto-2024-01-02_00-00');
    assert.equal((await list({ ...schema, olderThan: '2024-01-02T00:00Z' })).items[0]?.name, 'auto-2024-01-01_00-00');
    const now = new Date('2024-01-08T00:00:00Z');
    assert.deepEqual((await list({ ...schema, newerThan: '7d' }, now)).eligible, 1);
    assert.equal((await list({ datasets: ['tank/a'], newerThan: '1h' })).eligible, 4);
    assert.equal((await list({ datasets: ['tank/a'], olderThan: '1h' })).eligible, 0);
    assert.equal((await list({ datasets: ['tank/a'], olderThan: '1h' }, new Date(Date.now() + 7_200_000))).eligible, 4);
  });

  it('gives at most so many of the newest and oldest of each dataset', async () => {
    const tree = { datasets: ['tank/a'], recursive: true };
    assert.deepEqual(shown(await list({ ...tree, newest: 1 })), [
      'tank/a@auto-2024-13-02_00-00',
      'tank/a/b c@auto-2024-01-01_00-00',
    ]);
    assert.deepEqual(shown(await list({ datasets: ['tank/a'], newest: 1, oldest: 1 })), [
      'tank/a@auto-2024-01-01_00-00',
      'tank/a@auto-2024-13-02_00-00',
    ]);
    assert.equal((await list({ datasets: ['tank/a'], newest: 3, oldest: 3 })).items.length, 4);
  });

  it('counts without listing, the same number', async () => {
    for (const options of [{}, { newest: 2 }, { namingSchema: 'auto-%Y-%m-%d_%H-%M' }, { newerThan: '1h' }]) {
      const listing = await list({ ...options, datasets: ['tank'], recursive: true });
      const counted = await list({ ...options, datasets: ['tank'], recursive: true, output: 'count' });
      assert.deepEqual(counted, { items: [], eligible: listing.items.length, total: listing.total });
    }
  });

  it('lists bookmarks, before the snapshot of the same moment', async () => {
    const both = await list({ datasets: ['tank/a'], kinds: ['snapshot', 'bookmark'] });
    assert.deepEqual(shown(both).slice(1, 3), ['tank/a#mark', 'tank/a@manual']);
    const [mark] = (await list({ datasets: ['tank/a'], kinds: ['bookmark'] })).items;
    assert.equal(mark?.kind, 'bookmark');
    assert.equal(mark?.name, 'mark');
    assert.equal(mark?.guid, await machine.property('tank/a@manual', 'guid'));
  });

  it('identity: three columns, nothing else', async () => {
    const options = { datasets: ['tank/a'], columns: 'identity' };
    const [first] = (await list(options)).items;
    assert.deepEqual(Object.keys(first ?? {}), ['dataset', 'name', 'snapshot', 'kind', 'guid', 'createtxg']);
    const { commands } = await cost(options);
    assert.deepEqual(commands, ['zfs list -Hp -d 1 -t snapshot -o name,guid,createtxg tank/a']);
  });

  it('full: holds, clones, and the user properties of the snapshot itself', async () => {
    const { items } = await list({ datasets: ['tank/a'], columns: 'full' });
    const [plain, rich] = items;
    assert.deepEqual([plain?.holds, plain?.clones, plain?.properties], [[], [], {}]);
    assert.deepEqual(rich?.holds?.toSorted(), ['keep', 'two']);
    assert.deepEqual(rich?.clones, ['tank/clone']);
    assert.deepEqual(rich?.properties, { 'my:note': 'x\ty z' });
    const { roundTrips } = await cost({ datasets: ['tank/a'], recursive: true, columns: 'full' });
    assert.ok(roundTrips <= 4);
    assert.equal((await cost({ datasets: ['tank'], recursive: true })).roundTrips, 1);
  });

  it('full: gives a value whole that spans lines, and no other snapshot what it imitates [B16]', async () => {
    const forged = 'one\ntwo\tthree\n\ntank/a@auto-2024-01-02_00-00\tmy:forged\tx\n';
    await machine.run(['zfs', 'set', `my:lines=${forged}`, 'my:empty=', 'tank/a@manual']);
    for (const options of [
      { datasets: ['tank/a'] },
      { datasets: ['tank'], recursive: true },
      { nameRegex: '^manual' },
    ]) {
      const { items } = await list({ ...options, columns: 'full' });
      const own = items.filter(({ properties }) => Object.keys(properties ?? {}).length > 0);
      assert.deepEqual(
        own.map(({ snapshot, properties }) => [snapshot, properties]),
        [['tank/a@manual', { 'my:note': 'x\ty z', 'my:lines': forged, 'my:empty': '' }]],
      );
    }
    await machine.run(['zfs', 'inherit', 'my:lines', 'tank/a@manual']);
    await machine.run(['zfs', 'inherit', 'my:empty', 'tank/a@manual']);
  });

  it('full: gives the tags of holds whole, and no other snapshot what they imitate [B16]', async () => {
    const tags = ['a\tb', 'x\tThu Nov 26 01:45 2026\ntank/a@auto-2024-01-02_00-00\tforged', 'two words', 'plain'];
    for (const tag of tags) await machine.run(['zfs', 'hold', tag, 'tank/a@manual']);
    const { items } = await list({ datasets: ['tank/a'], columns: 'full' });
    for (const tag of tags) await machine.run(['zfs', 'release', tag, 'tank/a@manual']);
    const held = items.filter(({ holds = [] }) => holds.length > 0);
    assert.deepEqual(
      held.map(({ snapshot, holds }) => [snapshot, holds?.toSorted()]),
      [['tank/a@manual', [...tags, 'keep', 'two'].toSorted()]],
    );
  });

  it('full: asks for whole trees only where most of them is wanted', async () => {
    const gets = async (options: Record<string, unknown>): Promise<(string | undefined)[]> => {
      const { commands } = await cost({ columns: 'full', ...options });
      return commands.filter((line) => line.includes(' all ')).map((line) => line.split(' all ')[1]);
    };
    const some = { datasets: ['tank'], recursive: true, nameRegex: 'manual' };
    assert.deepEqual((await list({ ...some, columns: 'full' })).items[0]?.properties, { 'my:note': 'x\ty z' });
    assert.deepEqual(await gets(some), ['tank/a@manual']);
    assert.deepEqual(await gets({ datasets: ['tank'], recursive: true }), ['tank']);
    assert.deepEqual(await gets({ datasets: ['tank/a'], kinds: ['bookmark'] }), []);
  });

  it('says DATASET_NOT_FOUND, never an empty list', async () => {
    const error = await failure({ datasets: ['tank/none'] });
    assert.deepEqual([error.code, error.dataset], ['DATASET_NOT_FOUND', 'tank/none']);
    assert.equal((await failure({ datasets: ['tank/a', 'tank/none'] })).code, 'DATASET_NOT_FOUND');
  });

  it('takes a dataset without snapshots for what it is', async () => {
    await machine.createDataset('tank/empty');
    assert.deepEqual(await list({ datasets: ['tank/empty'] }), { items: [], eligible: 0, total: 0 });
  });
});
