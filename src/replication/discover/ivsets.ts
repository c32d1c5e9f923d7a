// Whether encrypted chains that carry no mark of ours were sent raw: only then the ivset GUID survives (replication.md §6).
import type { RunContext } from '../../base/run-context';
import type { Host } from '../../host/host';
import { getPropertyOfEach } from '../../zfs/get';
import { parseRawMark, RAW_PROPERTY } from '../../zfs/marks';
import { fullName, type SnapshotRecord } from '../../zfs/records';
import type { ListedPair } from '../plan/listed-pair';
import type { Setup } from '../setup/setup';

function newestCommon(pair: ListedPair): SnapshotRecord | undefined {
  // Bookmarks have the ivset GUID of their snapshot too (shown on 2.1 and 2.4).
  const source = new Set(pair.sourceRecords.map(({ guid }) => guid));
  return pair.targetSnapshots.findLast(({ guid }) => source.has(guid));
}

/** Whether the ivset GUID of the newest common snapshot is the same on both sides, by target dataset. */
export async function compareIvsets(
  setup: Setup,
  pairs: readonly ListedPair[],
  ctx: RunContext,
): Promise<Map<string, boolean>> {
  const unknown = pairs.flatMap((pair) => {
    const { targetDataset } = pair;
    const mark = targetDataset && parseRawMark(targetDataset.userProperties[RAW_PROPERTY], targetDataset.name);
    if (pair.source.encryption === 'off' || mark !== null) return [];
    const onTarget = newestCommon(pair);
    const onSource = pair.sourceRecords.find(({ guid }) => guid === onTarget?.guid);
    return onTarget && onSource ? [{ target: pair.target, onSource, onTarget }] : [];
  });
  if (unknown.length === 0) return new Map();
  const ivsets = (host: Host, side: 'onSource' | 'onTarget'): Promise<string[]> => {
    const snapshots = unknown.map((one) => fullName(one[side]));
    return getPropertyOfEach(host, snapshots, 'ivsetguid', { signal: ctx.signal });
  };
  const [here, there] = await Promise.all([ivsets(setup.source, 'onSource'), ivsets(setup.target, 'onTarget')]);
  return new Map(unknown.map(({ target }, index) => [target, here[index] !== '-' && here[index] === there[index]]));
}
