// What destinations still need of a source: the last snapshot shared with each, and all that it has not received yet
// (retention.md, rules 6, 7 and 9). Known are a live listing of the destination and our bookmarks on the source. Pure.
import { compareDecimal, type SnapshotRecord } from '../../zfs/records';
import { destinationId, parseBookmarkName } from '../../zfs/marks';
import type { Reasons } from './guards';

/** One destination of one source dataset. */
export interface Destination {
  /** For messages: `host:dataset`. */
  readonly label: string;
  /** Full dataset name on the destination. */
  readonly dataset: string;
  /**
   * `live`: listed in this run. `missing`: ZFS says that the dataset is not there. `offline`: it could not be asked,
   * so what our bookmarks say counts.
   */
  readonly state: 'live' | 'missing' | 'offline';
  /** GUID of its pool, decimal; '' when unknown. */
  readonly poolGuid: string;
  /** GUIDs of its snapshots when `live`. */
  readonly guids: ReadonlySet<string>;
  /** GUIDs that a partial receive there begins at and leads to. */
  readonly partial: readonly string[];
}

/** What of one dataset is needed elsewhere. */
export interface NeededElsewhere {
  readonly reasons: Reasons;
  /** Why everything in the dataset stays, or null. */
  readonly keepAll: string | null;
}

interface Marks {
  /** Destination id → its bookmarks with their GUIDs. */
  final: Map<string, SnapshotRecord[]>;
  tentative: Map<string, SnapshotRecord[]>;
}

function readMarks(bookmarks: readonly SnapshotRecord[]): Marks {
  const marks: Marks = { final: new Map(), tentative: new Map() };
  for (const bookmark of bookmarks) {
    const own = parseBookmarkName(bookmark.name);
    // A bookmark whose GUID is not the one in its name was copied by somebody; what it points at still counts.
    if (!own) continue;
    const kind = own.tentative ? marks.tentative : marks.final;
    kind.set(own.dstId, [...(kind.get(own.dstId) ?? []), bookmark]);
  }
  return marks;
}

class Collector {
  readonly reasons = new Map<string, string[]>();
  constructor(private readonly snapshots: readonly SnapshotRecord[]) {}

  add(guid: string, reason: string): void {
    const list = this.reasons.get(guid);
    if (list) {
      if (!list.includes(reason)) list.push(reason);
    } else this.reasons.set(guid, [reason]);
  }

  /** The newest snapshot in `guids`, and whatever is newer than `base`. */
  from(guids: ReadonlySet<string>, base: SnapshotRecord, who: string): void {
    const shared = newest(this.snapshots.filter(({ guid }) => guids.has(guid)));
    if (shared) this.add(shared.guid, `last snapshot shared with ${who}`);
    for (const record of this.snapshots) {
      if (compareDecimal(record.createtxg, base.createtxg) > 0) this.add(record.guid, `${who} has not received it yet`);
    }
  }
}

function newest(records: readonly SnapshotRecord[]): SnapshotRecord | undefined {
  let best: SnapshotRecord | undefined;
  for (const record of records) {
    if (!best || compareDecimal(record.createtxg, best.createtxg) > 0) best = record;
  }
  return best;
}

/** The part of a destination id that says the dataset, which is known even while the destination is not. */
const datasetPart = (dstId: string): string => dstId.slice(dstId.indexOf('-'));

/**
 * What of one dataset must stay. `snapshots` and `bookmarks` are all that it has; `destinations` those to look after.
 * A destination that was listed and shares something decides for itself; in every other case bookmarks count as well.
 */
export function neededElsewhere(
  snapshots: readonly SnapshotRecord[],
  bookmarks: readonly SnapshotRecord[],
  destinations: readonly Destination[],
): NeededElsewhere {
  const marks = readMarks(bookmarks);
  const collector = new Collector(snapshots);
  const settled = new Set<string>();
  let keepAll: string | null = null;
  for (const destination of destinations) {
    const { label, state } = destination;
    for (const guid of destination.partial) collector.add(guid, `part of an unfinished transfer to ${label}`);
    if (state === 'offline') continue;
    const base = newest([...snapshots, ...bookmarks].filter(({ guid }) => destination.guids.has(guid)));
    if (state === 'missing' || !base) {
      keepAll ??=
        state === 'missing' ? `${label} does not exist, so all of it is unsent` : `${label} shares no snapshot with it`;
      continue;
    }
    collector.from(destination.guids, base, label);
    if (destination.poolGuid !== '') settled.add(destinationId(destination.poolGuid, destination.dataset));
  }
  keepAll ??= unknownDestination(marks, settled, destinations);
  addByMarks(marks, settled, destinations, collector);
  return { reasons: collector.reasons, keepAll };
}

/**
 * Why everything stays for the sake of a destination that is away, or null. Its bookmarks are known by its dataset's
 * path only, since the pool's GUID is not known now; those of destinations that were listed are not its own, and
 * each of several (rotating disks, say, with the same path) needs some.
 */
function unknownDestination(
  marks: Marks,
  settled: ReadonlySet<string>,
  destinations: readonly Destination[],
): string | null {
  const free = [...marks.final.keys()].filter((dstId) => !settled.has(dstId)).map(datasetPart);
  for (const { label, dataset } of destinations.filter(({ state }) => state === 'offline')) {
    const index = free.indexOf(datasetPart(destinationId('0', dataset)));
    if (index < 0) return `${label} cannot be reached, and no bookmark here says what it has`;
    free.splice(index, 1);
  }
  return null;
}

/** What bookmarks say is needed, also by destinations that nobody asked about. */
function addByMarks(
  marks: Marks,
  settled: ReadonlySet<string>,
  destinations: readonly Destination[],
  collector: Collector,
): void {
  for (const dstId of new Set([...marks.final.keys(), ...marks.tentative.keys()])) {
    if (settled.has(dstId)) continue;
    const known = destinations.find(({ dataset }) => datasetPart(destinationId('0', dataset)) === datasetPart(dstId));
    const who = known?.label ?? `destination ${dstId}`;
    const final = marks.final.get(dstId) ?? [];
    for (const mark of marks.tentative.get(dstId) ?? []) {
      collector.add(mark.guid, `part of an unfinished transfer to ${who}`);
    }
    const base = newest(final);
    if (base) collector.from(new Set(final.map(({ guid }) => guid)), base, who);
  }
}
