// A task that begins as another one: what is filled in, what is carried along, and what the person is told.
import assert from 'node:assert/strict';
import { makeFlow } from '../../../src/wizard/flow';
import { startFrom } from '../../../src/wizard/start-from';
import { answers, made, placeless, setting, TABLES } from './setting';

const REPLICATE = {
  id: 'old',
  type: 'zfs-replicate',
  name: 'nightly',
  sourceConnection: 'nas',
  sourceDatasets: ['tank/a', 'tank/b'],
  sourceDatasetsType: 'list',
  targetDataset: 'backup/old',
  snapshotSelection: 'schema',
  namingSchemas: ['manual-%s', 'auto-%Y-%m-%d_%H-%M'],
  encryption: 'key',
  speedLimit: '10M',
  whenDiverged: 'rotate',
  createSnapshot: 'never',
};
const SNAPSHOT = {
  id: 'snap',
  type: 'zfs-snapshot',
  connection: 'nas',
  datasets: ['tank/a', 'tank/b'],
  allowEmpty: false,
  schedule: '30 2 * * *',
  scheduleTimeZone: 'Europe/Vienna',
  scheduleEnd: '20:00',
  retention: { keep: [{ type: 'age', value: 3, unit: 'month' }] },
};

describe('starting from a task', () => {
  it('fills in everything but id, name and target', () => {
    const {
      answers: filled,
      notes,
      carried,
    } = startFrom({ id: 'old', replicate: REPLICATE, snapshot: SNAPSHOT }, TABLES, 'tab');
    const { carried: _carried, ...shown } = filled;
    const { carried: _none, ...expected } = answers({
      startFrom: 'old',
      sourceConnection: 'nas',
      sourceDatasets: ['tank/a', 'tank/b'],
      targetDataset: '',
      snapshotSelection: 'schema',
      // The first one names the snapshots that are taken.
      namingSchemas: ['auto-%Y-%m-%d_%H-%M', 'manual-%s'],
      takeSnapshots: true,
      encryption: 'key',
      encryptionKeyGenerate: false,
      schedule: 'custom',
      scheduleCron: '30 2 * * *',
      scheduleTimeZone: 'Europe/Vienna',
      sourceLifetime: '3',
      sourceLifetimeUnit: 'month',
      alertAfter: '',
    });
    assert.deepEqual(shown, expected);
    assert.deepEqual(notes, ['encryptionKey']);
    assert.deepEqual(carried.toSorted(), [
      'allowEmpty',
      'overlap',
      'scheduleEnd',
      'speedLimit',
      'timeZone',
      'whenDiverged',
    ]);
  });

  it('carries what there is no field for into both nodes, the schedule of one of them included', () => {
    const { answers: filled } = startFrom({ id: 'old', replicate: REPLICATE, snapshot: SNAPSHOT }, TABLES);
    const { nodes } = makeFlow({ ...filled, targetDataset: 'backup/new' }, setting());
    const [, , snapshot, replicate] = nodes;
    const { id: _id, type: _type, ...original } = SNAPSHOT;
    assert.deepEqual(placeless(snapshot), {
      ...original,
      id: 'id2',
      name: 'snapshots',
      type: 'zfs-snapshot',
      version: 1,
      z: 'tab',
      wires: [['id1'], [], ['id5']],
    });
    assert.equal(replicate?.['whenDiverged'], 'rotate');
    assert.equal(replicate?.['speedLimit'], '10M');
    assert.equal(replicate?.['name'], 'tank/a,tank/b - backup/new');
    // The schedule goes with whichever node has it.
    const { nodes: found } = makeFlow({ ...filled, takeSnapshots: false, targetDataset: 'backup/new' }, setting());
    assert.equal(found[2]?.type, 'zfs-replicate');
    assert.equal(found[2]['scheduleEnd'], '20:00');
  });

  it('keeps rules that are no single lifetime, says so, and lets an answer replace them', () => {
    const rules = { keep: [{ type: 'last', count: 5 }] };
    const replicate = { ...REPLICATE, targetRetention: 'custom', targetRetentionPolicy: rules };
    const snapshot = { ...SNAPSHOT, retention: rules };
    const { answers: filled, notes } = startFrom({ id: 'old', replicate, snapshot }, TABLES);
    assert.deepEqual(notes.toSorted(), ['encryptionKey', 'sourceRetention', 'targetRetention']);
    const kept = made({ ...filled, targetDataset: 'backup/new' });
    assert.deepEqual(kept['zfs-snapshot']?.['retention'], rules);
    assert.deepEqual(kept['zfs-replicate']?.['targetRetentionPolicy'], rules);
    const own = made({ ...filled, targetDataset: 'backup/new', sourceLifetime: '2', targetLifetime: '4' });
    const age = (value: number): object => ({ keep: [{ type: 'age', value, unit: 'week' }] });
    assert.deepEqual(own['zfs-snapshot']?.['retention'], age(2));
    assert.deepEqual(own['zfs-replicate']?.['targetRetentionPolicy'], age(4));
  });

  it('leaves what a message decides to the message, until a field is filled in', () => {
    const replicate = { ...REPLICATE, sourceDatasets: 'payload.datasets', sourceDatasetsType: 'msg' };
    const { answers: filled } = startFrom({ id: 'old', replicate }, TABLES);
    assert.deepEqual(filled.sourceDatasets, []);
    const node = made({ ...filled, targetDataset: 'backup/new' })['zfs-replicate'];
    assert.deepEqual([node?.['sourceDatasets'], node?.['sourceDatasetsType']], ['payload.datasets', 'msg']);
    const typed = made({ ...filled, sourceDatasets: ['tank/c'] })['zfs-replicate'];
    assert.deepEqual([typed?.['sourceDatasets'], typed?.['sourceDatasetsType']], [['tank/c'], undefined]);
  });

  it('says where the snapshots before it are of something else', () => {
    const snapshot = { ...SNAPSHOT, datasets: ['tank'], recursive: true };
    const { notes, answers: filled } = startFrom({ id: 'old', replicate: REPLICATE, snapshot }, TABLES);
    assert.ok(notes.includes('snapshotDiffers'));
    assert.deepEqual(made({ ...filled, targetDataset: 'x' })['zfs-snapshot']?.['datasets'], ['tank/a', 'tank/b']);
  });

  it('with nothing that runs it is once', () => {
    const { schedule: _schedule, ...snapshot } = SNAPSHOT;
    const { answers: filled } = startFrom({ id: 'old', replicate: REPLICATE, snapshot }, TABLES);
    assert.deepEqual([filled.schedule, filled.createSnapshot, filled.takeSnapshots], ['', 'ifNone', true]);
  });
});
