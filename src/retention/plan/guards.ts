// The hard guards: what no policy can delete (retention.md, rules 4 to 8 and 11). Each says in words why a snapshot
// stays. Pure; what destinations still need is worked out in `needed-elsewhere.ts` and handed in.
import type { SnapshotRecord } from '../../zfs/records';
import { MAX_DATE_MS, type Candidate, type CompiledScope } from './scope';

/** Tolerance between clocks, ms (rule 11). */
export const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** Until this date a snapshot is kept (truenas.md B.11); the suffix is a host id and is not looked at. */
export const EXPIRY_PREFIX = 'org.truenas:destroy_at_';

export interface ClockEvidence {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Clocks of the hosts that were listed, as far as they were asked, by label. */
  readonly hosts: ReadonlyMap<string, number>;
  /** Ms that this machine's clock was set ahead (negative: back) with nothing that confirms it; 0 = it was not. */
  readonly jump: number;
}

const iso = (time: number): string => (Math.abs(time) <= MAX_DATE_MS ? new Date(time).toISOString() : 'no known time');

/** Why the time cannot be relied on, or null. */
export function clockProblem(clock: ClockEvidence, snapshots: readonly SnapshotRecord[]): string | null {
  const { now } = clock;
  if (!Number.isFinite(now)) return 'the time is not known';
  for (const [label, time] of clock.hosts) {
    if (!(Math.abs(time - now) <= CLOCK_TOLERANCE_MS)) {
      return `the clock of ${label} says ${iso(time)}, this machine's ${iso(now)}`;
    }
  }
  let newest: SnapshotRecord | undefined;
  for (const record of snapshots) {
    if (record.kind === 'snapshot' && (record.creation ?? -Infinity) > (newest?.creation ?? -Infinity)) newest = record;
  }
  if (newest?.creation !== undefined && now < newest.creation * 1000 - CLOCK_TOLERANCE_MS) {
    return `it is ${iso(now)}, but ${newest.dataset}@${newest.name} was created at ${iso(newest.creation * 1000)}`;
  }
  return null;
}

/** Reasons for snapshots of one dataset, by GUID. */
export type Reasons = ReadonlyMap<string, readonly string[]>;

function heldOrCloned({ userrefs, clones }: SnapshotRecord): string[] {
  const reasons: string[] = [];
  if (userrefs === undefined) reasons.push('it is not known whether it is held');
  else if (userrefs > 0) reasons.push(userrefs === 1 ? 'held' : `held ${userrefs} times`);
  if (clones === undefined) reasons.push('it is not known whether it has clones');
  else if (clones.some((clone) => clone.endsWith('/%recv'))) reasons.push('a partial receive is based on it');
  else if (clones.length > 0) reasons.push(`has the clone ${clones.join(', ')}`);
  return reasons;
}

/** Why these user properties of a snapshot keep it; usually none. `now`: ms since the epoch. */
export function expiryReasons(properties: Readonly<Record<string, string>>, now: number): string[] {
  return Object.entries(properties).flatMap(([key, value]) => {
    if (!key.startsWith(EXPIRY_PREFIX)) return [];
    const until = parseExpiry(value);
    if (until === null) return [`its property ${key} holds no date: ${JSON.stringify(value)}`];
    return until > now ? [`its property ${key} keeps it until ${value}`] : [];
  });
}

/** An ISO 8601 date; one without an offset is UTC, as TrueNAS writes it. */
function parseExpiry(value: string): number | null {
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(Z|[+-]\d\d:?\d\d)?$/.exec(value.trim());
  if (!match) return null;
  const time = Date.parse(`${match[1]}T${match[2] ?? '00:00:00'}${match[3] ?? 'Z'}`);
  return Number.isNaN(time) ? null : time;
}

export interface GuardContext {
  readonly now: number;
  /** At least 1, so that the newest always stays. */
  readonly keepAtLeast: number;
  readonly scope: CompiledScope;
  readonly neededElsewhere: Reasons | undefined;
  /** Why everything in this dataset stays, or null. */
  readonly keepAll: string | null;
}

/** The `keepAtLeast` newest of the dataset and of each schema. `candidates`: creation order, oldest first. */
function newestReasons(candidates: readonly Candidate[], { keepAtLeast, scope }: GuardContext): string[][] {
  const reasons: string[][] = candidates.map(() => []);
  const seen = scope.schemas.map(() => 0);
  const among = (what: string): string =>
    keepAtLeast === 1 ? `newest of ${what}` : `among the newest ${keepAtLeast} of ${what}`;
  for (let index = candidates.length - 1; index >= 0; index--) {
    const candidate = candidates[index];
    const own = reasons[index];
    if (!candidate || !own) continue;
    if (candidates.length - index <= keepAtLeast) own.push(among('the dataset'));
    for (const schema of candidate.schemas) {
      const place = (seen[schema] ?? 0) + 1;
      seen[schema] = place;
      if (place <= keepAtLeast) own.push(among(`schema ${scope.schemas[schema]?.text ?? ''}`));
    }
  }
  return reasons;
}

/** For each candidate of one dataset the reasons why it must stay, whatever the policy says; usually none. */
export function guardReasons(candidates: readonly Candidate[], context: GuardContext): string[][] {
  const newest = newestReasons(candidates, context);
  return candidates.map((candidate, index) => {
    const { record, date, undated } = candidate;
    const reasons = newest[index] ?? [];
    reasons.push(...heldOrCloned(record), ...expiryReasons(record.userProperties ?? {}, context.now));
    if (date === null) reasons.push(undated);
    else if (date > context.now) reasons.push(`dated in the future (${new Date(date).toISOString()})`);
    reasons.push(...(context.neededElsewhere?.get(record.guid) ?? []));
    if (context.keepAll !== null) reasons.push(context.keepAll);
    return reasons;
  });
}
