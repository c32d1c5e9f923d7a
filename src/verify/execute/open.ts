// Makes the contents of a snapshot readable on its host, and takes away again what that needed: a read-only clone, which no
// pool writes anything of its own to, mounted in a private directory; or, where there is one already, ZFS's own directory of
// the snapshot.
import { randomBytes } from 'node:crypto';
import { toZfsFlowError, ZfsFlowError } from '../../base/errors';
import type { Host } from '../../host/host';
import { FIND_DEVICE, IS_MOUNTED, MAKE_DIRECTORY } from '../../host/shell/drill-scripts';
import { ownTag } from '../../replication/execute/process-tag';
import { cloneSnapshot } from '../../zfs/change';
import { getProperty } from '../../zfs/get';
import { DRILL_OWNER_PROPERTY, DRILL_PROPERTY, drillCloneName } from '../../zfs/marks';
import { mountFilesystem } from '../../zfs/mount';
import { poolOf } from '../../zfs/names';
import { fullName, type DatasetRecord, type SnapshotRecord } from '../../zfs/records';
import { hasAllRights, lackingForNew, lackingRights } from '../../zfs/rights';
import { allowCommand, allowCreatorCommand, allowHereCommand } from '../../zfs/shown';
import { destroyDrillClone, devicesOf, directoryOf, mountpointIn } from './destroy-clone';
import { beginDrill, OWNER_ID } from './leftovers';
import { runDrillScript } from './script';

/** Milliseconds that the end of a drill may take, also one that was cancelled. */
const CLOSE_MS = 60_000;

/** A snapshot on its host. */
export interface Place {
  host: Host;
  dataset: DatasetRecord;
  snapshot: SnapshotRecord;
}

/** What can be read. */
export interface Opened {
  host: Host;
  /** Full name of the snapshot. */
  snapshot: string;
  /** One of them is ''. */
  mountpoint: string;
  device: string;
  /** Bytes; of a volume. */
  size: number;
  /** Never throws; null, or what could not be taken away. */
  close(): Promise<string | null>;
}

const CLONE_PROPERTIES = {
  filesystem: ['readonly', 'canmount', 'mountpoint', 'userprop'],
  volume: ['readonly', 'volmode', 'userprop'],
} as const;

/** Nothing is begun that could not be ended. Throws UNSUPPORTED and PERMISSION_DENIED, with what somebody can do. */
async function requireRights({ host, dataset }: Place, clone: string, signal: AbortSignal): Promise<void> {
  if (await hasAllRights(host, signal)) return;
  const { platform } = await host.facts({ signal });
  if (platform === 'Linux' && dataset.type === 'filesystem') {
    throw new ZfsFlowError('UNSUPPORTED', `only root can mount a clone of "${dataset.name}" on ${host.label}`, {
      host: host.label,
      dataset: dataset.name,
      hint: 'Log in as root, or let zfs run through sudo or doas (in the connection).',
    });
  }
  const origin = await lackingRights(host, [dataset.name], ['clone', 'create', 'mount'], signal);
  const onItself = [...CLONE_PROPERTIES[dataset.type], 'destroy', 'mount'];
  const made = await lackingForNew(host, clone, { onParent: ['create', 'mount'], onItself }, signal);
  const onOrigin = origin.lacking.get(dataset.name) ?? [];
  const pool = poolOf(clone);
  const commands = [
    ...(onOrigin.length > 0 ? [allowCommand(made.user, onOrigin, dataset.name)] : []),
    ...(made.onParent.length > 0 ? [allowHereCommand(made.user, made.onParent, pool)] : []),
    ...(made.onItself.length > 0 ? [allowCreatorCommand(made.onItself, pool)] : []),
  ];
  if (commands.length === 0) return;
  throw new ZfsFlowError(
    'PERMISSION_DENIED',
    `${made.user} may not clone "${dataset.name}" in the pool on ${host.label}`,
    {
      host: host.label,
      dataset: dataset.name,
      hint: `As root on ${host.label}: ${commands.join('; ')}`,
    },
  );
}

async function propertiesOf({ host, dataset }: Place, name: string, id: string, jobId: string, signal: AbortSignal) {
  const marks = { [DRILL_PROPERTY]: jobId, [DRILL_OWNER_PROPERTY]: `${ownTag(OWNER_ID)}.${id}` };
  if (dataset.type === 'volume') return { readonly: 'on', volmode: 'dev', ...marks };
  const mountpoint = mountpointIn(directoryOf(name));
  // What the pool shares by inheritance, the clone must not be.
  const unshared = (await hasAllRights(host, signal)) ? { sharenfs: 'off', sharesmb: 'off' } : {};
  return { readonly: 'on', canmount: 'noauto', mountpoint, ...unshared, ...marks };
}

async function mountClone({ host }: Place, clone: string, signal: AbortSignal): Promise<string> {
  const directory = directoryOf(clone);
  await runDrillScript(host, 'no directory for the drill could be made', MAKE_DIRECTORY, [directory], { signal });
  const refused = await mountFilesystem(host, clone, signal);
  if (refused !== null) throw refused;
  const mountpoint = mountpointIn(directory);
  await runDrillScript(host, `the clone "${clone}" is not seen where it was mounted`, IS_MOUNTED, [mountpoint, clone], {
    signal,
  });
  return mountpoint;
}

async function deviceOf({ host }: Place, volume: string, signal: AbortSignal): Promise<string> {
  const devices = devicesOf(volume);
  const found = await runDrillScript(host, `the volume "${volume}" has no device`, FIND_DEVICE, devices, { signal });
  return found.trim();
}

/**
 * Clones the snapshot in its pool and opens the clone. Throws the classified error, and leaves nothing then. `jobId`: of the
 * run, which the clone is marked with.
 */
export async function openClone(place: Place, jobId: string, signal: AbortSignal): Promise<Opened> {
  const { host, dataset, snapshot } = place;
  const id = randomBytes(6).toString('hex');
  const clone = drillCloneName(poolOf(dataset.name), id);
  await requireRights(place, clone, signal);
  const forget = beginDrill(host, clone);
  // Whatever has become of the job, also one that was cancelled: the clone goes.
  const close = async (): Promise<string | null> => {
    try {
      await destroyDrillClone(host, { name: clone, jobId }, AbortSignal.timeout(CLOSE_MS));
      return null;
    } catch (thrown) {
      const { message } = toZfsFlowError(thrown);
      return `the clone "${clone}" on ${host.label} could not be destroyed, the next run tries again: ${message}`;
    } finally {
      forget();
    }
  };
  try {
    const properties = await propertiesOf(place, clone, id, jobId, signal);
    await cloneSnapshot(host, { snapshot: fullName(snapshot), clone, properties }, { signal });
    const isVolume = dataset.type === 'volume';
    const mountpoint = isVolume ? '' : await mountClone(place, clone, signal);
    const device = isVolume ? await deviceOf(place, clone, signal) : '';
    const size = isVolume ? Number(await getProperty(host, clone, 'volsize', { signal })) : 0;
    return { host, snapshot: fullName(snapshot), mountpoint, device, size, close };
  } catch (thrown) {
    const left = await close();
    const error = toZfsFlowError(thrown);
    throw left === null ? error : error.with({ message: `${error.message}; ${left}` });
  }
}

/** ZFS's own directory of the snapshot, where its file system is mounted and this directory is what is seen there; else null. */
export async function openSnapshotDirectory(place: Place, signal: AbortSignal): Promise<Opened | null> {
  const { host, dataset, snapshot } = place;
  if (dataset.type !== 'filesystem' || !dataset.mounted) return null;
  const mounted = await getProperty(host, dataset.name, 'mountpoint', { signal });
  if (!mounted.startsWith('/')) return null;
  const mountpoint = `${mounted === '/' ? '' : mounted}/.zfs/snapshot/${snapshot.name}`;
  const argv = ['/bin/sh', '-c', IS_MOUNTED, 'sh', mountpoint, fullName(snapshot)];
  const { code } = await host.run(argv, { signal });
  if (code !== 0) return null;
  return {
    host,
    snapshot: fullName(snapshot),
    mountpoint,
    device: '',
    size: 0,
    close: () => Promise.resolve(null),
  };
}
