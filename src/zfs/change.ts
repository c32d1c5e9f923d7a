// Changes of a dataset as a whole: set and inherit properties, rename, clone, promote (zfs-set(8), zfs-rename(8),
// zfs-clone(8), zfs-promote(8)). The argv are here too, for callers that run many in one remote command.
import type { Host } from '../host/host';
import { zfs, type ZfsRunOptions } from './command';

/** Of one dataset, or of several at once. */
export const setArgv = (
  dataset: string | readonly string[],
  properties: Readonly<Record<string, string>>,
): string[] => [
  'zfs',
  'set',
  ...Object.entries(properties).map(([property, value]) => `${property}=${value}`),
  ...(typeof dataset === 'string' ? [dataset] : dataset),
];

/** `received`: back to the value that came with a stream (`-S`). */
export const inheritArgv = (dataset: string, property: string, { received = false } = {}): string[] => [
  'zfs',
  'inherit',
  ...(received ? ['-S'] : []),
  property,
  dataset,
];

export const renameArgv = (from: string, to: string): string[] => ['zfs', 'rename', from, to];

async function change(host: Host, [, ...args]: readonly string[], options: ZfsRunOptions): Promise<void> {
  await zfs(host, args, options);
}

/** Throws the classified error; the properties are set all together or, where one is refused, as far as ZFS got. */
export function setProperties(
  host: Host,
  dataset: string,
  properties: Readonly<Record<string, string>>,
  options: ZfsRunOptions = {},
): Promise<void> {
  return change(host, setArgv(dataset, properties), { dataset, ...options });
}

/** Back to what is inherited, or the default. Throws the classified error. */
export function inheritProperty(
  host: Host,
  dataset: string,
  property: string,
  options: ZfsRunOptions = {},
): Promise<void> {
  return change(host, inheritArgv(dataset, property), { dataset, ...options });
}

/** Renames a dataset with everything below it. Throws the classified error. */
export function renameDataset(host: Host, from: string, to: string, options: ZfsRunOptions = {}): Promise<void> {
  return change(host, renameArgv(from, to), { dataset: from, ...options });
}

/** Makes `clone` of a snapshot (full names) with these properties. Throws the classified error. */
export function cloneSnapshot(
  host: Host,
  { snapshot, clone, properties }: { snapshot: string; clone: string; properties: Readonly<Record<string, string>> },
  options: ZfsRunOptions = {},
): Promise<void> {
  const set = Object.entries(properties).flatMap(([property, value]) => ['-o', `${property}=${value}`]);
  return change(host, ['zfs', 'clone', ...set, snapshot, clone], { dataset: clone, ...options });
}

/** Throws the classified error. */
export function promoteClone(host: Host, clone: string, options: ZfsRunOptions = {}): Promise<void> {
  return change(host, ['zfs', 'promote', clone], { dataset: clone, ...options });
}
