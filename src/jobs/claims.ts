// What a job claims while it runs: datasets on hosts. Says whether two claims are in each other's way. The same datasets can be
// reached through several connections: by a pool of one GUID, or on a machine that nothing tells apart from the other. In
// doubt two claims are in each other's way: one of them waits in vain at worst. Asking a host for what it is is done here too.
import type { DatasetUse } from '../base/run-context';
import type { Host, HostFacts, HostResolver } from '../host/host';
import { tellsApart, type Identity } from '../host/machine-identity';
import { isWithin } from '../zfs/records';
import { poolOf } from '../zfs/names';

export interface Claim {
  host: Pick<Host, 'id' | 'label' | 'facts'>;
  /** '' = every dataset of the host. */
  dataset: string;
  access: 'read' | 'write';
  /** `null` = asked and not found out; `undefined` = not asked yet. */
  place: Place | null | undefined;
}

/** Where a claim's datasets are. */
export interface Place {
  machine: Identity;
  /** GUIDs of the pools that it is about: the dataset's, or all of the host. */
  pools: readonly string[];
}

/** `unknown`: cannot be said before `learnPlaces` was called for both. */
export type Relation = 'free' | 'conflict' | 'unknown';

/** Milliseconds a host may take to say what it is and which pools it has. */
const PLACE_TIMEOUT = 20_000;

/** Throws what `hosts` throws for an unknown connection. */
export function claimsOf(uses: readonly DatasetUse[], hosts: HostResolver): Claim[] {
  return uses.map(({ connection, dataset, access }) => ({
    host: hosts(connection),
    dataset,
    access,
    place: undefined,
  }));
}

/**
 * How two claims stand to each other. Names that do not overlap never conflict, on whatever hosts: a pool has one name
 * on the host that imported it. Names that overlap conflict on one connection, across connections on one pool or one machine.
 */
export function relation(a: Claim, b: Claim): Relation {
  if (a.access === 'read' && b.access === 'read') return 'free';
  if (!overlap(a.dataset, b.dataset)) return 'free';
  if (a.host.id === b.host.id) return 'conflict';
  if (a.place === undefined || b.place === undefined) return 'unknown';
  if (a.place === null || b.place === null) return a.dataset === '' || b.dataset === '' ? 'free' : 'conflict';
  const [here, there] = [a.place, b.place];
  // A pool's GUID may be older than what was asked: on one machine, one name is one pool.
  const isOne = here.pools.some((guid) => there.pools.includes(guid)) || !tellsApart(here.machine, there.machine);
  return isOne ? 'conflict' : 'free';
}

function overlap(a: string, b: string): boolean {
  return a === '' || b === '' || isWithin(a, b) || isWithin(b, a);
}

/** Fills in `place` where it has not been asked yet; one question per host. Never throws: what fails stays `null`. */
export async function learnPlaces(claims: readonly Claim[]): Promise<void> {
  const open = claims.filter((claim) => claim.place === undefined);
  const hosts = new Set(open.map((claim) => claim.host));
  await Promise.all(
    [...hosts].map(async (host) => {
      const mine = open.filter((claim) => claim.host === host);
      const names = new Set(mine.map((claim) => poolOf(claim.dataset)).filter((name) => name !== ''));
      const facts = await factsOf(host, names);
      for (const claim of mine) claim.place = facts && placeOf(facts, claim.dataset);
    }),
  );
}

function placeOf(facts: HostFacts, dataset: string): Place {
  const pools = facts.pools.filter(({ name }) => dataset === '' || name === poolOf(dataset)).map(({ guid }) => guid);
  return { machine: facts, pools };
}

async function factsOf(host: Claim['host'], names: ReadonlySet<string>): Promise<HostFacts | null> {
  try {
    const signal = AbortSignal.timeout(PLACE_TIMEOUT);
    const facts = await host.facts({ signal });
    // What is cached may be older than the pool.
    const isOld = [...names].some((name) => !facts.pools.some((pool) => pool.name === name));
    return isOld ? await host.facts({ refresh: true, signal }) : facts;
  } catch {
    // The run itself will meet the same failure and report it; here it only means that nothing is known.
    return null;
  }
}
