// Nothing is held that could not be released again: it would stay for ever, and nobody could destroy the snapshot. Where the
// right to release is missing (a user without root, zfs-allow(8)), the bookmarks alone protect, and that is said.
import type { Host } from '../../host/host';
import { lackingRights } from '../../zfs/rights';
import { allowCommand } from '../../zfs/shown';

export interface Holdable {
  /** Full names. */
  snapshots: string[];
  warning: string | null;
}

const datasetOf = (snapshot: string): string => snapshot.slice(0, snapshot.indexOf('@'));

/** Those of these snapshots (full names) that may be held. */
export async function holdable(host: Host, snapshots: readonly string[], signal: AbortSignal): Promise<Holdable> {
  const datasets = [...new Set(snapshots.map(datasetOf))];
  const { user, lacking } = await lackingRights(host, datasets, ['hold', 'release'], signal);
  const bare = datasets.filter((dataset) => lacking.get(dataset)?.includes('release'));
  const [first] = bare;
  if (first === undefined) return { snapshots: [...snapshots], warning: null };
  const more = bare.length > 1 ? ` (and ${bare.length - 1} more)` : '';
  const allow = allowCommand(user, lacking.get(first) ?? [], first);
  const left = new Set(bare);
  return {
    snapshots: snapshots.filter((snapshot) => !left.has(datasetOf(snapshot))),
    warning: `no snapshot of "${first}"${more} is held on ${host.label}, since the hold could not be released again; missing right: ${allow}`,
  };
}
