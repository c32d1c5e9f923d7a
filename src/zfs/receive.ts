// Argument lists of `zfs receive`, and the commands around it on the target: parents, rollback, abort.
// Never `-F` unless the plan says that there is nothing to lose (an empty dataset, our own placeholder).
import { randomBytes } from 'node:crypto';
import { ZfsFlowError } from '../base/errors';
import type { Host } from '../host/host';
import { PLACEHOLDER_PROPERTY } from './marks';
import { zfs } from './command';
import { unloadKey } from './keys';
import { userName } from './rights';
import { saysOnly } from './stderr';
import { allowCommand } from './shown';

/**
 * Properties that a volume does not have: `receive -o` with one of them fails for a volume. The list is what `zfs get all`
 * shows of a file system and not of a volume, on OpenZFS 2.1 and 2.4.
 */
const FILESYSTEM_ONLY: ReadonlySet<string> = new Set([
  'aclinherit',
  'aclmode',
  'acltype',
  'atime',
  'canmount',
  'casesensitivity',
  'devices',
  'exec',
  'filesystem_count',
  'filesystem_limit',
  'jailed',
  'longname',
  'mountpoint',
  'nbmand',
  'normalization',
  'overlay',
  'quota',
  'recordsize',
  'refquota',
  'defaultgroupobjquota',
  'defaultgroupquota',
  'defaultprojectobjquota',
  'defaultprojectquota',
  'defaultuserobjquota',
  'defaultuserquota',
  'direct',
  'dnodesize',
  'relatime',
  'setuid',
  'sharenfs',
  'sharesmb',
  'snapdir',
  'special_small_blocks',
  'utf8only',
  'version',
  'vscan',
  'xattr',
  'zoned',
]);

/** … and those that a file system does not have. */
const VOLUME_ONLY: ReadonlySet<string> = new Set(['volblocksize', 'volsize', 'volthreading']);

export interface ReceiveRequest {
  target: string;
  type: 'filesystem' | 'volume';
  resumable: boolean;
  /** Only where the plan found nothing that could be lost. */
  force: boolean;
  /** `-o origin=`: snapshot that the new dataset is a clone of. */
  origin?: string;
  /** `-x`: properties that keep the target's value. */
  exclude: readonly string[];
  /** `-o` */
  set: Readonly<Record<string, string>>;
}

/** `zfs receive …` for one stream. */
export function receiveArgv(request: ReceiveRequest): string[] {
  const illegal = request.type === 'filesystem' ? VOLUME_ONLY : FILESYSTEM_ONLY;
  const applies = (property: string): boolean => !illegal.has(property);
  const overrides = Object.entries(request.set).filter(([property]) => applies(property));
  const excluded = request.exclude.filter((property) => applies(property) && !(property in request.set));
  return [
    'zfs',
    'receive',
    // Says at the end how many bytes came: for a stream of less than a second the sender says nothing.
    '-v',
    ...(request.resumable ? ['-s'] : []),
    ...(request.force ? ['-F'] : []),
    // Mounting is done afterwards, where nothing is in the way.
    '-u',
    ...(request.origin === undefined ? [] : ['-o', `origin=${request.origin}`]),
    ...excluded.flatMap((property) => ['-x', property]),
    ...overrides.flatMap(([property, value]) => ['-o', `${property}=${value}`]),
    request.target,
  ];
}

/** Discards the partial receive of `target`; none there is fine. */
export async function abortReceive(host: Host, target: string, signal?: AbortSignal): Promise<void> {
  const result = await host.run(['zfs', 'receive', '-A', target], { signal });
  const isNone = saysOnly(result.stderr, /does not have any resumable receive state|does not exist/);
  if (result.code === 0 || isNone) return;
  await zfs(host, ['receive', '-A', target], { dataset: target, signal });
}

/**
 * Creates missing parents, outermost first, as unmounted placeholders: `canmount=off` so that nothing is mounted over
 * anything, and a mark so that a later run knows them for its own.
 */
export async function createPlaceholder(host: Host, dataset: string, signal?: AbortSignal): Promise<void> {
  const set = ['-o', 'canmount=off', '-o', `${PLACEHOLDER_PROPERTY}=${dataset}`];
  try {
    await zfs(host, ['create', ...set, dataset], { dataset, signal });
  } catch (error) {
    if (!(error instanceof ZfsFlowError)) throw error;
    if (error.code === 'KEY_NOT_LOADED') await createSealed(host, dataset, set, signal);
    else if (error.code === 'PERMISSION_DENIED') throw await withRights(host, dataset, error, signal);
    else throw error;
  }
}

async function withRights(
  host: Host,
  dataset: string,
  error: ZfsFlowError,
  signal: AbortSignal | undefined,
): Promise<ZfsFlowError> {
  const user = await userName(host, signal);
  const parent = dataset.slice(0, dataset.lastIndexOf('/'));
  const allow = allowCommand(user, ['create', 'mount', 'canmount', 'userprop'], parent);
  return error.with({ hint: `As root on ${host.label}: ${allow}` });
}

/**
 * Below what was received raw, whose key is not there, ZFS makes only what has a key of its own. A placeholder needs none: it
 * gets one that is thrown away.
 */
async function createSealed(
  host: Host,
  dataset: string,
  set: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const key = ['-o', 'encryption=on', '-o', 'keyformat=hex', '-o', 'keylocation=prompt'];
  const stdin = `${randomBytes(32).toString('hex')}\n`;
  await zfs(host, ['create', ...set, ...key, dataset], { dataset, signal, stdin });
  await unloadKey(host, dataset);
}

/** `zfs rollback -r dataset@snapshot`: discards what the plan listed as lost. Fails on held snapshots and clones. */
export async function rollback(host: Host, dataset: string, snapshot: string, signal?: AbortSignal): Promise<void> {
  await zfs(host, ['rollback', '-r', `${dataset}@${snapshot}`], { dataset, signal });
}
