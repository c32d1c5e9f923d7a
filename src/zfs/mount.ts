// Mounts a file system where its `mountpoint` says (zfs-mount(8)). Whether anything is in the way there is the caller's to
// find out: ZFS would cover it.
import type { ZfsFlowError } from '../base/errors';
import type { Host } from '../host/host';
import { commandError } from './command';

/** Null, or the error that ZFS gave. Throws only connection errors. */
export async function mountFilesystem(host: Host, name: string, signal?: AbortSignal): Promise<ZfsFlowError | null> {
  const argv = ['zfs', 'mount', name];
  const result = await host.run(argv, { signal });
  return result.code === 0 ? null : commandError(host, argv, result, name);
}
