// Where nothing has changed since a run that ended with everything there, no snapshot is listed again: of each pair of datasets
// the few records are kept that a plan without work goes by, and given to the next run as long as both sides have the
// fingerprint that they had then. In memory, for each destination; whatever is unclear is listed in full. `plan/` is given
// listings and does not know how they came about. Why this is enough: docs/decisions/0010-nothing-changed.md.
import { groupBy } from '../../base/group-by';
import type { RunContext } from '../../base/run-context';
import { stableHash } from '../../base/stable-hash';
import type { HostResolver } from '../../host/host';
import { lookAtTrees, notesOf } from '../../zfs/fingerprint';
import { mapDataset } from '../../zfs/mapping';
import type { DatasetRecord, SnapshotRecord } from '../../zfs/records';
import type { PairInput } from '../plan/plan-types';
import type { ReplicateOptions } from '../setup/options';
import { compileSelection } from '../setup/selection';
import { leftOut, type Setup } from '../setup/setup';
import { displaces, listBoth, sourceTrees, targetTrees, type Listings } from './listings';
import {
  changedSince,
  filled,
  isBookmark,
  isPlain,
  marksOf,
  NameHashes,
  newestOfYoung,
  newestOf,
  structureOf,
  trimmed,
  type Changed,
  type Kept,
  type KeptCopy,
  type Looks,
  type Memory,
  type Plain,
  type Reading,
  type Young,
} from './memory';

/** A full listing at least so often, whatever the fingerprints say. Milliseconds. */
const FULL_EVERY = 4 * 3600_000;
/** Seconds that the last change must be older than the look at it: ZFS notes whole seconds, of a clock that may be put back. */
const SETTLING = 6;
/** Seconds that a machine's clock may have gone otherwise than ours since then. */
const CLOCK_STEP = 2;
/** Milliseconds after which a look that was begun before the machines had said what they are is made anew. */
const FRESH = 5_000;
/** Of all destinations together; the one that was not asked for longest goes. */
const MOST_MEMORIES = 200;

type Side = keyof Changed;

/** The last listing, and what of it came from memory: all but what had changed. */
interface Seen extends Pick<Memory, 'fullAt' | 'clocks'> {
  listings: Listings;
  /** Our own clock when they were begun. */
  began: number;
  reused: { memory: Memory; changed: Changed; plain: Plain } | null;
}

const memories = new Map<string, Memory>();

/** Our own clock that nobody sets. */
const now = (): number => performance.now();

/** A look at both sides that goes on, and what it is for. */
export interface FirstLook {
  memory: Memory;
  looks: Promise<Looks>;
  /** Our own clock. */
  began: number;
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
    excluded: leftOut(options),
  };
  const begun = { memory, looks: firstLook(asked, memory, ctx), began: now() };
  begun.looks.catch(() => undefined);
  return begun;
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
  /** By name. */
  private readonly sentTo = new Map<string, KeptCopy>();
  /** Names of all target datasets that a source maps to. */
  private mapped: ReadonlySet<string> = new Set();

  private constructor(
    private readonly key: string,
    private readonly notes: string,
    clocks: readonly number[],
    private readonly keepsYoung: boolean,
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
    return new Unchanged(keyOf(options), notes.join('\n\n'), clocks, options.targetRetention === 'none', first);
  }

  /** `listBoth`, by way of what is remembered as far as that goes. Throws what a full listing throws. */
  async list(setup: Setup, ctx: RunContext): Promise<Listings> {
    const memory = this.usable();
    const { first } = this;
    this.first = null;
    // Machines that were asked for what they are again and again have had time to change.
    const begun = first?.memory === memory && now() - first.began < FRESH ? first : null;
    const seen = memory && (await byMemory(setup, memory, begun, ctx));
    if (!seen) return this.listInFull(setup, ctx);
    this.seen = seen;
    return seen.listings;
  }

  async listInFull(setup: Setup, ctx: RunContext): Promise<Listings> {
    memories.delete(this.key);
    const fullAt = now();
    const listings = await listBoth(setup, ctx);
    this.seen = { listings, began: fullAt, fullAt, clocks: this.readings, reused: null };
    return listings;
  }

  /** Sources of which no snapshot was listed this time. */
  kept(): ReadonlySet<string> {
    const { reused = null } = this.seen ?? {};
    return new Set([...(reused?.memory.sources.keys() ?? [])].filter((name) => !reused?.changed.sources.has(name)));
  }

  /** What a target dataset is taken to be, of which no snapshot was listed this time; null for one that was listed. */
  keptCopy(target: string): KeptCopy | null {
    const { reused = null } = this.seen ?? {};
    return reused?.changed.targets.has(target) === false ? (reused.memory.targets.get(target) ?? null) : null;
  }

  /** A copy has what was sent to it by a plain increment, which ended when our own clock was at `own` ms. */
  arrived(pair: PairInput, records: readonly SnapshotRecord[], own: number): void {
    const [, reading] = this.readings;
    // What a policy lets go of the copy afterwards is found out from all of its snapshots.
    if (!reading || !this.keepsYoung) return;
    const before = this.keptCopy(pair.target);
    const all = [...pair.targetSnapshots, ...records];
    const marked = new Set(pair.sourceRecords.filter(isBookmark).map(({ guid }) => guid));
    // Both clocks were read in whole seconds, or a moment late: it may be the second before, which costs a listing, or the next.
    const at = Math.floor(reading.clock + 1 + (own - reading.own) / 1000);
    this.sentTo.set(pair.target, {
      as: { at },
      snapshots: newestOf(all, marked),
      names: before ? before.names.with(records) : NameHashes.of(all),
    });
  }

  /** Something that a plan may go by came from memory. */
  get isPartial(): boolean {
    return (this.seen?.reused ?? null) !== null;
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
    const young = [...memory.targets.values()].filter(({ as }) => 'at' in as);
    if ((memory.sources.size + young.length) * 2 < seen.listings.source.datasets.length) return;
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
    const plain = reused?.plain ?? { source: isPlain(source.datasets), target: isPlain(target.datasets) };
    const marks = {
      sources: marksOf(source.datasets, source.snapshots.filter(isBookmark)),
      targets: marksOf(target.datasets, null),
    };
    const origins = new Set(source.datasets.map(({ origin }) => origin));
    const onTarget = groupBy(target.snapshots, ({ dataset }) => dataset);
    const sources = new Map<string, Kept>();
    const targets = new Map<string, KeptCopy>();
    const keepSource = (dataset: DatasetRecord, snapshots: readonly SnapshotRecord[]): void => {
      const { name } = dataset;
      const before = reused?.changed.sources.has(name) === false ? reused.memory.sources.get(name) : undefined;
      if (before) sources.set(name, before);
      else if (this.isOld('sources', dataset)) sources.set(name, { mark: marks.sources.get(name) ?? '', snapshots });
    };
    const keepCopy = (dataset: DatasetRecord, snapshots: readonly SnapshotRecord[], mayBeYoung: boolean): void => {
      const { name } = dataset;
      const before = this.keptCopy(name);
      const young = mayBeYoung ? this.youngAs() : undefined;
      const as = this.isOld('targets', dataset) ? { mark: marks.targets.get(name) ?? '' } : young;
      if (before) targets.set(name, as && 'mark' in as ? { ...before, as } : before);
      else if (as) targets.set(name, { as, snapshots, names: NameHashes.of(onTarget.get(name) ?? []) });
    };
    const others = target.datasets.filter(({ name }) => !this.mapped.has(name));
    // That there is one is what counts.
    for (const other of others) keepCopy(other, (onTarget.get(other.name) ?? []).slice(0, 1), false);
    const mayBeCopies = others.some(({ name }) => onTarget.has(name));
    for (const pair of this.settled) {
      const few = trimmed(pair, origins);
      if (pair.targetDataset) keepCopy(pair.targetDataset, few.target, true);
      // Its copy may be anywhere.
      else if (mayBeCopies) continue;
      keepSource(pair.source, few.source);
    }
    for (const [name, copy] of this.sentTo) targets.set(name, copy);
    const unsettled = new Set(source.datasets.map(({ name }) => name).filter((name) => !sources.has(name)));
    const structure = structureOf({ source, target });
    return { notes: this.notes, plain, structure, fullAt, clocks, unsettled, sources, targets };
  }

  /** A copy that was listed after its clock was read, in the second that was not over. */
  private youngAs(): Young | undefined {
    const [, reading] = this.readings;
    return reading && this.keepsYoung ? { at: reading.clock - 1 } : undefined;
  }

  /** The last change is as old as it has to be. */
  private isOld(side: Side, { snapshotsChanged }: DatasetRecord): boolean {
    const reading = this.readings[side === 'sources' ? 0 : 1];
    if (snapshotsChanged === undefined || reading === undefined) return false;
    // The look may have been begun before the clock was read.
    const earlier = Math.max(0, reading.own - (this.seen?.began ?? 0)) / 1000;
    return Number(snapshotsChanged) + SETTLING < reading.clock - earlier;
  }
}

/** Null: everything has to be listed. */
async function byMemory(setup: Setup, memory: Memory, begun: FirstLook | null, ctx: RunContext): Promise<Seen | null> {
  let began = begun?.began ?? now();
  const seen = (looks: Looks, changed: Changed, plain: Plain): Seen => {
    const { fullAt, clocks } = memory;
    return { listings: filled(memory, looks, changed), began, fullAt, clocks, reused: { memory, changed, plain } };
  };
  try {
    const first = await (begun?.looks ?? firstLook(setup, memory, ctx));
    const plain = { source: stillPlain('source', memory, first), target: stillPlain('target', memory, first) };
    const copyOf = (name: string): string => mapDataset(name, setup.common, setup.options.targetDataset);
    const changed = changedSince(memory, first, copyOf);
    if (changed === null) return null;
    const expected = expectedOf(memory);
    if (changed.targets.size === 0 && isSubset(changed.sources, expected.sources)) return seen(first, expected, plain);
    // Of so many, one listing of all is not more.
    if (changed.targets.size * 2 > first.target.datasets.length) return null;
    began = now();
    // By this one it is planned what is sent: properties of ours are read from lines of their own.
    const second = await lookAtBoth(setup, memory, { changed, plain: NOT_PLAIN }, ctx);
    const again = changedSince(memory, second, copyOf);
    const isAll =
      again !== null && isSubset(again.sources, changed.sources) && isSubset(again.targets, changed.targets);
    return isAll ? seen(second, changed, plain) : null;
  } catch {
    // The listing that follows says what is wrong.
    ctx.signal.throwIfAborted();
    return null;
  }
}

/** Once something was found, by the look that finds more, it is there as long as this memory lasts. */
const stillPlain = (side: keyof Looks, { plain, unsettled }: Memory, looks: Looks): boolean =>
  plain[side] && (looks[side].plain || (unsettled.size > 0 && isPlain(looks[side].datasets)));

const NOT_PLAIN: Plain = { source: false, target: false };

/** What is listed in any case. */
const expectedOf = ({ unsettled }: Memory): Changed => ({ sources: unsettled, targets: new Set() });

function firstLook(setup: Asked, memory: Memory, ctx: RunContext): Promise<Looks> {
  // Where sources are listed, something may be sent by it.
  const plain = memory.unsettled.size === 0 ? memory.plain : NOT_PLAIN;
  return lookAtBoth(setup, memory, { changed: expectedOf(memory), plain }, ctx);
}

const isSubset = (some: ReadonlySet<string>, all: ReadonlySet<string>): boolean =>
  [...some].every((one) => all.has(one));

type Asked = Pick<Setup, 'options' | 'source' | 'target' | 'selection' | 'excluded'>;

/** Both sides at the same time, with the snapshots of what has changed. */
async function lookAtBoth(
  setup: Asked,
  memory: Memory,
  { changed: { sources, targets }, plain }: { changed: Changed; plain: Plain },
  { signal }: RunContext,
): Promise<Looks> {
  const [source, target] = await Promise.all([
    lookAtTrees(setup.source, {
      ...sourceTrees(setup),
      bookmarks: true,
      plain: plain.source,
      snapshotsOf: [...sources],
      signal,
    }),
    lookAtTrees(setup.target, {
      ...targetTrees(setup),
      bookmarks: false,
      plain: plain.target,
      snapshotsOf: [...targets],
      named: newestOfYoung(memory),
      signal,
    }),
  ]);
  return { source, target };
}
