// What a job claims while it runs: datasets on hosts. Says whether two claims are in each other's way. A pool is known
// by its GUID, because the same pool can be reached through several connections; asking a host for it is done here too.
import type { DatasetUse } from '../base/run-context';
import type { Host, HostResolver } from '../host/host';
import { isWithin } from '../zfs/records';
import { poolOf } from '../zfs/names';

export interface Claim {
  host: Pick<Host, 'id' | 'label' | 'facts'>;
  /** '' = every dataset of the host. */
  dataset: string;
  access: 'read' | 'write';
  /** GUIDs of the pools it is about: the dataset's, or all of the host; `null` = asked and not found out; `undefined` = not asked yet. */
  pools: readonly string[] | null | undefined;
}

/** `unknown`: cannot be said before `learnPools` was called for both. */
export type Relation = 'free' | 'conflict' | 'unknown';

/** Milliseconds a host may take to say which pools it has. One that takes longer is known by its connection alone. */
const POOLS_TIMEOUT = 20_000;

/** Throws what `hosts` throws for an unknown connection. */
export function claimsOf(uses: readonly DatasetUse[], hosts: HostResolver): Claim[] {
  return uses.map(({ connection, dataset, access }) => ({
    host: hosts(connection),
    dataset,
    access,
    pools: undefined,
  }));
}

/**
 * How two claims stand to each other. Names that do not overlap never conflict, on whatever hosts: a pool has one name
 * on the host that imported it. Names that overlap conflict on one connection, and across connections on one pool.
 */
export function relation(a: Claim, b: Claim): Relation {
  if (a.access === 'read' && b.access === 'read') return 'free';
  if (!overlap(a.dataset, b.dataset)) return 'free';
  if (a.host.id === b.host.id) return 'conflict';
  if (a.pools === null || b.pools === null) return 'free';
  if (a.pools === undefined || b.pools === undefined) return 'unknown';
  const others = b.pools;
  return a.pools.some((guid) => others.includes(guid)) ? 'conflict' : 'free';
}

function overlap(a: string, b: string): boolean {
  return a === '' || b === '' || isWithin(a, b) || isWithin(b, a);
}

/** Fills in `pools` where it has not been asked yet; one question per host. Never throws: what fails stays `null`. */
export async function learnPools(claims: readonly Claim[]): Promise<void> {
  const open = claims.filter((claim) => claim.pools === undefined);
  const hosts = new Set(open.map((claim) => claim.host));
  await Promise.all(
    [...hosts].map(async (host) => {
      const mine = open.filter((claim) => claim.host === host);
      const names = new Set(mine.map((claim) => poolOf(claim.dataset)).filter((name) => name !== ''));
      const pools = await poolsOf(host, names);
      for (const claim of mine) {
        const guid = pools.get(poolOf(claim.dataset));
        const all = claim.dataset === '' ? [...pools.values()] : guid === undefined ? [] : [guid];
        claim.pools = all.length > 0 ? all : null;
      }
    }),
  );
}

async function poolsOf(host: Claim['host'], names: ReadonlySet<string>): Promise<Map<string, string>> {
  try {
    const signal = AbortSignal.timeout(POOLS_TIMEOUT);
    let facts = await host.facts({ signal });
    // What is cached may be older than the pool.
    if ([...names].some((name) => !facts.pools.some((pool) => pool.name === name))) {
      facts = await host.facts({ refresh: true, signal });
    }
    return new Map(facts.pools.map((pool) => [pool.name, pool.guid]));
  } catch {
    // The run itself will meet the same failure and report it; here it only means that nothing is known.
    return new Map();
  }
}
