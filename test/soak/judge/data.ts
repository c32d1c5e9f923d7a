// Whether everything that was taken is still somewhere, as it was, and whether nothing is left that should have gone: snapshots of
// the source by ZFS's own history against what is on both sides. Pure.
import type { Care } from '../flows';

export interface Seen {
  name: string;
  guid: string;
  /** Seconds since the epoch, by the clock that its machine had. */
  created: number;
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
  /** Seconds since the epoch when it was looked at, by a clock that nobody sets. */
  at: number;
}

/** Seconds that clocks may differ by (retention.md, rule 11). */
const CLOCK_TOLERANCE = 300;

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
function thinned({ care, taken, onSource, onTarget, at }: Sides): string[] {
  // Created in the future, after a clock was set: nothing is believed of that side's ages, and nothing destroyed, until it has come.
  const isAhead = ({ created }: Seen): boolean => created > at + CLOCK_TOLERANCE;
  const check = (side: string, kept: number, there: readonly Seen[]): string[] => {
    // The newest may have come after the last pruning; what its name dates in the future stays.
    const most = there.some(isAhead) ? Infinity : kept + 2 + there.filter(({ name }) => dateOf(name) > at).length;
    if (kept === 0 || (there.length >= Math.min(kept, taken.length) && there.length <= most)) return [];
    return [`${there.length} snapshots are left on the ${side}, which keeps ${kept}`];
  };
  return [...check('source', care.keptOnSource, onSource), ...check('target', care.keptOnTarget, onTarget)];
}

/** Seconds since the epoch that a name such as `s-2026-11-26_08-00-59` says; NaN for others. */
function dateOf(name: string): number {
  const [, date = '', ...time] = /-(\d{4}-\d\d-\d\d)_(\d\d)-(\d\d)-(\d\d)$/.exec(name) ?? [];
  return Date.parse(`${date}T${time.join(':')}Z`) / 1000;
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
