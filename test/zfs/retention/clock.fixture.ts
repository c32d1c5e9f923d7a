// Prunes inside a lab machine, by the machine's own clock, which it sets ahead meanwhile; clock.test.ts starts it.
// The only argument is the dataset. Prints one JSON array: what became of each prune.
import { execFileSync } from 'node:child_process';
import { toZfsFlowError } from '../../../src/base/errors';
import type { Host } from '../../../src/host/host';
import { LocalHost } from '../../../src/host/local/local-host';
import type { PruneResult } from '../../../src/retention/options';
import { options } from './support';
import { TestContext } from '../../support/test-context';
import { prune } from '../../../src/retention/prune';

const dataset = process.argv[2] ?? '';
const host = new LocalHost();
/** As a connection that leads back to this machine, whose clock then proves nothing. */
const roundabout = new Proxy(host, {
  get(target, key) {
    if (key === 'isLocal') return false;
    const value: unknown = Reflect.get(target, key, target);
    return typeof value === 'function' ? (value.bind(target) as unknown) : value;
  },
});
const DAY = 24 * 3600;

function setClock(seconds: number): void {
  execFileSync('date', ['-s', `@${Math.floor(Date.now() / 1000) + seconds}`]);
}

/** Keeps what is younger than a day. */
async function attempt(raw: object = {}, by: Host = host): Promise<unknown> {
  const policy = { keep: [{ type: 'age', value: 1, unit: 'day' }] };
  const ctx = new TestContext<PruneResult>();
  try {
    const all = options({ connection: '', datasets: [dataset], policy, planLifetime: '1d', ...raw });
    const { destroyed, destroy, breaker, planId } = await prune(all, () => by, ctx);
    return { destroyed: destroyed.map(({ name }) => name), planned: destroy.length, breaker, planId };
  } catch (thrown) {
    const { code, message } = toZfsFlowError(thrown);
    return { code, message, destroyed: ctx.last.destroyed };
  }
}

async function main(): Promise<void> {
  const found = [await attempt()];
  setClock(365 * DAY);
  found.push(await attempt(), await attempt({}, roundabout), await attempt({ mode: 'plan' }));
  setClock(-365 * DAY);
  found.push(await attempt());
  setClock(365 * DAY);
  const plan = (await attempt({ mode: 'plan' })) as { planId: string };
  found.push(await attempt({ mode: 'approve', approved: plan.planId }), await attempt());
  setClock(-365 * DAY);
  console.log(JSON.stringify(found));
}

void main();
