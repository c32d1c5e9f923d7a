// The keep rules of a policy, each applied to the candidates of one dataset. A rule only ever keeps; what no rule keeps
// may go unless a guard (`guards.ts`) protects it. Pure.
import { bucketLabel, bucketOf } from './buckets';
import type { BucketPeriod, LifetimeUnit } from './policy';
import type { Candidate } from './scope';

export type CompiledRule =
  | { readonly type: 'last'; readonly count: number }
  | { readonly type: 'age'; readonly value: number; readonly unit: LifetimeUnit }
  | { readonly type: 'every'; readonly period: BucketPeriod; readonly count: number }
  | {
      readonly type: 'schedule';
      readonly text: string;
      readonly matches: (date: Date) => boolean;
      readonly value: number;
      readonly unit: LifetimeUnit;
    }
  | { readonly type: 'regex'; readonly pattern: RegExp }
  | {
      readonly type: 'source';
      /** For messages: `host:dataset`. */
      readonly label: string;
      /** Local dataset → GUIDs that its source has; null when the source says nothing that can be relied on. */
      readonly guids: ReadonlyMap<string, ReadonlySet<string> | null>;
    };

/** What one rule says of one candidate; `text` is the reason in words, without `kept:` or `goes:`. */
export interface Verdict {
  readonly keeps: boolean;
  readonly text: string;
}

export interface RuleContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly timeZone: string;
  readonly dataset: string;
  /** Rules of a schedule also look at the date in the name. */
  readonly scheduleByName: boolean;
}

const HOUR_MS = 3_600_000;
const UNIT_MS: Readonly<Record<LifetimeUnit, number>> = {
  hour: HOUR_MS,
  day: 24 * HOUR_MS,
  week: 7 * 24 * HOUR_MS,
  month: 30 * 24 * HOUR_MS,
  year: 365 * 24 * HOUR_MS,
};

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

const UNDATED: Verdict = { keeps: false, text: 'its age is not known' };

function last(candidates: readonly Candidate[], count: number): Verdict[] {
  const no: Verdict = { keeps: false, text: `not among the newest ${count}` };
  return candidates.map((_, index) => {
    const place = candidates.length - index;
    return place <= count ? { keeps: true, text: `number ${place} of the newest ${count}` } : no;
  });
}

function age(candidates: readonly Candidate[], value: number, unit: LifetimeUnit, now: number): Verdict[] {
  const lifetime = plural(value, unit);
  const yes: Verdict = { keeps: true, text: `younger than ${lifetime}` };
  const no: Verdict = { keeps: false, text: `older than ${lifetime}` };
  const exactly: Verdict = { keeps: false, text: `exactly ${lifetime} old` };
  const limit = value * UNIT_MS[unit];
  return candidates.map(({ date }) => {
    if (date === null) return UNDATED;
    const old = now - date;
    return old < limit ? yes : old === limit ? exactly : no;
  });
}

/** The oldest candidate of each bucket, newest bucket first. Those dated in the future fill no bucket: a wrong clock must not push others out. */
function representatives(
  candidates: readonly Candidate[],
  period: BucketPeriod,
  { now, timeZone }: RuleContext,
): { buckets: (number | null)[]; oldest: Map<number, number>; order: number[] } {
  const oldest = new Map<number, number>();
  const buckets = candidates.map(({ date }, index) => {
    if (date === null || date > now) return null;
    const bucket = bucketOf(period, date, timeZone);
    const best = candidates[oldest.get(bucket) ?? -1]?.date;
    // Candidates come in creation order, so the first of equally old ones stays.
    if (best === undefined || best === null || date < best) oldest.set(bucket, index);
    return bucket;
  });
  return { buckets, oldest, order: [...oldest.keys()].toSorted((a, b) => b - a) };
}

function every(candidates: readonly Candidate[], period: BucketPeriod, count: number, context: RuleContext): Verdict[] {
  const { buckets, oldest, order } = representatives(candidates, period, context);
  const places = new Map(order.slice(0, count).map((bucket, index) => [bucket, index + 1]));
  const newest = plural(count, period);
  // What does not represent its bucket is told the same as the others in it.
  const others = new Map<number, Verdict>();
  return candidates.map(({ date }, index) => {
    const bucket = buckets[index];
    if (bucket === null || bucket === undefined || date === null) return UNDATED;
    const place = places.get(bucket);
    const keeper = oldest.get(bucket) ?? -1;
    if (place !== undefined && keeper === index) {
      const label = bucketLabel(period, date, context.timeZone);
      return { keeps: true, text: `oldest of ${label} (${place} of ${count})` };
    }
    let other = others.get(bucket);
    if (other === undefined) {
      const label = bucketLabel(period, date, context.timeZone);
      const name = candidates[keeper]?.record.name ?? 'another';
      const why = place === undefined ? `is not among the newest ${newest}` : `is represented by ${name}`;
      others.set(bucket, (other = { keeps: false, text: `${label} ${why}` }));
    }
    return other;
  });
}

function schedule(
  candidates: readonly Candidate[],
  rule: CompiledRule & { type: 'schedule' },
  { now, scheduleByName }: RuleContext,
): Verdict[] {
  const lifetime = plural(rule.value, rule.unit);
  const off: Verdict = { keeps: false, text: `not of the schedule ${rule.text}` };
  const yes: Verdict = { keeps: true, text: `of the schedule ${rule.text} and younger than ${lifetime}` };
  const no: Verdict = { keeps: false, text: `of the schedule ${rule.text}, but not younger than ${lifetime}` };
  return candidates.map(({ date, named }) => {
    if (date === null) return UNDATED;
    const isOfIt = rule.matches(new Date(date)) || (scheduleByName && named !== null && rule.matches(new Date(named)));
    if (!isOfIt) return off;
    return now - date < rule.value * UNIT_MS[rule.unit] ? yes : no;
  });
}

function source(candidates: readonly Candidate[], rule: CompiledRule & { type: 'source' }, dataset: string): Verdict[] {
  const guids = rule.guids.get(dataset);
  const yes: Verdict = { keeps: true, text: `the source ${rule.label} still has it` };
  const no: Verdict = { keeps: false, text: `the source ${rule.label} no longer has it` };
  // A source that is missing, empty or not asked must never let its copies go (rule 9, truenas.md D.1.1).
  const unknown: Verdict = { keeps: true, text: `the source ${rule.label} is missing or has no snapshots` };
  return candidates.map(({ record }) =>
    guids === null || guids === undefined ? unknown : guids.has(record.guid) ? yes : no,
  );
}

/** One verdict for each candidate. `candidates`: those of one dataset, in creation order, oldest first. */
export function applyRule(rule: CompiledRule, candidates: readonly Candidate[], context: RuleContext): Verdict[] {
  switch (rule.type) {
    case 'last':
      return last(candidates, rule.count);
    case 'age':
      return age(candidates, rule.value, rule.unit, context.now);
    case 'every':
      return every(candidates, rule.period, rule.count, context);
    case 'schedule':
      return schedule(candidates, rule, context);
    case 'regex': {
      const yes: Verdict = { keeps: true, text: `its name matches ${String(rule.pattern)}` };
      const no: Verdict = { keeps: false, text: `its name does not match ${String(rule.pattern)}` };
      return candidates.map(({ record }) => (rule.pattern.test(record.name) ? yes : no));
    }
    case 'source':
      break;
  }
  return source(candidates, rule, context.dataset);
}
