// Any mix of jobs: never two in conflict at once, first come first served, and each message answered exactly once.
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { DatasetUse } from '../../../src/base/run-context';
import type { JobSpec } from '../../../src/jobs/job';
import { Bench, pools, settle } from '../../support/registry-bench';

describe('any mix of jobs', () => {
  const anyUse = fc.record({
    connection: fc.constantFrom('', 'a', 'b'),
    dataset: fc.constantFrom('tank', 'tank/x', 'tank/x/y', 'tank/z'),
    access: fc.constantFrom('read' as const, 'write' as const),
  });
  const anyStep = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('submit' as const), uses: fc.array(anyUse, { maxLength: 2 }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('finish' as const, 'cancel' as const), nth: fc.nat(9) }) },
  );
  // `a` and `b` lead to the same pool, '' to another of the same name.
  const guids: Record<string, string> = { '': '1', a: '2', b: '2' };
  const clash = (a: DatasetUse, b: DatasetUse): boolean =>
    (a.access === 'write' || b.access === 'write') &&
    guids[a.connection] === guids[b.connection] &&
    (`${a.dataset}/`.startsWith(`${b.dataset}/`) || `${b.dataset}/`.startsWith(`${a.dataset}/`));

  it('never runs two in conflict, and ends them all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 25 }), fc.integer({ min: 1, max: 4 }), async (steps, limit) => {
        const bench = new Bench({ maxParallelJobs: limit });
        const node = bench.attach('n');
        const hosts = pools(guids);
        const active = new Map<string, DatasetUse[]>();
        const order: string[] = [];
        const submitted = new Map<string, DatasetUse[]>();
        let count = 0;
        const submit = (uses: DatasetUse[]): void => {
          const name = `j${count++}`;
          submitted.set(name, uses);
          const inner = bench.spec(name, uses, { hosts });
          const run: JobSpec['run'] = async (resolver, ctx) => {
            for (const [other, theirs] of active) {
              assert.ok(!uses.some((use) => theirs.some((their) => clash(use, their))), `${name} beside ${other}`);
            }
            active.set(name, uses);
            order.push(name);
            assert.ok(active.size <= limit);
            return inner.run(resolver, ctx).finally(() => active.delete(name));
          };
          node.submit({ ...inner, run }, name);
        };
        for (const step of steps) {
          if (step.do === 'submit') submit(step.uses);
          else if (step.do === 'finish') bench.runs.get([...active.keys()][step.nth] ?? '')?.finish();
          else node.cancel(node.jobs()[step.nth]?.jobId ?? 'none');
          await settle();
        }
        for (let round = 0; round < 60 && node.jobs().length > 0; round++) {
          for (const name of active.keys()) bench.runs.get(name)?.finish();
          await settle();
        }
        assert.deepEqual(node.jobs(), [], 'all ended');
        assert.equal(bench.ends.length, count, 'each message exactly once');
        for (const { outcome } of bench.ends) {
          if (outcome.state === 'failed') throw outcome.error;
        }
        // First come first served: of two in conflict that both ran, the earlier ran first.
        order.forEach((name, at) => {
          for (const later of order.slice(at + 1)) {
            if (Number(later.slice(1)) > Number(name.slice(1))) continue;
            const conflict = submitted.get(name)?.some((a) => submitted.get(later)?.some((b) => clash(a, b)));
            assert.ok(!conflict, `${name} overtook ${later}`);
          }
        });
      }),
      { numRuns: 150 },
    );
  }).timeout(60_000);
});
