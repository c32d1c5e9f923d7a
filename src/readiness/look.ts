// Looks at a machine to say what it can do for the nodes: programs, rights, sudo. Reads only.
import type { Host } from '../host/host';
import { transportFacts } from '../host/transport-facts';
import { refusedByPrivilege } from '../zfs/privilege';
import { rightsInPools, userName } from '../zfs/rights';
import { judge } from './judge';
import type { Readiness } from './readiness';

/** Datasets without children whose rights are looked at: one command each, for an account that has no more. */
const MOST_DATASETS = 24;

export interface LookOptions {
  /** Program that gives `zfs` its rights, as the connection says. */
  sudo: 'none' | 'sudo' | 'doas';
  /** The connection leads through another one. */
  jump: boolean;
  signal: AbortSignal;
}

/** Five remote commands at most. Throws as `Host.run` does. */
export async function look(host: Host, { sudo, jump, signal }: LookOptions): Promise<Readiness> {
  const facts = await host.facts({ signal });
  const carriers = await transportFacts(host, signal);
  const elevates = sudo !== 'none' && host.elevates === true;
  // Without it there is nothing to ask; what says so is the missing program itself.
  const installed = !elevates || facts.programs.has(sudo);
  const refused = installed ? await refusedByPrivilege(host, signal) : new Map<string, string>();
  const privilege = elevates ? { by: sudo, refused, installed } : undefined;
  if (facts.isRoot || elevates || facts.pools.length === 0) {
    return judge({ facts, carriers, user: await userName(host, signal), privilege, allowed: new Map(), jump });
  }
  const pools = facts.pools.map(({ name }) => name);
  const { user, rights } = await rightsInPools(host, pools, MOST_DATASETS, signal);
  return judge({ facts, carriers, user, privilege, allowed: rights, jump });
}
