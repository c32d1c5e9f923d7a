// An index, not a proof: each script that runs on a far side, and whether the title of a test on a bare machine
// (`*.bare.test.ts`, docs/far-side.md) has its name. A script that is new fails here until it is tried there.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '../../..');
const SHELL = 'src/host/shell';

/** What host/shell exports that is no script of its own. */
const PARTS: Readonly<Record<string, string>> = {
  EVERYWHERE: 'an address',
  takesEverywhere: 'a question',
  plainCarrier: 'a choice',
  tlsCommand: 'of farEndScript',
  copyCommand: 'of farEndScript',
  NOT_CONNECTED: 'an exit code',
  NO_PORT: 'an exit code',
  OUT_OF_STEP: 'an exit code',
  newMarker: 'a word',
  writeMarker: 'of every marked script',
  commandWords: 'of every script with commands',
  localPipelineScript: 'runs where Node-RED runs',
  pipelineText: 'of farEndScript',
  listProcesses: 'reads /proc, which only Linux has: test/zfs/replication/far-side.test.ts',
  SYSTEM_PATH: 'directories',
  MAX_REMOTE_COMMAND: 'a number',
  quoteArg: 'a word',
  displayCommand: 'for people',
  writeEnvironment: 'of every script',
  splitPath: 'reads an option',
  WRAPPER: 'of remoteCommand',
  NEWLINE: 'of COUNT_FILES, PICK_FILES, HASH_FILES',
};

/** Other sources that hand text to a shell: what is tried of them, or why nothing is. */
const ELSEWHERE: Readonly<Record<string, { tried: string[] } | { because: string }>> = {
  'src/host/facts.ts': { tried: ['factsScript', 'changingScript'] },
  'src/host/host.ts': { because: 'an interface' },
  'src/host/local/local-host.ts': { because: 'runs where Node-RED runs' },
  'src/host/ssh/ssh-host.ts': { tried: ['markedScript', 'factsScript', 'endGroup'] },
  'src/host/tagged-processes.ts': { tried: ['endProcesses'] },
  'src/host/transport-facts.ts': { tried: ['transportScript'] },
  'src/host/witness.ts': { tried: ['sighting'] },
  'src/replication/execute/target-key.ts': { tried: ['WRITE_KEY_FILE', 'KEY_FILES'] },
  'src/snapshots/hooks.ts': { because: 'the script is its user’s' },
  'src/ssh-setup/install-key.ts': { tried: ['INSTALL_KEY', 'KEY_SETTINGS'] },
  'src/verify/execute/command.ts': { tried: ['RUN_COMMAND'] },
  'src/verify/execute/open.ts': { tried: ['IS_MOUNTED'] },
  'src/verify/execute/script.ts': { tried: ['MAKE_DIRECTORY', 'HASH_FILES'] },
  'src/stream/ways/local-pipeline.ts': { because: 'runs where Node-RED runs' },
};

const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

function sources(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.join(folder, name));
}

/** What stands in brackets at the end of a title, word by word. */
function triedNames(): Set<string> {
  const tests = sources('test/unit').filter((file) => file.endsWith('.bare.test.ts'));
  const titles = tests.flatMap((file) =>
    Array.from(read(file).matchAll(/\bit\(\s*(['`])(.*?)\1,/g), (found) => found[2] ?? ''),
  );
  return new Set(titles.flatMap((title) => /\(([\w, ]+)\)$/.exec(title)?.[1]?.split(', ') ?? []));
}

describe('scripts for a far side', () => {
  const tried = triedNames();

  it('of host/shell are each tried on a bare machine, or part of another', () => {
    const exported = sources(SHELL).flatMap((file) =>
      Array.from(read(file).matchAll(/^export (?:async )?(?:function|const) (\w+)/gm), ([, name = '']) => name),
    );
    assert.ok(exported.length > 30);
    assert.deepEqual(
      exported.filter((name) => !tried.has(name) && PARTS[name] === undefined),
      [],
    );
    // No entry outlives what it is about.
    assert.deepEqual(
      Object.keys(PARTS).filter((name) => !exported.includes(name) || tried.has(name)),
      [],
    );
  });

  it('elsewhere are known, and tried', () => {
    const found = [...sources('src'), ...sources('nodes')]
      .filter((file) => !file.startsWith(`${SHELL}/`))
      .filter((file) =>
        /^export function \w*[sS]cript\(|'(?:\/bin\/)?sh', '-c'|'\/bin\/sh'|\brunScript\(/m.test(read(file)),
      )
      .filter((file) => file !== 'src/ssh-setup/truenas/account.ts'); // names of login shells
    assert.deepEqual(found.toSorted(), Object.keys(ELSEWHERE).toSorted());
    const names = Object.values(ELSEWHERE).flatMap((entry) => ('tried' in entry ? entry.tried : []));
    assert.deepEqual(
      names.filter((name) => !tried.has(name)),
      [],
    );
  });
});
