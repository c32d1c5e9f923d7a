// Runs the tiers of `npm test` one after the other, counts, and looks what they left behind. Installing what they need
// is test.sh's. Types and the build come first and end the run when they fail; after that every tier gets its turn.
import { setTimeout as sleep } from 'node:timers/promises';
import { sweepLabs } from '../../test/lab/leftovers';
import { mochaTier } from './mocha-tier';
import { isStopped, run, stopOnSignals } from './processes';
import { RunTraces } from './run-traces';
import { BUILT } from './test-files';
import type { TierResult } from './tier-reporter';

const traces = new RunTraces();
const CHECKS: Record<string, string[]> = {
  types: ['npm', 'run', '--silent', 'types'],
  lint: ['npm', 'run', '--silent', 'lint'],
};

interface Outcome {
  tier: string;
  ok: boolean;
  seconds: number;
  said: string;
  tests: TierResult | null;
}

function heading(text: string): void {
  console.log(`\n\u001b[1m== ${text}\u001b[0m`);
}

async function check(tier: string, argv: readonly string[]): Promise<Outcome> {
  heading(tier);
  const began = performance.now();
  const ok = (await run(argv, { env: traces.environment })) === 0;
  return { tier, ok, seconds: (performance.now() - began) / 1000, said: ok ? 'passed' : 'FAILED', tests: null };
}

async function tests(tier: string): Promise<Outcome> {
  heading(tier);
  const began = performance.now();
  const { tests: result, troubles } = await mochaTier(tier, { env: traces.environment, scratch: traces.scratch });
  const seconds = (performance.now() - began) / 1000;
  const idle = result.passed + result.failed === 0;
  if (idle && process.env['CI'] === 'true') troubles.push('ran nothing');
  const said = troubles.length === 0 ? totals(result) : `${totals(result)}, but FAILED: ${troubles.join('; ')}`;
  return { tier, ok: result.failed === 0 && troubles.length === 0, seconds, said, tests: result };
}

function totals({ passed, failed, skipped }: Omit<TierResult, 'failures'>): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

async function runAll(tiers: readonly string[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const tier of tiers) {
    if (isStopped()) break;
    const argv = CHECKS[tier];
    if (argv !== undefined) {
      outcomes.push(await check(tier, argv));
    } else {
      if (BUILT.has(tier) && !outcomes.some((outcome) => outcome.tier === 'build')) {
        outcomes.push(await check('build', ['npm', 'run', '--silent', 'build']));
      }
      const built = outcomes.at(-1);
      if (built?.tier !== 'build' || built.ok) outcomes.push(await tests(tier));
    }
    const last = outcomes.at(-1);
    if (last !== undefined && !last.ok && (last.tier === 'types' || last.tier === 'build')) {
      console.log(`\n${last.tier} failed; nothing else was run.`);
      break;
    }
  }
  return outcomes;
}

/** What this run left, as an outcome of its own. */
async function tidiness(): Promise<Outcome> {
  const began = performance.now();
  // What is on its way out gets a moment.
  for (let i = 0; i < 50 && traces.left().length > 0; i++) await sleep(100);
  const left = traces.left();
  for (const line of left) console.log(`left behind: ${line}`);
  const said = left.length === 0 ? 'passed' : `FAILED: ${left.length} left behind`;
  return {
    tier: 'nothing left',
    ok: left.length === 0,
    seconds: (performance.now() - began) / 1000,
    said,
    tests: null,
  };
}

async function main(): Promise<void> {
  const tiers = process.argv.slice(2);
  stopOnSignals();
  sweepLabs();
  const outcomes = await runAll(tiers);
  outcomes.push(await tidiness());
  traces.remove();

  // Once more at the end: with thousands of lines before it, a failure is easily lost.
  const failures = outcomes.flatMap(({ tests }) => tests?.failures ?? []);
  if (failures.length > 0) heading('failed');
  for (const { title, said } of failures) console.log(`${title}\n${said}\n`);

  heading('summary');
  for (const { tier, seconds, said } of outcomes)
    console.log(`${tier.padEnd(14)}${`${seconds.toFixed(0)} s`.padStart(7)}   ${said}`);
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { ok, tests } of outcomes) {
    sum.passed += tests?.passed ?? 0;
    // A check that failed, or a tier that failed without a failed test, counts as one.
    sum.failed += tests === null || tests.failed === 0 ? Number(!ok) : tests.failed;
    sum.skipped += tests?.skipped ?? 0;
  }
  console.log(`\n${totals(sum)}`);
  if (isStopped()) console.log('stopped before its end');
  process.exitCode = sum.failed === 0 && !isStopped() ? 0 : 1;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
