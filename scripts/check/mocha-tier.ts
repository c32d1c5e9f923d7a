// Runs the tests of a tier in mocha: all files in one process, or, where tests mostly wait for machines, file by file in
// several processes at once.
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { end, isStopped, ROOT, run } from './processes';
import { BESIDE, testFiles, ZFS_21 } from './test-files';
import type { TierResult } from './tier-reporter';

/** Minutes after which mocha is ended; an endless loop in a test is out of its own reach. */
const LIMIT = 45;
/** Seconds that mocha gets to end by itself once all tests are done. */
const GRACE = 30;
/** Characters of what it said last that are repeated where it ended before its tests: a file that could not be loaded. */
const COMPLAINTS = 3_000;
/** How many files at once, by tier; 1 where it is not said, and then they share a process. */
const AT_ONCE: Readonly<Record<string, number>> = { zfs: 2, [ZFS_21]: 2 };

export interface TierRun {
  tests: TierResult;
  /** What went wrong beside failed tests, in words. */
  troubles: string[];
}

export interface TierSettings {
  env: Readonly<Record<string, string>>;
  /** For result files. */
  scratch: string;
}

async function mocha(name: string, spec: string, collected: boolean, settings: TierSettings): Promise<TierRun> {
  const file = path.join(settings.scratch, `result-${name}.json`);
  if (existsSync(file)) throw new Error(`two runs of tests are called ${name}`);
  const argv = ['node_modules/mocha/bin/mocha.js', '--config', 'test/mocharc.json', '--reporter'];
  const troubles: string[] = [];
  let complaints = '';
  const code = await run([process.execPath, ...argv, 'scripts/check/tier-reporter.ts', spec], {
    env: { ...settings.env, TIER_RESULT: file },
    collected,
    complaint: (text) => (complaints = (complaints + text).slice(-COMPLAINTS)),
    watch: (child) => {
      const limit = setTimeout(() => {
        troubles.push(`${name}: ended after ${LIMIT} minutes`);
        end(child);
      }, LIMIT * 60_000);
      const lingering = setInterval(() => {
        if (!existsSync(file) || Date.now() - statSync(file).mtimeMs < GRACE * 1000) return;
        troubles.push(`${name}: did not end by itself ${GRACE} s after its last test, something is still open`);
        end(child);
      }, 1000);
      return [limit, lingering];
    },
  });
  if (!existsSync(file)) {
    troubles.push(`${name}: ended before its last test, with ${code}`);
    return { tests: { passed: 0, failed: 1, skipped: 0, failures: [{ title: name, said: complaints }] }, troubles };
  }
  const tests = JSON.parse(readFileSync(file, 'utf8')) as TierResult;
  if (code !== 0 && tests.failed === 0 && troubles.length === 0) troubles.push(`${name}: mocha ended with ${code}`);
  return { tests, troubles };
}

function sum(runs: readonly TierRun[]): TierRun {
  const total: TierRun = { tests: { passed: 0, failed: 0, skipped: 0, failures: [] }, troubles: [] };
  for (const { tests, troubles } of runs) {
    total.tests.passed += tests.passed;
    total.tests.failed += tests.failed;
    total.tests.skipped += tests.skipped;
    total.tests.failures.push(...tests.failures);
    total.troubles.push(...troubles);
  }
  return total;
}

/** `test/zfs/host/link.test.ts` → `zfs-host-link`; `zfs21-…` where it is run in that tier. */
const resultName = (tier: string, file: string): string =>
  file
    .replace(/^test\/[^/]+/, tier)
    .replace(/\.test\.ts$/, '')
    .replaceAll('/', '-');

/** Runs a tier to its end, whatever fails on the way. */
export async function mochaTier(tier: string, settings: TierSettings): Promise<TierRun> {
  const atOnce = AT_ONCE[tier] ?? 1;
  if (atOnce === 1) return mocha(tier, `test/${tier}/**/*.test.ts`, Object.values(BESIDE).includes(tier), settings);
  // The long ones first, as far as the size tells, so that none is left over at the end.
  const size = (file: string): number => statSync(path.join(ROOT, file)).size;
  const files = testFiles(tier).toSorted((a, b) => size(b) - size(a));
  const runs: TierRun[] = [];
  const work = async (): Promise<void> => {
    for (let file = files.shift(); file !== undefined && !isStopped(); file = files.shift()) {
      runs.push(await mocha(resultName(tier, file), file, true, settings));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return sum(runs);
}
