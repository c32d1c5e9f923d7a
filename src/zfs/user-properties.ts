// User properties that were set on snapshots themselves (or came with a stream), not inherited from their dataset.
import type { Host } from '../host/host';
import { missingDatasets } from './classify';
import { commandError } from './run';

/**
 * User properties of all snapshots of the trees: full snapshot name → properties; a snapshot without any is absent.
 * ZFS has no way to ask for properties by a prefix, so all are asked for, and native ones are dropped by their source:
 * on a snapshot they are never `local`. One command; costs about as much as a listing.
 */
export async function snapshotUserProperties(
  host: Host,
  roots: readonly string[],
  recursive: boolean,
  signal?: AbortSignal,
): Promise<Map<string, Record<string, string>>> {
  const levels = recursive ? ['-r'] : ['-d', '1'];
  const columns = 'name,property,value';
  const argv = [
    'zfs',
    'get',
    '-Hp',
    ...levels,
    '-t',
    'snapshot',
    '-s',
    'local,received',
    '-o',
    columns,
    'all',
    ...roots,
  ];
  const found = new Map<string, Record<string, string>>();
  let last: { name: string; key: string } | undefined;
  const result = await host.run(argv, {
    ...(signal ? { signal } : {}),
    onLine: (line) => {
      const [name = '', key, ...value] = line.split('\t');
      const owner = key?.includes(':') && name.includes('@') ? { name, key } : undefined;
      if (owner) {
        const properties = found.get(name) ?? {};
        properties[owner.key] = value.join('\t');
        found.set(name, properties);
        last = owner;
        return;
      }
      // A value may hold line breaks; what follows one belongs to the property before.
      const properties = last && found.get(last.name);
      if (last && properties) properties[last.key] += `\n${line}`;
    },
  });
  // A tree that went away meanwhile has no snapshots left to speak of; whoever destroys looks again.
  if (result.code !== 0 && !missingDatasets(result.stderr)?.length) throw commandError(host, argv, result);
  return found;
}
