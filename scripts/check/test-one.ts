// `npm run test:one -- PATTERN…` runs the test files whose path contains one of the patterns, of whatever tier, and with
// `--watch` again after each change. What begins with a dash, and what follows it, is mocha's: `-- steps --grep fewest`.
// Nothing is installed here and no tier is run whole: that is `npm test`.
import { watch } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isStopped, ROOT, run, stopOnSignals } from './processes';
import { BUILT, TEST_TIERS, testFiles } from './test-files';

const MOCHA = [process.execPath, 'node_modules/mocha/bin/mocha.js', '--config', 'test/mocharc.json'];
/** What a test may depend on; changes elsewhere start nothing. */
const WATCHED = ['src', 'nodes', 'test', 'scripts'];
const SOURCES = /\.(ts|html|json|svg|css)$/;
/** An editor that saves several files, or one in several steps, makes one run. */
const SETTLE_MS = 200;

interface Wanted {
  patterns: string[];
  /** For mocha. */
  options: string[];
  again: boolean;
}

function readArguments([...given]: readonly string[]): Wanted {
  const again = given[0] === '--watch';
  if (again) given.shift();
  const first = given.findIndex((word) => word.startsWith('-'));
  const end = first < 0 ? given.length : first;
  return { patterns: given.slice(0, end), options: given.slice(end), again };
}

const matching = (patterns: readonly string[]): string[] =>
  TEST_TIERS.flatMap(testFiles).filter((file) => patterns.some((pattern) => file.includes(pattern)));

/** Exit code: of the build where one is needed and fails, else of mocha. */
async function runOnce({ patterns, options }: Wanted): Promise<number> {
  const files = matching(patterns);
  if (files.length === 0) {
    console.error(`no test file's path contains ${patterns.map((pattern) => `"${pattern}"`).join(' or ')}`);
    return 1;
  }
  for (const file of files) console.log(file);
  if (files.some((file) => BUILT.has(file.split('/')[1] ?? ''))) {
    console.log('building, since tests among these load the built package');
    const code = await run(['npm', 'run', '--silent', 'build']);
    if (code !== 0) return code;
  }
  return run([...MOCHA, ...options, ...files]);
}

/** Runs after each change, and once more for what changed meanwhile, until it is stopped. */
async function runAgain(wanted: Wanted): Promise<void> {
  let changed = false;
  let wake = (): void => undefined;
  const onChange = (): void => {
    changed = true;
    wake();
  };
  const watchers = WATCHED.map((folder) =>
    watch(path.join(ROOT, folder), { recursive: true }, (_, name) => {
      if (name !== null && SOURCES.test(name)) onChange();
    }),
  );
  process.on('SIGINT', () => wake()).on('SIGTERM', () => wake());
  while (!isStopped()) {
    changed = false;
    await runOnce(wanted);
    if (isStopped()) break;
    console.log(`\nwaiting for a change in ${WATCHED.join(', ')}`);
    if (!changed) await new Promise<void>((resolve) => (wake = resolve));
    await sleep(SETTLE_MS);
  }
  for (const watcher of watchers) watcher.close();
}

async function main(): Promise<void> {
  const wanted = readArguments(process.argv.slice(2));
  stopOnSignals();
  if (wanted.patterns.length === 0) {
    console.error('usage: npm run test:one -- PATTERN… [mocha options], or test:watch; a pattern is part of a path');
    process.exitCode = 1;
  } else if (wanted.again) await runAgain(wanted);
  else process.exitCode = await runOnce(wanted);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
