// Where nothing has changed since a run that ended with everything there, no snapshot is listed again: of each pair of datasets
// the few records are kept that a plan without work goes by, and given to the next run as long as both sides have the
// fingerprint that they had then. In memory, for each destination; whatever is unclear is listed in full. `plan/` is given
// listings and does not know how they came about. Why this is enough: docs/decisions/0010-nothing-changed.md.
import { stableHash } from '../../base/stable-hash';
import { groupBy } from '../../base/group-by';
import type { RunContext } from '../../base/run-context';
import type { HostResolver } from '../../host/host';
import { lookAtTrees, notesOf, type TreeLook } from '../../zfs/fingerprint';
import type { TreeListing } from '../../zfs/list';
import { mapDataset } from '../../zfs/mapping';
import { fullName, type DatasetRecord, type SnapshotRecord } from '../../zfs/records';
import { compileExcludes } from '../../zfs/names';
import type { PairInput } from '../plan/plan-types';
import type { ReplicateOptions } from '../setup/options';
import { compileSelection } from '../setup/selection';
import type { Setup } from '../setup/setup';
import { displaces, listBoth, sourceTrees, targetTrees, type Listings } from './listings';

/** A full listing at least so often, whatever the fingerprints say. Milliseconds. */
const FULL_EVERY = 4 * 3600_000;
/** Seconds that the last change must be older than the look at it: ZFS notes whole seconds, of a clock that may be put back. */
const SETTLING = 6;
/** Seconds that a machine's clock may have gone otherwise than ours since then. */
const CLOCK_STEP = 2;
/** Of all destinations together; the one that was not asked for longest goes. */
const MOST_MEMORIES = 200;

/** Snapshots that a plan goes by, with the fingerprint that goes with them. */
interface Kept {
  mark: string;
  snapshots: readonly SnapshotRecord[];
}

interface Memory {
  /** What ZFS noted holds good for, on both sides (`notesOf`). */
  notes: string;
  /** The datasets of both sides, and how they hang together. */
  structure: string;
  /** Until when, and by which clocks, it may be used. */
  fullAt: number;
  clocks: readonly Reading[];
  /** By name. */
  sources: ReadonlyMap<string, Kept>;
  targets: ReadonlyMap<string, Kept>;
}

/** Datasets by name, both of a pair or none. */
interface Changed {
  sources: ReadonlySet<string>;
  targets: ReadonlySet<string>;
}
type Side = keyof Changed;

/** The last listing, and what of it came from memory: all but what had changed. */
interface Seen extends Pick<Memory, 'fullAt' | 'clocks'> {
  listings: Listings;
  reused: { memory: Memory; changed: Changed } | null;
}

/** A machine's clock in seconds, when ours was at `own` ms. */
interface Reading {
  clock: number;
  own: number;
}

const memories = new Map<string, Memory>();

/** Our own clock that nobody sets. */
const now = (): number => performance.now();

/** What may change without any consequence for a plan, or is compared otherwise. */
const VOLATILE = new Set<keyof DatasetRecord>(['used', 'usedByDataset', 'referenced']);
/** The source is written to all the time, its copy is not. */
const VOLATILE_SOURCE = new Set<keyof DatasetRecord>([...VOLATILE, 'written']);

function markOf(
  record: DatasetRecord,
  skipped: ReadonlySet<keyof DatasetRecord>,
  bookmarks: readonly SnapshotRecord[],
) {
  const fields = Object.entries(record).filter(([key]) => !skipped.has(key as keyof DatasetRecord));
  const marks = bookmarks.map(({ name, guid, createtxg }) => `${name} ${guid} ${createtxg}`).toSorted();
  return stableHash([Object.fromEntries(fields), marks]);
}

/** By name: the fingerprints of all datasets of one side. */
function marksOf(datasets: readonly DatasetRecord[], bookmarks: readonly SnapshotRecord[] | null): Map<string, string> {
  const byDataset = groupBy(bookmarks ?? [], ({ dataset }) => dataset);
  const skipped = bookmarks === null ? VOLATILE : VOLATILE_SOURCE;
  return new Map(datasets.map((one) => [one.name, markOf(one, skipped, byDataset.get(one.name) ?? [])]));
}

interface Datasets {
  source: Pick<TreeListing, 'datasets' | 'missing'>;
  target: Pick<TreeListing, 'datasets' | 'missing'>;
}

/** A clone that is promoted gains snapshots without a note of ZFS, but not without another origin. */
function structureOf({ source, target }: Datasets): string {
  return stableHash(
    [source, target].map(({ datasets, missing }) => [
      datasets.map(({ name, guid, type, origin }) => [name, guid, type, origin]),
      missing,
    ]),
  );
}

const isBookmark = ({ kind }: SnapshotRecord): boolean => kind === 'bookmark';
const isSnapshot = ({ kind }: SnapshotRecord): boolean => kind === 'snapshot';

/** What a pair's plan goes by where nothing is to be done: the base, and what bookmarks, selection and clones refer to. */
function trimmed(
  pair: PairInput,
  origins: ReadonlySet<string>,
): { source: SnapshotRecord[]; target: SnapshotRecord[] } {
  const { sourceRecords, targetSnapshots, wanted } = pair;
  const marked = new Set(sourceRecords.filter(isBookmark).map(({ guid }) => guid));
  const snapshots = sourceRecords.filter(isSnapshot);
  const onSource = new Set(snapshots.map(({ guid }) => guid));
  const base = targetSnapshots.findLast(({ guid }) => onSource.has(guid))?.guid;
  const newestWanted = snapshots.findLast(({ guid }) => wanted.has(guid))?.guid;
  const newest = snapshots.at(-1)?.guid;
  const named = new Set([base, newestWanted, newest]);
  return {
    source: snapshots.filter((one) => named.has(one.guid) || marked.has(one.guid) || origins.has(fullName(one))),
    target: targetSnapshots.filter(({ guid }, index) => {
      return guid === base || marked.has(guid) || index === targetSnapshots.length - 1;
    }),
  };
}

/** A look at both sides that goes on, and what it is for. */
export interface FirstLook {
  memory: Memory;
  looks: Promise<Looks>;
}

/**
 * Begins to look where something is remembered, at the same time as the machines are asked what they are. Null where nothing
 * is. Never rejects by itself; what failed is found out when it is needed.
 */
export function beginToLook(options: ReplicateOptions, hosts: HostResolver, ctx: RunContext): FirstLook | null {
  const memory = memories.get(keyOf(options));
  if (!memory || options.mode !== 'execute' || isOutdated(memory)) return null;
  const [source, target] = [hosts(options.sourceConnection), hosts(options.targetConnection)];
  const asked = {
    options,
    source,
    target,
    selection: compileSelection(options),
    excluded: compileExcludes(options.exclude),
  };
  const looks = lookAtBoth(asked, NONE, ctx);
  looks.catch(() => undefined);
  return { memory, looks };
}

function keyOf({ name: _name, speedLimit: _limit, mode: _mode, ...rest }: ReplicateOptions): string {
  return stableHash(rest);
}

const isOutdated = ({ fullAt }: Memory): boolean => now() - fullAt > FULL_EVERY;

/** The memory of one run's destination, and what the run has seen. */
export class Unchanged {
  private readonly readings: readonly Reading[];
  private seen: Seen | undefined;
  private settled: readonly PairInput[] = [];
  /** Names of all target datasets that a source maps to. */
  private mapped: ReadonlySet<string> = new Set();

  private constructor(
    private readonly key: string,
    private readonly notes: string,
    clocks: readonly number[],
    private first: FirstLook | null,
  ) {
    const own = now();
    this.readings = clocks.map((clock) => ({ clock, own }));
  }

  /** To be made as soon as the facts of both machines are there. Null where everything has to be listed in any case. */
  static of(setup: Setup, first: FirstLook | null = null): Unchanged | null {
    const { options, sourceFacts, targetFacts, targetPolicy } = setup;
    const notes = [notesOf(sourceFacts, options.sourceDatasets), notesOf(targetFacts, [options.targetDataset])];
    const clocks = [sourceFacts.clock, targetFacts.clock].filter((clock) => clock !== undefined);
    // What is displaced takes everything along, and what a policy lets go by its date is another set with every hour.
    if (notes.includes(null) || clocks.length < 2 || displaces(setup) || targetPolicy !== null) return null;
    return new Unchanged(keyOf(options), notes.join('\n\n'), clocks, first);
  }

  /** `listBoth`, by way of what is remembered as far as that goes. Throws what a full listing throws. */
  async list(setup: Setup, ctx: RunContext): Promise<Listings> {
    const memory = this.usable();
    const begun = this.first?.memory === memory ? this.first?.looks : undefined;
    this.first = null;
    const seen = memory && (await byMemory(setup, memory, begun, ctx));
    if (!seen) return this.listInFull(setup, ctx);
    this.seen = seen;
    return seen.listings;
  }

  async listInFull(setup: Setup, ctx: RunContext): Promise<Listings> {
    memories.delete(this.key);
    const fullAt = now();
    const listings = await listBoth(setup, ctx);
    this.seen = { listings, fullAt, clocks: this.readings, reused: null };
    return listings;
  }

  /** Sources of which no snapshot was listed this time. */
  kept(): ReadonlySet<string> {
    const { reused = null } = this.seen ?? {};
    return new Set([...(reused?.memory.sources.keys() ?? [])].filter((name) => !reused?.changed.sources.has(name)));
  }

  /** Takes what the last attempt found, and of that what there is nothing to do for. */
  found(pairs: readonly PairInput[], settled: readonly PairInput[]): void {
    this.settled = settled;
    this.mapped = new Set(pairs.map(({ target }) => target));
  }

  /** After a run that ended with everything there. */
  remember(): void {
    memories.delete(this.key);
    const { seen } = this;
    if (!seen) return;
    const memory = this.memoryOf(seen);
    // Where most has to be listed again, all is.
    if (memory.sources.size * 2 < seen.listings.source.datasets.length) return;
    memories.set(this.key, memory);
    const [oldest] = memories.keys();
    if (memories.size > MOST_MEMORIES && oldest !== undefined) memories.delete(oldest);
  }

  /** After any other run. */
  forget(): void {
    memories.delete(this.key);
  }

  private usable(): Memory | null {
    const memory = memories.get(this.key);
    if (!memory || isOutdated(memory) || memory.notes !== this.notes) return null;
    const steady = memory.clocks.every(({ clock, own }, side) => {
      const reading = this.readings[side];
      return reading && Math.abs(reading.clock - clock - (reading.own - own) / 1000) <= CLOCK_STEP;
    });
    return steady ? memory : null;
  }

  private memoryOf({ listings: { source, target }, fullAt, clocks, reused }: Seen): Memory {
    const marks = {
      sources: marksOf(source.datasets, source.snapshots.filter(isBookmark)),
      targets: marksOf(target.datasets, null),
    };
    const origins = new Set(source.datasets.map(({ origin }) => origin));
    const onTarget = groupBy(target.snapshots, ({ dataset }) => dataset);
    const known = { sources: new Map<string, Kept>(), targets: new Map<string, Kept>() };
    const keep = (side: Side, dataset: DatasetRecord, snapshots: readonly SnapshotRecord[]): void => {
      const { name } = dataset;
      const before = reused?.changed[side].has(name) === false ? reused.memory[side].get(name) : undefined;
      const mark = marks[side].get(name) ?? '';
      if (before) known[side].set(name, before);
      else if (this.isOld(side, dataset)) known[side].set(name, { mark, snapshots });
    };
    const others = target.datasets.filter(({ name }) => !this.mapped.has(name));
    // That there is one is what counts.
    for (const other of others) keep('targets', other, (onTarget.get(other.name) ?? []).slice(0, 1));
    const mayBeCopies = others.some(({ name }) => onTarget.has(name));
    for (const pair of this.settled) {
      const few = trimmed(pair, origins);
      if (pair.targetDataset) keep('targets', pair.targetDataset, few.target);
      // Its copy may be anywhere.
      else if (mayBeCopies) continue;
      keep('sources', pair.source, few.source);
    }
    return { notes: this.notes, structure: structureOf({ source, target }), fullAt, clocks, ...known };
  }

  /** The last change is as old as it has to be. */
  private isOld(side: Side, { snapshotsChanged }: DatasetRecord): boolean {
    const reading = this.readings[side === 'sources' ? 0 : 1];
    return (
      snapshotsChanged !== undefined && reading !== undefined && Number(snapshotsChanged) + SETTLING < reading.clock
    );
  }
}

/** Null: everything has to be listed. */
async function byMemory(
  setup: Setup,
  memory: Memory,
  begun: Promise<Looks> | undefined,
  ctx: RunContext,
): Promise<Seen | null> {
  const seen = (looks: Looks, changed: Changed): Seen => {
    const { fullAt, clocks } = memory;
    return { listings: filled(memory, looks, changed), fullAt, clocks, reused: { memory, changed } };
  };
  try {
    const first = await (begun ?? lookAtBoth(setup, NONE, ctx));
    const changed = changedSince(setup, memory, first);
    if (changed === null) return null;
    const count = changed.sources.size + changed.targets.size;
    if (count === 0) return seen(first, changed);
    // Of so many, one listing of all is not more.
    if (count * 2 > first.source.datasets.length + first.target.datasets.length) return null;
    const second = await lookAtBoth(setup, changed, ctx);
    const again = changedSince(setup, memory, second);
    const isAll =
      again !== null && isSubset(again.sources, changed.sources) && isSubset(again.targets, changed.targets);
    return isAll ? seen(second, changed) : null;
  } catch {
    // The listing that follows says what is wrong.
    ctx.signal.throwIfAborted();
    return null;
  }
}

const NONE: Changed = { sources: new Set(), targets: new Set() };

const isSubset = (some: ReadonlySet<string>, all: ReadonlySet<string>): boolean =>
  [...some].every((one) => all.has(one));

interface Looks {
  source: TreeLook;
  target: TreeLook;
}

type Asked = Pick<Setup, 'options' | 'source' | 'target' | 'selection' | 'excluded'>;

/** Both sides at the same time, with the snapshots of what has changed. */
async function lookAtBoth(setup: Asked, { sources, targets }: Changed, { signal }: RunContext): Promise<Looks> {
  const [source, target] = await Promise.all([
    lookAtTrees(setup.source, { ...sourceTrees(setup), bookmarks: true, snapshotsOf: [...sources], signal }),
    lookAtTrees(setup.target, { ...targetTrees(setup), bookmarks: false, snapshotsOf: [...targets], signal }),
  ]);
  return { source, target };
}

/** What is not as it is remembered, both datasets of a pair where one is not. Null: datasets have come, gone or moved. */
function changedSince(setup: Setup, memory: Memory, looks: Looks): Changed | null {
  if (structureOf(looks) !== memory.structure) return null;
  const { source, target } = looks;
  const marks = { source: marksOf(source.datasets, source.bookmarks), target: marksOf(target.datasets, null) };
  const targets = new Set<string>();
  for (const [name, mark] of marks.target) if (memory.targets.get(name)?.mark !== mark) targets.add(name);
  const sources = new Set<string>();
  for (const [name, mark] of marks.source) {
    const copy = mapDataset(name, setup.common, setup.options.targetDataset);
    if (memory.sources.get(name)?.mark === mark && !targets.has(copy)) continue;
    sources.add(name);
    if (marks.target.has(copy)) targets.add(copy);
  }
  return { sources, targets };
}

/** The listings, with what is remembered in the place of what was not listed. */
function filled(memory: Memory, { source, target }: Looks, changed: Changed): Listings {
  const kept = (known: ReadonlyMap<string, Kept>, without: ReadonlySet<string>): SnapshotRecord[] =>
    [...known].flatMap(([name, { snapshots }]) => (without.has(name) ? [] : snapshots));
  const { datasets, missing, snapshots, bookmarks } = source;
  return {
    source: { datasets, missing, snapshots: [...kept(memory.sources, changed.sources), ...snapshots, ...bookmarks] },
    target: {
      datasets: target.datasets,
      missing: target.missing,
      snapshots: [...kept(memory.targets, changed.targets), ...target.snapshots],
    },
  };
}
