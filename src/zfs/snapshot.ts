// `zfs snapshot`: one command is one atomic transaction on one pool. Which datasets, which name: `snapshots/create.ts`.
import type { Host } from '../host/host';
import { zfs } from './command';

export interface SnapshotCommand {
  /** Full names `dataset@name`, all on one pool (several pools in one command fail with a misleading text). */
  snapshots: readonly string[];
  recursive: boolean;
  /** User properties set on the snapshots. */
  properties?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
}

/** Takes all the snapshots or none. Throws SNAPSHOT_EXISTS, DATASET_NOT_FOUND, OUT_OF_SPACE, PERMISSION_DENIED … */
export async function takeSnapshots(host: Host, command: SnapshotCommand): Promise<void> {
  const properties = Object.entries(command.properties ?? {}).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const args = ['snapshot', ...(command.recursive ? ['-r'] : []), ...properties, ...command.snapshots];
  await zfs(host, args, { signal: command.signal });
}
