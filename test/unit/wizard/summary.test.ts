// The summary of a new task: each line by its key, and what stands in it.
import assert from 'node:assert/strict';
import { suggestedAlert } from '../../../src/wizard/alert';
import { landings, summaryOf } from '../../../src/wizard/summary';
import { answers } from './setting';

const machine = (id: string): string => (id === '' ? 'here' : `nas ${id}`);

describe('the summary of a new task', () => {
  it('tells of a task with snapshots of its own', () => {
    const lines = summaryOf(
      answers({ targetConnection: 'a', recursive: true, exclude: ['tank/data/tmp'], sourceLifetime: '2' }),
      machine,
    );
    assert.deepEqual(
      lines.map(({ key, values }) => [key, ...Object.values(values)]),
      [
        ['fromTree', 'here', 'tank/data'],
        ['exclude', 'tank/data/tmp'],
        ['select.all', ''],
        ['to', 'nas a', 'backup/data'],
        ['encryption.none', 'stored'],
        ['transport.auto'],
        ['readonly.set'],
        ['schedule', '@daily', ''],
        ['take.own', 'auto-%Y-%m-%d_%H-%M'],
        ['alert', '50h'],
        ['sourceLifetime.week', 2],
        ['targetRetention.none'],
      ],
    );
  });

  it('tells of a task that is started by hand, encrypted by a key of its own', () => {
    const lines = summaryOf(
      answers({ schedule: '', encryption: 'key', targetRetention: 'custom', targetLifetime: '3' }),
      machine,
    );
    assert.deepEqual(
      lines.map(({ key }) => key),
      [
        'from',
        'select.all',
        'to',
        'encryption.keyStored',
        'readonly.set',
        'once',
        'take.ifNoneOnce',
        'sourceLifetime.untouched',
        'targetLifetime.week',
      ],
    );
  });

  it('says where each of several sources lands, and of very many how many more', () => {
    const sourceDatasets = Array.from({ length: 12 }, (_, index) => `tank/d${index}`);
    const keys = summaryOf(answers({ sourceDatasets }), machine).filter(({ key }) => key.startsWith('lands'));
    assert.equal(keys.length, 11);
    assert.deepEqual(keys.at(-1), { key: 'landsMore', values: { count: 2 } });
    assert.deepEqual(landings(answers({ sourceDatasets: ['data/a', 'data/a/b'] })), [
      { source: 'data/a', target: 'backup/data' },
      { source: 'data/a/b', target: 'backup/data/b' },
    ]);
    assert.deepEqual(landings(answers({ targetDataset: '' })), []);
  });
});

describe('the alert of a new task', () => {
  it('allows for two runs that are missed', () => {
    const after = (scheduleCron: string): string => suggestedAlert(answers({ schedule: 'custom', scheduleCron }));
    assert.deepEqual(['*/10 * * * *', '0 3 * * *', '0 3 * * sun', '0 3 1 * *', '0 3 1 1 *', 'x'].map(after), [
      '3h',
      '50h',
      '15d',
      '63d',
      '740d',
      '',
    ]);
  });

  it('is left to the schedule of the replication itself, and to nobody where there is none', () => {
    assert.equal(suggestedAlert(answers({ takeSnapshots: false })), '');
    assert.equal(suggestedAlert(answers({ schedule: '' })), '');
  });
});
