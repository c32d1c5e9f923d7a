// What a lab owns outside its process, and how all of it goes: machines, namespace, mounts, sockets, disks, files.
// Synchronous, because the last chance to tidy up is a signal or the end of the process. Also the sweep of labs
// whose owner is dead, and the list of what is still there (for the check after a test run).
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const LAB_SCRIPT = path.join(__dirname, 'zfs-lab');
const PREFIX = 'zfslab-';
const NAMESPACES = '/run/netns';
const MEMORY = '/dev/shm';

export interface LabRecord {
  owner: { pid: number; born: string };
  namespace: string;
  disks: string;
}

/** Start time of a live process in clock ticks since boot, so that a recycled pid is not taken for its predecessor. */
export function bornAt(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

export function newLabDirectory(): string {
  return path.join(os.tmpdir(), `${PREFIX}${process.pid}-${Math.random().toString(36).slice(2, 8)}`);
}

export const stateOf = (directory: string): string => path.join(directory, 'state');
export const disksOf = (directory: string): string => path.join(MEMORY, path.basename(directory));

/** The environment that makes the zfs-lab script work on this lab. */
export function labEnvironment(directory: string, flavour: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ZFS_LAB_FLAVOUR: flavour,
    ZFS_LAB_STATE: stateOf(directory),
    ZFS_LAB_DISKS: disksOf(directory),
  };
}

function readRecord(directory: string): LabRecord | null {
  try {
    return JSON.parse(readFileSync(path.join(directory, 'lab.json'), 'utf8')) as LabRecord;
  } catch {
    return null; // not written yet, or gone: nothing but files then
  }
}

function readCompanions(directory: string): LabRecord['owner'][] {
  const file = path.join(directory, 'companions');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => {
    const [pid = '', born = ''] = line.split(' ');
    return { pid: Number(pid), born };
  });
}

/** A process outside the lab that shall not outlive it, whatever happens to its parent. */
export function recordCompanion(directory: string, pid: number): void {
  appendFileSync(path.join(directory, 'companions'), `${pid} ${bornAt(pid) ?? ''}\n`);
}

function processesIn(namespace: string): number[] {
  const asked = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' });
  return asked.status === 0 ? asked.stdout.split('\n').filter(Boolean).map(Number) : [];
}

/** Removes everything of one lab. Does not throw: it runs where nobody is left to catch. */
export function removeLab(directory: string): void {
  const record = readRecord(directory);
  if (record !== null && existsSync(path.join(NAMESPACES, record.namespace))) {
    // ssh masters, forwarder and whatever a test left in there; the machines are zfs-lab's to end.
    const inside = processesIn(record.namespace);
    // In a session of its own: a second Ctrl-C must not end it half-way.
    spawnSync('setsid', ['--wait', LAB_SCRIPT, 'down', '--all'], { env: labEnvironment(directory, 'newest') });
    for (const pid of inside) if (pid !== process.pid) kill(pid);
    spawnSync('ip', ['netns', 'del', record.namespace]);
  }
  for (const { pid, born } of readCompanions(directory)) if (bornAt(pid) === born) kill(pid);
  rmSync(disksOf(directory), { recursive: true, force: true });
  rmSync(directory, { recursive: true, force: true });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // has ended by itself
  }
}

function labDirectories(): string[] {
  return readdirSync(os.tmpdir())
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => path.join(os.tmpdir(), name));
}

/** Removes the labs whose owner is dead; answers their directories. */
export function sweepLabs(): string[] {
  const dead = labDirectories().filter((directory) => {
    const record = readRecord(directory);
    if (record !== null) return bornAt(record.owner.pid) !== record.owner.born;
    const pid = Number(path.basename(directory).slice(PREFIX.length).split('-')[0]);
    return bornAt(pid) === null;
  });
  for (const directory of dead) removeLab(directory);
  return dead;
}

/** Everything of any lab that is still there, one line each. Call before and after a run to see what it left. */
export function leftovers(): string[] {
  const found: string[] = [];
  const look = (where: string, pattern: RegExp): void => {
    if (!existsSync(where)) return;
    for (const name of readdirSync(where)) if (pattern.test(name)) found.push(path.join(where, name));
  };
  look(NAMESPACES, /^zfslab-/);
  look(os.tmpdir(), /^zfs/);
  look(MEMORY, /^zfs/);
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const line = labProcess(pid);
    if (line !== null) found.push(`process ${pid}: ${line}`);
  }
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
    const target = line.split(' ')[1] ?? '';
    if (target.startsWith(path.join(os.tmpdir(), 'zfs'))) found.push(`mount ${target}`);
  }
  return found;
}

// A machine's kernel is a program named `linux` that was given a umid; other programs run in a lab's namespace.
function labProcess(pid: string): string | null {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    if (words[0] === '') return null; // a program inside a machine: ends with its kernel, which is listed
    if (words.some((word) => word.startsWith('umid='))) return words.slice(0, 3).join(' ');
    const inode = statSync(`/proc/${pid}/ns/net`).ino;
    const own = statSync('/proc/self/ns/net').ino;
    if (inode === own) return null;
    return isLabNamespace(inode) || readlinkSync(`/proc/${pid}/exe`).includes('zfs-lab') ? words.join(' ') : null;
  } catch {
    return null; // ended meanwhile
  }
}

function isLabNamespace(inode: number): boolean {
  if (!existsSync(NAMESPACES)) return false;
  return readdirSync(NAMESPACES).some(
    (name) => name.startsWith(PREFIX) && statSync(path.join(NAMESPACES, name)).ino === inode,
  );
}
