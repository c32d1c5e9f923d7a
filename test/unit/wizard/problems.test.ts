// What the wizard objects to: at which field, in which step, by which words.
import assert from 'node:assert/strict';
import type { Answers } from '../../../src/wizard/answers';
import type { Surroundings } from '../../../src/wizard/finding';
import { isComplete, problemsOf } from '../../../src/wizard/problems';
import { answers, TABLES } from './setting';

function told(more: Partial<Answers>, around: Partial<Surroundings> = {}): string[] {
  const problems = problemsOf(answers(more), { tables: TABLES, ...around });
  return problems.map(({ field, step, key, level }) => `${step} ${field} ${key}${level === 'warn' ? ' (warn)' : ''}`);
}

describe('problems of answers', () => {
  it('there are none where everything needed is there', () => {
    assert.deepEqual(told({}), []);
  });

  it('an empty wizard lacks its source and its target', () => {
    assert.deepEqual(told({ sourceDatasets: [], targetDataset: '' }), [
      'source sourceDatasets datasets',
      'destination targetDataset dataset',
    ]);
  });

  it('sources that are not there are warned of, as long as they are chosen', () => {
    const sourceMissing = ['tank/data', 'tank/gone'];
    assert.deepEqual(told({ sourceMissing }), ['source sourceDatasets notThere (warn)']);
    assert.deepEqual(told({ sourceMissing, sourceDatasets: ['tank/other'] }), []);
    const [found] = problemsOf(answers({ sourceMissing }), { tables: TABLES });
    assert.deepEqual(found?.values, { names: 'tank/data', count: 1 });
  });

  it('names are judged by ZFS, in its words', () => {
    const [problem, ...others] = problemsOf(answers({ sourceDatasets: ['tank/a', '/mnt/tank'] }), { tables: TABLES });
    assert.deepEqual(others, []);
    assert.equal(problem?.values['value'], '/mnt/tank');
    assert.match(String(problem?.values['why']), /does not begin with/);
    assert.deepEqual(told({ targetDataset: 'backup/' }), ['destination targetDataset invalid']);
    assert.deepEqual(told({ exclude: ['tank/data'] }), ['source exclude excludesSource']);
    assert.deepEqual(told({ targetDataset: 'tank/data/copy', recursive: true }), ['destination targetDataset overlap']);
    assert.deepEqual(told({ targetDataset: 'tank/data/copy', recursive: true, targetConnection: 'nas' }), []);
  });

  it('snapshots have to be selected, those that the task takes too', () => {
    assert.deepEqual(told({ snapshotSelection: 'schema' }), ['source namingSchemas schemas']);
    assert.deepEqual(told({ snapshotSelection: 'schema', namingSchemas: ['daily'] }), ['source namingSchemas invalid']);
    assert.deepEqual(told({ snapshotSelection: 'regex' }), ['source nameRegex regex']);
    assert.deepEqual(told({ snapshotSelection: 'regex', nameRegex: '(' }), ['source nameRegex invalid']);
    const daily = { snapshotSelection: 'regex', nameRegex: '^daily-' } as const;
    assert.deepEqual(told({ ...daily, takeSnapshots: true }), ['source takeSnapshots unselected']);
    assert.deepEqual(told({ ...daily, createSnapshot: 'always' }), ['source createSnapshot unselected']);
    assert.deepEqual(told({ ...daily, nameRegex: '^auto-2', takeSnapshots: true }), []);
  });

  it('a key is one that ZFS takes', () => {
    const key = { encryption: 'key' } as const;
    assert.deepEqual(told(key), ['destination encryptionKey key']);
    assert.deepEqual(told({ ...key, encryptionKey: 'ab' }), ['destination encryptionKey hexKey']);
    assert.deepEqual(told({ ...key, encryptionKey: 'AB'.repeat(32) }), []);
    const phrase = { ...key, encryptionKeyFormat: 'passphrase' } as const;
    assert.deepEqual(told({ ...phrase, encryptionKey: '1234567' }), ['destination encryptionKey passphrase']);
    assert.deepEqual(told({ ...phrase, encryptionKey: 'vier Töne' }), []);
    assert.deepEqual(told({ ...key, encryptionKeyLocation: '' }), ['destination encryptionKeyLocation keyLocation']);
    assert.deepEqual(told({ ...key, encryptionKeyLocation: 'key' }), ['destination encryptionKeyLocation carried']);
  });

  it('a schedule can be used, in its zone', () => {
    assert.deepEqual(told({ schedule: 'custom' }), ['schedule scheduleCron cron']);
    assert.deepEqual(told({ schedule: 'custom', scheduleCron: '* * *' }), ['schedule scheduleCron invalid']);
    assert.deepEqual(told({ schedule: '@fortnightly' }), ['schedule schedule invalid']);
    assert.deepEqual(told({ scheduleTimeZone: 'Mars' }), ['schedule scheduleTimeZone invalid']);
    assert.deepEqual(told({ alertAfter: 'soon' }), ['schedule alertAfter invalid']);
    assert.deepEqual(told({ schedule: '', scheduleTimeZone: 'Mars' }), [], 'nothing asks for it');
  });

  it('nobody else takes the same snapshots at the same time', () => {
    const warned = ['schedule schedule sameSnapshots (warn)'];
    const other = (values: Record<string, unknown>): Partial<Surroundings> => ({
      snapshots: [
        { name: 'nightly', values: { datasets: ['tank'], recursive: true, schedule: '0 0 * * *', ...values } },
      ],
    });
    assert.deepEqual(told({}, other({})), warned);
    assert.deepEqual(told({}, other({ datasets: ['tank/data/below'] })), []);
    assert.deepEqual(told({ recursive: true }, other({ datasets: ['tank/data/below'], recursive: false })), warned);
    for (const apart of [
      { recursive: false },
      { schedule: '5 0 * * *' },
      { namingSchema: 'other-%s' },
      { connection: 'nas' },
      { enabled: false },
      { datasets: 'payload', datasetsType: 'msg' },
    ]) {
      assert.deepEqual(told({}, other(apart)), [], JSON.stringify(apart));
    }
    assert.deepEqual(told({ takeSnapshots: false }, other({})), []);
  });

  it('lifetimes are whole numbers, and somebody has to see to them', () => {
    assert.deepEqual(told({ sourceLifetime: '0' }), ['lifetime sourceLifetime lifetime']);
    assert.deepEqual(told({ targetRetention: 'custom' }), ['lifetime targetLifetime lifetime']);
    assert.deepEqual(told({ targetRetention: 'custom', targetLifetime: '1.5' }), ['lifetime targetLifetime lifetime']);
    assert.deepEqual(told({ targetRetention: 'custom', targetLifetime: '2' }), []);
    assert.deepEqual(told({ sourceLifetime: '2', schedule: '' }), ['lifetime sourceLifetime nobodyPrunes (warn)']);
  });

  it('the way of the data fits the machines, and is warned of where it is open', () => {
    const plain = { transport: 'ssh+netcat', targetConnection: 'nas' } as const;
    assert.deepEqual(told(plain), ['security transport transportPlain (warn)']);
    assert.ok(isComplete(problemsOf(answers(plain), { tables: TABLES })));
    const connections = new Map([['nas', { jumpConnection: 'gate' }]]);
    assert.deepEqual(told({ ...plain, transport: 'ssh+tls' }, { connections }), ['security transport transportJump']);
    assert.deepEqual(told({ ...plain, targetConnection: '' }), [], 'nothing crosses a wire');
  });

  it('what is referred to exists, and can be changed', () => {
    assert.deepEqual(told({ sourceConnection: 'gone' }, { connections: new Map() }), [
      'source sourceConnection connection',
    ]);
    const tabs = new Map([
      ['locked', { locked: true }],
      ['off', { disabled: true }],
    ]);
    assert.deepEqual(told({ tab: 'locked' }, { tabs }), ['summary tab tabLocked']);
    assert.deepEqual(told({ tab: 'off' }, { tabs }), ['summary tab tabDisabled (warn)']);
    assert.deepEqual(told({ tab: 'gone' }, { tabs }), ['summary tab tab']);
    assert.deepEqual(told({ tab: 'new' }, { tabs }), []);
  });

  it('what the task has from another one contradicts none of the answers', () => {
    const carrying = (replicate: Record<string, unknown>): Partial<Answers> => ({
      carried: { replicate, snapshot: {}, schedule: {} },
    });
    assert.deepEqual(told({ ...carrying({ raw: 'always' }), encryption: 'inherit' }), [
      'destination encryption notRaw',
    ]);
    assert.deepEqual(told({ ...carrying({ fullFilesystem: true }), exclude: ['*/tmp'] }), ['source exclude full']);
    assert.deepEqual(told(carrying({ onlyMatchingSchedule: true })), ['schedule schedule needsSchedule']);
    assert.deepEqual(told(carrying({ retries: -1 })), ['source startFrom carried']);
    assert.deepEqual(
      told({
        ...carrying({}),
        connections: [{ id: 'new', values: { host: 'nas.lan', port: 0 } }],
        targetConnection: 'new',
      }),
      ['source startFrom carried'],
    );
  });
});
