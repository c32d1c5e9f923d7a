// What a replication does to one dataset (pure), once it is known where its copy is when its turn comes (`set-aside.ts`) and
// what is above it: first everything that it would do, then whether anything speaks against it.
import type { SnapshotRecord } from '../../zfs/records';
import type { DatasetAction } from '../setup/options';
import {
  decideEncryption,
  decideRaw,
  encryptionAbove,
  type EncryptionDecision,
  type EncryptionInput,
  type ParentEncryption,
  type RawDecision,
} from './encryption';
import { deliveries, sends } from './plan-facts';
import type { DatasetPlan, PairInput, PlanInput, PrepareStep, Refusal } from './plan-types';
import { answerState, impossibleName, nameClash, notReadonly, type Answer } from './refusals';
import { planRoute, type Route } from './route';
import { decideFlags, type FlagDecision } from './send-flags';
import type { Turn } from './set-aside';
import { twinWarning } from './twin-targets';

/** What the place of a target dataset among the others says. */
export interface Surroundings extends Pick<EncryptionInput, 'keyRoot' | 'heirs' | 'hasChildren'> {
  /** No dataset of this job is above it. */
  isRoot: boolean;
  parent: ParentEncryption;
  /** GUID of the snapshot that the source is a clone of, where that is replicated too. */
  originGuid: string | null;
  input: PlanInput;
}

interface Planned {
  plan: DatasetPlan;
  /** What datasets below the target will find above them. */
  above: ParentEncryption;
}

/** Everything that would be done, whether or not it is refused. */
interface Wish {
  base: SnapshotRecord | null;
  answer: Answer;
  /** Names of target snapshots that a rollback discards. */
  gone: ReadonlySet<string>;
  route: Route;
  prepare: PrepareStep[];
  action: DatasetAction;
  sends: boolean;
  /** The receive makes the target dataset. */
  creates: boolean;
  raw: RawDecision;
  encryption: EncryptionDecision;
  flags: FlagDecision;
}

function actionOf(turn: Turn, prepare: readonly PrepareStep[], route: Route, hasBase: boolean): DatasetAction {
  if (turn.action) return turn.action;
  if (prepare.some((step) => step.do === 'rollback')) return 'rollback';
  if (route.resume) return 'resume';
  if (route.steps.length > 0) return hasBase ? 'incremental' : 'full';
  return hasBase ? 'current' : 'skip';
}

function wish(turn: Turn, { isRoot, parent, originGuid, input, ...around }: Surroundings): Wish {
  const { pair, state } = turn;
  const { options } = input;
  const base = 'base' in state ? state.base : null;
  const answer = answerState(pair, state, options);
  const raw = decideRaw(pair, base !== null, options);
  const gone = new Set(answer.prepare.flatMap((step) => (step.do === 'rollback' ? step.destroys : [])));
  const route = planRoute({ pair, base, raw: raw.raw, originGuid, gone, options });
  const prepare = [...turn.prepare, ...route.prepare, ...answer.prepare];
  // Discarding a first partial receive removes its dataset.
  const aborts = prepare.some((step) => step.do === 'abortReceive') && pair.targetSnapshots.length === 0;
  const creates = pair.targetDataset === null || aborts;
  const encryption = decideEncryption({ pair, raw: raw.raw, creates, isRoot, parent, ...around }, options);
  const encryptedThere = creates ? encryption.encryption !== 'none' : pair.targetDataset?.encryption !== 'off';
  return {
    base,
    answer,
    gone,
    route,
    prepare,
    action: actionOf(turn, prepare, route, base !== null),
    sends: sends(route),
    creates,
    raw,
    encryption,
    flags: decideFlags(pair, { raw: raw.raw, encryptedThere }, input),
  };
}

/** The first of what speaks against it; what concerns the sends does so only where something is sent. */
function refusalOf({ pair, refusal }: Turn, wished: Wish, { readonly }: PlanInput['options']): Refusal | null {
  const { answer, route, raw, encryption, flags, gone } = wished;
  const writable = readonly === 'require' && pair.targetDataset?.readonly === false;
  const ofSends = encryption.refusal ?? flags.refusal ?? (writable ? notReadonly(pair) : null);
  return (
    refusal ??
    answer.refusal ??
    route.refusal ??
    raw.refusal ??
    (wished.sends ? ofSends : null) ??
    nameClash(pair, route.steps, gone) ??
    impossibleName(pair, deliveries(route))
  );
}

/** What is there already, and what that makes of the copy. */
function standing({ pair, state, found }: Turn) {
  const isPlaceholder = state.kind === 'INITIAL_PLACEHOLDER';
  const base = 'base' in state ? state.base : null;
  return {
    state: found,
    base: base && { name: base.name, guid: base.guid, kind: base.kind },
    targetBaseName: 'targetBase' in state ? state.targetBase.name : '',
    initial: base === null,
    force: state.kind === 'EMPTY_TARGET' || isPlaceholder,
    wasPlaceholder: isPlaceholder,
    formerDstId: pair.located?.formerDstId ?? '',
  } satisfies Partial<DatasetPlan>;
}

/** How its streams are. */
function streams({ source }: PairInput, { raw: { raw }, flags }: Wish, { includeProperties }: PlanInput['options']) {
  const asTheyAre = raw || source.encryption === 'off';
  return {
    raw,
    properties: includeProperties && asTheyAre,
    carriesProperties: includeProperties && !asTheyAre,
    largeBlocks: flags.largeBlocks,
    compressedBlocks: flags.compressedBlocks,
    embeddedBlocks: flags.embeddedBlocks,
  } satisfies Partial<DatasetPlan>;
}

type Work = Pick<DatasetPlan, 'action' | 'prepare' | 'resume' | 'steps' | 'encryption' | 'loadKey'>;

/** What is done: nothing at all where it is refused. */
function work(wished: Wish, isRefused: boolean): Work {
  const { action, prepare, route, encryption } = wished;
  const { resume, steps } = route;
  if (isRefused) return { action: 'skip', prepare: [], resume: null, steps: [], encryption: 'none', loadKey: '' };
  const key = wished.sends ? encryption : { encryption: 'none' as const, loadKey: '' };
  return { action, prepare, resume, steps, encryption: key.encryption, loadKey: key.loadKey };
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

/** A source that has lost its snapshots looks as if it had nothing to do: that is said, since it may be a mishap. */
function nothingSelected(pair: PairInput, base: SnapshotRecord | null): string[] {
  if (!base || pair.wanted.size > 0) return [];
  return [`"${pair.source.name}" has no selected snapshot (any more); its copy "${pair.target}" stays as it is`];
}

function reasonFor({ action, base, route }: Wish): string {
  if (action === 'current') return `the target has everything that is selected, up to @${base?.name ?? ''}`;
  if (action === 'skip') return 'the source has no selected snapshot';
  const count = deliveries(route).length;
  const from = base ? `after ${base.kind === 'bookmark' ? 'the bookmark #' : '@'}${base.name}` : 'from the beginning';
  return `${count} snapshot${count === 1 ? '' : 's'} to send ${from}`;
}

/** Why this is what is done, and what to know of it, for a person. */
function sayings(turn: Turn, wished: Wish, isRefused: boolean): Pick<DatasetPlan, 'reasons' | 'warnings'> {
  const { pair, reasons, warnings } = turn;
  const { prepare, base, route, raw, flags, encryption } = wished;
  const ofTarget = isRefused
    ? (pair.notes ?? [])
    : [...warnings, ...discards(pair, prepare), ...nothingSelected(pair, base), ...twinWarning(pair, base)];
  return {
    reasons: [...(isRefused ? [] : reasons), ...route.reasons, reasonFor(wished)],
    warnings: [...ofTarget, ...(wished.sends ? [...raw.warnings, ...encryption.warnings, ...flags.warnings] : [])],
  };
}

export function planPair(turn: Turn, surroundings: Surroundings): Planned {
  const { isRoot, parent, input } = surroundings;
  const { pair } = turn;
  const wished = wish(turn, surroundings);
  const refusal = refusalOf(turn, wished, input.options);
  const plan: DatasetPlan = {
    source: pair.source.name,
    target: pair.target,
    type: pair.source.type,
    dstId: pair.dstId,
    isRoot,
    ...standing(turn),
    ...streams(pair, wished, input.options),
    ...work(wished, refusal !== null),
    ...sayings(turn, wished, refusal !== null),
    refusal,
    // Both are decided when all datasets have their plans (`clones.ts`, `whole-trees.ts`).
    origin: null,
    stream: '',
  };
  const planned = { raw: wished.raw.raw, creates: wished.creates && wished.sends };
  return { plan, above: encryptionAbove(pair, wished.encryption, planned, parent) };
}
