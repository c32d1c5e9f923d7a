// What a tree of datasets is told by a machine with 5,000 of them, and what of datasets that are encrypted, locked, volumes, the
// system's, or cannot be listed; and how many snapshots would be replicated. Over SSH, as a dialog asks.
import assert from 'node:assert/strict';
import { countSnapshots, datasetLevel, datasetSearch } from '../../../nodes/admin/browse';
import type { CountAnswer, LevelAnswer, PoolsAnswer, SearchAnswer } from '../../../nodes/admin/browse-answer';
import type { Red } from '../../../nodes/runtime/red';
import { ZfsFlowError } from '../../../src/base/errors';
import type { SshHost } from '../../../src/host/ssh/ssh-host';
import type { Machine } from '../../lab/machine';
import { connect, Engine } from '../../support/engine';
import { useMachines } from '../../support/machines';

/** Datasets below each of ten. Cloned by a channel program, since 5,000 commands take minutes here. */
const EACH = 500;
const CLONES = `
  args = ...
  for i = 0, 9 do
    for n = 1, tonumber(args["argv"][1]) do
      local err = zfs.sync.clone("tank/seed@s", "tank/many/p" .. i .. "/d" .. n)
      if err ~= 0 then error("clone " .. n .. ": " .. err) end
    end
  end`;

describe('the datasets of a real machine, as a tree asks for them', function () {
  this.timeout(60_000);
  let nas: Machine;
  let host: SshHost;

  /** A runtime in which one connection is deployed. */
  const RED = {
    nodes: {
      getNode: (id: string) =>
        id === 'nas'
          ? { type: 'zfs-ssh-connection', connection: { lease: () => ({ host, release: () => undefined }) } }
          : null,
      eachNode: () => undefined,
    },
  } as unknown as Red;

  const never = (): AbortSignal => new AbortController().signal;
  const pools = (): Promise<PoolsAnswer> => datasetLevel(RED, { connection: 'nas' }, never()) as Promise<PoolsAnswer>;
  const level = (parent: string): Promise<LevelAnswer> =>
    datasetLevel(RED, { connection: 'nas', parent }, never()) as Promise<LevelAnswer>;
  const search = (text: string, pool = ''): Promise<SearchAnswer> =>
    datasetSearch(RED, { connection: 'nas', text, pool }, never());
  const count = (datasets: string[], more: object = {}): Promise<CountAnswer> =>
    countSnapshots(RED, { connection: 'nas', datasets, ...more }, never());
  const fails = (work: Promise<unknown>, code: string): Promise<void> =>
    assert.rejects(work, (error) => error instanceof ZfsFlowError && error.code === code);

  after(() => host?.close());
  useMachines({ nas: { pool: 'tank' } }, async (machines) => {
    ({ nas } = machines);
    host = connect(nas);
    await nas.sh(
      `zfs create tank/data; zfs create tank/data/photos; zfs create tank/data/scratch; zfs create "tank/data/with a blank"
       zfs create -s -V 64M tank/vm; zfs create tank/.system; zfs create tank/.system/cores; zfs create tank/ix-apps
       head -c 32 /dev/zero >/root/raw.key
       for n in secret open; do
         zfs create -o encryption=on -o keyformat=raw -o keylocation=file:///root/raw.key tank/$n
       done
       zfs create tank/secret/inner; zfs unmount tank/secret/inner; zfs unmount tank/secret; zfs unload-key tank/secret`,
    );
  });

  it('are pools first, with their health and size, and the root datasets that they are', async () => {
    const { pools: found } = await pools();
    assert.deepEqual(
      found.map(({ name, health, system }) => [name, health, system]),
      [['tank', 'ONLINE', false]],
    );
    const [tank] = found;
    assert.ok(tank && tank.size !== null && tank.alloc !== null && tank.free !== null);
    assert.ok(tank.alloc > 0 && Math.abs(tank.size - tank.alloc - tank.free) < 1e6);
    assert.deepEqual([tank.root?.type, tank.root?.encrypted], ['filesystem', false]);
    await nas.sh(`truncate -s 100M /tmp/one /tmp/two; zpool create -m none frail mirror /tmp/one /tmp/two
      zpool offline frail /tmp/two; zfs create frail/.system`);
    try {
      const frail = (await pools()).pools.find(({ name }) => name === 'frail');
      assert.equal(frail?.health, 'DEGRADED');
    } finally {
      await nas.sh('zpool destroy frail; rm /tmp/one /tmp/two');
    }
  });

  it('say of each what it is, what it uses, whether its key is there, and whether something is below it', async () => {
    const { parent, datasets } = await level('tank');
    assert.equal(parent.name, 'tank');
    const told = datasets.map(({ name, type, keyStatus, encryptionRoot, expandable, system }) => [
      name,
      type,
      keyStatus,
      encryptionRoot,
      expandable,
      system,
    ]);
    assert.deepEqual(told, [
      ['tank/.system', 'filesystem', '', false, true, true],
      ['tank/data', 'filesystem', '', false, true, false],
      ['tank/ix-apps', 'filesystem', '', false, false, true],
      ['tank/open', 'filesystem', 'available', true, false, false],
      ['tank/secret', 'filesystem', 'unavailable', true, true, false],
      ['tank/vm', 'volume', '', false, false, false],
    ]);
    assert.ok(datasets.every(({ used }) => used > 0));
    const [inner] = (await level('tank/secret')).datasets;
    assert.deepEqual([inner?.keyStatus, inner?.encryptionRoot, inner?.encrypted], ['unavailable', false, true]);
    assert.deepEqual((await level('tank/vm')).datasets, []);
    assert.deepEqual(
      (await level('tank/data')).datasets.map(({ name }) => name),
      ['tank/data/photos', 'tank/data/scratch', 'tank/data/with a blank'],
    );
  });

  it('that cannot be listed are an error, and never none', async () => {
    await fails(level('tank/none'), 'DATASET_NOT_FOUND');
    await fails(search('x', 'none'), 'DATASET_NOT_FOUND');
    assert.throws(
      () => level('tank/@x'),
      (error) => error instanceof ZfsFlowError && error.field === 'parent',
    );
    const gone = new AbortController();
    const asked = datasetLevel(RED, { connection: 'nas', parent: 'tank' }, gone.signal);
    gone.abort();
    await fails(asked, 'CANCELLED');
    // The tools are there and say that they cannot look.
    await nas.sh(`for tool in zfs zpool; do
      at=$(readlink -f /sbin/$tool); mv "$at" "$at.away"
      printf '#!/bin/sh\\necho cannot look >&2; exit 1\\n' >"$at"; chmod +x "$at"; done`);
    const back = async (tool: string): Promise<unknown> =>
      nas.sh('at=$(readlink -f "/sbin/$1"); [ ! -e "$at.away" ] || mv "$at.away" "$at"', { args: [tool] });
    try {
      await fails(pools(), 'ZFS_ERROR');
      await fails(level('tank'), 'ZFS_ERROR');
      await fails(search('data'), 'ZFS_ERROR');
      await fails(count(['tank/data']), 'ZFS_ERROR');
      // An account that may run zfs and not zpool, as TrueNAS sets one up.
      await back('zfs');
      const [tank] = (await pools()).pools;
      assert.deepEqual([tank?.name, tank?.health, tank?.size, tank?.root?.type], ['tank', '', null, 'filesystem']);
    } finally {
      await back('zfs');
      await back('zpool');
    }
  });

  it('are found by a part of their names, in any case', async () => {
    const { found, datasets } = await search('PHOTO');
    assert.deepEqual([found, datasets.map(({ name }) => name)], [1, ['tank/data/photos']]);
    assert.deepEqual(
      (await search('a blank', 'tank')).datasets.map(({ name }) => name),
      ['tank/data/with a blank'],
    );
    assert.deepEqual((await search('nowhere')).found, 0);
    assert.equal((await search('secret')).datasets[0]?.keyStatus, 'unavailable');
    assert.throws(
      () => search(' '),
      (error) => error instanceof ZfsFlowError && error.field === 'text',
    );
  });

  it('have their snapshots counted as a replication selects them', async () => {
    for (const name of ['auto-2026-01-01_00-00', 'auto-2026-01-02_00-00', 'by-hand']) {
      await nas.sh('zfs snapshot -r "tank/data@$1"', { args: [name] });
    }
    await nas.sh('zfs bookmark tank/data@by-hand tank/data#by-hand; zfs snapshot tank/vm@by-hand');
    const schema = { snapshotSelection: 'schema', namingSchemas: ['auto-%Y-%m-%d_%H-%M'] };
    const numbers = async (datasets: string[], more: object = {}): Promise<unknown[]> =>
      (await count(datasets, more)).counts.map(({ dataset, total, selected }) => [dataset, total, selected]);
    assert.deepEqual(await numbers(['tank/data']), [['tank/data', 3, 3]]);
    assert.deepEqual(await numbers(['tank/data'], { recursive: true, ...schema }), [['tank/data', 12, 8]]);
    const without = { recursive: true, exclude: ['tank/data/scratch', '*/with*'], ...schema };
    assert.deepEqual(await numbers(['tank/data', 'tank/vm', 'tank/open'], without), [
      ['tank/data', 6, 4],
      ['tank/vm', 1, 0],
      ['tank/open', 0, 0],
    ]);
    // The same, as a run plans it.
    const engine = new Engine();
    engine.hosts.set('nas', host);
    const plan = await engine.replicate({
      sourceConnection: 'nas',
      sourceDatasets: ['tank/data'],
      targetConnection: 'nas',
      targetDataset: 'tank/copy',
      mode: 'plan',
      createSnapshot: 'never',
      ...without,
    });
    assert.equal(
      plan.datasets.reduce((sum, { snapshots }) => sum + snapshots.length, 0),
      4,
    );

    const { counts, selectsNew } = await count(['tank/data', 'tank/typo'], {
      snapshotSelection: 'regex',
      nameRegex: '^by-',
    });
    assert.equal(selectsNew, false);
    const [data, typo] = counts;
    assert.ok(data && Math.abs(Date.parse(data.newest ?? '') - Date.now()) < 600_000);
    assert.deepEqual([data.selected, data.oldest === data.newest, typo?.problem?.code], [1, true, 'DATASET_NOT_FOUND']);
    assert.equal((await count(['tank/open'], schema)).selectsNew, true);
    assert.throws(() => count(['tank/data'], { exclude: ['tank/data'] }), /leaves out the source/);
    assert.throws(
      () => count([], {}),
      (error) => error instanceof ZfsFlowError && error.field === 'sourceDatasets',
    );
  });

  it('answer as fast as a level is small, and not as the machine is full', async function () {
    this.timeout(180_000);
    await nas.sh(
      `zfs create -o mountpoint=none tank/many; zfs create tank/seed; zfs snapshot tank/seed@s
       for i in 0 1 2 3 4 5 6 7 8 9; do zfs create tank/many/p$i; done
       zfs program -t 100000000 -m 100000000 tank - "$1"`,
      { args: [String(EACH)], stdin: CLONES },
    );
    const took = async (work: () => Promise<unknown>): Promise<number> => {
      const from = performance.now();
      await work();
      return Math.round(performance.now() - from);
    };
    const times = {
      whole: await took(async () => {
        const { found } = await search('tank/many/p');
        assert.equal(found, 10 * EACH + 10);
      }),
      pools: await took(pools),
      tank: await took(() => level('tank')),
      many: await took(async () => {
        const { datasets } = await level('tank/many');
        assert.deepEqual([datasets.length, datasets.every(({ expandable }) => expandable)], [10, true]);
      }),
      five: await took(async () => {
        const { datasets } = await level('tank/many/p3');
        assert.equal(datasets.length, EACH);
      }),
    };
    // Milliseconds. The names alone of all of them, once, are the yardstick: every machine is as fast as it is.
    const figures = JSON.stringify(times);
    for (const small of [times.pools, times.tank, times.many]) assert.ok(small < times.whole / 4, figures);
    assert.ok(times.five < times.whole / 2, figures);
  });
});
