// How an account that is not root is to get ZFS's rights: by `zfs allow`, or else by a sudo or doas that asks for no password.
// What is not needed is not tried: sudo tells an administrator of each account that it does not know.
import type { HostFacts } from '../host/host';
import { SshHost } from '../host/ssh/ssh-host';
import type { SshHostOptions } from '../host/ssh/ssh-options';
import { refusedByPrivilege } from '../zfs/privilege';
import { rightsInPools } from '../zfs/rights';

export interface Rights {
  /** The connection's word; undefined where there is nothing to change about it. */
  sudo?: 'sudo' | 'doas';
  /** With the rights that it has then. */
  facts: HostFacts;
  /** For people: what it cannot do. */
  warnings: string[];
}

/** Datasets without children whose rights are looked at. */
const MOST_DATASETS = 8;
const PROGRAMS = ['sudo', 'doas'] as const;

/** `options` log in, `host` is connected with them. Throws as `Host.run` does. */
export async function findRights(options: SshHostOptions, host: SshHost, signal?: AbortSignal): Promise<Rights> {
  const facts = await host.facts({ signal });
  const none = { facts, warnings: [] };
  if (facts.isRoot || options.sudo !== 'none') return none;
  const { user, rights } = await rightsInPools(host, facts.pools.map(({ name }) => name), MOST_DATASETS, signal); // prettier-ignore
  if ([...rights.values()].some(({ size }) => size > 0)) return none;
  for (const sudo of PROGRAMS) {
    const elevated = facts.programs.has(sudo) ? await factsThrough({ ...options, sudo }, signal) : null;
    if (elevated !== null) return { sudo, facts: elevated, warnings: [] };
  }
  // Without ZFS there is nothing that a right would help.
  return facts.zfsVersion === '' ? none : { facts, warnings: [warning(user)] };
}

/** null where `zfs` and `zpool` are not let through. */
async function factsThrough(options: SshHostOptions, signal?: AbortSignal): Promise<HostFacts | null> {
  const host = new SshHost(options);
  try {
    const refused = await refusedByPrivilege(host, signal);
    return refused.size === 0 ? await host.facts({ signal }) : null;
  } finally {
    await host.close();
  }
}

const warning = (user: string): string =>
  `"${user}" may look at ZFS here and nothing more: it is not root, \`zfs allow\` gives it no right, and neither sudo nor doas runs ` +
  'zfs for it without a password. Set the machine up as root, or give it rights before the first run (README: "Least privilege").';
