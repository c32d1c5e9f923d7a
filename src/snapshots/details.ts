// What a listing of snapshots does not give: the tags of holds, and the user properties of the snapshots themselves.
import { forEachInSlices } from '../base/slices';
import type { Host } from '../host/host';
import { groupNames } from '../zfs/batch';
import { eachSetProperty } from '../zfs/get-all';
import { listHolds } from '../zfs/hold';
import { isUserProperty } from '../zfs/marked-values';
import type { ListedSnapshot, ListOptions } from './options';

/** Holds and user properties, which a listing of snapshots does not give. */
export async function addDetails(
  host: Host,
  items: readonly ListedSnapshot[],
  held: ReadonlySet<string>,
  options: ListOptions & { total: number },
  signal: AbortSignal,
): Promise<void> {
  const byName = new Map<string, ListedSnapshot>();
  await forEachInSlices(items, (item) => {
    if (item.kind === 'snapshot') byName.set(item.snapshot, item);
  });
  const names = [...held].filter((name) => byName.has(name));
  for (const { snapshot, tag } of await listHolds(host, names, signal)) byName.get(snapshot)?.holds?.push(tag);
  if (byName.size > 0) await addProperties(host, byName, options, signal);
}

/** Most snapshots that are asked for by name, in one remote command of some 100 KB for each thousand. */
const MAX_NAMED = 5000;
const NAMES_PER_COMMAND = 500;

/**
 * User properties that are set on the snapshots themselves. ZFS tells which there are only by reading all properties of a
 * snapshot, which takes many times as long as listing it, so whole trees are asked for only where most of them is wanted.
 */
async function addProperties(
  host: Host,
  items: ReadonlyMap<string, ListedSnapshot>,
  options: ListOptions & { total: number },
  signal: AbortSignal,
): Promise<void> {
  const own = { sources: ['local' as const, 'received' as const], types: ['snapshot'] };
  const depth = options.recursive || options.datasets.length === 0 ? Infinity : 1;
  const requests =
    items.size <= Math.min(MAX_NAMED, options.total / 2)
      ? groupNames([...items.keys()], NAMES_PER_COMMAND).map((of) => ({ ...own, of }))
      : [{ ...own, of: options.datasets, depth }];
  // One that was destroyed since the listing has no properties any more; that is no failure of a listing.
  const asked = { wanted: isUserProperty, missingOk: true, signal };
  await eachSetProperty(host, requests, asked, ({ name, property, value }) => {
    const properties = items.get(name)?.properties;
    if (properties !== undefined) properties[property] = value;
  });
}
