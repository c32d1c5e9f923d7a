// What the dialogs' "What would go now?" is answered on a real pool: the same as a plan, and nothing is left of it.
import assert from 'node:assert/strict';
import { previewRetention } from '../../../nodes/admin/preview-retention';
import type { Red } from '../../../nodes/runtime/red';
import { planId } from '../../../src/retention/execute/plan-store';
import type { SshHost } from '../../../src/host/ssh/ssh-host';
import { ZfsFlowError } from '../../../src/base/errors';
import type { Machine } from '../../lab/machine';
import { connect } from '../../support/engine';
import { useMachines } from '../../support/machines';
import { resolver, runPrune } from './support';

describe('the preview of a retention policy on real ZFS', () => {
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

  const question = (more: object = {}): Record<string, unknown> => ({
    connection: 'nas',
    datasets: ['tank/data'],
    datasetsType: 'list',
    recursive: true,
    scope: { namingSchemas: [], nameRegex: '^s' },
    policy: { keep: [{ type: 'last', count: 2 }] },
    mode: 'execute',
    ...more,
  });

  after(() => host.close());
  useMachines({ nas: { pool: 'tank' } }, async (machines) => {
    ({ nas } = machines);
    host = connect(nas);
    await nas.sh(
      'zfs create tank/data; zfs create tank/data/sub; for n in s1 s2 s3 other s4; do zfs snapshot -r "tank/data@$n"; done',
    );
  });

  it('says for each dataset what goes and what stays, with dates and reasons, and changes nothing', async () => {
    const history = await nas.read(['zpool', 'history', '-i', 'tank']);
    const answer = await previewRetention(RED, question());
    assert.deepEqual([answer.goes, answer.stays, answer.warnings], [4, 4, []]);
    assert.deepEqual(
      answer.datasets.map(({ dataset, snapshots }) => [dataset, snapshots.map(({ name, goes }) => [name, goes])]),
      ['tank/data', 'tank/data/sub'].map((dataset) => [
        dataset,
        [
          ['s1', true],
          ['s2', true],
          ['s3', false],
          ['s4', false],
        ],
      ]),
    );
    for (const { snapshots } of answer.datasets) {
      for (const { creation, goes, reasons } of snapshots) {
        assert.ok(Math.abs(Date.parse(creation) - Date.now()) < 600_000);
        assert.ok(reasons.length > 0 && reasons.every((reason) => reason.startsWith(goes ? 'goes:' : 'kept:')));
      }
    }
    assert.equal(await nas.read(['zpool', 'history', '-i', 'tank']), history);
  });

  it('leaves no plan that could be approved', async () => {
    const asked = question({ recursive: false, policy: { keep: [{ type: 'last', count: 1 }] } });
    assert.equal((await previewRetention(RED, asked)).goes, 3);
    // The id of any plan with the same items.
    const items = (await nas.snapshots('tank/data')).filter(({ name }) => ['s1', 's2', 's3'].includes(name));
    const approved = planId(
      'nas',
      items.map(({ name, guid }) => ({ dataset: 'tank/data', name, guid })),
    );
    const raw = { ...asked, mode: 'approve', approved };
    await assert.rejects(
      runPrune(resolver({ nas: host }), raw),
      (error) => error instanceof ZfsFlowError && error.code === 'PLAN_STALE',
    );
  });

  it('tells of a target what its retention would delete of the copies there, and of nothing else', async () => {
    await nas.sh(`zfs create tank/backup; zfs send -R tank/data@s4 | zfs recv -u tank/backup/data
      zfs create tank/backup/data/theirs; zfs snapshot tank/backup/data/theirs@s0; zfs snapshot tank/backup/data/theirs@s1`);
    const replicate = {
      sourceConnection: 'nas',
      sourceDatasets: ['tank/data'],
      targetConnection: 'nas',
      targetDataset: 'tank/backup/data',
      recursive: true,
      snapshotSelection: 'regex',
      nameRegex: '^s',
      targetRetention: 'custom',
      targetRetentionPolicy: { keep: [{ type: 'last', count: 3 }] },
    };
    const counts = async (more: object = {}): Promise<[string, number, number][]> => {
      const { datasets } = await previewRetention(RED, { ...replicate, ...more });
      return datasets.map(({ dataset, goes, stays }) => [dataset, goes, stays]);
    };
    const copies = ['tank/backup/data', 'tank/backup/data/sub'];
    assert.deepEqual(
      await counts(),
      copies.map((dataset) => [dataset, 1, 3]),
    );
    assert.deepEqual(await counts({ exclude: ['tank/data/sub'] }), [['tank/backup/data', 1, 3]]);
    assert.deepEqual(await counts({ targetRetention: 'none' }), []);
    assert.deepEqual(await counts({ targetDataset: 'tank/backup/none' }), []);
    await nas.run(['zfs', 'destroy', 'tank/data@s2']);
    assert.deepEqual(await counts({ targetRetention: 'source' }), [
      ['tank/backup/data', 1, 3],
      ['tank/backup/data/sub', 0, 4],
    ]);
    const gone = previewRetention(RED, { ...replicate, sourceDatasets: ['tank/nothing'] });
    await assert.rejects(gone, (error) => error instanceof ZfsFlowError && error.code === 'DATASET_NOT_FOUND');
  });

  it('refuses what only a message knows, and what is no policy, naming the property', async () => {
    const cases: [object, string][] = [
      [{ datasets: 'payload', datasetsType: 'msg' }, 'datasets'],
      [{ policy: { keep: [{ type: 'forever' }] } }, 'policy'],
      [{ connection: 'nowhere' }, 'connection'],
      [{ targetDataset: 'payload', targetDatasetType: 'msg' }, 'targetDataset'],
    ];
    for (const [more, field] of cases) {
      await assert.rejects(
        previewRetention(RED, question(more)),
        (error) => error instanceof ZfsFlowError && error.code === 'INVALID_OPTIONS' && error.field === field,
        field,
      );
    }
  });
});
