// What a target is worth, compared with its source (pure). The state is the one that a replication would find
// (src/replication/plan/target-state.ts), in the words of whoever wants to know whether the backup is good.
import { classifyTarget, inOrder, type PairFacts, type TargetState } from '../../replication/plan/target-state';
import { compareDecimal, type SnapshotRecord } from '../../zfs/records';
import type { VerifyState } from '../options';

export interface Verdict {
  state: VerifyState;
  /** The newest snapshot of the target that the source has too, or has a bookmark of. */
  newestCommon: SnapshotRecord | null;
  missing: number;
  extra: number;
  /** Sentences. `behind` alone is none. */
  problems: string[];
}

/** How many names a sentence tells. */
const MOST_NAMES = 5;

function listed(records: readonly SnapshotRecord[]): string {
  const shown = records.slice(-MOST_NAMES).map(({ name }) => `@${name}`);
  const more = records.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

interface Compared {
  pair: PairFacts;
  /** In creation order. */
  wanted: readonly SnapshotRecord[];
  missing: readonly SnapshotRecord[];
}

function compare(pair: PairFacts): Compared & { extra: number } {
  const snapshots = inOrder(pair.sourceRecords.filter(({ kind }) => kind === 'snapshot'));
  const here = new Set(snapshots.map(({ guid }) => guid));
  const there = new Set(pair.targetSnapshots.map(({ guid }) => guid));
  const wanted = snapshots.filter(({ guid }) => pair.wanted.has(guid));
  return {
    pair,
    wanted,
    missing: wanted.filter(({ guid }) => !there.has(guid)),
    extra: pair.targetSnapshots.filter(({ guid }) => !here.has(guid)).length,
  };
}

type Found = Extract<TargetState, { targetBase: SnapshotRecord }>;

/** What is missing although the target has something newer: it was not sent, or it is gone. */
function gaps({ pair, missing }: Compared, { base, targetBase }: Found): string[] {
  const older = missing.filter(({ createtxg }) => compareDecimal(createtxg, base.createtxg) < 0);
  if (older.length === 0) return [];
  const what = counted(older.length, 'snapshot');
  return [
    `"${pair.target}" lacks ${what} of "${pair.source.name}" that ${older.length === 1 ? 'is' : 'are'} older than the newest common one @${targetBase.name}: ${listed(older)}`,
  ];
}

function written({ pair }: Compared, { targetBase }: Found, bytes: number): string[] {
  if (bytes === 0) return [];
  return [`${counted(bytes, 'byte')} were written to "${pair.target}" after its snapshot @${targetBase.name}`];
}

function withBase(compared: Compared, state: Found): { state: VerifyState; problems: string[] } {
  const { pair, missing } = compared;
  const lacking = gaps(compared, state);
  if (state.kind === 'FORWARD') return { state: missing.length > 0 ? 'behind' : 'same', problems: lacking };
  const changes = written(compared, state, state.written);
  if (state.kind === 'MODIFIED') return { state: 'modified', problems: [...changes, ...lacking] };
  const goesOn = missing.some(({ createtxg }) => compareDecimal(createtxg, state.base.createtxg) > 0);
  const has = counted(state.targetOnly.length, 'snapshot');
  const own = `"${pair.target}" has ${has} after the newest common one @${state.targetBase.name} that "${pair.source.name}" has not: ${listed(state.targetOnly)}`;
  return { state: goesOn ? 'diverged' : 'ahead', problems: [own, ...changes, ...lacking] };
}

function withoutBase({ pair }: Compared, state: Exclude<TargetState, Found>): { state: VerifyState; problem: string } {
  const { target, source, targetDataset } = pair;
  if (state.kind === 'UNRELATED') {
    return { state: 'unrelated', problem: `"${target}" has no snapshot in common with "${source.name}"` };
  }
  if (state.kind === 'FOREIGN') {
    return { state: 'unrelated', problem: `"${target}" is no copy of "${source.name}": ${state.why}` };
  }
  if (targetDataset === null) return { state: 'missing', problem: `the target "${target}" does not exist` };
  const why = targetDataset.receiveResumeToken === '' ? 'holds nothing' : 'has only a part of its first copy';
  return { state: 'missing', problem: `the target "${target}" exists, but ${why}` };
}

/** The verdict over one dataset, its age apart. */
export function judgePair(pair: PairFacts): Verdict {
  const compared = compare(pair);
  const state = classifyTarget(pair);
  const counts = { missing: compared.missing.length, extra: compared.extra };
  if ('targetBase' in state) return { ...withBase(compared, state), newestCommon: state.targetBase, ...counts };
  const { problem, state: found } = withoutBase(compared, state);
  return { state: found, newestCommon: null, ...counts, problems: [problem] };
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const;

/** `2 d 3 h`: the two largest units. */
export function spanText(seconds: number): string {
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  if (first < 0) return '0 s';
  let rest = Math.floor(seconds);
  const parts: string[] = [];
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.join(' ');
}

/** The problem of a newest common snapshot that is older than `maxAge` milliseconds; none without such a limit. */
export function ageProblem(target: string, name: string, ageSeconds: number, maxAge: number | null): string[] {
  if (maxAge === null || ageSeconds * 1000 <= maxAge) return [];
  return [
    `the newest common snapshot "${target}@${name}" is ${spanText(ageSeconds)} old, older than ${spanText(maxAge / 1000)}`,
  ];
}
