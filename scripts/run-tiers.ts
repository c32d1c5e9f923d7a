// Runs the tiers of `npm test` one after the other, counts, and looks what they left behind. Installing what they need
// is test.sh's. Types and the build come first and end the run when they fail; after that every tier gets its turn.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sweepLabs } from '../test/lab/leftovers';
import { RunTraces } from './run-traces';
import type { TierResult } from './tier-reporter';

const ROOT = path.resolve(__dirname, '..');
const traces = new RunTraces();
const CHECKS: Record<string, string[]> = {
  types: ['npm', 'run', '--silent', 'types'],
  lint: ['npm', 'run', '--silent', 'lint'],
};
/** Tiers that load the built package. */
const BUILT = new Set(['nodes', 'zfs', 'package', 'e2e']);

interface Outcome {
  tier: string;
  ok: boolean;
  seconds: number;
  said: string;
  tests: TierResult | null;
}

/** The tier that runs now, and whether the whole run was asked to end. */
let running: ChildProcess | null = null;
let stopped = false;

/** Minutes after which a tier is ended; an endless loop in a test is out of mocha's own reach. */
const TIER_LIMIT = 32;
/** Seconds that mocha gets to end by itself once all tests are done. */
const GRACE = 30;

/** Asks a process to end, then makes it. */
function end(child: ChildProcess): void {
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
}

/** Exit code; a signal counts as 1. The output goes to the terminal. Ended after the tier's limit. */
function run(
  argv: readonly string[],
  env: Record<string, string> = {},
  watch: (child: ChildProcess) => NodeJS.Timeout[] = () => [],
): Promise<number> {
  const [program = '', ...rest] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, ...traces.environment, ...env },
    });
    const timers = watch(child);
    running = child;
    child.once('error', reject);
    child.once('exit', (code) => {
      for (const timer of timers) clearInterval(timer);
      running = null;
      resolve(code ?? 1);
    });
  });
}

function heading(text: string): void {
  console.log(`\n\u001b[1m== ${text}\u001b[0m`);
}

async function check(tier: string, argv: readonly string[]): Promise<Outcome> {
  heading(tier);
  const began = performance.now();
  const ok = (await run(argv)) === 0;
  return { tier, ok, seconds: (performance.now() - began) / 1000, said: ok ? 'passed' : 'FAILED', tests: null };
}

async function mochaTier(tier: string): Promise<Outcome> {
  heading(tier);
  const began = performance.now();
  const file = path.join(traces.scratch, `result-${tier}.json`);
  const mocha = [
    'node_modules/mocha/bin/mocha.js',
    '--config',
    'test/mocharc.json',
    '--reporter',
    'scripts/tier-reporter.ts',
  ];
  let trouble = '';
  const code = await run([process.execPath, ...mocha, `test/${tier}/**/*.test.ts`], { TIER_RESULT: file }, (child) => {
    const limit = setTimeout(() => {
      trouble = `ended after ${TIER_LIMIT} minutes`;
      end(child);
    }, TIER_LIMIT * 60_000);
    const lingering = setInterval(() => {
      if (!existsSync(file) || Date.now() - statSync(file).mtimeMs < GRACE * 1000) return;
      trouble = `did not end by itself ${GRACE} s after its last test: something is still open`;
      end(child);
    }, 1000);
    return [limit, lingering];
  });
  const seconds = (performance.now() - began) / 1000;
  if (!existsSync(file)) {
    const said = `FAILED before its end${trouble === '' ? '' : `: ${trouble}`}`;
    return { tier, ok: false, seconds, said, tests: { passed: 0, failed: 1, skipped: 0 } };
  }
  const tests = JSON.parse(readFileSync(file, 'utf8')) as TierResult;
  const idle = tests.passed + tests.failed === 0;
  let said = totals(tests);
  if (idle) said += process.env['CI'] === 'true' ? ': ran nothing, which is a failure' : ': ran nothing';
  else if (trouble !== '') said += `, but FAILED: ${trouble}`;
  else if (code !== 0 && tests.failed === 0) said += `, but FAILED: mocha ended with ${code}`;
  return { tier, ok: code === 0 && !(idle && process.env['CI'] === 'true'), seconds, said, tests };
}

function totals({ passed, failed, skipped }: TierResult): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

async function runAll(tiers: readonly string[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const tier of tiers) {
    if (stopped) break;
    const argv = CHECKS[tier];
    if (argv !== undefined) {
      outcomes.push(await check(tier, argv));
    } else {
      if (BUILT.has(tier) && !outcomes.some((outcome) => outcome.tier === 'build')) {
        outcomes.push(await check('build', ['npm', 'run', '--silent', 'build']));
      }
      const built = outcomes.at(-1);
      if (built?.tier !== 'build' || built.ok) outcomes.push(await mochaTier(tier));
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

/** Ctrl-C reaches the tier by itself, since it is of the same process group; SIGTERM is handed on. */
function stop(signal: NodeJS.Signals): void {
  stopped = true;
  if (running !== null && signal === 'SIGTERM') end(running);
}

async function main(): Promise<void> {
  const tiers = process.argv.slice(2);
  process.on('SIGTERM', stop).on('SIGINT', stop);
  sweepLabs();
  const outcomes = await runAll(tiers);
  outcomes.push(await tidiness());
  traces.remove();

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
  if (stopped) console.log('stopped before its end');
  process.exitCode = sum.failed === 0 && !stopped ? 0 : 1;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
