// What the target's policy would delete at once is not sent, and the newest always is.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseReplicateOptions } from '../../../../src/replication/setup/check-options';
import { compileTargetPolicy } from '../../../../src/replication/setup/target-policy';
import { withoutShortLived } from '../../../../src/replication/plan/short-lived';
import type { ClockEvidence } from '../../../../src/retention/plan/guards';
import type { KeepRule } from '../../../../src/retention/plan/policy';
import type { SnapshotRecord } from '../../../../src/zfs/records';
import { pair } from '../../../support/model';

const NOW = new Date('2026-06-01T12:00:00Z');
const HOUR = 3600;

/** Hourly snapshots, the newest `now`: GUID n is n hours old. */
const hourly = (dataset: string, ages: readonly number[]): SnapshotRecord[] =>
  ages
    .toSorted((a, b) => b - a)
    .map((age, index) => ({
      dataset,
      kind: 'snapshot',
      name: `h${age}`,
      guid: String(age + 1),
      createtxg: String(index + 1),
      creation: NOW.getTime() / 1000 - age * HOUR,
    }));

const RIGHT: ClockEvidence = { now: NOW.getTime(), hosts: new Map(), jump: 0 };

function sent(source: readonly number[], target: readonly number[], keep: KeepRule[], clock = RIGHT): number[] {
  const input = pair({
    source: '',
    target: '',
    more: {
      sourceRecords: hourly('tank/s', source),
      targetSnapshots: hourly('bk/t', target),
      wanted: new Set(source.map((age) => String(age + 1))),
    },
  });
  const options = parseReplicateOptions({
    sourceDatasets: ['tank/s'],
    targetDataset: 'bk/t',
    targetRetention: 'custom',
    targetRetentionPolicy: { keep },
  });
  const wanted = withoutShortLived(input, compileTargetPolicy(options), clock);
  return source.filter((age) => wanted.has(String(age + 1)) && !target.includes(age)).toSorted((a, b) => b - a);
}

describe('rule 16: what the target would delete at once', () => {
  it('leaves out what is older than the lifetime on the target', () => {
    assert.deepEqual(sent([30, 20, 10, 2, 1, 0], [], [{ type: 'age', value: 12, unit: 'hour' }]), [10, 2, 1, 0]);
  });

  it('counts what the target has already', () => {
    assert.deepEqual(sent([5, 4, 3, 2, 1, 0], [5, 4], [{ type: 'last', count: 2 }]), [1, 0]);
  });

  it('always sends the newest', () => {
    assert.deepEqual(sent([300, 200], [], [{ type: 'age', value: 1, unit: 'hour' }]), [200]);
  });

  it('sends everything while the clock looks wrong', () => {
    const day: KeepRule[] = [{ type: 'age', value: 1, unit: 'day' }];
    const ahead = { now: RIGHT.now + 365 * 24 * HOUR * 1000, hosts: new Map<string, number>(), jump: 0 };
    assert.deepEqual(sent([3, 2, 1], [], day, ahead), [1]);
    assert.deepEqual(sent([3, 2, 1], [], day, { ...ahead, hosts: new Map([['nas', RIGHT.now]]) }), [3, 2, 1]);
    assert.deepEqual(sent([3, 2, 1], [], day, { ...ahead, jump: ahead.now - RIGHT.now }), [3, 2, 1]);
  });

  it('sends everything without a rule', () => {
    assert.deepEqual(sent([3, 2, 1], [], []), [3, 2, 1]);
  });

  it('never leaves out the newest, and never sends what the policy then deletes', () => {
    const ages = fc.uniqueArray(fc.integer({ min: 0, max: 80 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(ages, ages, fc.integer({ min: 1, max: 6 }), (source, other, count) => {
        const target = other.filter((age) => age > Math.max(...source));
        const result = sent(source, target, [{ type: 'last', count }]);
        assert.deepEqual(result, source.toSorted((a, b) => b - a).slice(-count));
      }),
    );
  });
});
