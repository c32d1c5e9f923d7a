// Runs the tests of a tier in mocha: in one process, in two, or, where tests mostly wait for machines, file by file in two at a time.
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { end, isStopped, ROOT, run } from './processes';
import { testFiles, ZFS_21 } from './test-files';
import type { TierResult } from './tier-reporter';

/** Minutes after which mocha is ended; an endless loop in a test is out of its own reach. */
const LIMIT = 45;
/** Seconds that mocha gets to end by itself once all tests are done. */
const GRACE = 30;
/** Characters of what it said last that are repeated where it ended before its tests: a file that could not be loaded. */
const COMPLAINTS = 3_000;
/** Unit tests that send over real processes: they mostly wait, and look whether any of those are left on this machine. */
const SENDS = /^test\/unit\/stream\//;
/** Tiers whose files have a process each; those of others share one, but for the unit tests that send. */
const FILE_BY_FILE: ReadonlySet<string> = new Set(['zfs', ZFS_21]);
/** Processes of a tier. */
const AT_ONCE = 2;

export interface TierRun {
  tests: TierResult;
  /** What went wrong beside failed tests, in words. */
  troubles: string[];
}

export interface TierSettings {
  env: Readonly<Record<string, string>>;
  /** For result files. */
  scratch: string;
  /** Another tier runs at the same time: what it says comes in one piece, and it has one process at a time. */
  isBeside: boolean;
}

interface Share {
  /** Of its result file. */
  name: string;
  files: readonly string[];
  /** Its output comes in one piece at the end. */
  collected: boolean;
}

async function mocha({ name, files, collected }: Share, settings: TierSettings): Promise<TierRun> {
  const file = path.join(settings.scratch, `result-${name}.json`);
  if (existsSync(file)) throw new Error(`two runs of tests are called ${name}`);
  const argv = ['node_modules/mocha/bin/mocha.js', '--config', 'test/mocharc.json', '--reporter'];
  const troubles: string[] = [];
  let complaints = '';
  const code = await run([process.execPath, ...argv, 'scripts/check/tier-reporter.ts', ...files], {
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

/** What is run in a process of its own, in the order in which it is begun. */
function sharesOf(tier: string, isBeside: boolean): Share[] {
  const files = testFiles(tier);
  if (!FILE_BY_FILE.has(tier)) {
    const others = files.filter((file) => !SENDS.test(file));
    const sending = files.filter((file) => SENDS.test(file));
    return [
      { name: tier, files: others, collected: isBeside },
      ...(sending.length > 0 ? [{ name: `${tier}-sending`, files: sending, collected: true }] : []),
    ];
  }
  // The long ones first, as far as the size tells, so that none is left over at the end.
  const size = (file: string): number => statSync(path.join(ROOT, file)).size;
  return files
    .toSorted((a, b) => size(b) - size(a))
    .map((file) => ({ name: resultName(tier, file), files: [file], collected: true }));
}

/** Runs a tier to its end, whatever fails on the way. */
export async function mochaTier(tier: string, settings: TierSettings): Promise<TierRun> {
  const shares = sharesOf(tier, settings.isBeside);
  const runs: TierRun[] = [];
  const work = async (): Promise<void> => {
    for (let share = shares.shift(); share !== undefined && !isStopped(); share = shares.shift()) {
      runs.push(await mocha(share, settings));
    }
  };
  await Promise.all(Array.from({ length: settings.isBeside ? 1 : AT_ONCE }, work));
  return sum(runs);
}
