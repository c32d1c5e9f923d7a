// Source datasets that were renamed since the last run (pure): a target dataset that no source maps to any more holds
// their snapshots by GUID. The copy is renamed with them instead of being sent again; only where it is unambiguous.
import { bookmarksFor, destinationId } from '../../zfs/marks';
import { above, isWithin } from '../../zfs/records';
import type { ListedPair } from './listed-pair';
import { asides } from './locate-aside';
import type { TargetOther } from './plan-types';

export interface RenameInput {
  pairs: readonly ListedPair[];
  others: readonly TargetOther[];
  /** Renaming a dataset needs root on Linux: the rights for it cannot be delegated there (zfs-allow(8)). */
  canRename: boolean;
  /** Decimal. */
  targetPoolGuid: string;
  /** Target datasets that this job, and no other, made: of {@link renameCandidates}. */
  own: ReadonlySet<string>;
}

/** Pairs without a copy of their own, with the unmapped target datasets that hold snapshots of theirs. */
function claims(pairs: readonly ListedPair[], others: readonly TargetOther[]): Map<ListedPair, TargetOther[]> {
  const holders = new Map<string, TargetOther[]>();
  const old = asides(others);
  for (const other of others) {
    if (old.some(({ name }) => isWithin(other.dataset.name, name))) continue;
    for (const { guid } of other.snapshots) holders.set(guid, [...(holders.get(guid) ?? []), other]);
  }
  const found = new Map<ListedPair, TargetOther[]>();
  for (const pair of pairs) {
    if (pair.targetDataset) continue;
    const hits = new Set(pair.sourceRecords.flatMap(({ guid }) => holders.get(guid) ?? []));
    if (hits.size > 0) found.set(pair, [...hits]);
  }
  return found;
}

/** Target datasets that may be the copies of renamed sources. */
export function renameCandidates(pairs: readonly ListedPair[], others: readonly TargetOther[]): string[] {
  return [...new Set([...claims(pairs, others).values()].flat().map(({ dataset }) => dataset.name))];
}

/** Why the copy cannot simply follow; null when it can. */
function obstacle(
  pair: ListedPair,
  hits: readonly TargetOther[],
  claimants: ReadonlyMap<TargetOther, number>,
): string | null {
  const [only, second] = hits;
  if (!only || second) return `several target datasets hold its snapshots`;
  if ((claimants.get(only) ?? 0) > 1) {
    return `"${only.dataset.name}" also holds snapshots of another source dataset`;
  }
  if (only.dataset.type !== pair.source.type) return `"${only.dataset.name}" is a ${only.dataset.type}`;
  if (isWithin(pair.target, only.dataset.name)) return `its new place is below its old one`;
  return null;
}

/**
 * A bookmark of ours on the source says that `dstId` has been sent to. It follows a renamed source, while a copy that
 * somebody renamed on the target, to keep it, is no longer at the name that it says.
 */
function wasSentTo(pair: ListedPair, dstId: string): boolean {
  return bookmarksFor(dstId, pair.sourceRecords).length > 0;
}

/** The pairs, with those whose copy follows a renamed source located under their former name. Parents before children. */
export function followRenames({ pairs, others, canRename, targetPoolGuid, own }: RenameInput): ListedPair[] {
  const all = claims(pairs, others);
  if (all.size === 0) return [...pairs];
  const claimants = new Map<TargetOther, number>();
  for (const hit of [...all.values()].flat()) claimants.set(hit, (claimants.get(hit) ?? 0) + 1);
  // What would go along with it.
  const dragging = new Set(pairs.flatMap(({ targetDataset: own }) => (own ? [own.name, ...above(own.name)] : [])));
  const renamed: { from: string; to: string }[] = [];
  // Where a dataset will be after the renames so far.
  const now = (name: string): string =>
    renamed.reduce((at, { from, to }) => (isWithin(at, from) ? to + at.slice(from.length) : at), name);
  return pairs.map((pair): ListedPair => {
    const hits = all.get(pair);
    if (!hits) return pair;
    const say = (text: string): ListedPair => ({ ...pair, notes: [text] });
    const note = (why: string): ListedPair =>
      say(`"${pair.source.name}" seems to have been renamed, but is sent as a new dataset: ${why}`);
    const why = obstacle(pair, hits, claimants);
    const [hit] = hits;
    if (why !== null || !hit) return note(why ?? '');
    const at = now(hit.dataset.name);
    const arrives = at === pair.target;
    const formerDstId = destinationId(targetPoolGuid, hit.dataset.name);
    if (!arrives && !wasSentTo(pair, formerDstId)) {
      return say(
        `"${at}" holds snapshots of "${pair.source.name}", but no bookmark says that it was its copy under this name: it is left alone, and "${pair.source.name}" is sent as a new dataset`,
      );
    }
    if (!arrives && dragging.has(hit.dataset.name))
      return note(`"${at}" has datasets below it that stay where they are`);
    if (!arrives && !canRename) return note(`renaming "${at}" needs root on the target`);
    if (!arrives && !own.has(hit.dataset.name)) return note(`"${at}" may be the copy of another replication`);
    if (!arrives) renamed.push({ from: at, to: pair.target });
    return {
      ...pair,
      targetDataset: hit.dataset,
      targetSnapshots: hit.snapshots,
      located: {
        at,
        as: arrives ? 'withParent' : 'renamed',
        formerDstId,
      },
    };
  });
}

/** Target datasets below a copy whose source is gone; they are left alone. Copies that followed a rename are not among them. */
export function abandoned(pairs: readonly ListedPair[], others: readonly TargetOther[]): string[] {
  const followed = new Set(
    pairs.flatMap(({ located, targetDataset }) => (located && targetDataset ? targetDataset.name : [])),
  );
  const old = asides(others);
  const targets = new Set(pairs.map(({ target }) => target));
  return others
    .filter(({ dataset, snapshots }) => snapshots.length > 0 && !followed.has(dataset.name))
    .map(({ dataset }) => dataset.name)
    .filter((name) => !old.some((aside) => isWithin(name, aside.name)))
    .filter((name) => [name, ...above(name)].some((one) => targets.has(one)));
}

/** Where what will be called `name` is before any copy has followed its renamed source. */
export function presentName(pairs: readonly ListedPair[], name: string): string {
  const within = pairs.filter(({ target, located, targetDataset }) => {
    const isElsewhere = located?.as === 'renamed' || located?.as === 'withParent';
    return isElsewhere && targetDataset && isWithin(name, target);
  });
  const nearest = within.toSorted((a, b) => b.target.length - a.target.length)[0];
  return nearest?.targetDataset ? nearest.targetDataset.name + name.slice(nearest.target.length) : name;
}
