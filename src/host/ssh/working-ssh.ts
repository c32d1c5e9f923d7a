// Whether there is an `ssh` program that works. One that exists may still refuse: OpenSSH runs for no user who is not in the
// passwd database (Docker's `user:`), dropbear's knows no `-o`, and libraries may be missing. Then our helper process
// (pipe-process.ts) carries the data.
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface SshProgram {
  file: string;
  /** What it has of those that were asked for: builds for FIPS or without OpenSSL have fewer. */
  ciphers: ReadonlySet<string>;
}

/** For so long what a program answered is believed: it may be installed, or the user entered, meanwhile. Milliseconds. */
const LASTING_MS = 60_000;
/** A program that does not answer by then does not work. Milliseconds. */
const PATIENCE_MS = 10_000;

/** What our command lines (ssh-program.ts) need beyond `-o`, each in the words of ssh_config(5). */
const NEEDED = ['HostKeyAlias=zfsflow', 'IdentitiesOnly=yes', 'UpdateHostKeys=no', 'StrictHostKeyChecking=yes'];

const known = new Map<string, { asked: number; answer: Promise<SshProgram | undefined> }>();

/** The first `ssh` on PATH that works with some of `ciphers`; undefined when none does. */
export async function workingSsh(
  ciphers: readonly string[],
  path = process.env['PATH'] ?? '',
): Promise<SshProgram | undefined> {
  const directories = [...path.split(delimiter), '/usr/bin', '/usr/local/bin'].filter((name) => name !== '');
  for (const file of new Set(directories.map((directory) => join(directory, 'ssh')))) {
    const program = isExecutable(file) ? await remembered(file, ciphers) : undefined;
    if (program) return program;
  }
  return undefined;
}

async function remembered(file: string, ciphers: readonly string[]): Promise<SshProgram | undefined> {
  const key = [file, ...ciphers].join('\n');
  const before = known.get(key);
  if (before && performance.now() - before.asked < LASTING_MS) return before.answer;
  const answer = ask(file, ciphers);
  known.set(key, { asked: performance.now(), answer });
  return answer;
}

async function ask(file: string, wanted: readonly string[]): Promise<SshProgram | undefined> {
  const listed = new Set((await output(file, ['-Q', 'cipher']))?.split('\n').map((line) => line.trim()));
  const ciphers = wanted.filter((cipher) => listed.has(cipher));
  if (ciphers.length === 0) return undefined;
  // Reads its settings as for a connection, and prints them instead of making one.
  const settings = [...NEEDED, `Ciphers=${ciphers.join(',')}`].flatMap((setting) => ['-o', setting]);
  const read = await output(file, ['-F', 'none', '-T', '-x', ...settings, '-G', '--', 'localhost']);
  return read === undefined ? undefined : { file, ciphers: new Set(ciphers) };
}

/** What it prints; undefined when it cannot be started, fails or hangs. */
async function output(file: string, args: readonly string[]): Promise<string | undefined> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], LC_ALL: 'C' };
  return new Promise((resolve) => {
    const options = { env, cwd: '/', timeout: PATIENCE_MS, killSignal: 'SIGKILL' as const };
    const child = execFile(file, [...args], options, (error, stdout) => resolve(error ? undefined : stdout));
    child.stdin?.on('error', () => undefined);
    child.stdin?.end();
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
