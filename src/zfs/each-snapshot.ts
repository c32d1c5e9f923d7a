// Snapshots and bookmarks one by one as `zfs list` prints them, for listings too long to be kept or to be read at one go.
// Short ones, as arrays, are `list.ts`.
import type { Host } from '../host/host';
import { SlicedQueue } from '../base/slices';
import { listParts, parseSnapshot, snapshotsArgv, type SnapshotListRequest } from './list';
import { compileExcludes } from './names';
import type { SnapshotRecord } from './records';

/**
 * Calls `take` for each snapshot and bookmark of the trees, in the order of `zfs list`; without roots (and recursive)
 * for those of all pools. One remote command; the event loop stays free. Returns the roots that do not exist.
 */
export async function eachSnapshot(
  host: Host,
  request: SnapshotListRequest,
  take: (record: SnapshotRecord) => void,
): Promise<{ missing: string[] }> {
  const excluded = compileExcludes(request.exclude ?? []);
  const columns = request.columns ?? [];
  const queue = new SlicedQueue<string>((line) => {
    const record = parseSnapshot(line, columns, host);
    if (!excluded(record.dataset)) take(record);
  });
  const part = { argv: snapshotsArgv(request), take: (line: string) => queue.push(line) };
  const missing = await listParts(host, request.signal, [part]);
  await queue.drained();
  return { missing };
}
