// What is missing here: a user without a passwd entry, an `ssh` that does not work or knows fewer ciphers.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Machine } from '../../lab/machine';
import { connectOptions } from '../../support/engine';
import { useMachines } from '../../support/machines';

const FIXTURE = path.join(__dirname, 'unknown-user.fixture.ts');
const UNKNOWN = ['setpriv', '--reuid=54321', '--regid=54321', '--clear-groups'];
const ALL_OF_IT = 'received 3000000 bytes';

describe('bulk data without a usual ssh', function () {
  this.timeout(60_000);
  let a: Machine;
  let directory: string;

  useMachines({ a: {} }, (machines) => ({ a } = machines));
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'absent-test-'));
    chmodSync(directory, 0o755);
  });
  after(() => rmSync(directory, { recursive: true }));

  async function move(prefix: readonly string[], env: Record<string, string> = {}): Promise<Record<string, unknown>> {
    const loader = require.resolve('tsx/cjs');
    const [file, ...args] = [...prefix, process.execPath, '--require', loader, FIXTURE];
    const child = spawn(file, args, { env: { PATH: process.env['PATH'], ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.end(JSON.stringify(connectOptions(a)));
    let said = '';
    let complaints = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    await new Promise((resolve) => child.on('close', resolve));
    assert.notEqual(said, '', complaints);
    return JSON.parse(said) as Record<string, unknown>;
  }

  function shim(name: string, script: string): Record<string, string> {
    const place = path.join(directory, name);
    mkdirSync(place);
    writeFileSync(path.join(place, 'ssh'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return { PATH: `${place}:${process.env['PATH']}`, TMPDIR: '/tmp' };
  }

  it('is carried for a user whom the passwd database does not know [B9]', async () => {
    const outcome = await move(UNKNOWN);
    assert.deepEqual(outcome, { uid: 54_321, stdout: 'hi\n', said: [ALL_OF_IT, ALL_OF_IT] });
  });

  it('is carried with an ssh first on PATH that always fails [B9]', async () => {
    const env = shim('fails', 'echo "ssh: this is not the program that you want" >&2; exit 255');
    assert.deepEqual((await move([], env))['said'], [ALL_OF_IT, ALL_OF_IT]);
  });

  it('is carried by an ssh without the ciphers that "auto" would pick first [B9]', async () => {
    // As a build that knows one cipher only: it refuses every list with another.
    const only = 'aes256-ctr';
    const script = `case "$*" in
      -Q*) echo ${only}; exit;;
      *Ciphers=${only}" "*) exec /usr/bin/ssh "$@";;
    esac
    echo "command-line line 0: Bad SSH2 cipher spec" >&2; exit 255`;
    assert.deepEqual((await move([], shim('one-cipher', script)))['said'], [ALL_OF_IT, ALL_OF_IT]);
  });
});
