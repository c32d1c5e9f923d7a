// Runs the tiers of `npm test` one after the other (some of them beside another one), counts, and looks what they left behind. Installing
// what they need is test.sh's. Types and the build come first and end the run when they fail; after that every tier gets its turn.
import { setTimeout as sleep } from 'node:timers/promises';
import { buildLab } from '../../test/lab/lab';
import { sweepLabs } from '../../test/lab/leftovers';
import { isBuilt } from '../../test/lab/problems';
import { mochaTier } from './mocha-tier';
import { endAll, isStopped, run, stopOnSignals } from './processes';
import { RunTraces } from './run-traces';
import { BESIDE, BUILT, ZFS_21 } from './test-files';
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

/** OpenZFS of the tier `zfs21`. */
const OLD = 'bookworm';

/**
 * Its lab, which nothing else needs: built while the other tiers run, where it is not there, on one CPU and only when nobody
 * else wants it. What goes wrong is said when its tier begins, by a build of its own.
 */
async function buildOldLab(): Promise<void> {
  if (isBuilt(OLD)) return;
  console.log('The lab of OpenZFS 2.1 is built in the background.');
  const env = { ...traces.environment, ZFS_LAB_JOBS: '1' };
  await run(['nice', '-n', '19', 'test/lab/zfs-lab-build', '--flavour', OLD, '--quiet'], { env, collected: true });
}

async function tests(tier: string, isBeside: boolean): Promise<Outcome> {
  heading(tier);
  const began = performance.now();
  const env = { ...traces.environment, ...(tier === ZFS_21 ? { ZFS_LAB_FLAVOUR: OLD } : {}) };
  if (tier === ZFS_21) await buildLab(OLD, (line) => console.log(`  ${line}`));
  const { tests: result, troubles } = await mochaTier(tier, { env, scratch: traces.scratch, isBeside });
  const seconds = (performance.now() - began) / 1000;
  const isCi = process.env['CI'] === 'true';
  if (result.passed + result.failed === 0 && isCi) troubles.push('ran nothing');
  if (tier === ZFS_21 && result.skipped > 0 && isCi) troubles.push(`${result.skipped} skipped`);
  const said = troubles.length === 0 ? totals(result) : `${totals(result)}, but FAILED: ${troubles.join('; ')}`;
  return { tier, ok: result.failed === 0 && troubles.length === 0, seconds, said, tests: result };
}

/** A tier that cannot even begin fails too. */
function failed(tier: string, thrown: unknown): Outcome {
  console.error(thrown);
  const said = `FAILED: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  return { tier, ok: false, seconds: 0, said, tests: null };
}

function totals({ passed, failed, skipped }: Omit<TierResult, 'failures'>): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** The tiers in their order, those together that run at the same time. */
function inTurns(tiers: readonly string[]): string[][] {
  const companions = new Set(Object.entries(BESIDE).flatMap(([tier, one]) => (tiers.includes(tier) ? [one] : [])));
  return tiers
    .filter((tier) => !companions.has(tier))
    .map((tier) => [tier, BESIDE[tier] ?? ''].filter((one) => tiers.includes(one)));
}

async function runAll(tiers: readonly string[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const oldLab = tiers.includes(ZFS_21) ? buildOldLab() : undefined;
  for (const turn of inTurns(tiers)) {
    const [tier = ''] = turn;
    if (isStopped()) break;
    const argv = CHECKS[tier];
    if (argv === undefined && !(await ensureBuilt(tier, outcomes))) break;
    if (turn.includes(ZFS_21)) await oldLab;
    if (argv !== undefined) outcomes.push(await check(tier, argv));
    else
      outcomes.push(
        ...(await Promise.all(
          turn.map((one) => tests(one, one !== tier).catch((error: unknown) => failed(one, error))),
        )),
      );
    if (tier === 'types' && outcomes.at(-1)?.ok === false) break;
  }
  const first = outcomes.find(({ tier, ok }) => !ok && (tier === 'types' || tier === 'build'));
  if (first) console.log(`\n${first.tier} failed; nothing else was run.`);
  if (first || isStopped()) endAll();
  await oldLab;
  return outcomes;
}

/** Builds the package where a tier loads it and it was not built yet. */
async function ensureBuilt(tier: string, outcomes: Outcome[]): Promise<boolean> {
  if (!BUILT.has(tier)) return true;
  const before = outcomes.find((outcome) => outcome.tier === 'build');
  if (before) return before.ok;
  const built = await check('build', ['npm', 'run', '--silent', 'build']);
  outcomes.push(built);
  return built.ok;
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
