// Which streams go without properties: those of very many snapshots onto a dataset that is there.
import assert from 'node:assert/strict';
import { stepSends } from '../../../../src/replication/execute/long-steps';
import type { DatasetPlan } from '../../../../src/replication/plan/plan-types';
import type { SendStep } from '../../../../src/zfs/send';

const snapshots = Array.from({ length: 150 }, (_, index) => ({ name: `s${index + 1}`, guid: String(index + 1) }));
const last = snapshots[149] ?? { name: '', guid: '' };

function planOf(from: SendStep['from'], more: Partial<DatasetPlan> = {}): DatasetPlan {
  const step: SendStep = { dataset: 'tank/a', from, to: last, intermediates: true, snapshots, spans: [] };
  return { source: 'tank/a', properties: true, raw: false, initial: false, steps: [step], ...more } as DatasetPlan;
}

const base = { kind: 'snapshot' as const, name: 's0', guid: '999' };
const flags = (plan: DatasetPlan, none = true): boolean[] =>
  stepSends(plan, none).map(({ argv }) => argv.includes('-p'));

describe('the streams of a step of very many snapshots', () => {
  it('bring the properties with the last one alone', () => {
    const sends = stepSends(planOf(base), true);
    assert.deepEqual(flags(planOf(base)), [false, true]);
    assert.deepEqual(
      sends.map(({ properties }) => properties),
      [false, true],
    );
    assert.deepEqual(
      sends.flatMap((send) => send.snapshots),
      snapshots,
    );
    assert.deepEqual(sends[0]?.argv.slice(-3), ['-I', 'tank/a@s0', 'tank/a@s149']);
    assert.deepEqual(sends[1]?.argv.slice(-3), ['-i', 'tank/a@s149', 'tank/a@s150']);
  });

  it('bring them with all where some snapshot has its own, or the stream is raw, or makes the dataset', () => {
    assert.deepEqual(flags(planOf(base), false), [true]);
    assert.deepEqual(flags(planOf(base, { raw: true })), [true]);
    assert.deepEqual(flags(planOf({ ...base, dataset: 'tank/origin' })), [true]);
    assert.deepEqual(flags(planOf(base, { initial: true })), [true]);
  });
});
