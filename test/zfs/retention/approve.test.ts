// Plan, approve, execute on real pools: a plan changes nothing, and an approved one is executed only while it is true.
import assert from 'node:assert/strict';
import type { SshHost } from '../../../src/host/ssh/ssh-host';
import type { PruneResult } from '../../../src/retention/options';
import type { Machine } from '../../lab/machine';
import { connect } from '../../support/engine';
import { useMachines } from '../../support/machines';
import { failure, resolver, runPrune } from './support';
import { TestContext } from '../../support/test-context';

describe('approving a prune on real ZFS', () => {
  let nas: Machine;
  let host: SshHost;
  let dataset = '';
  let counter = 0;

  const names = (): Promise<string[]> => nas.snapshotNames(dataset);
  const take = (...list: string[]): Promise<void> => nas.snapshotEach(dataset, list);
  const run = (raw: Record<string, unknown> = {}, ctx = new TestContext<PruneResult>()): Promise<PruneResult> =>
    runPrune(resolver({ nas: host }), { datasets: [dataset], ...raw }, ctx);

  after(() => host.close());
  useMachines({ nas: { pool: 'tank' } }, (machines) => {
    ({ nas } = machines);
    host = connect(nas);
  });
  beforeEach(async () => {
    dataset = `tank/d${++counter}`;
    await nas.createDataset(dataset);
  });

  it('plans without changing anything', async () => {
    await take('a', 'b');
    const before = await nas.read(['zpool', 'history', '-i', 'tank']);
    const result = await run({ mode: 'plan' });
    assert.deepEqual(
      result.destroy.map(({ name }) => name),
      ['a'],
    );
    assert.deepEqual(result.destroyed, []);
    assert.equal(await nas.read(['zpool', 'history', '-i', 'tank']), before);
  });

  it('executes an approved plan by its id, even past the breaker, and leaves later snapshots alone', async () => {
    await take(...Array.from({ length: 14 }, (_, index) => `s${index}`));
    const limits = { maxDestroyFraction: 0.5 };
    const ctx = new TestContext<PruneResult>();
    await failure(run(limits, ctx), 'BREAKER_TRIPPED');
    assert.equal(ctx.last.destroy.length, 13);
    const plan = await run({ ...limits, mode: 'plan' });
    assert.equal(plan.breaker.length, 1);
    await take('late');
    const result = await run({ ...limits, mode: 'approve', approved: plan.planId });
    assert.equal(result.destroyed.length, 13);
    assert.match(result.keep.find(({ name }) => name === 's13')?.reasons.join() ?? '', /not part of the approved plan/);
    assert.deepEqual(await names(), ['s13', 'late']);
    const again = await failure(run({ ...limits, mode: 'approve', approved: plan.planId }), 'PLAN_STALE');
    assert.match(again.message, /no longer true for 13 of its 13/);
  });

  it('executes an approved plan that a message brings, part of it too', async () => {
    await take('a', 'b', 'c', 'd');
    const plan = await run({ mode: 'plan' });
    const sent = JSON.parse(JSON.stringify(plan)) as PruneResult;
    const part = sent.destroy.filter(({ name }) => name === 'b');
    // Named twice, by a dashboard that sends a row for each click, is named once.
    sent.destroy = [...part, ...part];
    const { destroyed } = await run({ mode: 'approve', approved: sent });
    assert.equal(destroyed.length, 1);
    assert.deepEqual(await names(), ['a', 'c', 'd']);
  });

  const changes: Record<string, (plan: PruneResult) => Promise<unknown>> = {
    gone: () => nas.run(['zfs', 'destroy', `${dataset}@a`]),
    held: () => nas.run(['zfs', 'hold', 'x', `${dataset}@a`]),
    cloned: () => nas.run(['zfs', 'clone', `${dataset}@a`, `${dataset}-clone`]),
    renamed: () => nas.run(['zfs', 'rename', `${dataset}@a`, `${dataset}@z`]),
    replaced: () => nas.sh('zfs destroy "$1@a"; zfs snapshot "$1@a"', { args: [dataset] }),
  };
  for (const [what, change] of Object.entries(changes)) {
    it(`refuses the whole plan when an item was ${what} [C1 62]`, async () => {
      await take('a', 'b', 'c');
      const plan = await run({ mode: 'plan' });
      assert.equal(plan.destroy.length, 2);
      await change(plan);
      const before = await names();
      const error = await failure(run({ mode: 'approve', approved: plan }), 'PLAN_STALE');
      assert.match(JSON.stringify(error.details), /"name":"a"/);
      assert.deepEqual(await names(), before);
    });
  }

  it('refuses plans that are too old, unknown, or not what this policy would destroy', async () => {
    await take('a', 'b', 'c');
    const plan = await run({ mode: 'plan' });
    const later = new TestContext<PruneResult>(() => new Date(Date.now() + 240_000));
    const approve = { mode: 'approve', approved: plan };
    await failure(run({ ...approve, planLifetime: '3m' }, later), 'PLAN_STALE');
    await failure(run({ ...approve, approved: 'deadbeef' }), 'PLAN_STALE');
    const forged = { ...plan, destroy: [...plan.destroy, ...plan.keep] };
    await failure(run({ ...approve, approved: forged }), 'PLAN_STALE');
    await failure(run({ ...approve, policy: { keep: [{ type: 'last', count: 2 }] } }), 'PLAN_STALE');
    assert.deepEqual(await names(), ['a', 'b', 'c']);
  });
});
