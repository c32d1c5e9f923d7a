// A temporary directory that only this user can enter, removed when it is released, when the process exits, or – after
// a crash – by the next process. Holds sockets and public files; no private key is ever written.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'zfsflow-';
/** The longest path of a Unix socket is 103 bytes on FreeBSD and macOS, 107 on Linux. */
const SOCKET_PATH_LIMIT = 103;
export const SOCKET_NAME = 'agent';

const held = new Set<string>();
let prepared = false;

/** Creates the directory (mode 0700). Throws what the file system throws. */
export function createPrivateDirectory(): string {
  prepare();
  const name = `${PREFIX}${process.pid}-`;
  const fits = join(tmpdir(), `${name}XXXXXX`, SOCKET_NAME).length <= SOCKET_PATH_LIMIT;
  const directory = mkdtempSync(join(fits ? tmpdir() : '/tmp', name));
  held.add(directory);
  return directory;
}

export function removePrivateDirectory(directory: string): void {
  held.delete(directory);
  rmSync(directory, { recursive: true, force: true });
}

function prepare(): void {
  if (prepared) return;
  prepared = true;
  process.on('exit', () => {
    for (const directory of held) rmSync(directory, { recursive: true, force: true });
  });
  for (const parent of new Set([tmpdir(), '/tmp'])) sweep(parent);
}

/** Removes what dead processes of this user left behind. */
function sweep(parent: string): void {
  for (const name of entries(parent)) {
    const pid = Number(/^zfsflow-(\d+)-\w{6}$/.exec(name)?.[1]);
    if (!pid || isAlive(pid)) continue;
    const directory = join(parent, name);
    try {
      if (statSync(directory).uid !== process.getuid?.()) continue;
    } catch {
      continue;
    }
    // Containers may share the directory but not the process ids: a socket that answers is in use.
    const probe = createConnection(join(directory, SOCKET_NAME));
    probe.unref();
    probe.on('connect', () => probe.destroy());
    probe.on('error', () => rmSync(directory, { recursive: true, force: true }));
  }
}

function entries(parent: string): string[] {
  try {
    return readdirSync(parent);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
