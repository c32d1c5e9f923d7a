// What drills that were not brought to their end have left: their clones are destroyed by the next run. The drill of another
// process that goes on is let alone.
import { toZfsFlowError } from '../../base/errors';
import type { RunContext } from '../../base/run-context';
import type { Host } from '../../host/host';
import { ownerOf } from '../../replication/execute/process-tag';
import { drillClonesIn, type CloneIdentity } from '../discover/drill-clones';
import { isDead } from '../plan/dead-drill';
import { destroyDrillClone } from './destroy-clone';

/** Names the owner of a drill's clone as that of a transfer, whose destination a drill is not. */
export const OWNER_ID = 'drill';

/** Clones of drills that this process is about to look into, looks into, or has not given up to destroy. By host and name. */
const living = new Set<string>();

const keyOf = (host: Host, name: string): string => `${host.id}\0${name}`;

export function beginDrill(host: Host, name: string): () => void {
  living.add(keyOf(host, name));
  return () => living.delete(keyOf(host, name));
}

/** Reached through whatever connection: a name is made once only. */
const isLiving = ({ name }: CloneIdentity): boolean => [...living].some((key) => key.endsWith(`\0${name}`));

/** Destroys what is left in a pool. What cannot be destroyed is a warning. Throws what the listing fails with. */
export async function clearLeftDrills(
  host: Host,
  pool: string,
  ctx: RunContext,
  warn: (text: string) => void,
): Promise<void> {
  for (const clone of await drillClonesIn(host, pool, ctx.signal)) {
    const owner = clone.owner === '' ? 'none' : ownerOf(clone.owner, OWNER_ID);
    const ageMs = ctx.now().getTime() - clone.creation * 1000;
    if (isLiving(clone) || !isDead(owner, ageMs)) continue;
    try {
      await destroyDrillClone(host, clone, ctx.signal);
      const message = `destroyed the clone "${clone.name}" that a drill had left on ${host.label}`;
      ctx.emit({ event: 'warning', level: 'warn', host: host.label, dataset: clone.name, message });
    } catch (thrown) {
      ctx.signal.throwIfAborted();
      const { message } = toZfsFlowError(thrown);
      warn(`the clone "${clone.name}" that a drill has left on ${host.label} is still there: ${message}`);
    }
  }
}
