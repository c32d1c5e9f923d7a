// Decides which snapshots go and which stay, and says why for each one. This is the only place where that is decided.
// Pure: plain data in, plain data out, no clock, no I/O. What it gets is gathered in `discover.ts`.
import type { SnapshotRecord } from '../../zfs/records';
import { breakerReasons, type BreakerLimits } from './breaker';
import { clockProblem, guardReasons, type ClockEvidence, type Reasons } from './guards';
import { minFreeReasons, type MinFree, type PoolSpace } from './min-free';
import { applyRule, type CompiledRule, type Verdict } from './rules';
import { candidateOf, isEmptyScope, type Candidate, type CompiledScope } from './scope';

export interface RetentionPlanInput {
  /** All snapshots of the datasets, in scope or not, with creation, userrefs and clones. Bookmarks are passed over. */
  readonly snapshots: readonly SnapshotRecord[];
  readonly scope: CompiledScope;
  /** Union of keep rules; none keeps everything. */
  readonly rules: readonly CompiledRule[];
  readonly ageFrom: 'creation' | 'name';
  /** Rules of a schedule also keep what is of it by the date in its name. */
  readonly scheduleByName?: boolean;
  /** IANA zone of the calendar buckets, '' = the machine's. */
  readonly timeZone: string;
  readonly clock: ClockEvidence;
  /** At least 1; less counts as 1. */
  readonly keepAtLeast: number;
  /** Dataset → GUID → who needs the snapshot, in words: destinations, partial receives. */
  readonly neededElsewhere: ReadonlyMap<string, Reasons>;
  /** Datasets of which everything stays, with the reason. */
  readonly keepAll: ReadonlyMap<string, string>;
  readonly limits: BreakerLimits;
  /** Prune only below this; null = always. */
  readonly minFree: MinFree | null;
  readonly pools: ReadonlyMap<string, PoolSpace>;
}

export interface PlannedSnapshot {
  readonly record: SnapshotRecord;
  /** Sentences that begin with `kept:` or `goes:`. */
  readonly reasons: string[];
}

export interface RetentionPlanResult {
  /** Oldest first. */
  readonly destroy: PlannedSnapshot[];
  /** In scope, but staying. */
  readonly keep: PlannedSnapshot[];
  /** Why the plan needs an approval; empty when it does not. */
  readonly breaker: string[];
  readonly warnings: string[];
}

interface Decision {
  readonly candidate: Candidate;
  /** Empty for one that may go. */
  readonly kept: string[];
  readonly goes: string;
}

function byDataset(snapshots: readonly SnapshotRecord[]): Map<string, SnapshotRecord[]> {
  const groups = new Map<string, SnapshotRecord[]>();
  for (const record of snapshots) {
    if (record.kind !== 'snapshot') continue;
    const group = groups.get(record.dataset);
    if (group) group.push(record);
    else groups.set(record.dataset, [record]);
  }
  return groups;
}

/** Creation order. Each txg is converted once, since converting in every comparison would dominate the plan. */
function sortByCreation(records: readonly SnapshotRecord[]): SnapshotRecord[] {
  return records
    .map((record) => ({ record, txg: sortable(record.createtxg) }))
    .toSorted((a, b) => (a.txg < b.txg ? -1 : a.txg > b.txg ? 1 : a.record.name < b.record.name ? -1 : 1))
    .map(({ record }) => record);
}

/** As a number where that is exact; both kinds compare with each other. */
const sortable = (decimal: string): number | bigint => (decimal.length <= 15 ? Number(decimal) : BigInt(decimal));

/** What each rule says of the candidate at `index`, none of which keeps it. */
function goesReason(rules: readonly (readonly Verdict[])[], index: number): string {
  if (rules.length === 1) return `goes: ${rules[0]?.[index]?.text ?? ''} and no other rule keeps it`;
  let text = 'goes: no rule keeps it';
  for (const [place, verdicts] of rules.entries()) text += `${place === 0 ? ': ' : '; '}${verdicts[index]?.text ?? ''}`;
  return text;
}

function decideDataset(
  dataset: string,
  records: SnapshotRecord[],
  input: RetentionPlanInput,
  keepAll: string | null,
): Decision[] {
  const ordered = sortByCreation(records);
  const candidates = ordered.flatMap((record) => candidateOf(record, input.scope, input.ageFrom) ?? []);
  if (candidates.length === 0) return [];
  const { now } = input.clock;
  const guards = guardReasons(candidates, {
    now,
    keepAtLeast: Math.max(1, input.keepAtLeast),
    scope: input.scope,
    neededElsewhere: input.neededElsewhere.get(dataset),
    keepAll: keepAll ?? input.keepAll.get(dataset) ?? null,
  });
  const context = { now, timeZone: input.timeZone, dataset, scheduleByName: input.scheduleByName ?? false };
  const rules = input.rules.map((rule) => applyRule(rule, candidates, context));
  return candidates.map((candidate, index) => {
    const reasons: string[] = [];
    for (const verdicts of rules) {
      const verdict = verdicts[index];
      if (verdict?.keeps === true) reasons.push(verdict.text);
    }
    reasons.push(...(guards[index] ?? []));
    return { candidate, kept: reasons, goes: reasons.length === 0 ? goesReason(rules, index) : '' };
  });
}

/** What may go, of very many snapshots: no more is kept of each than is needed. */
interface Going {
  readonly record: SnapshotRecord;
  readonly goes: string;
}

/** One text for all of whom the same is said. */
class Texts {
  private readonly known = new Map<string, string>();

  of(text: string): string {
    const before = this.known.get(text);
    if (before === undefined) this.known.set(text, text);
    return before ?? text;
  }
}

/**
 * Oldest first over all datasets. Within one dataset the order of creation decides, whatever the dates say: each gets
 * the latest date up to it, so that dates that run backwards cannot contradict that order.
 */
function oldestFirst(groups: readonly (readonly Going[])[]): Going[] {
  const dated = groups.flatMap((group) => {
    let latest = 0;
    return group.map((going) => {
      latest = Math.max(latest, going.record.creation ?? latest);
      return { going, latest, dataset: going.record.dataset };
    });
  });
  dated.sort((a, b) => a.latest - b.latest || (a.dataset < b.dataset ? -1 : a.dataset > b.dataset ? 1 : 0));
  return dated.map(({ going }) => going);
}

function limitByFreeSpace(going: readonly Going[], input: RetentionPlanInput): (string | null)[] {
  if (input.minFree === null) return going.map(() => null);
  const items = going.map(({ record }) => ({ dataset: record.dataset, reclaim: record.used ?? 0 }));
  return minFreeReasons(items, input.minFree, input.pools);
}

/** Why everything in all datasets stays, or null, and what to warn of. */
function reasonToKeepAll(input: RetentionPlanInput): { keepAll: string | null; warnings: string[] } {
  if (isEmptyScope(input.scope)) {
    return { keepAll: 'the scope is empty', warnings: ['the scope names nothing, so nothing can be deleted'] };
  }
  if (input.rules.length === 0) {
    return { keepAll: 'the policy has no keep rule', warnings: ['the policy has no keep rule, so nothing is deleted'] };
  }
  const problem = clockProblem(input.clock, input.snapshots);
  if (problem === null) return { keepAll: null, warnings: [] };
  return {
    keepAll: `the clock looks wrong: ${problem}`,
    warnings: [`nothing is deleted, the clock looks wrong: ${problem}`],
  };
}

/** The plan. Throws nothing: what cannot be judged is kept. */
export function planRetention(input: RetentionPlanInput): RetentionPlanResult {
  const { keepAll, warnings } = reasonToKeepAll(input);
  const counts = new Map<string, { inScope: number; destroy: number }>();
  const keep: PlannedSnapshot[] = [];
  const groups: Going[][] = [];
  const texts = new Texts();
  const keeping = (record: SnapshotRecord, reasons: readonly string[]): PlannedSnapshot => ({
    record,
    reasons: [...new Set(reasons)].map((reason) => texts.of(`kept: ${reason}`)),
  });
  for (const [dataset, records] of byDataset(input.snapshots)) {
    const decisions = decideDataset(dataset, records, input, keepAll);
    counts.set(dataset, { inScope: decisions.length, destroy: 0 });
    const group: Going[] = [];
    for (const { candidate, kept, goes } of decisions) {
      if (kept.length > 0) keep.push(keeping(candidate.record, kept));
      else group.push({ record: candidate.record, goes: texts.of(goes) });
    }
    groups.push(group);
  }
  const going = oldestFirst(groups);
  const spared = limitByFreeSpace(going, input);
  const destroy: PlannedSnapshot[] = [];
  for (const [index, { record, goes }] of going.entries()) {
    const reason = spared[index];
    if (typeof reason === 'string') keep.push(keeping(record, [reason]));
    else {
      destroy.push({ record, reasons: [goes] });
      const count = counts.get(record.dataset);
      if (count) count.destroy++;
    }
  }
  return { destroy, keep, breaker: breakerReasons(counts, input.limits, input.clock.jump), warnings };
}
