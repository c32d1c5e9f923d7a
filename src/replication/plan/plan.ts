// What a replication does to each dataset, decided from listings alone (pure). Everything that can be refused is
// refused here, before the first step of any dataset; the same plan is what `mode: plan` shows and what runs.
import { isWithin, type SnapshotRecord } from '../../zfs/records';
import type { SendStep } from '../../zfs/send';
import { originOf, planClones } from './clones';
import { decideEncryption, decideRaw, encryptionAbove, encryptionOf, type ParentEncryption } from './encryption';
import { decideFlags } from './send-flags';
import type { DatasetAction } from '../setup/options';
import type { DatasetPlan, PairInput, PlanInput, PrepareStep, Refusal, ReplicationPlan } from './plan-types';
import { holdBack } from './hold-back';
import { answerState, nameClash, noProgress, notReadonly, partialInTheWay } from './refusals';
import { judgePartialReceive } from './partial-receive';
import { planTurns, type Turn } from './set-aside';
import { inOrder } from './target-state';
import { planSteps } from './steps';
import { planStreams } from './whole-trees';

function wantedAfter(pair: PairInput, base: SnapshotRecord | null, firstCopy: 'all' | 'newest'): SnapshotRecord[] {
  const snapshots = inOrder(pair.sourceRecords.filter(({ kind }) => kind === 'snapshot'));
  if (base) {
    // Order by createtxg on the source; a bookmark has its snapshot's.
    const txg = BigInt(base.createtxg);
    return snapshots.filter(({ createtxg, guid }) => BigInt(createtxg) > txg && guid !== base.guid);
  }
  if (firstCopy === 'all') return snapshots;
  return snapshots.filter(({ guid }) => pair.wanted.has(guid)).slice(-1);
}

interface Route {
  resume: DatasetPlan['resume'];
  steps: SendStep[];
  prepare: PrepareStep[];
  refusal: Refusal | null;
  reasons: string[];
}

/** Steps from the base, by way of a partial receive where one can be continued. */
function route(
  pair: PairInput,
  base: SnapshotRecord | null,
  raw: boolean,
  {
    options,
    originGuid,
    gone,
  }: { options: PlanInput['options']; originGuid: string | null; gone: ReadonlySet<string> },
): Route {
  const result: Route = { resume: null, steps: [], prepare: [], refusal: null, reasons: [] };
  let start = base;
  const isWanted = ({ guid }: SnapshotRecord): boolean => pair.wanted.has(guid);
  if (pair.partial) {
    const { token, isOwn } = pair.partial;
    const later = wantedAfter(pair, base, options.firstCopy);
    const verdict = judgePartialReceive({
      source: pair.source.name,
      token,
      sourceRecords: pair.sourceRecords,
      targetGuids: new Set(pair.targetSnapshots.filter(({ name }) => !gone.has(name)).map(({ guid }) => guid)),
      wanted: pair.wanted,
      baseGuid: base?.guid ?? originGuid,
      raw,
      own: isOwn,
      partialReceive: options.partialReceive,
      // A first copy of the newest alone may go on with what was the newest when it began.
      next: base === null && options.firstCopy === 'newest' ? null : (later.find(isWanted)?.guid ?? null),
      stuck: pair.stuck === 'once',
    });
    result.reasons.push(verdict.why);
    if (verdict.do === 'refuse') result.refusal = partialInTheWay(pair, verdict.why);
    else if (verdict.do === 'abort') result.prepare.push({ do: 'abortReceive', why: verdict.why });
    else {
      const { name, guid } = verdict.to;
      const text = pair.targetDataset?.receiveResumeToken ?? '';
      result.resume = { token: text, to: { name, guid }, bytesThere: token?.bytes ?? 0 };
      start = verdict.to;
    }
  }
  if (pair.stuck === 'again') result.refusal = noProgress(pair);
  result.steps = planSteps({
    dataset: pair.source.name,
    base: start,
    later: wantedAfter(pair, start, options.firstCopy),
    wanted: pair.wanted,
    afterResume: result.resume !== null,
  });
  return result;
}

/** What a rollback discards, for the result's warnings. */
function discards(pair: PairInput, prepare: readonly PrepareStep[]): string[] {
  return prepare.flatMap((step) => {
    if (step.do !== 'rollback') return [];
    const lost = step.destroys.map((name) => `@${name}`);
    if (step.writtenBytes > 0) lost.push(`${step.writtenBytes} bytes written since its newest snapshot`);
    return lost.length === 0
      ? []
      : [`"${pair.target}" is rolled back to @${step.to}, which discards ${lost.join(', ')}`];
  });
}

function actionOf(
  turn: Turn,
  prepare: readonly PrepareStep[],
  found: Route,
  base: SnapshotRecord | null,
): DatasetAction {
  if (turn.action) return turn.action;
  if (prepare.some((step) => step.do === 'rollback')) return 'rollback';
  if (found.resume) return 'resume';
  if (found.steps.length > 0) return base ? 'incremental' : 'full';
  return base ? 'current' : 'skip';
}

/** A source that has lost its snapshots looks as if it had nothing to do: that is said, since it may be a mishap. */
function nothingSelected(pair: PairInput, base: SnapshotRecord | null): string[] {
  if (!base || pair.wanted.size > 0) return [];
  return [`"${pair.source.name}" has no selected snapshot (any more); its copy "${pair.target}" stays as it is`];
}

/** What the place of a target dataset among the others says. */
interface Surroundings {
  /** No dataset of this job is above it. */
  isRoot: boolean;
  parent: ParentEncryption;
  /** GUID of the snapshot that the source is a clone of, where that is replicated too. */
  originGuid: string | null;
  input: PlanInput;
}

interface PlannedPair {
  plan: DatasetPlan;
  /** What datasets below the target will find above them. */
  above: ParentEncryption;
}

function planPair(turn: Turn, { isRoot, parent, originGuid, input }: Surroundings): PlannedPair {
  const { pair, state } = turn;
  const { options } = input;
  const base = 'base' in state ? state.base : null;
  const answer = answerState(pair, state, options);
  const { raw, refusal: rawRefusal, warnings } = decideRaw(pair, base !== null, options);
  const answered = Array.isArray(answer) ? answer : [];
  /** Names of target snapshots that a rollback discards. */
  const gone = new Set(answered.flatMap((step) => (step.do === 'rollback' ? step.destroys : [])));
  const found = route(pair, base, raw, { options, originGuid, gone });
  const prepare = [...turn.prepare, ...found.prepare, ...answered];
  const initial = base === null;
  const action = actionOf(turn, prepare, found, base);
  const sends = found.resume !== null || found.steps.length > 0;
  // Discarding a first partial receive removes its dataset.
  const aborts = prepare.some((step) => step.do === 'abortReceive') && pair.targetSnapshots.length === 0;
  const creates = pair.targetDataset === null || aborts;
  const decided = decideEncryption({ pair, raw, creates, isRoot, parent }, options);
  const encryptedThere = creates ? decided.encryption !== 'none' : pair.targetDataset?.encryption !== 'off';
  const flags = decideFlags(pair, { raw, encryptedThere }, input);
  const wronglyWritable = options.readonly === 'require' && pair.targetDataset?.readonly === false;
  const refusal =
    turn.refusal ??
    (Array.isArray(answer) ? null : answer) ??
    found.refusal ??
    rawRefusal ??
    (sends ? (decided.refusal ?? flags.refusal ?? (wronglyWritable ? notReadonly(pair) : null)) : null) ??
    nameClash(pair, found.steps, gone);
  const plan: DatasetPlan = {
    source: pair.source.name,
    target: pair.target,
    type: pair.source.type,
    dstId: pair.dstId,
    state: turn.found,
    action: refusal ? 'skip' : action,
    base: base ? { name: base.name, guid: base.guid, kind: base.kind } : null,
    targetBaseName: 'targetBase' in state ? state.targetBase.name : '',
    prepare: refusal ? [] : prepare,
    resume: refusal ? null : found.resume,
    steps: refusal ? [] : found.steps,
    raw,
    properties: options.includeProperties && (raw || pair.source.encryption === 'off'),
    carriesProperties: options.includeProperties && !raw && pair.source.encryption !== 'off',
    largeBlocks: flags.largeBlocks,
    compressedBlocks: flags.compressedBlocks,
    embeddedBlocks: flags.embeddedBlocks,
    encryption: sends && !refusal ? decided.encryption : 'none',
    loadKey: sends && !refusal ? decided.loadKey : '',
    isRoot,
    force: state.kind === 'EMPTY_TARGET' || state.kind === 'INITIAL_PLACEHOLDER',
    initial,
    wasPlaceholder: state.kind === 'INITIAL_PLACEHOLDER',
    origin: null,
    stream: '',
    formerDstId: pair.located?.formerDstId ?? '',
    refusal,
    reasons: [...(refusal ? [] : turn.reasons), ...found.reasons, reasonFor(action, base, found)],
    warnings: [
      ...(refusal
        ? (pair.notes ?? [])
        : [...turn.warnings, ...discards(pair, prepare), ...nothingSelected(pair, base)]),
      ...(sends ? [...warnings, ...flags.warnings] : []),
    ],
  };
  return { plan, above: encryptionAbove(pair, decided, { raw, creates: creates && sends }, parent) };
}

function reasonFor(action: DatasetAction, base: SnapshotRecord | null, found: Route): string {
  if (action === 'current') return `the target has everything that is selected, up to @${base?.name ?? ''}`;
  if (action === 'skip') return 'the source has no selected snapshot';
  const count = found.steps.reduce((sum, step) => sum + step.snapshots.length, found.resume ? 1 : 0);
  const from = base ? `after ${base.kind === 'bookmark' ? 'the bookmark #' : '@'}${base.name}` : 'from the beginning';
  return `${count} snapshot${count === 1 ? '' : 's'} to send ${from}`;
}

/** Target datasets that have to exist so that `needed` can be received, and neither do nor will: outermost first. */
function missingParents(needed: readonly string[], existing: ReadonlySet<string>): string[] {
  const will = new Set(needed);
  const missing = new Set<string>();
  for (const dataset of needed) {
    const parts = dataset.split('/');
    for (let length = 1; length < parts.length; length++) {
      const parent = parts.slice(0, length).join('/');
      if (!existing.has(parent) && !will.has(parent)) missing.add(parent);
    }
  }
  return [...missing].toSorted((a, b) => a.split('/').length - b.split('/').length || (a < b ? -1 : 1));
}

/** A dataset that exists has parents that exist, listed or not. */
function withParents(dataset: string): string[] {
  const parts = dataset.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

const UNENCRYPTED: ParentEncryption = { encrypted: false, locked: false, encryptionRoot: '' };

function planAll(input: PlanInput): ReplicationPlan {
  const { pairs, ancestors, existing, options } = input;
  const known = new Map(ancestors.map((dataset) => [dataset.name, encryptionOf(dataset)]));
  for (const { targetDataset } of pairs) if (targetDataset) known.set(targetDataset.name, encryptionOf(targetDataset));
  const { turns, replaced } = planTurns(input, (pair, state) => {
    const answer = answerState(pair, state, { ...options, whenDiverged: 'refuse' });
    return Array.isArray(answer) ? null : answer;
  });
  const datasets: DatasetPlan[] = [];
  for (const pair of pairs) {
    const turn = turns.get(pair.target);
    if (!turn) continue;
    const above = [...known].filter(([name]) => name !== pair.target && isWithin(pair.target, name));
    const parent = above.toSorted(([a], [b]) => b.length - a.length)[0]?.[1] ?? UNENCRYPTED;
    const isRoot = !pairs.some((other) => other !== pair && isWithin(pair.target, other.target));
    const originGuid = originOf(pair, pairs)?.snapshot.guid ?? null;
    const planned = planPair(turn, { isRoot, parent, originGuid, input });
    known.set(pair.target, planned.above);
    datasets.push(planned.plan);
  }
  const there = new Set([...existing, ...ancestors.map(({ name }) => name)].flatMap(withParents));
  const needed = datasets.filter(
    ({ refusal, steps, resume, prepare }) =>
      refusal === null && (steps.length > 0 || resume !== null || prepare.length > 0),
  );
  return {
    placeholders: missingParents(
      needed.map(({ target }) => target),
      there,
    ),
    datasets: planStreams(planClones(datasets, pairs, options), input),
    replaced,
  };
}

/** The plan for everything that discovery found; see `hold-back.ts` for what one refusal means for the others. */
export function planReplication(input: PlanInput): ReplicationPlan {
  return holdBack(input, planAll);
}
