// How many snapshots of each source a replication would look at, and how many of them it selects: what a person is shown before
// anything is deployed. By the selection and the exclusions of a run (setup/selection.ts); the target is not asked, so what it
// has already, or would delete at once, counts too.
import type { Host } from '../../host/host';
import { eachSnapshot, listDatasets } from '../../zfs/list';
import { isWithin, type SnapshotRecord } from '../../zfs/records';
import type { SourceOptions } from '../setup/check-options';
import { compileSelection, selectsNew, type Selection } from '../setup/selection';

export interface SourceCount {
  dataset: string;
  /** Snapshots of the source and, where the options say so, of everything below it that is not excluded. */
  total: number;
  /** Those of them that a run sends, when the target has none. */
  selected: number;
  /** When the oldest and the newest selected one were taken, ISO 8601; null when there is none. */
  oldest: string | null;
  newest: string | null;
  /** Why nothing is known of this source. */
  problem?: { code: string; message: string };
}

export interface Count {
  sources: SourceCount[];
  /** A snapshot that a run would take now would be one of those that it sends. */
  selectsNew: boolean;
}

interface Tally {
  total: number;
  selected: number;
  /** Seconds since the epoch. */
  oldest: number;
  newest: number;
}

/** Adds up the snapshots of each dataset for the sources that it belongs to. */
class Counter {
  readonly tallies = new Map<string, Tally>();
  readonly selection: Selection;
  /** A listing tells a dataset's snapshots one after the other. */
  private last: { dataset: string; tallies: readonly Tally[] } = { dataset: '', tallies: [] };

  constructor(private readonly options: SourceOptions) {
    this.selection = compileSelection(options);
    for (const source of options.sourceDatasets) {
      this.tallies.set(source, { total: 0, selected: 0, oldest: Infinity, newest: -Infinity });
    }
  }

  add(record: SnapshotRecord): void {
    const isWanted = this.selection.wants(record);
    for (const tally of this.talliesOf(record.dataset)) {
      tally.total += 1;
      if (!isWanted) continue;
      tally.selected += 1;
      tally.oldest = Math.min(tally.oldest, record.creation ?? Infinity);
      tally.newest = Math.max(tally.newest, record.creation ?? -Infinity);
    }
  }

  private talliesOf(dataset: string): readonly Tally[] {
    if (this.last.dataset === dataset) return this.last.tallies;
    const { recursive } = this.options;
    const tallies = [...this.tallies]
      .filter(([source]) => source === dataset || (recursive && isWithin(dataset, source)))
      .map(([, tally]) => tally);
    this.last = { dataset, tallies };
    return tallies;
  }
}

const isoOf = (seconds: number): string | null =>
  Number.isFinite(seconds) ? new Date(seconds * 1000).toISOString() : null;

/** Exit code 0 and nothing printed proves nothing: of sources without a snapshot ZFS has to say that they exist. */
async function missingAmong(host: Host, silent: readonly string[], signal: AbortSignal | undefined): Promise<string[]> {
  return (await listDatasets(host, { roots: silent, recursive: false, signal })).missing;
}

/**
 * One remote command, and one more where a source has no snapshot. A source that does not exist is told of as a problem of
 * its own; throws whatever a listing fails with otherwise.
 */
export async function countSnapshots(
  host: Host,
  options: SourceOptions,
  now: Date,
  signal?: AbortSignal,
): Promise<Count> {
  const { sourceDatasets, recursive, exclude } = options;
  const counter = new Counter(options);
  const request = { roots: [...counter.tallies.keys()], recursive, exclude, signal };
  const { missing } = await eachSnapshot(host, { ...request, kinds: ['snapshot'], columns: ['creation'] }, (record) =>
    counter.add(record),
  );
  const silent = [...counter.tallies].flatMap(([name, { total }]) =>
    total === 0 && !missing.includes(name) ? [name] : [],
  );
  const absent = new Set([...missing, ...(await missingAmong(host, silent, signal))]);
  const sources = [...new Set(sourceDatasets)].map((dataset): SourceCount => {
    const { total = 0, selected = 0, oldest = NaN, newest = NaN } = counter.tallies.get(dataset) ?? {};
    const count = { dataset, total, selected, oldest: isoOf(oldest), newest: isoOf(newest) };
    if (!absent.has(dataset)) return count;
    const message = `dataset "${dataset}" does not exist on ${host.label}`;
    return { ...count, problem: { code: 'DATASET_NOT_FOUND', message } };
  });
  return { sources, selectsNew: selectsNew(counter.selection, options, now) };
}
