// Whether everything that was taken is still somewhere, as it was, and whether nothing is left that should have gone: snapshots of
// the source by ZFS's own history against what is on both sides. Pure.
import type { Care } from '../flows';

export interface Seen {
  name: string;
  guid: string;
}

/** One dataset and its copy at the end. */
export interface Sides {
  care: Care;
  source: string;
  /** Names after `@` of all that were ever taken, in order, by the pool's own history. */
  taken: readonly string[];
  /** GUIDs of those that were seen. */
  guids: ReadonlyMap<string, string>;
  onSource: readonly Seen[];
  onTarget: readonly Seen[];
}

export function judgeData(sides: Sides): string[] {
  return [...lost(sides), ...strange(sides), ...behind(sides), ...thinned(sides)].map(
    (fault) => `${sides.source}: ${fault}`,
  );
}

function lost({ care, taken, onSource, onTarget }: Sides): string[] {
  const [here, there] = [new Set(onSource.map(({ name }) => name)), onTarget.map(({ name }) => name)];
  return taken
    .filter((name) => !here.has(name) && !there.includes(name))
    .filter((name) => {
      if (care.keptOnTarget === 0) return true;
      // What the target let go has so many newer ones after it.
      const newer = new Set(taken.slice(taken.indexOf(name) + 1));
      return there.filter((one) => newer.has(one)).length < care.keptOnTarget;
    })
    .map((name) => `@${name} is lost`);
}

/** The same snapshot, and not one of the same name. */
function strange({ guids, onSource, onTarget, taken }: Sides): string[] {
  const faults: string[] = [];
  for (const { name, guid } of [...onSource, ...onTarget]) {
    const known = guids.get(name);
    if (known !== undefined && known !== guid) faults.push(`@${name} has the GUID ${guid} and had ${known}`);
  }
  const all = new Set(taken);
  for (const { name } of onTarget) if (!all.has(name)) faults.push(`@${name} on the target was never on the source`);
  return faults;
}

/** Runs that were let alone have sent everything. */
function behind({ onSource, onTarget }: Sides): string[] {
  const [newest, copied] = [onSource.at(-1), onTarget.at(-1)];
  return newest !== undefined && newest.guid === copied?.guid
    ? []
    : [`the target's newest is @${copied?.name}, the source's @${newest?.name}`];
}

/** What had to go has gone. */
function thinned({ care, taken, onSource, onTarget }: Sides): string[] {
  const check = (side: string, kept: number, there: number): string[] => {
    // The newest may have come after the last pruning.
    if (kept === 0 || (there >= Math.min(kept, taken.length) && there <= kept + 2)) return [];
    return [`${there} snapshots are left on the ${side}, which keeps ${kept}`];
  };
  return [
    ...check('source', care.keptOnSource, onSource.length),
    ...check('target', care.keptOnTarget, onTarget.length),
  ];
}

/** Lines of `zpool history -i`: names after `@` by dataset, in the order they were taken. */
export function takenFrom(history: string): Map<string, string[]> {
  const taken = new Map<string, string[]>();
  for (const [, dataset = '', name = ''] of history.matchAll(/\] snapshot ([^@\s]+)@(\S+) \(\d+\)/g)) {
    const names = taken.get(dataset) ?? [];
    taken.set(dataset, names);
    if (!names.includes(name)) names.push(name);
  }
  return taken;
}
