// The trap of truenas-api.md 4.4: several tasks of one dataset share a naming schema (hourly kept for a day, daily for a month).
// TrueNAS decides by the schedule that a name matches and keeps each as long as its longest owner; a node of ours prunes
// whatever its schema reads, so the hourly node would delete the daily snapshots. All of them get one policy. Pure.
import { parseCronSchedule } from '../../time/schedule';
import type { KeepRule, RetentionPolicy } from '../../retention/plan/policy';
import { compileExcludes, type ExcludeFilter } from '../../zfs/names';
import { isWithin } from '../../zfs/records';
import { ageRule, longest, shortest, type Lifetime } from './lifetimes';
import { ruleFields, type Schedule } from './schedules';

export interface Owner {
  dataset: string;
  recursive: boolean;
  exclude: readonly string[];
  schema: string;
  lifetime: Lifetime;
  schedule: Schedule;
}

/** Whether our parser takes the schedule. */
export function isReadable(schedule: Schedule): boolean {
  try {
    const fields = { cron: 'schedule', timeZone: '', begin: 'scheduleBegin', end: 'scheduleEnd' };
    parseCronSchedule(schedule.cron, { ...schedule, timeZone: 'UTC', fields });
    return true;
  } catch {
    return false;
  }
}

function excluder(patterns: readonly string[]): ExcludeFilter {
  try {
    return compileExcludes(patterns);
  } catch {
    // What our parser refuses leaves nothing out.
    return () => false;
  }
}

/** A dataset is in both trees. */
export function overlap(a: Owner, b: Owner): boolean {
  if (a.dataset === b.dataset) return true;
  const [outer, inner] = isWithin(b.dataset, a.dataset) ? [a, b] : [b, a];
  if (!outer.recursive || !isWithin(inner.dataset, outer.dataset)) return false;
  const { dataset, recursive } = inner;
  // A pattern may leave out a dataset and not what is below it.
  const exact = outer.exclude.filter((pattern) => !/[*?[]/.test(pattern));
  return !excluder(recursive ? exact : outer.exclude)(dataset);
}

/** Those that share snapshots, directly or over others; in the order given. */
export function groups<T extends Owner>(owners: readonly T[]): T[][] {
  const parents = owners.map((_, index) => index);
  const rootOf = (index: number): number => {
    let root = index;
    while (parents[root] !== root) root = parents[root] = parents[parents[root] ?? root] ?? root;
    return root;
  };
  owners.forEach((one, index) => {
    for (let other = 0; other < index; other++) {
      const before = owners[other];
      if (before === undefined || before.schema !== one.schema || rootOf(other) === rootOf(index)) continue;
      if (overlap(before, one)) parents[rootOf(index)] = rootOf(other);
    }
  });
  const byRoot = new Map<number, T[]>();
  owners.forEach((one, index) => {
    const root = rootOf(index);
    byRoot.set(root, [...(byRoot.get(root) ?? []), one]);
  });
  return [...byRoot.values()];
}

/** Of a group: by age alone where nobody shares; `more`: schedules that a task had before, or has besides. */
export function policyOf(
  group: readonly Owner[],
  more: ReadonlyMap<Owner, readonly Schedule[]> = new Map(),
): RetentionPolicy {
  const [alone, ...others] = group;
  if (alone !== undefined && others.length === 0 && !more.has(alone)) return { keep: [ageRule(alone.lifetime)] };
  const rules = group.flatMap((owner) =>
    [owner.schedule, ...(more.get(owner) ?? [])].filter(isReadable).map((one) => scheduleRule(owner, one)),
  );
  // What only an unreadable schedule would keep is kept by its age.
  const unreadable = group.filter(({ schedule }) => !isReadable(schedule)).map(({ lifetime }) => lifetime);
  const base = longest([
    ...unreadable,
    ...[shortest(group.map(({ lifetime }) => lifetime))].filter((one) => one !== undefined),
  ]);
  return { keep: once([...(base === undefined ? [] : [ageRule(base)]), ...rules]) };
}

function scheduleRule({ lifetime }: Owner, schedule: Schedule): KeepRule {
  const { cron, ...window } = ruleFields(schedule);
  return { type: 'schedule', cron, value: lifetime.value, unit: lifetime.unit, ...window };
}

function once(rules: readonly KeepRule[]): KeepRule[] {
  const seen = new Map(rules.map((rule) => [JSON.stringify(rule), rule]));
  return [...seen.values()];
}
