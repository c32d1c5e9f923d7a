// What the state of a target calls for: nothing, a preparation that the node's author allowed, or a refusal that names
// both sides' snapshots (pure). The states themselves are `target-state.ts`.
import { datasetNameProblem, snapshotNameProblem } from '../../zfs/names';
import type { SendStep } from '../../zfs/send';
import type { PairInput, PlanInput, PrepareStep, Refusal } from './plan-types';
import { inOrder, type TargetState } from './target-state';

const names = (records: readonly { name: string }[]): string[] => records.map(({ name }) => name);

function bothLists(pair: PairInput, common: string | null): Record<string, unknown> {
  const onTarget = new Set(pair.targetSnapshots.map(({ guid }) => guid));
  const onSource = new Set(pair.sourceRecords.map(({ guid }) => guid));
  const source = inOrder(pair.sourceRecords.filter(({ kind }) => kind === 'snapshot'));
  return {
    common,
    sourceOnly: names(source.filter(({ guid }) => !onTarget.has(guid))),
    targetOnly: names(inOrder(pair.targetSnapshots).filter(({ guid }) => !onSource.has(guid))),
  };
}

/** Names that are on both sides for different snapshots: what a tool that goes by names would take for the same. */
function sameNames(pair: PairInput, onlyThere: readonly { name: string }[]): string[] {
  const onTarget = new Set(pair.targetSnapshots.map(({ guid }) => guid));
  const here = pair.sourceRecords.filter(({ kind, guid }) => kind === 'snapshot' && !onTarget.has(guid));
  const taken = new Set(here.map(({ name }) => name));
  return names(onlyThere).filter((name) => taken.has(name));
}

function listed(all: readonly string[]): string {
  const shown = all.slice(0, 5).map((name) => `@${name}`);
  return all.length > 5 ? `${shown.join(', ')} and ${all.length - 5} more` : shown.join(', ');
}

type Found<Kind extends TargetState['kind']> = Extract<TargetState, { kind: Kind }>;

function foreign(pair: PairInput, { why, obstacle }: Found<'FOREIGN'>): Refusal {
  // Nothing is known to be in it: what is missing is a right.
  if (obstacle) {
    const message = `nothing can be received onto the target "${pair.target}": ${why}`;
    return { code: 'PERMISSION_DENIED', message, hint: obstacle.hint, details: bothLists(pair, null) };
  }
  return {
    code: 'TARGET_HAS_DATA',
    message: `the target "${pair.target}" is not ours to overwrite: ${why}`,
    hint: 'Choose a target that does not exist yet, move this one out of the way, or let `whenDiverged: rotate` do it.',
    details: { ...bothLists(pair, null), bytes: pair.targetDataset?.used ?? 0 },
  };
}

/** What to add where snapshots of both sides share only their names. */
function twins(same: readonly string[]): string {
  return same.length > 0 ? `; ${listed(same)} have the same name but are other snapshots` : '';
}

function unrelated(pair: PairInput, { sameNames: same }: Found<'UNRELATED'>): Refusal {
  return {
    code: 'NO_COMMON_SNAPSHOT',
    message: `"${pair.source.name}" and the target "${pair.target}" both have snapshots, but share none${twins(same)}`,
    hint: 'Is this the right target? Replicate to a new dataset, rename this one first, or let `whenDiverged: rotate` do it.',
    details: { ...bothLists(pair, null), sameNameOtherSnapshot: same },
  };
}

function modified(pair: PairInput, { targetBase, written }: Found<'MODIFIED'>): Refusal {
  return {
    code: 'TARGET_MODIFIED',
    message: `${written} bytes were written to the target "${pair.target}" after its snapshot @${targetBase.name}`,
    hint: 'Save what was written there, or let `whenDiverged: rollback` discard it, or `rotate` keep it beside. `readonly: set` avoids this.',
    details: { ...bothLists(pair, targetBase.name), writtenBytes: written },
  };
}

function diverged(pair: PairInput, { targetBase, targetOnly, written }: Found<'DIVERGED'>): Refusal {
  const same = sameNames(pair, targetOnly);
  return {
    code: 'TARGET_DIVERGED',
    message: `the target "${pair.target}" has snapshots newer than the last common one @${targetBase.name}: ${listed(names(targetOnly))}${twins(same)}`,
    hint: 'Nothing was changed. `whenDiverged: rollback` would destroy these snapshots and continue, `rotate` keep them beside.',
    details: { ...bothLists(pair, targetBase.name), sameNameOtherSnapshot: same, writtenBytes: written },
  };
}

/** What the state of the target calls for. */
export interface Answer {
  prepare: PrepareStep[];
  refusal: Refusal | null;
}

const refuse = (refusal: Refusal): Answer => ({ prepare: [], refusal });

/** What a rollback to the common snapshot discards is what `destroys` names, and what was written since. */
function rollBack({ targetBase, written }: Found<'MODIFIED' | 'DIVERGED'>, destroys: string[]): Answer {
  return { prepare: [{ do: 'rollback', to: targetBase.name, destroys, writtenBytes: written }], refusal: null };
}

/** The refusal, or the preparation, that the state of the target calls for. */
export function answerState(
  pair: PairInput,
  state: TargetState,
  { whenDiverged }: Pick<PlanInput['options'], 'whenDiverged'>,
): Answer {
  const rollback = whenDiverged === 'rollback';
  switch (state.kind) {
    case 'INITIAL':
    case 'INITIAL_PLACEHOLDER':
    case 'EMPTY_TARGET':
    case 'FORWARD':
      return { prepare: [], refusal: null };
    case 'FOREIGN':
      return refuse(foreign(pair, state));
    case 'UNRELATED':
      return refuse(unrelated(pair, state));
    case 'MODIFIED':
      return rollback ? rollBack(state, []) : refuse(modified(pair, state));
    case 'DIVERGED':
      return rollback ? rollBack(state, names(state.targetOnly)) : refuse(diverged(pair, state));
    default:
      return state satisfies never;
  }
}

/** Neither the partial receive nor a fresh one gets on. */
export function noProgress({ target, partial }: PairInput): Refusal {
  return {
    code: 'TRANSFER_STALLED',
    message: `the transfer to "${target}" does not get on: no try to continue its partial receive moved a byte, and a fresh one failed too`,
    hint: 'The log has the error of each try. What keeps ending it at the same place is in the data, the network or a limit.',
    details: { token: partial?.token?.toName ?? null },
  };
}

/** Nothing may arrive under a name that another snapshot of the target has. */
export function nameClash(pair: PairInput, steps: readonly SendStep[], gone: ReadonlySet<string>): Refusal | null {
  const taken = new Map(
    pair.targetSnapshots.filter(({ name }) => !gone.has(name)).map(({ name, guid }) => [name, guid]),
  );
  const clash = steps
    .flatMap((step) => step.snapshots)
    .find(({ name, guid }) => taken.has(name) && taken.get(name) !== guid);
  if (!clash) return null;
  return {
    code: 'SNAPSHOT_EXISTS',
    message: `the target "${pair.target}" has another snapshot named @${clash.name}`,
    hint: 'Rename it on the target; what it holds stays.',
    details: { name: clash.name },
  };
}

/** A name that is fine on the source may be too long, or nested too deep, where the target is. */
export function impossibleName({ source, target }: PairInput, delivered: readonly { name: string }[]): Refusal | null {
  const long = delivered.map(({ name }) => snapshotNameProblem(target, name)).find((problem) => problem !== null);
  const ofTarget = datasetNameProblem(target);
  const problem = ofTarget === null ? long : `"${target}": ${ofTarget}`;
  if (delivered.length === 0 || !problem) return null;
  return {
    code: 'INVALID_OPTIONS',
    message: `"${source.name}" cannot be received: ${problem}`,
    hint: 'Choose a target with a shorter name, or exclude this dataset.',
    details: { field: 'targetDataset', target },
  };
}

/** A partial receive that this job may neither continue nor discard. */
export function partialInTheWay({ target, partial }: PairInput, why: string): Refusal {
  return {
    code: 'TARGET_BUSY_PARTIAL',
    message: `the target "${target}" holds a partial receive that is not this job's: ${why}`,
    hint: 'Let whoever began it finish, or set partialReceive to "abort" to discard it.',
    details: { token: partial?.token?.toName ?? null },
  };
}

/** A target that is writable while `readonly` is "require". */
export function notReadonly({ target }: PairInput): Refusal {
  return {
    code: 'TARGET_NOT_READONLY',
    message: `the target "${target}" is not read-only, and readonly is "require"`,
    hint: `zfs set readonly=on ${target}`,
    details: {},
  };
}
