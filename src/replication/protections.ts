// The marks of ours on both sides of a replication: what each protects, which look stale, and letting those for one
// destination go. Answers to the control messages `protections` and `release`.
import type { HostResolver, RunContext } from '../context';
import { invalidOption } from '../errors';
import type { Host } from '../host/host';
import { destroyBookmarks } from '../zfs/bookmark';
import { listHolds, releaseSnapshots } from '../zfs/hold';
import { listSnapshots } from '../zfs/list';
import { destinationId, MARK_PREFIX, parseBookmarkName, stepHoldTag, TARGET_HOLD_TAG } from '../zfs/marks';
import { fullName, type SnapshotRecord } from '../zfs/records';
import { commonPath, mapDataset } from './mapping';
import type { ReplicateOptions } from './options';

export interface Protection {
  side: 'source' | 'target';
  host: string;
  kind: 'bookmark' | 'hold';
  dataset: string;
  /** Full name of the bookmark, or of the held snapshot. */
  name: string;
  /** Tag of the hold; '' for a bookmark. */
  tag: string;
  /** Decimal GUID of the snapshot that it is of. */
  guid: string;
  /** The destination that it protects; `''` where the mark does not say. */
  dstId: string;
  /** What it is for, for a person. */
  protects: string;
  /** Left by a run that did not end, or for a destination that is not this node's. */
  stale: boolean;
}

const STEP_TAG = /^zfsflow_step_([0-9a-f]{16}-[0-9a-f]{12})$/;

interface Side {
  side: 'source' | 'target';
  host: Host;
  /** Destination ids of this node, to the target dataset each stands for. */
  known: ReadonlyMap<string, string>;
}

function bookmarkProtections(records: readonly SnapshotRecord[], { side, host, known }: Side): Protection[] {
  return records.flatMap((record): Protection[] => {
    const own = record.kind === 'bookmark' ? parseBookmarkName(record.name) : null;
    if (!own) return [];
    const target = known.get(own.dstId);
    const where = target === undefined ? `destination ${own.dstId}` : `"${target}"`;
    return [
      {
        side,
        host: host.label,
        kind: 'bookmark',
        dataset: record.dataset,
        name: fullName(record),
        tag: '',
        guid: record.guid,
        dstId: own.dstId,
        protects: own.tentative ? `the base of a send to ${where} that has not ended` : `${where} has this snapshot`,
        stale: own.tentative || target === undefined,
      },
    ];
  });
}

async function holdProtections(records: readonly SnapshotRecord[], side: Side, ctx: RunContext): Promise<Protection[]> {
  const held = records.filter(({ kind, userrefs }) => kind === 'snapshot' && (userrefs ?? 0) > 0);
  const byName = new Map(held.map((record) => [fullName(record), record]));
  const holds = await listHolds(side.host, [...byName.keys()], ctx.signal);
  return holds
    .filter(({ tag }) => tag.startsWith(MARK_PREFIX))
    .map(({ snapshot, tag }): Protection => {
      const step = STEP_TAG.exec(tag)?.[1];
      const dataset = byName.get(snapshot)?.dataset ?? '';
      const dstId = step ?? [...side.known].find(([, target]) => target === dataset)?.[0] ?? '';
      return {
        side: side.side,
        host: side.host.label,
        kind: 'hold',
        dataset,
        name: snapshot,
        tag,
        guid: byName.get(snapshot)?.guid ?? '',
        dstId,
        protects:
          step !== undefined
            ? 'a send that is running or was interrupted'
            : 'the newest replicated snapshot of this copy',
        stale: step !== undefined || !side.known.has(dstId),
      };
    });
}

async function sideProtections(
  side: Side,
  roots: readonly string[],
  recursive: boolean,
  ctx: RunContext,
): Promise<Protection[]> {
  const { snapshots } = await listSnapshots(side.host, { roots, recursive, columns: ['userrefs'], signal: ctx.signal });
  return [...bookmarkProtections(snapshots, side), ...(await holdProtections(snapshots, side, ctx))];
}

async function targetPool(host: Host, dataset: string, ctx: RunContext): Promise<string | null> {
  const facts = await host.facts({ refresh: true, signal: ctx.signal });
  return facts.pools.find(({ name }) => name === dataset.split('/')[0])?.guid ?? null;
}

/** All marks of ours on the datasets of this node. Throws what a listing throws. */
export async function listProtections(
  options: ReplicateOptions,
  hosts: HostResolver,
  ctx: RunContext,
): Promise<Protection[]> {
  const source = hosts(options.sourceConnection);
  const target = hosts(options.targetConnection);
  const pool = await targetPool(target, options.targetDataset, ctx);
  const { snapshots } = await listSnapshots(source, {
    roots: options.sourceDatasets,
    recursive: options.recursive,
    columns: ['userrefs'],
    signal: ctx.signal,
  });
  const common = commonPath(options.sourceDatasets);
  const known = new Map<string, string>();
  if (pool !== null) {
    const names = new Set([...options.sourceDatasets, ...snapshots.map(({ dataset }) => dataset)]);
    for (const name of names) {
      const mapped = mapDataset(name, common, options.targetDataset);
      known.set(destinationId(pool, mapped), mapped);
    }
    known.set(destinationId(pool, options.targetDataset), options.targetDataset);
  }
  const sourceSide: Side = { side: 'source', host: source, known };
  const found = [...bookmarkProtections(snapshots, sourceSide), ...(await holdProtections(snapshots, sourceSide, ctx))];
  if (pool === null) return found;
  const targetSide: Side = { side: 'target', host: target, known };
  const recursive = options.recursive || options.sourceDatasets.length > 1;
  return [...found, ...(await sideProtections(targetSide, [options.targetDataset], recursive, ctx))];
}

/**
 * Removes the bookmarks and holds for one destination from the source (and its hold from the target, when that is this
 * node's). After that, pruning no longer spares what this destination would still need. Returns what was let go.
 */
export async function releaseProtections(
  options: ReplicateOptions,
  dstId: string,
  hosts: HostResolver,
  ctx: RunContext,
): Promise<Protection[]> {
  if (!/^[0-9a-f]{16}-[0-9a-f]{12}$/.test(dstId)) {
    throw invalidOption('dstId', `dstId ${JSON.stringify(dstId)} is none; the "protections" event lists them`);
  }
  const all = (await listProtections(options, hosts, ctx)).filter((protection) => protection.dstId === dstId);
  const errors = [];
  for (const side of ['source', 'target'] as const) {
    const host = hosts(side === 'source' ? options.sourceConnection : options.targetConnection);
    const here = all.filter((protection) => protection.side === side);
    for (const tag of [stepHoldTag(dstId), TARGET_HOLD_TAG]) {
      const names = here.filter((protection) => protection.tag === tag).map(({ name }) => name);
      errors.push(...(await releaseSnapshots(host, tag, names, ctx.signal)));
    }
    const bookmarks = here.filter(({ kind }) => kind === 'bookmark').map(({ name }) => name);
    errors.push(...(await destroyBookmarks(host, bookmarks, ctx.signal)));
  }
  const [error] = errors;
  if (error) throw error;
  return all;
}
