// User properties that were set on snapshots themselves (or came with a stream), not inherited from their dataset.
// ZFS cannot list properties by prefix. `zfs get all` can, but opens every snapshot for its native properties too:
// 1–3 ms each, more than destroying it. A read-only channel program reads the same in a tenth of that; it is for root
// only, and leaves a line in the pool's history, so it is not for runs that must not leave any trace.
import { groupBy } from '../base/group-by';
import type { CommandResult, Host } from '../host/host';
import { groupNames } from './batch';
import { snapshotName, type SnapshotName } from './destroy';
import { eachSetProperty } from './get-all';
import { parseValue, type PropertyValue } from './marked-values';
import { poolOf } from './names';

/** Full snapshot name → its properties; a snapshot without any is absent. */
export type UserProperties = Map<string, Record<string, string>>;

/** Names in one command; arguments of a `zfs program` are limited to 128 KiB by its memory. */
const NAMES_PER_COMMAND = 500;

// zfs-program(8). Values are from `source`: the snapshot itself, or `$recvd` when they came with a stream.
const PROGRAM = `
args = ...
argv = args["argv"]
prefix = argv[1]
found = {}
for i = 2, #argv do
  snapshot = argv[i]
  if zfs.exists(snapshot) then
    for key, value, source in zfs.list.user_properties(snapshot) do
      if string.sub(key, 1, #prefix) == prefix and (source == snapshot or source == "$recvd") then
        found[#found + 1] = snapshot .. "\\t" .. key .. "\\t" .. value
      end
    end
  end
end
return found
`;

function keep(found: PropertyValue | null, prefix: string, into: UserProperties): void {
  if (found?.property.startsWith(prefix) !== true) return;
  const { name, property, value } = found;
  into.set(name, { ...into.get(name), [property]: value });
}

/** What the program returned; null when that is not what it returns. */
function readReturn({ code, stdout }: CommandResult): string[] | null {
  if (code !== 0) return null;
  try {
    const answer = JSON.parse(stdout) as { return?: unknown };
    if (typeof answer.return !== 'object' || answer.return === null) return null;
    const lines = Object.values(answer.return);
    return lines.every((line) => typeof line === 'string') ? lines : null;
  } catch {
    return null;
  }
}

/** By channel program; null when that is not possible here for whatever reason. */
async function byProgram(
  host: Host,
  snapshots: readonly SnapshotName[],
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<UserProperties | null> {
  if (!(await host.facts({ signal })).isRoot) return null;
  const found: UserProperties = new Map();
  for (const [pool, own] of groupBy(snapshots, ({ dataset }) => poolOf(dataset))) {
    for (const group of groupNames(own.map(snapshotName), NAMES_PER_COMMAND)) {
      const argv = ['zfs', 'program', '-n', '-j', pool, '-', prefix, ...group];
      const lines = readReturn(await host.run(argv, { stdin: PROGRAM, signal }));
      if (!lines) return null;
      for (const line of lines) keep(parseValue(line), prefix, found);
    }
  }
  return found;
}

async function byGet(
  host: Host,
  snapshots: readonly SnapshotName[],
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<UserProperties> {
  const found: UserProperties = new Map();
  const wanted = (property: string): boolean => property.startsWith(prefix);
  for (const of of groupNames(snapshots.map(snapshotName), NAMES_PER_COMMAND)) {
    // A snapshot that is gone by now has no properties; whoever destroys looks again.
    const request = { of, sources: ['local' as const, 'received' as const] };
    await eachSetProperty(host, [request], { wanted, missingOk: true, signal }, (value) => keep(value, prefix, found));
  }
  return found;
}

/**
 * User properties of these snapshots whose names begin with `prefix`. Throws the classified error when they cannot be read.
 */
export async function snapshotUserProperties(
  host: Host,
  snapshots: readonly SnapshotName[],
  prefix: string,
  options: { mayLeaveTrace: boolean; signal?: AbortSignal },
): Promise<UserProperties> {
  const { mayLeaveTrace, signal } = options;
  if (snapshots.length === 0) return new Map();
  const quick = mayLeaveTrace ? await byProgram(host, snapshots, prefix, signal) : null;
  return quick ?? (await byGet(host, snapshots, prefix, signal));
}
