// Rotate and recreate, decided (pure): which targets are renamed aside, what takes their place, and where each copy is
// when its turn comes. Children that are fine go back below the new parent by rename; nothing is copied for them.
// What an interrupted run left is found by `locate-aside.ts`; the steps are carried out by `displace.ts`.
import { PLACEHOLDER_PROPERTY, replacedMark } from '../../zfs/marks';
import { groupBy } from '../../base/group-by';
import { isWithin, type SnapshotRecord } from '../../zfs/records';
import type { PairInput, PlanInput, PrepareStep, Refusal, ReplacedCopy, TargetOther } from './plan-types';
import { decideRaw } from './encryption';
import { asides } from './locate-aside';
import { classifyTarget, inOrder, type TargetState } from './target-state';

/** A pair as it will be when its turn comes, and what brings it there. */
export interface Turn {
  pair: PairInput;
  state: TargetState;
  /** The state in which it was found. */
  found: TargetState['kind'];
  prepare: PrepareStep[];
  action: 'rotate' | 'recreate' | null;
  refusal: Refusal | null;
  reasons: string[];
  warnings: string[];
}

export interface Turns {
  /** By target dataset. */
  turns: ReadonlyMap<string, Turn>;
  replaced: ReplacedCopy[];
}

type Mode = PlanInput['options']['whenDiverged'];
type WithBase = Extract<TargetState, { base: SnapshotRecord }>;

const DIVERGENT: ReadonlySet<TargetState['kind']> = new Set(['MODIFIED', 'DIVERGED', 'UNRELATED', 'FOREIGN']);

/** Made with a key that nobody has (`zfs/receive.ts`), so that nothing can have been put into it. */
function isSealed({ targetDataset }: PairInput): boolean {
  return targetDataset?.encryptionRoot === targetDataset?.name && targetDataset?.keyStatus === 'unavailable';
}

/**
 * ZFS receives nothing encrypted onto what is there: neither a raw stream onto a plain dataset, nor any onto an encrypted one
 * (`receive -F` "cannot be used to destroy an encrypted filesystem or overwrite an unencrypted one with an encrypted one").
 */
function isInTheWay(pair: PairInput, state: TargetState, options: PlanInput['options']): boolean {
  if (state.kind !== 'INITIAL_PLACEHOLDER' || pair.wanted.size === 0) return false;
  return pair.targetDataset?.encryption !== 'off' || decideRaw(pair, false, options).raw;
}

const leaf = (dataset: string): string => dataset.slice(dataset.lastIndexOf('/') + 1);
const parentOf = (dataset: string): string => dataset.slice(0, Math.max(0, dataset.lastIndexOf('/')));
const hasBase = (state: TargetState): state is WithBase => 'base' in state;

/** ZFS_MAX_DATASET_NAME_LEN, less the terminating NUL and room for a snapshot's name. */
const LONGEST = 200;

/** A name beside `target` that nothing has: after the snapshot where the old copy and the new one part. */
function asideName(target: string, pair: PairInput, state: TargetState, taken: ReadonlySet<string>): string {
  const at = hasBase(state) ? state.targetBase.name : (inOrder(pair.targetSnapshots).at(-1)?.name ?? 'copy');
  const name = `${target}_zfsflow-old-${at}`.slice(0, Math.max(LONGEST, target.length + 20));
  for (let count = 1; ; count++) {
    const candidate = count === 1 ? name : `${name}-${count}`;
    if (!taken.has(candidate)) return candidate;
  }
}

/** The pair as if nothing of its target were there. */
function blank(pair: PairInput): PairInput {
  return { ...pair, targetDataset: null, targetSnapshots: [], inside: null, partial: null };
}

/** The pair with a fresh clone of the common snapshot as its target. */
function cloned(pair: PairInput, { targetBase }: WithBase): PairInput {
  const kept = inOrder(pair.targetSnapshots);
  const end = kept.findIndex(({ guid }) => guid === targetBase.guid) + 1;
  const targetDataset = pair.targetDataset && { ...pair.targetDataset, written: 0, receiveResumeToken: '' };
  return { ...pair, targetDataset, targetSnapshots: kept.slice(0, end), partial: null };
}

/** What goes in the end, in full. */
function announce({ datasets }: ReplacedCopy): string {
  const each = datasets.map(({ name, snapshots, written }) => {
    const parts = [
      ...snapshots.map((snapshot) => `@${snapshot}`),
      ...(written > 0 ? [`${written} bytes written since`] : []),
    ];
    return parts.length === 0 ? `"${name}"` : `"${name}" with ${parts.join(', ')}`;
  });
  return `when the new copy is complete and verified, these are destroyed: ${each.join('; ')}`;
}

class Planner {
  readonly turns = new Map<string, Turn>();
  readonly replaced: ReplacedCopy[] = [];
  /** Where displaced datasets go, by their target name, and whether a clone takes their place. */
  private readonly aside = new Map<string, { to: string; root: string; back: boolean }>();
  /** Names that go along with a displaced dataset and do not come back. */
  private readonly gone = new Set<string>();
  private readonly states: ReadonlyMap<string, TargetState>;
  private readonly taken: Set<string>;
  /** Names of what no source maps to, by the dataset that it is right below. */
  private readonly foreign: ReadonlyMap<string, readonly string[]>;
  private readonly mode: Mode;

  constructor(
    private readonly pairs: readonly PairInput[],
    private readonly others: readonly TargetOther[],
    existing: ReadonlySet<string>,
    private readonly options: PlanInput['options'],
    private readonly careful: boolean,
    private readonly refuse: (pair: PairInput, state: TargetState) => Refusal | null,
  ) {
    this.mode = options.whenDiverged;
    this.taken = new Set([...existing, ...others.map(({ dataset }) => dataset.name), ...pairs.map((p) => p.target)]);
    this.states = new Map(pairs.map((pair) => [pair.target, classifyTarget(pair)]));
    const names = others.map(({ dataset }) => dataset.name);
    this.foreign = groupBy(names, parentOf);
  }

  run(): Turns {
    const order = [
      ...this.pairs.map((pair) => ({ name: pair.target, pair })),
      ...this.others.map(({ dataset }) => ({ name: dataset.name, pair: null })),
    ].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    for (const { name, pair } of order) {
      if (pair) this.turns.set(name, this.turn(pair));
      else if (this.gone.has(parentOf(name)) || this.aside.get(parentOf(name))?.back === false) this.gone.add(name);
    }
    this.collectLeftovers();
    for (const copy of this.replaced) {
      if (!copy.mark.includes(',placeholder,')) this.turns.get(copy.target)?.warnings.push(announce(copy));
    }
    return { turns: this.turns, replaced: this.replaced };
  }

  private turn(pair: PairInput): Turn {
    const state = this.states.get(pair.target) ?? classifyTarget(pair);
    const turn: Turn = {
      pair,
      state,
      found: state.kind,
      prepare: [],
      action: null,
      refusal: null,
      reasons: [],
      warnings: [...(pair.notes ?? [])],
    };
    if (!pair.targetDataset) return turn;
    if (this.gone.has(parentOf(pair.located?.as === 'renamed' ? pair.located.at : pair.target))) {
      this.gone.add(pair.target);
      return this.fresh(turn);
    }
    if (pair.located?.as === 'unpromoted') {
      turn.prepare.push({ do: 'promote' });
      turn.reasons.push(`promotes the clone that an interrupted rotation made of "${pair.located.at}"`);
      return { ...turn, action: 'rotate' };
    }
    if (pair.located?.as === 'renamed') {
      const { at } = pair.located;
      turn.prepare.push({ do: 'rename', from: at, why: `the source was renamed, so the copy "${at}" follows it` });
      turn.reasons.push(`"${at}" holds this dataset's snapshots: it is renamed instead of sending everything again`);
    }
    const parent = this.aside.get(parentOf(pair.target));
    if (isInTheWay(pair, state, this.options)) return this.makeWay(turn, parent && `${parent.to}/${leaf(pair.target)}`);
    const lies =
      pair.located?.as === 'aside' || pair.located?.as === 'below'
        ? pair.located.at
        : parent && `${parent.to}/${leaf(pair.target)}`;
    if (lies !== undefined) return this.fromAside(turn, lies, parent?.root ?? '');
    return this.isDisplaced(state) ? this.displace(turn) : turn;
  }

  private isDisplaced(state: TargetState): boolean {
    return (this.mode === 'rotate' || this.mode === 'recreate') && DIVERGENT.has(state.kind);
  }

  private fresh(turn: Turn): Turn {
    const pair = blank(turn.pair);
    return { ...turn, pair, state: classifyTarget(pair) };
  }

  /** Its old copy is below what was set aside: it comes back by rename or as a clone, or is sent anew. */
  private fromAside(turn: Turn, lies: string, root: string): Turn {
    const { pair, state } = turn;
    const wasRotated = pair.located?.as === 'aside';
    if (!DIVERGENT.has(state.kind) || !(wasRotated || this.isDisplaced(state))) {
      turn.prepare.push({ do: 'rename', from: lies, why: 'nothing is wrong with it: it goes back to its place' });
      return turn;
    }
    const mode = wasRotated ? 'rotate' : this.mode;
    const back = mode === 'rotate' && hasBase(state);
    this.aside.set(pair.target, { to: lies, root, back });
    if (!pair.located && mode === 'recreate') this.addReplaced(root, lies, pair);
    return this.replace(turn, lies, mode === 'recreate' ? 'recreate' : 'rotate');
  }

  /** Sets a placeholder aside; what is below it goes back below the copy that takes its place. */
  private makeWay(turn: Turn, along: string | undefined): Turn {
    const { pair, state } = turn;
    const why = this.cannotMakeWay(pair);
    if (why !== null) {
      turn.warnings.push(`"${pair.target}" stays a placeholder, and is not copied yet: ${why}`);
      return { ...turn, pair: { ...pair, wanted: new Set() } };
    }
    const to = along ?? asideName(pair.target, pair, state, this.taken);
    this.taken.add(to);
    const root = along === undefined ? pair.target : (this.aside.get(parentOf(pair.target))?.root ?? pair.target);
    if (along === undefined) turn.prepare.push({ do: 'setAside', to, mode: 'placeholder' });
    const isEmpty = pair.inside?.isEmpty === true || isSealed(pair);
    if (!isEmpty) turn.warnings.push(`"${to}" was a placeholder; that it is empty cannot be seen, so it is kept`);
    else if (along === undefined) {
      const mark = replacedMark({ dstId: pair.dstId, mode: 'placeholder' }, to);
      this.replaced.push({ dataset: to, target: pair.target, mark, datasets: [] });
    }
    if (isEmpty) this.addReplaced(root, to, pair);
    this.aside.set(pair.target, { to, root, back: true });
    turn.reasons.push(`"${pair.target}" is a placeholder, onto which ZFS cannot receive this: a copy takes its place`);
    return this.fresh(turn);
  }

  private cannotMakeWay({ target, inside }: PairInput): string | null {
    const foreign = inside?.foreignChildren ?? [];
    if (foreign.length > 0) return `it has datasets of its own below it (${foreign.join(', ')})`;
    // ZFS lets nothing plain be renamed to below something encrypted.
    const plain = this.pairs.find(
      (one) =>
        one.target !== target &&
        isWithin(one.target, target) &&
        one.targetDataset?.encryption === 'off' &&
        !isInTheWay(one, this.states.get(one.target) ?? classifyTarget(one), this.options),
    );
    if (plain) return `"${plain.target}" below it is not encrypted`;
    return this.careful ? 'something else of this run fails' : null;
  }

  /** The topmost of the datasets that are set aside together. */
  private displace(turn: Turn): Turn {
    const { pair, state } = turn;
    const mode = this.mode === 'recreate' ? 'recreate' : 'rotate';
    const refusal = this.objection(pair, state, mode);
    if (refusal) return { ...turn, refusal };
    const to = asideName(pair.target, pair, state, this.taken);
    this.taken.add(to);
    turn.prepare.push({ do: 'setAside', to, mode });
    this.aside.set(pair.target, { to, root: pair.target, back: mode === 'rotate' && hasBase(state) });
    if (mode === 'recreate') {
      const mark = replacedMark({ dstId: pair.dstId, mode }, to);
      this.replaced.push({ dataset: to, target: pair.target, mark, datasets: [] });
      this.addReplaced(pair.target, to, pair);
    }
    return this.replace(turn, to, mode);
  }

  private addReplaced(root: string, name: string, pair: PairInput): void {
    const copy = this.replaced.find(({ target }) => target === root);
    const snapshots = inOrder(pair.targetSnapshots).map((snapshot) => snapshot.name);
    const { guid = '', written = 0 } = pair.targetDataset ?? {};
    copy?.datasets.push({ name, guid, written, snapshots });
  }

  /** What takes the place of a copy that lies at `old`: a clone of the common snapshot, or a new copy. */
  private replace(turn: Turn, old: string, mode: 'rotate' | 'recreate'): Turn {
    const { pair, state } = turn;
    if (mode === 'rotate' && hasBase(state)) {
      const view = cloned(pair, state);
      const kept = new Set(view.targetSnapshots.map(({ guid }) => guid));
      const leaves = pair.targetSnapshots.filter(({ guid }) => !kept.has(guid)).map(({ name }) => name);
      const moves = (this.foreign.get(pair.located?.as === 'aside' ? old : pair.target) ?? [])
        .map((name) => ({ from: `${old}/${leaf(name)}`, to: `${pair.target}/${leaf(name)}` }))
        .filter(({ to }) => !this.states.has(to));
      turn.prepare.push({ do: 'cloneBack', from: old, snapshot: state.targetBase.name, leaves, moves });
      turn.reasons.push(
        `the old copy is kept as "${old}"; the common snapshot @${state.targetBase.name} goes on from it`,
      );
      turn.warnings.push(
        `"${old}" keeps what the target had beyond @${state.targetBase.name} and depends on that snapshot of "${pair.target}"`,
      );
      return { ...turn, pair: view, state: classifyTarget(view), action: 'rotate' };
    }
    turn.reasons.push(
      mode === 'rotate'
        ? `the old copy shares no snapshot with the source: it is kept as "${old}", and everything is sent`
        : `everything is sent again; the old copy waits as "${old}" and is destroyed when the new one is complete and verified`,
    );
    if (mode === 'rotate') {
      const left = this.foreign.get(pair.target) ?? [];
      turn.warnings.push(
        `"${old}" is the old copy of "${pair.target}"`,
        ...(left.length > 0 ? [`"${left.join('", "')}" went along with it to "${old}"`] : []),
      );
    }
    return { ...this.fresh(turn), action: mode };
  }

  /** Why this target cannot be set aside, whatever the node's author allows. */
  private objection(pair: PairInput, state: TargetState, mode: 'rotate' | 'recreate'): Refusal | null {
    const plain = this.refuse(pair, state);
    if (!plain) return null;
    if (!pair.target.includes('/')) {
      return {
        ...plain,
        hint: `whenDiverged "${mode}" renames the target, and a pool's root dataset cannot be renamed.`,
      };
    }
    const anew = mode === 'recreate' || !hasBase(state);
    if (anew && pair.wanted.size === 0) {
      return { ...plain, hint: 'The source has no selected snapshot that could take its place.' };
    }
    if (mode === 'rotate') return null;
    const foreign = this.others
      .map(({ dataset }) => dataset)
      .filter((dataset) => this.goesWith(dataset.name, pair.target))
      .filter(({ name, userProperties }) => userProperties[PLACEHOLDER_PROPERTY] !== name);
    if (foreign.length === 0) return null;
    const names = foreign.map(({ name }) => name);
    return {
      code: 'TARGET_HAS_DATA',
      message: `recreating "${pair.target}" would destroy datasets that the source does not have: ${names.join(', ')}`,
      hint: 'Move them out of the way, or choose whenDiverged "rotate", which destroys nothing.',
      details: { datasets: names },
    };
  }

  /** True when only displaced datasets are between `name` and `root`, so that it would not come back. */
  private goesWith(name: string, root: string): boolean {
    if (name === root || !isWithin(name, root)) return false;
    for (let up = parentOf(name); up !== root; up = parentOf(up)) {
      const state = this.states.get(up);
      if (state && !DIVERGENT.has(state.kind)) return false;
    }
    return true;
  }

  /** Old copies that an interrupted recreate had set aside: they go when this run has completed the new ones. */
  private collectLeftovers(): void {
    const back = new Set(
      [...this.turns.values()].flatMap(({ prepare }) =>
        prepare.flatMap((step) => (step.do === 'rename' ? step.from : [])),
      ),
    );
    for (const aside of asides(this.others)) {
      const target = this.pairs.find(({ dstId }) => dstId === aside.dstId)?.target;
      if (aside.mode === 'placeholder' && target !== undefined) {
        // What was seen to be empty by a run that ended half-way may not be any more.
        this.turns.get(target)?.warnings.push(`"${aside.name}" was a placeholder of ours: when it is empty, remove it`);
      }
      if (aside.mode !== 'recreate' || this.mode !== 'recreate' || target === undefined) continue;
      const datasets = this.others
        .filter((other) => isWithin(other.dataset.name, aside.name))
        .filter(({ dataset: { name } }) => ![...back].some((moved) => isWithin(name, moved)))
        .map((other) => ({
          name: other.dataset.name,
          guid: other.dataset.guid,
          written: other.dataset.written,
          snapshots: inOrder(other.snapshots).map(({ name }) => name),
        }));
      const turn = this.turns.get(target);
      if (!turn) continue;
      const mapped = (name: string): boolean => this.turns.has(target + name.slice(aside.name.length));
      const only = datasets.filter(({ name }) => !mapped(name)).map(({ name }) => name);
      if (only.length > 0) {
        turn.warnings.push(`"${aside.name}" is not destroyed: the source does not have ${only.join(', ')}`);
        continue;
      }
      this.replaced.push({ dataset: aside.name, target, mark: replacedMark(aside, aside.name), datasets });
      turn.action ??= 'recreate';
      turn.reasons.push(
        `continues an interrupted recreate; "${aside.name}" goes when this copy is complete and verified`,
      );
    }
  }
}

/**
 * Where each copy is when its turn comes. `refuse` gives the refusal of a state when nothing may be done about it, null
 * for a state that is fine.
 */
export function planTurns(
  { pairs, others = [], existing, options, careful = false }: PlanInput,
  refuse: (pair: PairInput, state: TargetState) => Refusal | null,
): Turns {
  return new Planner(pairs, others, existing, options, careful, refuse).run();
}
