// Destroys snapshots by channel program (zfs-program(8)): each is compared with what was planned and destroyed in the
// same transaction group, so that nothing can come between the look and the deed. For root only; what it cannot
// destroy, and hosts where it cannot run, are for `destroy.ts`.
import { groupBy } from '../group-by';
import type { CommandResult, Host } from '../host/host';
import { classifyStderr } from './classify';
import { snapshotName, type SnapshotName } from './destroy';

export interface PlannedSnapshotName extends SnapshotName {
  readonly guid: string;
}

export type Change = 'gone' | 'replaced' | 'held' | 'cloned';

export interface ProgramOutcome<T> {
  destroyed: T[];
  /** Not as planned, and left alone. */
  changed: { item: T; change: Change }[];
  /** As planned, but ZFS would not destroy them here: mounted, being sent, … */
  refused: T[];
  /** Of pools where the program cannot run, so that nothing happened to them. */
  untried: T[];
  /** Of pools where it failed on the way, so that some may be destroyed (zfs-program(8), "partially executed"). */
  unknown: T[];
}

const CHANGES: readonly string[] = ['gone', 'replaced', 'held', 'cloned'] satisfies Change[];

// Lua of ZFS has 64-bit signed integers: GUIDs from 2^63 on are negative there, and are given as such – with a letter
// before them, for `zfs` takes an argument that begins with a minus for an option, wherever it stands.
const PROGRAM = `
args = ...
argv = args["argv"]
others = {}
changes = 0
for i = 2, #argv, 2 do
  snapshot = argv[i]
  change = nil
  if not zfs.exists(snapshot) then
    change = "gone"
  elseif "g" .. tostring(zfs.get_prop(snapshot, "guid")) ~= argv[i + 1] then
    change = "replaced"
  elseif zfs.get_prop(snapshot, "userrefs") ~= 0 then
    change = "held"
  else
    for clone in zfs.list.clones(snapshot) do
      change = "cloned"
    end
  end
  if change ~= nil then
    others[snapshot] = change
    changes = changes + 1
  end
end
destroyed = 0
if argv[1] ~= "all-or-none" or changes == 0 then
  for i = 2, #argv, 2 do
    if others[argv[i]] == nil then
      err = zfs.sync.destroy(argv[i])
      if err == 0 then
        destroyed = destroyed + 1
      else
        others[argv[i]] = "refused"
      end
    end
  end
end
return { destroyed = destroyed, others = others }
`;

/** What the program said of the snapshots that it did not destroy; null when that is no answer of it. */
function readAnswer(
  { code, stdout }: CommandResult,
  asked: number,
  allOrNone: boolean,
): ReadonlyMap<string, string> | null {
  if (code !== 0) return null;
  try {
    const { return: answer } = JSON.parse(stdout) as { return?: { destroyed?: unknown; others?: object } };
    const others = new Map(Object.entries(answer?.others ?? {}).map(([name, word]) => [name, String(word)]));
    const words = [...others.values()];
    if (words.some((word) => word !== 'refused' && !CHANGES.includes(word))) return null;
    const none = allOrNone && words.some((word) => word !== 'refused');
    return answer?.destroyed === (none ? 0 : asked - others.size) ? others : null;
  } catch {
    return null;
  }
}

/** Failures after which nothing can have happened. */
const NEVER_RAN = new Set(['PERMISSION_DENIED', 'UNSUPPORTED', 'COMMAND_NOT_FOUND', 'POOL_UNAVAILABLE']);

async function destroyOfPool<T extends PlannedSnapshotName>(
  host: Host,
  pool: string,
  items: readonly T[],
  allOrNone: boolean,
  outcome: ProgramOutcome<T>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const args = items.flatMap((item) => [snapshotName(item), `g${BigInt.asIntN(64, BigInt(item.guid))}`]);
  const argv = ['zfs', 'program', '-j', pool, '-', allOrNone ? 'all-or-none' : 'each', ...args];
  const result = await host.run(argv, { stdin: PROGRAM, ...(signal ? { signal } : {}) });
  const others = readAnswer(result, items.length, allOrNone);
  if (!others) {
    const neverRan = result.code !== 0 && NEVER_RAN.has(classifyStderr(result.stderr, result.code).code);
    (neverRan ? outcome.untried : outcome.unknown).push(...items);
    return;
  }
  const changes = items.flatMap((item) => {
    const word = others.get(snapshotName(item));
    return word === undefined || word === 'refused' ? [] : [{ item, change: word as Change }];
  });
  outcome.changed.push(...changes);
  if (allOrNone && changes.length > 0) return;
  for (const item of items) {
    const word = others.get(snapshotName(item));
    if (word === undefined) outcome.destroyed.push(item);
    else if (word === 'refused') outcome.refused.push(item);
  }
}

/** Whether it is worth trying: only root may run channel programs. */
export async function canDestroyByProgram(host: Host, signal?: AbortSignal): Promise<boolean> {
  return (await host.facts(signal ? { signal } : {})).isRoot;
}

/**
 * Destroys those that are as planned (same GUID, no hold, no clone), one command for each pool; at most some hundred
 * at once. With `allOrNone`, none of a pool goes while one of it is not as planned. Throws connection errors only.
 */
export async function destroyByProgram<T extends PlannedSnapshotName>(
  host: Host,
  items: readonly T[],
  options: { allOrNone: boolean; signal?: AbortSignal },
): Promise<ProgramOutcome<T>> {
  const outcome: ProgramOutcome<T> = { destroyed: [], changed: [], refused: [], untried: [], unknown: [] };
  for (const [pool, group] of groupBy(items, ({ dataset }) => dataset.split('/', 1)[0] ?? dataset)) {
    await destroyOfPool(host, pool, group, options.allOrNone, outcome, options.signal);
    if (options.allOrNone && outcome.changed.length > 0) break;
  }
  return outcome;
}
