// What a verification makes of properties, what it refuses, and which datasets it needs for itself.
import assert from 'node:assert/strict';
import { claimsOf, relation } from '../../../src/jobs/claims';
import type { DatasetUse } from '../../../src/base/run-context';
import { ZfsFlowError } from '../../../src/base/errors';
import { parseReplicateOptions, replicateUses } from '../../../src/replication/setup/check-options';
import { parseVerifyOptions, verifyUses } from '../../../src/verify/check-options';

const BASE = { sourceDatasets: ['tank/a'], targetDataset: 'backup/a' };

function refused(more: Record<string, unknown>): string | undefined {
  try {
    parseVerifyOptions({ ...BASE, ...more });
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ZfsFlowError && error.code === 'INVALID_OPTIONS', String(error));
    return error.field;
  }
}

/** Whether two jobs wait for each other; all connections lead to machines of their own. */
function conflict(one: readonly DatasetUse[], other: readonly DatasetUse[]): boolean {
  const facts = (): never => assert.fail('not asked');
  const hosts = (connection: string) => ({ id: connection, label: connection, facts }) as never;
  const [left, right] = [claimsOf(one, hosts), claimsOf(other, hosts)];
  return left.some((a) => right.some((b) => relation(a, b) === 'conflict'));
}

describe('the options of a verification', () => {
  it('have the defaults of the contract', () => {
    const { replication, ...options } = parseVerifyOptions(BASE);
    assert.deepEqual(options, {
      sourceConnection: '',
      sourceDatasets: ['tank/a'],
      recursive: false,
      exclude: [],
      targetConnection: '',
      targetDataset: 'backup/a',
      snapshotSelection: 'all',
      namingSchemas: [],
      nameRegex: '',
      maxAge: null,
      drill: 'none',
      drillDatasets: 'one',
      drillSample: 100,
      drillCommand: '',
      drillTimeout: 300_000,
    });
    assert.deepEqual([replication.targetDataset, replication.whenDiverged], ['backup/a', 'refuse']);
  });

  it('are refused by the property that is wrong', () => {
    const cases: [string, Record<string, unknown>][] = [
      ['sourceDatasets', { sourceDatasets: [] }],
      ['targetDataset', { targetDataset: 'a b/%' }],
      ['targetDataset', { targetDataset: '' }],
      ['exclude', { recursive: true, exclude: ['tank/a'] }],
      ['snapshotSelection', { snapshotSelection: 'some' }],
      ['namingSchemas', { snapshotSelection: 'schema' }],
      ['namingSchemas', { snapshotSelection: 'schema', namingSchemas: ['%Y'] }],
      ['nameRegex', { snapshotSelection: 'regex', nameRegex: '(' }],
      ['maxAge', { maxAge: 'a while' }],
      ['maxAge', { maxAge: '0h' }],
      ['drill', { drill: 'look' }],
      ['drillDatasets', { drillDatasets: 'some' }],
      ['drillSample', { drillSample: -1 }],
      ['drillSample', { drillSample: 1.5 }],
      ['drillTimeout', { drillTimeout: 0 }],
      ['drillCommand', { drillCommand: 7 }],
    ];
    for (const [field, more] of cases) assert.equal(refused(more), field, JSON.stringify(more));
    assert.equal(parseVerifyOptions({ ...BASE, maxAge: '26h' }).maxAge, 26 * 3_600_000);
  });

  it('claim so that nothing is rolled back or pruned below a drill, and that drills do not wait for each other', () => {
    const verifies = (target: string): DatasetUse[] =>
      verifyUses(parseVerifyOptions({ sourceConnection: 'a', sourceDatasets: ['tank/a'], targetConnection: 'b', targetDataset: target })); // prettier-ignore
    const replicates = (source: string, target: string): DatasetUse[] =>
      replicateUses(parseReplicateOptions({ sourceConnection: 'a', sourceDatasets: [source], targetConnection: 'b', targetDataset: target })); // prettier-ignore
    const drill = verifies('backup/a');
    assert.ok(drill.every(({ dataset, access }) => access === 'read' || /\/zfsflow-drill-\w+$/.test(dataset)));
    assert.equal(conflict(drill, replicates('tank/a', 'backup/a')), true, 'into the copy');
    assert.equal(conflict(drill, replicates('tank/a', 'backup/b')), false, 'from the source to elsewhere');
    assert.equal(conflict(drill, replicates('tank', 'backup/b')), true, 'all of the pool, with the clone in it');
    assert.equal(conflict(drill, verifies('backup/a')), false);
  });
});
