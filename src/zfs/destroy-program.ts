// Destroys snapshots by channel program (zfs-program(8)): each is compared with what was planned and destroyed in the
// same transaction group, so that nothing can come between the look and the deed. For root only; what it cannot
// destroy, and hosts where it cannot run, are for `destroy.ts`.
import { groupBy } from '../base/group-by';
import type { CommandResult, Host } from '../host/host';
import { classifyStderr } from './classify';
import { snapshotName, type SnapshotName } from './destroy';
import { poolOf } from './names';

export interface PlannedSnapshotName extends SnapshotName {
  readonly guid: string;
}

export type Change = 'gone' | 'replaced' | 'held' | 'cloned';

export interface ProgramOutcome<T> {
  destroyed: T[];
  /** Left alone for user properties of their own that the caller wants to look at first. */
  marked: { item: T; properties: Record<string, string> }[];
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
// ZFS itself refuses to destroy what is held or has clones (dsl_destroy_snapshot_check_impl), so where some may go
// without others these are looked for only after it has: each look opens the snapshot, a tenth of what its end costs.
// Values of properties are from `source`: the snapshot itself, or `$recvd` when they came with a stream.
const PROGRAM = `
args = ...
argv = args["argv"]
each = argv[1] ~= "all-or-none"
prefix = string.sub(argv[2], 2)
others = {}
marks = {}
changes = 0
function use(snapshot)
  if zfs.get_prop(snapshot, "userrefs") ~= 0 then
    return "held"
  end
  for clone in zfs.list.clones(snapshot) do
    return "cloned"
  end
  return nil
end
function change(snapshot, guid)
  if not zfs.exists(snapshot) then
    return "gone"
  end
  if "g" .. tostring(zfs.get_prop(snapshot, "guid")) ~= guid then
    return "replaced"
  end
  if not each then
    return use(snapshot)
  end
  found = nil
  if prefix ~= "" then
    for key, value, source in zfs.list.user_properties(snapshot) do
      if string.sub(key, 1, #prefix) == prefix and (source == snapshot or source == "$recvd") then
        marks[#marks + 1] = snapshot .. "\\t" .. key .. "\\t" .. value
        found = "marked"
      end
    end
  end
  return found
end
destroyed = 0
function destroy(snapshot)
  if zfs.sync.destroy(snapshot) == 0 then
    destroyed = destroyed + 1
  else
    others[snapshot] = each and use(snapshot) or "refused"
  end
end
for i = 3, #argv, 2 do
  word = change(argv[i], argv[i + 1])
  if word ~= nil then
    others[argv[i]] = word
    changes = changes + 1
  end
end
if each or changes == 0 then
  for i = 3, #argv, 2 do
    if others[argv[i]] == nil then
      destroy(argv[i])
    end
  end
end
return { destroyed = destroyed, others = others, marks = marks }
`;

interface Answer {
  /** What happened to those that were not destroyed, by full name. */
  readonly others: ReadonlyMap<string, string>;
  /** Full name → properties. */
  readonly marks: ReadonlyMap<string, Record<string, string>>;
}

function readMarks(lines: readonly unknown[]): Answer['marks'] {
  const marks = new Map<string, Record<string, string>>();
  for (const line of lines) {
    const [name = '', key = '', ...value] = String(line).split('\t');
    marks.set(name, { ...marks.get(name), [key]: value.join('\t') });
  }
  return marks;
}

/** What the program said of the snapshots that it did not destroy; null when that is no answer of it. */
function readAnswer({ code, stdout }: CommandResult, asked: number, allOrNone: boolean): Answer | null {
  if (code !== 0) return null;
  try {
    const { return: answer } = JSON.parse(stdout) as {
      return?: { destroyed?: unknown; others?: object; marks?: object };
    };
    const others = new Map(Object.entries(answer?.others ?? {}).map(([name, word]) => [name, String(word)]));
    const marks = readMarks(Object.values(answer?.marks ?? {}));
    const words = [...others.values()];
    const known = (word: string): boolean => word === 'refused' || word === 'marked' || CHANGES.includes(word);
    // One whose marks cannot be read must not pass for one that has none.
    const unread = [...others].some(([name, word]) => word === 'marked' && !marks.has(name));
    if (unread || !words.every(known)) return null;
    const none = allOrNone && words.some((word) => word !== 'refused');
    return answer?.destroyed === (none ? 0 : asked - others.size) ? { others, marks } : null;
  } catch {
    return null;
  }
}

/** Failures after which nothing can have happened. */
const NEVER_RAN = new Set(['PERMISSION_DENIED', 'UNSUPPORTED', 'COMMAND_NOT_FOUND', 'POOL_UNAVAILABLE']);

function sortOut<T extends PlannedSnapshotName>(
  items: readonly T[],
  { others, marks }: Answer,
  allOrNone: boolean,
  outcome: ProgramOutcome<T>,
): void {
  const destroyed: T[] = [];
  const refused: T[] = [];
  let changes = 0;
  for (const item of items) {
    const word = others.get(snapshotName(item));
    if (word === undefined) destroyed.push(item);
    else if (word === 'refused') refused.push(item);
    else if (word === 'marked') outcome.marked.push({ item, properties: marks.get(snapshotName(item)) ?? {} });
    else {
      outcome.changed.push({ item, change: word as Change });
      changes++;
    }
  }
  if (allOrNone && changes > 0) return;
  outcome.destroyed.push(...destroyed);
  outcome.refused.push(...refused);
}

async function destroyOfPool<T extends PlannedSnapshotName>(
  { host, pool }: { host: Host; pool: string },
  items: readonly T[],
  { allOrNone, prefix, signal }: ProgramOptions,
  outcome: ProgramOutcome<T>,
): Promise<void> {
  const args = items.flatMap((item) => [snapshotName(item), `g${BigInt.asIntN(64, BigInt(item.guid))}`]);
  const argv = ['zfs', 'program', '-j', pool, '-', allOrNone ? 'all-or-none' : 'each', `p${prefix}`, ...args];
  const result = await host.run(argv, { stdin: PROGRAM, signal });
  const answer = readAnswer(result, items.length, allOrNone);
  if (answer) {
    sortOut(items, answer, allOrNone, outcome);
    return;
  }
  const neverRan = result.code !== 0 && NEVER_RAN.has(classifyStderr(result.stderr, result.code).code);
  (neverRan ? outcome.untried : outcome.unknown).push(...items);
}

/** Whether it is worth trying: only root may run channel programs. */
export async function canDestroyByProgram(host: Host, signal?: AbortSignal): Promise<boolean> {
  return (await host.facts({ signal })).isRoot;
}

export interface ProgramOptions {
  /** None of a pool goes while one of it is not as planned. */
  allOrNone: boolean;
  /**
   * Those with a user property of their own whose name begins so are left alone and told, '' = none. Not looked at with
   * `allOrNone`.
   */
  prefix: string;
  signal?: AbortSignal | undefined;
}

/**
 * Destroys those that are as planned (same GUID, no hold, no clone), one command for each pool; at most some hundred
 * at once. Throws connection errors only.
 */
export async function destroyByProgram<T extends PlannedSnapshotName>(
  host: Host,
  items: readonly T[],
  options: ProgramOptions,
): Promise<ProgramOutcome<T>> {
  const outcome: ProgramOutcome<T> = { destroyed: [], marked: [], changed: [], refused: [], untried: [], unknown: [] };
  for (const [pool, group] of groupBy(items, ({ dataset }) => poolOf(dataset))) {
    await destroyOfPool({ host, pool }, group, options, outcome);
    if (options.allOrNone && outcome.changed.length > 0) break;
  }
  return outcome;
}
