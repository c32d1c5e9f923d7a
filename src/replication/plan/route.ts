// Which sends bring a target from where it is to what is wanted (pure): from the base, by way of a partial receive where one
// can be continued.
import type { SnapshotRecord } from '../../zfs/records';
import { judgePartialReceive, type ResumeVerdict } from './partial-receive';
import type { DatasetPlan, PairInput, PartialReceive, PlanInput, PrepareStep, Refusal } from './plan-types';
import { noProgress, partialInTheWay } from './refusals';
import { planSteps } from './steps';
import { inOrder } from './target-state';

export interface RouteInput {
  pair: PairInput;
  /** Null for a first copy. */
  base: SnapshotRecord | null;
  raw: boolean;
  /** GUID of the snapshot that the source is a clone of, where that is replicated too. */
  originGuid: string | null;
  /** Names of target snapshots that a rollback discards first. */
  gone: ReadonlySet<string>;
  options: PlanInput['options'];
}

export interface Route extends Pick<DatasetPlan, 'resume' | 'steps'> {
  prepare: PrepareStep[];
  refusal: Refusal | null;
  reasons: string[];
}

/** Source snapshots that could be sent after `base`, in creation order. */
function laterThan(pair: PairInput, base: SnapshotRecord | null, firstCopy: 'all' | 'newest'): SnapshotRecord[] {
  const snapshots = inOrder(pair.sourceRecords.filter(({ kind }) => kind === 'snapshot'));
  if (base) {
    // Order by createtxg on the source; a bookmark has its snapshot's.
    const txg = BigInt(base.createtxg);
    return snapshots.filter(({ createtxg, guid }) => BigInt(createtxg) > txg && guid !== base.guid);
  }
  if (firstCopy === 'all') return snapshots;
  return snapshots.filter(({ guid }) => pair.wanted.has(guid)).slice(-1);
}

function judge(
  { token, isOwn }: PartialReceive,
  { pair, base, raw, originGuid, gone, options }: RouteInput,
): ResumeVerdict {
  const first = laterThan(pair, base, options.firstCopy).find(({ guid }) => pair.wanted.has(guid));
  // A first copy of the newest alone may go on with what was the newest when it began.
  const any = base === null && options.firstCopy === 'newest';
  return judgePartialReceive({
    source: pair.source.name,
    token,
    sourceRecords: pair.sourceRecords,
    targetGuids: new Set(pair.targetSnapshots.filter(({ name }) => !gone.has(name)).map(({ guid }) => guid)),
    wanted: pair.wanted,
    baseGuid: base?.guid ?? originGuid,
    raw,
    own: isOwn,
    partialReceive: options.partialReceive,
    next: any ? null : (first?.guid ?? null),
    stuck: pair.stuck === 'once',
  });
}

/** What is done about a partial receive, and where the sends then begin. */
function byPartial(input: RouteInput): Omit<Route, 'steps'> & { start: SnapshotRecord | null } {
  const { pair, base } = input;
  const { partial } = pair;
  const route = { resume: null, prepare: [], refusal: null, reasons: [], start: base };
  if (!partial) return route;
  const verdict = judge(partial, input);
  const reasons = [verdict.why];
  if (verdict.do === 'refuse') return { ...route, reasons, refusal: partialInTheWay(pair, verdict.why) };
  if (verdict.do === 'abort') return { ...route, reasons, prepare: [{ do: 'abortReceive', why: verdict.why }] };
  const { name, guid } = verdict.to;
  const token = pair.targetDataset?.receiveResumeToken ?? '';
  const resume = { token, to: { name, guid }, bytesThere: partial.token?.bytes ?? 0 };
  return { ...route, reasons, resume, start: verdict.to };
}

/** See the head of this file. */
export function planRoute(input: RouteInput): Route {
  const { pair, options } = input;
  const { start, ...route } = byPartial(input);
  const steps = planSteps({
    dataset: pair.source.name,
    base: start,
    later: laterThan(pair, start, options.firstCopy),
    wanted: pair.wanted,
    afterResume: route.resume !== null,
  });
  return { ...route, steps, refusal: pair.stuck === 'again' ? noProgress(pair) : route.refusal };
}
