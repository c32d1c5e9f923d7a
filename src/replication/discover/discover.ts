// Reads both sides: one listing of each, at the same time, and only where something unusual was found (a missing
// target, a partial receive, an unknown chain) one more question. Deciding is `plan/plan.ts`.
import type { RunContext } from '../../base/run-context';
import { clockEvidence } from '../../retention/discover/clocks';
import type { ClockEvidence } from '../../retention/plan/guards';
import type { DatasetRecord } from '../../zfs/records';
import { abandoned } from '../plan/follow-renames';
import type { ListedPair } from '../plan/listed-pair';
import type { PairInput, TargetOther } from '../plan/plan-types';
import type { Setup } from '../setup/setup';
import { lookInside } from './empty-targets';
import { compareIvsets } from './ivsets';
import { listAncestors, listAsides, listBoth, type Listings } from './listings';
import { locate } from './locate';
import { listedPairs, unmapped } from './pairs';
import { readTokens } from './partial-receives';

export interface Discovery {
  /** Parents before children. */
  pairs: PairInput[];
  ancestors: DatasetRecord[];
  /** Names of all target datasets listed. */
  existing: Set<string>;
  /** Target datasets that no source dataset maps to, and what earlier runs set aside. */
  others: TargetOther[];
  /** Copies below the target whose sources are gone. */
  abandoned: string[];
  /** Source datasets that were asked for and do not exist. */
  missingSources: string[];
}

/** Only a retention that goes by dates needs to know whether they can be relied on. */
async function judgeClock({ options, source, target }: Setup, ctx: RunContext): Promise<ClockEvidence> {
  const now = ctx.now().getTime();
  if (options.targetRetention !== 'custom') return { now, hosts: new Map(), jump: 0 };
  return clockEvidence(now, [source, target], ctx.signal);
}

/** One more question about each pair that calls for it; the answers and the pairs are joined here and nowhere else. */
async function lookCloser(setup: Setup, pairs: readonly ListedPair[], ctx: RunContext): Promise<PairInput[]> {
  const inside = await lookInside(setup, pairs, ctx);
  const partials = await readTokens(setup, pairs, ctx);
  const sameIvsets = await compareIvsets(setup, pairs, ctx);
  return pairs.map((pair) => ({
    ...pair,
    inside: inside.get(pair.target) ?? null,
    partial: partials.get(pair.target) ?? null,
    sameIvset: sameIvsets.get(pair.target) ?? null,
  }));
}

/** The source of this target dataset would be one that `exclude` leaves out. */
function isExcluded({ options, common, excluded }: Setup, target: string): boolean {
  const rest = target.slice(options.targetDataset.length + 1);
  return excluded([common, rest].filter((part) => part !== '').join('/'));
}

/** How both sides are listed. */
export type Lister = (setup: Setup, ctx: RunContext) => Promise<Listings>;

/** Reads both sides. Throws whatever a listing fails with. */
export async function discover(setup: Setup, ctx: RunContext, list: Lister = listBoth): Promise<Discovery> {
  const [{ source, target }, clock] = await Promise.all([list(setup, ctx), judgeClock(setup, ctx)]);
  const mapped = listedPairs(setup, source, target, clock);
  const others = unmapped(mapped, [target, await listAsides(setup, mapped, ctx)]);
  const located = await locate(setup, mapped, others, ctx);
  const ancestors = await listAncestors(setup, target, ctx);
  const pairs = await lookCloser(setup, located, ctx);
  const existing = new Set([...target.datasets, ...ancestors].map(({ name }) => name));
  const left = setup.options.recursive ? abandoned(pairs, others).filter((name) => !isExcluded(setup, name)) : [];
  return { pairs, ancestors, existing, others, abandoned: left, missingSources: source.missing };
}
