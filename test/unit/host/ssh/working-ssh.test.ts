// Whether an `ssh` program works: real builds and stand-ins that refuse, know less, or hang.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wantedCiphers } from '../../../../src/host/ssh/ssh-program';
import { workingSsh } from '../../../../src/host/ssh/working-ssh';

const AUTO = wantedCiphers('auto');

describe('the ssh program', function () {
  this.timeout(30_000);
  let directory: string;
  let real: string;
  let count = 0;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'working-ssh-test-'));
    real = execFileSync('/bin/sh', ['-c', 'command -v ssh'], { encoding: 'utf8' }).trim();
  });
  after(() => rmSync(directory, { recursive: true }));

  /** A directory with an `ssh` that runs this script. */
  function shim(script: string): string {
    const place = join(directory, String(count++));
    mkdirSync(place);
    writeFileSync(join(place, 'ssh'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(place, 'ssh'), 0o755);
    return place;
  }

  /** Which of a PATH is taken. */
  async function taken(path: string, ciphers = AUTO): Promise<string | undefined> {
    return (await workingSsh(ciphers, path))?.file;
  }

  it('that works is taken, with what it knows of the ciphers wanted [B9]', async () => {
    const program = await workingSsh(AUTO);
    assert.deepEqual([program?.file, [...(program?.ciphers ?? [])]], [real, [...AUTO]]);
  });

  for (const [name, script] of Object.entries({
    'refuses an unknown user': 'echo "No user exists for uid 54321" >&2; exit 255',
    'is another program': 'echo "WARNING: Ignoring unknown option -Q" >&2; echo "Dropbear SSH client v2022.83"; exit 1',
    'lacks a library': 'echo "ssh: error while loading shared libraries: libcrypto.so.3" >&2; exit 127',
    'says nothing': 'exit 0',
    'knows none of our settings': `case $1 in -Q) exec REAL "$@";; esac; echo "Bad configuration option" >&2; exit 255`,
    // Lists them and then refuses (a policy for FIPS).
    'does not take what it lists': `case "$*" in -Q*) exec REAL "$@";; *chacha20*) exit 255;; esac; exec REAL "$@"`,
  })) {
    it(`that ${name} is passed over for the next on PATH [B9]`, async () => {
      const place = shim(script.replaceAll('REAL', real));
      assert.equal(await taken(`${place}:/usr/bin`), real);
    });
  }

  it('that cannot be executed is passed over, and none is no error [B9]', async () => {
    const place = shim('exit 1');
    chmodSync(join(place, 'ssh'), 0o644);
    assert.notEqual(await taken(place), join(place, 'ssh'));
    assert.equal(await taken('/nowhere', ['no-such-cipher']), undefined);
  });

  it('with fewer ciphers is asked for those that it has [B9]', async () => {
    for (const has of [['chacha20-poly1305@openssh.com', 'aes256-ctr'], ['aes128-gcm@openssh.com']]) {
      const place = shim(`[ "$1" = -Q ] && { printf '%s\\n' ${has.join(' ')} 3des-cbc; exit; }; exec ${real} "$@"`);
      const program = await workingSsh(AUTO, place);
      assert.equal(program?.file, join(place, 'ssh'));
      assert.deepEqual([...program.ciphers].toSorted(), [...has].toSorted());
      assert.equal(await taken(`${place}:/usr/bin`, ['aes192-ctr']), real);
    }
  });
});
