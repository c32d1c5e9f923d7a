// The marks of ours on both sides of a replication: what each protects, which look stale, and letting those for one
// destination go. Answers to the control messages `protections` and `release`.
import type { RunContext } from '../../base/run-context';
import type { Host, HostResolver } from '../../host/host';
import { invalidOption, toZfsFlowError } from '../../base/errors';
import { destroyBookmarks } from '../../zfs/bookmark';
import { listHolds, releaseSnapshots } from '../../zfs/hold';
import { listDatasets, listSnapshots } from '../../zfs/list';
import { destinationId, MARK_PREFIX, parseBookmarkName, stepHoldTag, TARGET_HOLD_TAG } from '../../zfs/marks';
import { fullName, type SnapshotRecord } from '../../zfs/records';
import { commonPath, mapDataset } from '../../zfs/mapping';
import type { ReplicateOptions } from '../setup/options';
import { poolOf } from '../../zfs/names';

/** A bookmark or hold that we left, as the event `protections` shows it. */
export interface Mark {
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
  /**
   * Left by a run that did not end, or for a destination that is gone from the target's pool. Destinations on other pools,
   * or while the target does not answer, are never called stale: releasing one that is in use breaks its chain.
   */
  stale: boolean;
}

const STEP_TAG = /^zfsflow_step_([0-9a-f]{16}-[0-9a-f]{12})$/;

interface Side {
  side: 'source' | 'target';
  host: Host;
  /** Destination ids of this node, and of datasets on the target's pool, to the dataset each stands for. */
  known: ReadonlyMap<string, string>;
  isGone: (dstId: string) => boolean;
}

function bookmarksOfOurs(records: readonly SnapshotRecord[], { side, host, known, isGone }: Side): Mark[] {
  return records.flatMap((record): Mark[] => {
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
        stale: own.tentative || isGone(own.dstId),
      },
    ];
  });
}

async function holdsOfOurs(records: readonly SnapshotRecord[], side: Side, ctx: RunContext): Promise<Mark[]> {
  const held = records.filter(({ kind, userrefs }) => kind === 'snapshot' && (userrefs ?? 0) > 0);
  const byName = new Map(held.map((record) => [fullName(record), record]));
  const holds = await listHolds(side.host, [...byName.keys()], ctx.signal);
  return holds
    .filter(({ tag }) => tag.startsWith(MARK_PREFIX))
    .map(({ snapshot, tag }): Mark => {
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
        stale: step !== undefined || (dstId !== '' && side.isGone(dstId)),
      };
    });
}

async function marksOn(side: Side, roots: readonly string[], recursive: boolean, ctx: RunContext): Promise<Mark[]> {
  const { snapshots } = await listSnapshots(side.host, { roots, recursive, columns: ['userrefs'], signal: ctx.signal });
  return [...bookmarksOfOurs(snapshots, side), ...(await holdsOfOurs(snapshots, side, ctx))];
}

interface TargetPool {
  guid: string;
  /** Full names of its datasets. */
  datasets: string[];
}

/** Null when it is not imported, or the target does not answer, which is no obstacle to what concerns the source. */
async function targetPool(host: Host, dataset: string, ctx: RunContext): Promise<TargetPool | null> {
  try {
    const facts = await host.facts({ refresh: true, signal: ctx.signal });
    const pool = facts.pools.find(({ name }) => name === poolOf(dataset));
    if (!pool) return null;
    const listed = await listDatasets(host, { roots: [pool.name], recursive: true, signal: ctx.signal });
    return { guid: pool.guid, datasets: listed.datasets.map(({ name }) => name) };
  } catch (thrown) {
    ctx.signal.throwIfAborted();
    const { code, message } = toZfsFlowError(thrown);
    ctx.emit({
      event: 'warning',
      level: 'warn',
      code,
      message: `only the marks on the source can be seen: ${message}`,
    });
    return null;
  }
}

const pathOf = (dstId: string): string => dstId.slice(dstId.indexOf('-'));

/** Which dataset each destination id in `ids` stands for, as far as it can be said, and which are gone. */
function destinations(
  pool: TargetPool | null,
  targets: readonly string[],
  ids: readonly string[],
): Pick<Side, 'known' | 'isGone'> {
  const known = new Map<string, string>();
  if (pool === null) {
    // The path is part of the id: with the pool away, one that fits is taken for this node's.
    const byPath = new Map(targets.map((name) => [pathOf(destinationId('0', name)), name]));
    for (const id of ids) {
      const name = byPath.get(pathOf(id));
      if (name !== undefined) known.set(id, name);
    }
    return { known, isGone: () => false };
  }
  for (const name of [...pool.datasets, ...targets]) known.set(destinationId(pool.guid, name), name);
  const alive = new Set(pool.datasets.map((name) => destinationId(pool.guid, name)));
  const [prefix = ''] = destinationId(pool.guid, '').split('-');
  return { known, isGone: (dstId) => dstId.startsWith(`${prefix}-`) && !alive.has(dstId) };
}

/** All marks of ours on the datasets of this node. Throws what a listing of the source throws. */
export async function listMarks(options: ReplicateOptions, hosts: HostResolver, ctx: RunContext): Promise<Mark[]> {
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
  const names = new Set([...options.sourceDatasets, ...snapshots.map(({ dataset }) => dataset)]);
  const targets = [options.targetDataset, ...[...names].map((n) => mapDataset(n, common, options.targetDataset))];
  const ids = snapshots.flatMap(({ kind, name }) =>
    kind === 'bookmark' ? (parseBookmarkName(name)?.dstId ?? []) : [],
  );
  const found = destinations(pool, targets, ids);
  const sourceSide: Side = { side: 'source', host: source, ...found };
  const marks = [...bookmarksOfOurs(snapshots, sourceSide), ...(await holdsOfOurs(snapshots, sourceSide, ctx))];
  if (pool === null) return marks;
  const targetSide: Side = { side: 'target', host: target, ...found };
  const recursive = options.recursive || options.sourceDatasets.length > 1;
  return [...marks, ...(await marksOn(targetSide, [options.targetDataset], recursive, ctx))];
}

/**
 * Removes the bookmarks and holds for one destination from the source (and its hold from the target, when that is this
 * node's and answers: a destination that is gone for good is what this is mostly asked for). After that, pruning no longer
 * spares what this destination would still need. Returns what was let go.
 */
export async function releaseMarks(
  options: ReplicateOptions,
  dstId: string,
  hosts: HostResolver,
  ctx: RunContext,
): Promise<Mark[]> {
  if (!/^[0-9a-f]{16}-[0-9a-f]{12}$/.test(dstId)) {
    throw invalidOption('dstId', `dstId ${JSON.stringify(dstId)} is none; the "protections" event lists them`);
  }
  const all = (await listMarks(options, hosts, ctx)).filter((mark) => mark.dstId === dstId);
  const errors = [];
  for (const side of ['source', 'target'] as const) {
    const host = hosts(side === 'source' ? options.sourceConnection : options.targetConnection);
    const here = all.filter((mark) => mark.side === side);
    for (const tag of [stepHoldTag(dstId), TARGET_HOLD_TAG]) {
      const names = here.filter((mark) => mark.tag === tag).map(({ name }) => name);
      errors.push(...(await releaseSnapshots(host, tag, names, ctx.signal)));
    }
    const bookmarks = here.filter(({ kind }) => kind === 'bookmark').map(({ name }) => name);
    errors.push(...(await destroyBookmarks(host, bookmarks, ctx.signal)));
  }
  const [error] = errors;
  if (error) throw error;
  return all;
}
