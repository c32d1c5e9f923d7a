// How an account that is not root is to get ZFS's rights: by `zfs allow`, or else by a sudo or doas that asks for no password.
// What is not needed is not tried: sudo tells an administrator of each account that it does not know.
import type { HostFacts } from '../host/host';
import { splitPath } from '../host/shell/quote';
import { SshHost } from '../host/ssh/ssh-host';
import type { SshHostOptions } from '../host/ssh/ssh-options';
import { whatElevates } from '../zfs/privilege';
import { rightsInPools } from '../zfs/rights';

export interface Rights {
  /** The connection's word; undefined where there is nothing to change about it. */
  sudo?: 'sudo' | 'doas';
  /** With the rights that it has then. */
  facts: HostFacts;
  /** For people: what it cannot do. */
  warnings: string[];
}

/** Datasets without children whose rights are looked at: milliseconds each, all in one remote command. */
const MOST_DATASETS = 200;
/** Without one of these no node can do its work; others, such as `diff`, are often given to everybody. */
const WORTH = new Set(['snapshot', 'send', 'receive', 'destroy']);
/** Milliseconds: sudo may ask a directory service that does not answer, ZFS a pool that is suspended. */
const PATIENCE = 10_000;

const UNKNOWN =
  'It could not be found out how this account gets rights in ZFS: the machine did not say so in time. Test the connection.';

/**
 * `options` log in, `host` is connected with them, `facts` are the machine's. Throws CANCELLED when `signal` says so; whatever
 * else fails is a warning, since the account works.
 */
export async function findRights(
  options: SshHostOptions,
  { host, facts }: { host: SshHost; facts: HostFacts },
  signal?: AbortSignal,
): Promise<Rights> {
  // `SshHost` elevates nothing for a user of the name root.
  const isSettled = facts.isRoot || options.username === 'root' || options.sudo !== 'none';
  if (isSettled) return { facts, warnings: [] };
  const late = AbortSignal.timeout(PATIENCE);
  try {
    return await look(options, { host, facts }, signal === undefined ? late : AbortSignal.any([signal, late]));
  } catch (error) {
    if (signal?.aborted === true) throw error;
    return { facts, warnings: facts.zfsVersion === '' ? [] : [UNKNOWN] };
  }
}

async function look(
  options: SshHostOptions,
  { host, facts }: { host: SshHost; facts: HostFacts },
  signal: AbortSignal,
): Promise<Rights> {
  const pools = facts.pools.map(({ name }) => name);
  const { user, rights } = await rightsInPools(host, pools, MOST_DATASETS, signal);
  if ([...rights.values()].some((all) => [...all].some((right) => WORTH.has(right)))) return { facts, warnings: [] };
  const given = { programs: facts.programs, directories: splitPath(options.zfsPath) };
  const sudo = await whatElevates(host, given, signal);
  if (sudo !== undefined) {
    // Another login may take seconds: only where more may be seen by it.
    const seen = pools.length > 0 ? facts : await factsThrough({ ...options, sudo }, signal);
    return { sudo, facts: seen, warnings: [] };
  }
  // Without ZFS there is nothing that a right would help.
  return { facts, warnings: facts.zfsVersion === '' ? [] : [nothing(user)] };
}

async function factsThrough(options: SshHostOptions, signal: AbortSignal): Promise<HostFacts> {
  const host = new SshHost(options);
  try {
    return await host.facts({ signal });
  } finally {
    await host.close();
  }
}

const nothing = (user: string): string =>
  `"${user}" may look at ZFS here and nothing more: it is not root, no right by \`zfs allow\` was found, and neither sudo nor doas ` +
  'runs `zfs version` and `zpool version` for it without a password. Set the machine up as root, or give it rights before the first ' +
  'run (README: "Least privilege").';
