// Targets that exist without a snapshot: do they hold anything that could be lost? `zfs userspace` counts what is in a file
// system, mounted or not. Where the user may not ask it, the directory of a mounted one shows the same.
import type { RunContext } from '../../base/run-context';
import type { Host } from '../../host/host';
import { getEach } from '../../zfs/get';
import { listDatasets, requireAll } from '../../zfs/list';
import { poolOf } from '../../zfs/names';
import { above, type DatasetRecord } from '../../zfs/records';
import { hasAllRights, lackingRights } from '../../zfs/rights';
import { syncPools } from '../../zfs/snapshot-facts';
import { countObjects, USERSPACE_RIGHTS } from '../../zfs/usage';
import type { ListedPair } from '../plan/listed-pair';
import type { TargetInside } from '../plan/target-state';
import type { Setup } from '../setup/setup';
import { allowCommand, unmountCommand } from '../../zfs/shown';

/** A mounted file system. */
interface Place {
  name: string;
  mountpoint: string;
}

/** `df -P` says that what is seen at this mount point is this file system, and nothing that was mounted over it. */
function isThere(stdout: string, { name, mountpoint }: Place): boolean {
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  const rest = /^ +\d+ +\d+ +-?\d+ +-?\d+% +(.*)$/.exec(line.slice(name.length));
  return line.startsWith(name) && rest?.[1] === mountpoint;
}

/** Whether these mounted file systems hold nothing, by their directories; null where that cannot be seen. */
async function lookIntoDirectories(
  host: Host,
  datasets: readonly DatasetRecord[],
  signal: AbortSignal,
): Promise<Map<string, boolean>> {
  const names = datasets.filter(({ type, mounted }) => type === 'filesystem' && mounted).map(({ name }) => name);
  const found = await getEach(
    host,
    names.map((name) => ({ of: [name], properties: ['mountpoint'] })),
    { signal },
  );
  const places = names.flatMap((name, index): Place[] => {
    const answer = found[index];
    const mountpoint = answer === undefined || answer instanceof Error ? '' : (answer[0]?.value ?? '');
    return /^\/[^\n]*$/.test(mountpoint) ? [{ name, mountpoint }] : [];
  });
  const argvs = places.flatMap(({ mountpoint }) => [
    ['df', '-P', '--', mountpoint],
    ['ls', '-A', '--', mountpoint],
  ]);
  const results = argvs.length === 0 ? [] : await host.runAll(argvs, { signal });
  const seen = new Map<string, boolean>();
  places.forEach((dataset, index) => {
    const [there, entries] = results.slice(2 * index);
    if (there?.code !== 0 || entries?.code !== 0 || !isThere(there.stdout, dataset)) return;
    // With snapdir=visible ZFS's own directory is listed too.
    const found = entries.stdout.split('\n').filter((entry) => entry !== '' && entry !== '.zfs');
    seen.set(dataset.name, found.length === 0);
  });
  return seen;
}

/** Why somebody without root cannot receive onto this dataset, in spite of the rights to receive; null for nothing. */
async function obstacleTo(
  { target: host }: Setup,
  { name, mounted }: DatasetRecord,
  isEmpty: boolean | null,
  { signal }: RunContext,
): Promise<TargetInside['obstacle']> {
  if (isEmpty === false || (await hasAllRights(host, signal))) return undefined;
  const { platform } = await host.facts({ signal });
  const { user, lacking } = await lackingRights(host, [name], USERSPACE_RIGHTS, signal);
  const rights = lacking.get(name) ?? [];
  const allow = rights.length > 0 ? [allowCommand(user, rights, name)] : [];
  if (isEmpty === null) {
    return {
      why: `whether it is empty cannot be seen on ${host.label}: it has no snapshot, and ${user} may not look into it`,
      hint: `As root on ${host.label}: ${[...allow, `or destroy it, if it holds nothing: the replication makes it anew`].join('; ')}`,
    };
  }
  // A stream can only take the place of a file system that is not mounted, and Linux lets only root unmount one.
  if (!mounted || platform !== 'Linux') return undefined;
  const unmount = unmountCommand(name);
  return {
    why: `it is empty, but mounted on ${host.label}, and ${user} cannot unmount it`,
    hint: `As root on ${host.label}: ${[unmount, ...allow].join('; ')}`,
  };
}

/** Names of datasets that no source dataset maps to, by each dataset above them. */
function foreignBelow(datasets: readonly DatasetRecord[], mapped: ReadonlySet<string>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of new Set(datasets.map((dataset) => dataset.name))) {
    if (mapped.has(name)) continue;
    for (const parent of above(name)) {
      const names = found.get(parent);
      if (names) names.push(name);
      else found.set(parent, [name]);
    }
  }
  return found;
}

/** By target dataset; only of those that exist without a snapshot. Throws DATASET_NOT_FOUND where one is gone by now. */
export async function lookInside(
  setup: Setup,
  pairs: readonly ListedPair[],
  ctx: RunContext,
): Promise<Map<string, TargetInside>> {
  const unclear = pairs.flatMap(({ target, targetDataset, targetSnapshots }) => {
    return targetDataset !== null && targetSnapshots.length === 0 ? [{ target, dataset: targetDataset }] : [];
  });
  if (unclear.length === 0) return new Map();
  // Objects are counted with each transaction group: what was written in the last seconds would not be seen.
  const pools = new Set(unclear.map(({ target }) => poolOf(target)));
  await syncPools(setup.target, [...pools], ctx.signal);
  const roots = unclear.map(({ target }) => target);
  const counts = await countObjects(setup.target, roots, ctx.signal);
  const uncounted = unclear.filter((_, index) => (counts[index] ?? null) === null).map(({ dataset }) => dataset);
  const seen = await lookIntoDirectories(setup.target, uncounted, ctx.signal);
  // Last: of one that was renamed, destroyed or exchanged meanwhile, nothing that was found above says anything. A copy that is
  // still elsewhere is not at its place yet.
  const below = await listDatasets(setup.target, { roots, recursive: true, signal: ctx.signal });
  const now = new Map(below.datasets.map(({ name, guid }) => [name, guid]));
  const gone = unclear.filter(({ target, dataset }) => dataset.name === target && now.get(target) !== dataset.guid);
  requireAll(
    setup.target,
    gone.map(({ target }) => target),
  );
  const foreign = foreignBelow(below.datasets, new Set(pairs.map(({ target }) => target)));
  const inside = new Map<string, TargetInside>();
  for (const [index, { target, dataset }] of unclear.entries()) {
    const count = counts[index] ?? null;
    const isEmpty = count === null ? (seen.get(dataset.name) ?? null) : count <= 1;
    const obstacle = dataset.type === 'volume' ? undefined : await obstacleTo(setup, dataset, isEmpty, ctx);
    inside.set(target, { foreignChildren: foreign.get(target) ?? [], isEmpty, ...(obstacle ? { obstacle } : {}) });
  }
  return inside;
}
