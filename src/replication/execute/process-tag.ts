// Names the processes that this machine starts for a destination, on every host, so that a run after a crash can find what
// is left of the one before.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Of the machine that runs Node-RED; read when it is first asked for. */
let controller: string | undefined;

/** Stays through a reboot. The name too, because machines made from one image often share the id. */
function machineIdentity(): string {
  let id = '';
  try {
    id = readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    // Not every system has one (FreeBSD, small containers).
  }
  return `${id} ${hostname()}`;
}

/** Begins the tags of all processes that this machine ever starts for one destination. */
export function processTag(dstId: string): string {
  controller ??= createHash('sha256').update(machineIdentity()).digest('hex').slice(0, 8);
  return `zfsflow.${dstId}.${controller}`;
}
