// Mounts a file system where its `mountpoint` says, and unmounts it (zfs-mount(8)). Whether anything is in the way there is the caller's to
// find out: ZFS would cover it.
import type { ZfsFlowError } from '../base/errors';
import type { Host } from '../host/host';
import { commandError } from './command';
import { saysOnly } from './stderr';

/** Null, or the error that ZFS gave. Throws only connection errors. */
export async function mountFilesystem(host: Host, name: string, signal?: AbortSignal): Promise<ZfsFlowError | null> {
  const argv = ['zfs', 'mount', name];
  const result = await host.run(argv, { signal });
  return result.code === 0 ? null : commandError(host, argv, result, name);
}

/**
 * Unmounts a file system; that it is not mounted is fine. `force`: in spite of what uses it, where the system knows such a thing
 * (FreeBSD; Linux unmounts nothing that is in use). Throws the classified error.
 */
export async function unmountFilesystem(
  host: Host,
  name: string,
  { force = false, signal }: { force?: boolean; signal?: AbortSignal } = {},
): Promise<void> {
  const argv = ['zfs', 'unmount', ...(force ? ['-f'] : []), name];
  const result = await host.run(argv, { signal });
  if (result.code === 0 || saysOnly(result.stderr, /not currently mounted/)) return;
  throw commandError(host, argv, result, name);
}
