// The items of one dataset while a listing comes in: only as many are kept as the result needs.
import { sortInSlices } from '../base/slices';
import { fullName, type SnapshotRecord } from '../zfs/records';
import type { ListedSnapshot, ListOptions } from './options';

/** createtxg is a decimal number without leading zeros; a bookmark comes before the snapshot of the same moment. */
function byCreation(a: ListedSnapshot, b: ListedSnapshot): number {
  const [x, y] = [a.createtxg, b.createtxg];
  if (x !== y) return x.length - y.length || (x < y ? -1 : 1);
  return a.kind === b.kind ? 0 : a.kind === 'bookmark' ? -1 : 1;
}

/** The selected snapshots of one dataset: all of them, or only as many of the newest and oldest as are wanted. */
export class DatasetItems {
  private items: ListedSnapshot[] = [];
  private count = 0;
  private readonly limit: number;

  constructor(private readonly options: Pick<ListOptions, 'newest' | 'oldest' | 'output' | 'columns'>) {
    const { newest, oldest } = options;
    this.limit = newest + oldest === 0 ? Infinity : newest + oldest;
  }

  add(record: SnapshotRecord, parsedDate: Date | null): void {
    this.count += 1;
    if (this.options.output === 'count') return;
    this.items.push(toItem(record, parsedDate, this.options.columns));
    if (this.items.length > 2 * this.limit + 1000) this.trim();
  }

  get size(): number {
    return Math.min(this.count, this.limit);
  }

  async result(): Promise<readonly ListedSnapshot[]> {
    if (this.items.length > this.limit) this.trim();
    return sortInSlices(this.items, byCreation);
  }

  private trim(): void {
    const { newest, oldest } = this.options;
    const sorted = this.items.toSorted(byCreation);
    this.items = [...sorted.slice(0, oldest), ...sorted.slice(sorted.length - newest)];
  }
}

const time = (seconds: number): string => new Date(seconds * 1000).toISOString();

function toItem(record: SnapshotRecord, parsedDate: Date | null, columns: ListOptions['columns']): ListedSnapshot {
  const { dataset, name, kind, guid, createtxg } = record;
  const item: ListedSnapshot = { dataset, name, snapshot: fullName(record), kind, guid, createtxg };
  if (columns !== 'identity') {
    const { creation, used, referenced, written } = record;
    if (creation !== undefined) item.creation = time(creation);
    if (used !== undefined) item.used = used;
    if (referenced !== undefined) item.referenced = referenced;
    if (written !== undefined) item.written = written;
  }
  if (columns === 'full') {
    item.holds = [];
    item.clones = [...(record.clones ?? [])];
    item.properties = {};
  }
  if (parsedDate !== null) item.parsedDate = parsedDate.toISOString();
  return item;
}
