// Property values of the snapshot and list nodes: defaults, what is read, and what is refused by which name.
import assert from 'node:assert/strict';
import { ZfsFlowError } from '../../../src/base/errors';
import { snapshotUses } from '../../../src/snapshots/create';
import { listUses } from '../../../src/snapshots/list';
import { parseListOptions, parseSnapshotOptions } from '../../../src/snapshots/check-options';

type Raw = Record<string, unknown>;

function field(parse: () => unknown): string | undefined {
  try {
    parse();
  } catch (error) {
    assert.ok(error instanceof ZfsFlowError, String(error));
    assert.equal(error.code, 'INVALID_OPTIONS');
    assert.ok(error.message.length > 10);
    return error.field;
  }
  return assert.fail('it was accepted');
}

describe('parseSnapshotOptions', () => {
  it('fills in the defaults of the contract', () => {
    assert.deepEqual(parseSnapshotOptions({ datasets: ['tank/a'] }), {
      connection: '',
      datasets: ['tank/a'],
      recursive: false,
      exclude: [],
      namingSchema: 'auto-%Y-%m-%d_%H-%M',
      timeZone: '',
      allowEmpty: true,
      properties: {},
      hooks: { before: '', after: '', timeout: 60 },
      retention: null,
    });
  });

  it('reads everything', () => {
    const raw = {
      connection: 'c1',
      datasets: ['tank/a', 'tank/b c', 'tank/a'],
      recursive: true,
      exclude: ['tank/a/tmp', '*/cache'],
      namingSchema: 'x-%s',
      timeZone: 'Europe/Berlin',
      allowEmpty: false,
      properties: { 'a:b': 'c', 'a:n': 1 },
      hooks: { before: 'sync', after: '', timeout: 5 },
      retention: { keep: [{ type: 'last', count: 3 }] },
    };
    assert.deepEqual(parseSnapshotOptions(raw), {
      ...raw,
      datasets: ['tank/a', 'tank/b c'],
      properties: { 'a:b': 'c', 'a:n': '1' },
    });
  });

  it('takes one dataset as a text, for a message that holds one', () => {
    assert.deepEqual(parseSnapshotOptions({ datasets: 'tank/a' }).datasets, ['tank/a']);
  });

  const refused: [string, Raw][] = [
    ['datasets', { datasets: [] }],
    ['datasets', { datasets: undefined }],
    ['datasets', { datasets: '' }],
    ['datasets', { datasets: ['tank/a@x'] }],
    ['datasets', { datasets: ['$(touch x)'] }],
    ['datasets', { datasets: ['tank/ä'] }],
    ['datasets', { datasets: ['-r'] }],
    ['datasets', { datasets: [''] }],
    ['datasets', { datasets: [5] }],
    ['datasets', { datasets: { 0: 'tank' } }],
    ['recursive', { recursive: 'yes' }],
    ['exclude', { exclude: ['tank/a@x'] }],
    ['exclude', { exclude: [''] }],
    ['exclude', { exclude: 7 }],
    ['namingSchema', { namingSchema: 'daily' }],
    ['namingSchema', { namingSchema: '' }],
    ['namingSchema', { namingSchema: 5 }],
    ['timeZone', { timeZone: 'Mars/Olympus' }],
    ['timeZone', { timeZone: 1 }],
    ['allowEmpty', { allowEmpty: 1 }],
    ['connection', { connection: 3 }],
    ['properties', { properties: { nocolon: 'x' } }],
    ['properties', { properties: { 'A:B': 'x' } }],
    ['properties', { properties: { 'a:b': { c: 1 } } }],
    ['properties', { properties: { 'a:b': 'x\ny' } }],
    ['properties', { properties: { 'a:b': 'x'.repeat(8192) } }],
    ['properties', { properties: ['a:b'] }],
    ['hooks', { hooks: 'sync' }],
    ['hooks', { hooks: { befor: 'sync' } }],
    ['hooks', { hooks: { before: ['sync'] } }],
    ['hooks', { hooks: { timeout: 0 } }],
    ['hooks', { hooks: { timeout: 'soon' } }],
    ['hooks', { hooks: { timeout: 1e9 } }],
    ['retention', { retention: { keep: [{ type: 'never' }] } }],
    ['retention', { retention: 'all' }],
    ['retention', { retention: { keep: [{ type: 'schedule', cron: '* * *', value: 1, unit: 'day' }] } }],
  ];
  for (const [name, raw] of refused) {
    it(`refuses ${JSON.stringify(raw).slice(0, 70)}`, () => {
      assert.equal(
        field(() => parseSnapshotOptions({ datasets: ['tank/a'], ...raw })),
        name,
      );
    });
  }

  it('takes null and {} for no retention rule at all', () => {
    assert.equal(parseSnapshotOptions({ datasets: ['tank/a'], retention: null }).retention, null);
    assert.deepEqual(parseSnapshotOptions({ datasets: ['tank/a'], retention: {} }).retention, { keep: [] });
  });
});

describe('parseListOptions', () => {
  it('fills in the defaults of the contract', () => {
    assert.deepEqual(parseListOptions({}), {
      connection: '',
      datasets: [],
      recursive: false,
      exclude: [],
      namingSchema: '',
      nameRegex: '',
      timeZone: '',
      newerThan: '',
      olderThan: '',
      newest: 0,
      oldest: 0,
      kinds: ['snapshot'],
      columns: 'standard',
      output: 'array',
    });
  });

  const refused: [string, Raw][] = [
    ['datasets', { datasets: ['/mnt/tank'] }],
    ['namingSchema', { namingSchema: 'daily' }],
    ['nameRegex', { nameRegex: '(' }],
    ['newerThan', { newerThan: 'yesterday' }],
    ['newerThan', { newerThan: '2024-02-30' }],
    ['olderThan', { olderThan: '7 parsecs' }],
    ['olderThan', { olderThan: 7 }],
    ['newest', { newest: -1 }],
    ['newest', { newest: 1.5 }],
    ['oldest', { oldest: 'x' }],
    ['kinds', { kinds: [] }],
    ['kinds', { kinds: ['hold'] }],
    ['columns', { columns: 'all' }],
    ['output', { output: 'csv' }],
    ['timeZone', { timeZone: 'x' }],
  ];
  for (const [name, raw] of refused) {
    it(`refuses ${JSON.stringify(raw)}`, () => {
      assert.equal(
        field(() => parseListOptions(raw)),
        name,
      );
    });
  }

  it('takes both kinds, each once', () => {
    assert.deepEqual(parseListOptions({ kinds: ['bookmark', 'snapshot', 'bookmark'] }).kinds, ['bookmark', 'snapshot']);
  });
});

describe('what runs touch', () => {
  it('a snapshot waits for no reader unless it prunes afterwards', () => {
    const raw = { connection: 'c', datasets: ['tank/a', 'tank/b'] };
    assert.deepEqual(snapshotUses(parseSnapshotOptions(raw)), [
      { connection: 'c', dataset: 'tank/a', access: 'read' },
      { connection: 'c', dataset: 'tank/b', access: 'read' },
    ]);
    const pruning = parseSnapshotOptions({ ...raw, retention: { keep: [{ type: 'last', count: 1 }] } });
    assert.ok(snapshotUses(pruning).every(({ access }) => access === 'write'));
  });

  it('a listing reads what it lists', () => {
    assert.deepEqual(listUses(parseListOptions({ datasets: ['tank/a'] })), [
      { connection: '', dataset: 'tank/a', access: 'read' },
    ]);
    assert.deepEqual(listUses(parseListOptions({})), []);
  });
});
