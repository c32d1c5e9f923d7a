// Retention on the target, after a run, before one to make room, and what is not sent because it would go at once.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import { type Engine } from '../../support/engine';
import { relay } from '../../support/job';
import { usePair } from '../../support/machines';

const HOUR_MS = 3_600_000;

describe('retention on the target of a replication', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;

  usePair((pair) => ({ a, b, engine } = pair), 'engine per test');

  async function setUp(name: string, snapshots: readonly string[]): Promise<Record<string, unknown>> {
    await a.createDataset(`tank/${name}`);
    for (const snapshot of snapshots) await a.snapshot(`tank/${name}`, snapshot);
    return {
      ...relay,
      sourceDatasets: [`tank/${name}`],
      targetDataset: `backup/${name}`,
      maxDestroyFraction: 1,
    };
  }
  const onTarget = (name: string): Promise<string[]> => b.snapshotNames(`backup/${name}`);

  it('mirrors deletions with `source`, never for a source that is gone or empty', async () => {
    const options = await setUp('mirror', ['1', '2', '3', '4']);
    await engine.replicate(options);
    await a.run(['zfs', 'destroy', 'tank/mirror@2']);
    await a.snapshot('tank/mirror', '5');
    const result = await engine.replicate({ ...options, targetRetention: 'source' });
    assert.deepEqual(await onTarget('mirror'), ['1', '3', '4', '5']);
    assert.deepEqual(
      result.pruned?.destroyed.map(({ name }) => name),
      ['2'],
    );
    await a.run(['zfs', 'destroy', 'tank/mirror@1,3,4,5']);
    await a.snapshot('tank/mirror', '6');
    await engine.replicate({ ...options, targetRetention: 'source', maxDestroyFraction: 0.5 });
    assert.deepEqual(await onTarget('mirror'), ['1', '3', '4', '5', '6']);
    await a.run(['zfs', 'destroy', '-r', 'tank/mirror']);
    await engine.refuse('DATASET_NOT_FOUND', { ...options, targetRetention: 'source' });
    assert.deepEqual(await onTarget('mirror'), ['1', '3', '4', '5', '6']);
  });

  it('keeps by its own policy with `custom`', async () => {
    const options = await setUp('custom', ['1', '2', '3', '4', '5']);
    const policy = { targetRetention: 'custom', targetRetentionPolicy: { keep: [{ type: 'last', count: 2 }] } };
    const first = await engine.replicate({ ...options, ...policy });
    // What the policy would delete at once has not been sent at all.
    assert.deepEqual(first.datasets[0]?.snapshots, ['4', '5']);
    await a.snapshot('tank/custom', '6');
    const second = await engine.replicate({ ...options, ...policy });
    assert.deepEqual(await onTarget('custom'), ['5', '6']);
    assert.deepEqual(
      second.pruned?.destroyed.map(({ name }) => name),
      ['4'],
    );
  });

  it('rule 16: makes room before it sends, and keeps the base', async () => {
    const options = await setUp('room', ['1', '2', '3']);
    await engine.replicate(options);
    await a.snapshot('tank/room', '4');
    const order: string[] = [];
    engine.events.length = 0;
    const policy = { targetRetention: 'custom', targetRetentionPolicy: { keep: [{ type: 'last', count: 1 }] } };
    const result = await engine.replicate({ ...options, ...policy });
    for (const { event, snapshot } of engine.events)
      if (event === 'destroyed' || event === 'dataset') order.push(`${event} ${snapshot ?? ''}`.trim());
    const destroyed = (name: string): string => `destroyed backup/room@${name}`;
    // The base goes last, when there is a newer one that both sides have.
    assert.deepEqual(order, [destroyed('1'), destroyed('2'), 'dataset', destroyed('3')]);
    assert.equal(result.datasets[0]?.action, 'incremental');
    assert.deepEqual(await onTarget('room'), ['4']);
  });

  it('rule 10: prunes nothing on a target that was refused, nor beside it in the same run', async () => {
    const options = await setUp('two/refused', ['1', '2']);
    await setUp('two/orderly', ['1', '2']);
    const two = {
      ...options,
      sourceDatasets: ['tank/two/refused', 'tank/two/orderly'],
      targetDataset: 'backup/two',
      readonly: 'ignore',
    };
    await engine.replicate(two);
    await b.snapshot('backup/two/refused', 'mine');
    for (const name of ['refused', 'orderly']) await a.snapshot(`tank/two/${name}`, '3');
    const policy = { targetRetention: 'custom', targetRetentionPolicy: { keep: [{ type: 'last', count: 1 }] } };
    await engine.refuse('PARTIAL_FAILURE', { ...two, ...policy });
    assert.deepEqual(await onTarget('two/refused'), ['1', '2', 'mine']);
    assert.deepEqual(await onTarget('two/orderly'), ['1', '2', '3']);
  });

  it('lets a lifetime run out on the target while the source keeps its own', async () => {
    const options = await setUp('lifetime', ['1', '2']);
    await engine.replicate(options);
    // Both machines' clocks are right; only this run's idea of now is an hour on, as far as clocks may differ.
    const policy = {
      targetRetention: 'custom',
      targetRetentionPolicy: { keep: [{ type: 'age', value: 1, unit: 'hour' }] },
    };
    const result = await engine.replicate({ ...options, ...policy });
    assert.deepEqual(result.pruned?.destroyed ?? [], []);
    engine.now = () => new Date(Date.now() + 2 * HOUR_MS);
    const later = await engine.replicate({ ...options, ...policy });
    // Rule 11: nothing is pruned by a clock that the hosts contradict.
    assert.deepEqual(later.pruned?.destroyed ?? [], []);
    assert.deepEqual(await onTarget('lifetime'), ['1', '2']);
  });
});
