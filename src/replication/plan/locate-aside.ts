// Finds what an interrupted rotation or recreate left on the target (pure): by the mark on what was set aside, never by
// its name. The pair is then planned from where its copy really is.
import { parseReplacedMark, REPLACED_PROPERTY, type ReplacedMark } from '../../zfs/marks';
import { compareDecimal, isWithin, type SnapshotRecord } from '../../zfs/records';
import type { ListedPair } from './listed-pair';
import type { PlanInput, TargetOther } from './plan-types';
import { classifyTarget, inOrder } from './target-state';

export interface Aside extends ReplacedMark {
  name: string;
}

/** The tops of what runs of ours set aside. */
export function asides(others: readonly TargetOther[]): Aside[] {
  return others.flatMap(({ dataset: { name, userProperties } }) => {
    const mark = parseReplacedMark(userProperties[REPLACED_PROPERTY], name);
    return mark ? [{ ...mark, name }] : [];
  });
}

/** The dataset below `aside`, whose place was `was`, that was at `target`; null when `aside` is of something else. */
function counterpart(
  aside: Aside,
  target: string,
  was: string | undefined,
  others: ReadonlyMap<string, TargetOther>,
): TargetOther | null {
  if (was === undefined || !isWithin(target, was)) return null;
  return others.get(aside.name + target.slice(was.length)) ?? null;
}

function upTo(snapshots: readonly SnapshotRecord[], name: string): SnapshotRecord[] {
  const ordered = inOrder(snapshots);
  return ordered.slice(0, ordered.findIndex((snapshot) => snapshot.name === name) + 1);
}

interface Found {
  pair: ListedPair;
  /** createtxg of the base on the source: of several old copies the one with the newest base is gone on from. */
  txg: string;
}

function look(pair: ListedPair, aside: Aside, old: TargetOther): Found | null {
  const at = old.dataset.name;
  const [origin = '', snapshot = ''] = (pair.targetDataset?.origin ?? '').split('@');
  if (pair.targetDataset && aside.mode === 'rotate' && origin === at && pair.targetSnapshots.length === 0) {
    const view = {
      ...pair,
      targetSnapshots: upTo(old.snapshots, snapshot),
      located: { at, as: 'unpromoted' as const },
    };
    return { pair: view, txg: '0' };
  }
  if (pair.targetDataset) return null;
  const view = { ...pair, targetDataset: old.dataset, targetSnapshots: old.snapshots };
  const state = classifyTarget({ ...view, inside: null });
  // What went along with a placeholder goes back, whatever it is. What a recreate set aside because something was wrong with
  // it does not come back.
  if (aside.mode === 'placeholder') {
    // Another placeholder has done its work.
    const isCopy = old.snapshots.length > 0 || old.dataset.receiveResumeToken !== '';
    return !isCopy ? null : { pair: { ...view, located: { at, as: 'below' } }, txg: '0' };
  }
  const isWanted = aside.mode === 'rotate' ? 'base' in state : state.kind === 'FORWARD' && at !== aside.name;
  if (!isWanted || !('base' in state)) return null;
  return { pair: { ...view, located: { at, as: 'aside' } }, txg: state.base.createtxg };
}

/** The pairs, with those whose copy is still set aside located there. */
export function locateAside(
  pairs: readonly ListedPair[],
  others: readonly TargetOther[],
  mode: PlanInput['options']['whenDiverged'],
): ListedPair[] {
  const marked = asides(others).filter((aside) => aside.mode === mode || aside.mode === 'placeholder');
  if (marked.length === 0) return [...pairs];
  const places = new Map(pairs.map(({ dstId, target }) => [dstId, target]));
  const byName = new Map(others.map((other) => [other.dataset.name, other]));
  return pairs.map((pair) => {
    if (pair.targetDataset && pair.targetSnapshots.length > 0) return pair;
    const found = marked.flatMap((aside) => {
      const old = counterpart(aside, pair.target, places.get(aside.dstId), byName);
      return (old && look(pair, aside, old)) ?? [];
    });
    return found.toSorted((a, b) => compareDecimal(b.txg, a.txg))[0]?.pair ?? pair;
  });
}
