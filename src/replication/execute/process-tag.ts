// Names the processes that this machine starts for a destination, on every host, so that a run after a crash can find what
// is left of the one before; and says of such a name whether the Node-RED that gave it still runs.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Of the machine that runs Node-RED; read when it is first asked for. */
let controller: string | undefined;

/** '' where it cannot be read. */
function contents(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    // Not every system has one (FreeBSD, small containers).
    return '';
  }
}

/** Stays through a reboot. The name too, because machines made from one image often share the id. */
const machineIdentity = (): string => `${contents('/etc/machine-id')} ${hostname()}`;

/** Begins the tags of all processes that this machine ever starts for one destination. */
export function processTag(dstId: string): string {
  controller ??= createHash('sha256').update(machineIdentity()).digest('hex').slice(0, 8);
  return `zfsflow.${dstId}.${controller}`;
}

/** Clock ticks from the kernel's start to the process's (proc_pid_stat(5), field 22); '0' where there is no /proc. */
function startOf(pid: number): string {
  const stat = contents(`/proc/${pid}/stat`);
  // The second field is a name in parentheses that may hold anything.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
}

/** Tells this process from every other of this machine, also from one that has its number after it. */
const instance = (): string => `${process.pid}-${startOf(process.pid)}`;

/** Begins the tags of what this process starts for one destination. */
export function ownTag(dstId: string): string {
  return `${processTag(dstId)}.${instance()}`;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Given by another process of this machine that still runs: two Node-REDs may have one destination. */
function isOfAnother(tag: string, dstId: string): boolean {
  const [, pid, start] = /^(\d+)-(\d+)(?:\.|$)/.exec(tag.slice(processTag(dstId).length + 1)) ?? [];
  if (pid === undefined || tag.startsWith(`${ownTag(dstId)}.`)) return false;
  return isRunning(Number(pid)) && startOf(Number(pid)) === start;
}

/** `left`: of a Node-RED of this machine that has ended, or of this one. `busy`: of one that runs, or of another machine. */
export function ownerOf(tag: string, dstId: string): 'left' | 'busy' | 'none' {
  if (!tag.startsWith(`zfsflow.${dstId}.`)) return 'none';
  return tag.startsWith(`${processTag(dstId)}.`) && !isOfAnother(tag, dstId) ? 'left' : 'busy';
}
