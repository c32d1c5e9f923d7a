// Destroys the clone of a drill: nothing but what has its name, its mark and its GUID, is a clone, and holds nothing that its
// snapshot does not hold. What keeps it busy is ended where it was begun by the drill itself.
import { setTimeout as sleep } from 'node:timers/promises';
import { toZfsFlowError, ZfsFlowError } from '../../base/errors';
import type { Host } from '../../host/host';
import { END_BY_ENVIRONMENT, REMOVE_DIRECTORY } from '../../host/shell/drill-scripts';
import { destroyAndLook, destroyDataset } from '../../zfs/destroy';
import { listDatasets, listSnapshots } from '../../zfs/list';
import { unmountFilesystem } from '../../zfs/mount';
import { says } from '../../zfs/stderr';
import { drillClone, type CloneIdentity } from '../discover/drill-clones';
import { runDrillScript } from './script';

/** Milliseconds that a clone may stay busy: the system looks at each volume that comes, and a command takes a moment to end. */
const BUSY_MS = 30_000;
const PAUSE_MS = 500;

/** Bytes that a clone has of its own although nobody wrote to it. */
const OWN_NOTES = 65_536;

/** Where the clones of drills are mounted; each in a directory of its own, which is called like it. */
const DIRECTORIES = '/tmp/';
/** In such a directory. */
const MOUNT_ON = '/data';

export function directoryOf(clone: string): string {
  return `${DIRECTORIES}${clone.slice(clone.indexOf('/') + 1)}`;
}

export const mountpointIn = (directory: string): string => `${directory}${MOUNT_ON}`;

/** Paths at which the device of a volume may be: udev on Linux writes blanks as `+`. */
export function devicesOf(volume: string): string[] {
  return [...new Set([volume, volume.replaceAll(' ', '+')])].map((name) => `/dev/zvol/${name}`);
}

/** The snapshots that somebody took of the whole pool, the clone included. Throws DATASET_BUSY for datasets below it. */
async function destroySnapshotsOf(host: Host, clone: string, signal: AbortSignal): Promise<void> {
  const { datasets } = await listDatasets(host, { roots: [clone], recursive: true, signal });
  const below = datasets.find(({ name }) => name !== clone);
  if (below !== undefined) {
    throw new ZfsFlowError('DATASET_BUSY', `somebody made "${below.name}" below it`, { dataset: below.name });
  }
  const { snapshots } = await listSnapshots(host, { roots: [clone], recursive: false, kinds: ['snapshot'], signal });
  const { outcome } = await destroyAndLook(host, snapshots, [], signal);
  const [failed] = outcome.failed;
  if (failed !== undefined) throw failed.error;
}

/** Whoever has the drill's variables in its environment was begun by its command. */
async function endUsers(host: Host, { name, type, mountpoint }: CloneIdentity, signal: AbortSignal): Promise<void> {
  const lines =
    type === 'volume' ? devicesOf(name).map((device) => `ZFS_DEVICE=${device}`) : [`ZFS_MOUNTPOINT=${mountpoint}`];
  for (const line of lines) {
    await runDrillScript(host, 'what a drill began could not be ended', END_BY_ENVIRONMENT, [line], { signal });
  }
  const { platform } = await host.facts({ signal });
  if (type === 'filesystem' && platform !== 'Linux') await unmountFilesystem(host, name, { force: true, signal });
}

interface Expected {
  name: string;
  jobId: string;
  /** Undefined where it was made a moment ago and not looked at yet: nobody could guess its name. */
  guid?: string | undefined;
}

/** The clone goes last: as long as anything is left, it says that it is. */
async function remove(host: Host, { name, type, mounted }: CloneIdentity, signal: AbortSignal): Promise<void> {
  if (type === 'filesystem') {
    if (mounted) await unmountFilesystem(host, name, { signal });
    await runDrillScript(host, 'the directory of a drill stays', REMOVE_DIRECTORY, [directoryOf(name)], { signal });
  }
  await destroyDataset(host, name, signal);
}

/** Throws DATASET_BUSY where it is not what was made, or not only that. */
function requireUnchanged(now: CloneIdentity, { name, jobId }: Expected, guid: string | undefined): void {
  if (now.jobId !== jobId || (guid !== undefined && now.guid !== guid)) {
    throw new ZfsFlowError('DATASET_BUSY', `"${name}" is not what it was when it was listed`, { dataset: name });
  }
  if (!now.readonly && now.written > OWN_NOTES) {
    throw new ZfsFlowError('DATASET_BUSY', `somebody wrote ${now.written} bytes to "${name}"`, { dataset: name });
  }
}

/** Throws the classified error where it stays; that it is gone already, or is no clone of a drill any more, is fine. */
export async function destroyDrillClone(host: Host, expected: Expected, signal: AbortSignal): Promise<void> {
  const { name } = expected;
  const until = performance.now() + BUSY_MS;
  let { guid } = expected;
  for (;;) {
    const now = await drillClone(host, name, signal);
    if (now === null) return;
    requireUnchanged(now, expected, guid);
    guid = now.guid;
    try {
      return await remove(host, now, signal);
    } catch (thrown) {
      const error = toZfsFlowError(thrown);
      if (error.code === 'DATASET_NOT_FOUND') return;
      if (error.code !== 'DATASET_BUSY' || performance.now() > until) throw error;
      if (says(error.stderr ?? '', /has children/)) await destroySnapshotsOf(host, name, signal);
      else await endUsers(host, now, signal);
    }
    await sleep(PAUSE_MS, undefined, { signal });
  }
}
