// zrepl's keep rules as a policy of ours. Where something does not fit, more is kept: a grid's interval counts back from now here, and
// from the interval before it there. Pure.
import type { BucketPeriod, KeepRule } from '../../retention/plan/policy';

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Of `10m`, `1h30m`; null for what is none. */
export function durationOf(text: unknown): number | null {
  if (typeof text !== 'string' || !/^(?:\s*\d+\s*[smhdw])+\s*$/.test(text)) return null;
  let seconds = 0;
  for (const [, count, unit = ''] of text.matchAll(/(\d+)\s*([smhdw])/g))
    seconds += Number(count) * (SECONDS[unit] ?? 0);
  return seconds > 0 && seconds < 1e11 ? seconds : null;
}

const PERIODS: readonly (readonly [number, BucketPeriod])[] = [
  [3600, 'hour'],
  [86_400, 'day'],
  [604_800, 'week'],
  [30 * 86_400, 'month'],
  [365 * 86_400, 'year'],
];

export interface Pruning {
  /** Null: nothing may be pruned. */
  policy: { keep: KeepRule[] } | null;
  problems: string[];
}

type Rule = Readonly<Record<string, unknown>>;

/** Rules that only speak of names that are not the node's own keep what it never prunes, and are no rules here. */
export function policyOf(rules: unknown): Pruning {
  const keep: KeepRule[] = [];
  const problems: string[] = [];
  for (const rule of Array.isArray(rules) ? (rules as unknown[]) : []) {
    if (typeof rule !== 'object' || rule === null) continue;
    const added = ruleOf(rule as Rule);
    if (typeof added === 'string') problems.push(added);
    else keep.push(...added);
  }
  // What cannot be read would keep something: then nothing goes.
  return { policy: problems.length > 0 || keep.length === 0 ? null : { keep }, problems };
}

export const hasGrid = (rules: unknown): boolean =>
  Array.isArray(rules) && rules.some((rule) => (rule as Rule | null)?.['type'] === 'grid');

function ruleOf(rule: Rule): KeepRule[] | string {
  switch (rule['type']) {
    case 'not_replicated':
      return [];
    case 'last_n':
      return typeof rule['count'] === 'number' && Number.isSafeInteger(rule['count']) && rule['count'] > 0
        ? [{ type: 'last', count: rule['count'] }]
        : 'a rule last_n has no count';
    case 'regex':
      if (rule['negate'] === true) return [];
      return typeof rule['regex'] === 'string' ? [{ type: 'regex', pattern: rule['regex'] }] : 'a rule regex has none';
    case 'grid':
      return gridOf(rule['grid']);
    default:
      return 'a keep rule is of a type that this import does not know';
  }
}

function gridOf(grid: unknown): KeepRule[] | string {
  const unreadable = 'a grid cannot be read';
  if (typeof grid !== 'string' || grid.length > 1000) return unreadable;
  const rules: KeepRule[] = [];
  let end = 0;
  for (const part of grid.split('|')) {
    const [, times, interval, more] =
      /^\s*(\d+)\s*x\s*([\dsmhdw\s]+?)\s*(\(\s*keep\s*=\s*(?:all|\d+)\s*\))?\s*$/.exec(part) ?? [];
    const seconds = durationOf(interval);
    if (seconds === null || times === undefined) return unreadable;
    end += Number(times) * seconds;
    const period = PERIODS.find(([length]) => length === seconds);
    const isOne = more === undefined || /=\s*1\s*\)/.test(more);
    rules.push(
      isOne && period !== undefined
        ? { type: 'every', period: period[1], count: Math.max(1, Math.ceil(end / seconds)) }
        : { type: 'age', value: Math.max(1, Math.ceil(end / 3600)), unit: 'hour' },
    );
  }
  return rules;
}
