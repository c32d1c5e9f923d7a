// User holds: set, released and listed in batches. A held snapshot cannot be destroyed (EBUSY) by anybody.
import type { ZfsFlowError } from '../base/errors';
import type { CommandResult, Host } from '../host/host';
import { AT_ONCE, groupNames, runBatch } from './batch';
import { commandError, NO_RESULT } from './command';
import { getArgv, parseValue } from './marked-values';
import { complaintsOf, says, saysOnly } from './stderr';

/** In one command. */
export const NAMES_PER_COMMAND = 100;
/** Fewer than this are not worth another command. */
export const NAMES_PER_SHARE = 12;

/**
 * `zfs hold` and `zfs release` wait for a transaction group to be written for each name (13 to 100 ms); commands that run
 * at the same time wait for the same one.
 */
function groupsAtOnce(names: readonly string[]): string[][] {
  const shares = Math.max(1, Math.min(AT_ONCE, Math.ceil(names.length / NAMES_PER_SHARE)));
  return groupNames(names, Math.min(NAMES_PER_COMMAND, Math.max(1, Math.ceil(names.length / shares))));
}

export const holdArgv = (tag: string, names: readonly string[]): string[] => ['zfs', 'hold', tag, ...names];

/** `zfs hold` failed, but all that it says is that they had the tag already. */
export const isHeld = onlyComplaints(/tag already exists/);

export const releaseArgv = (tag: string, names: readonly string[]): string[] => ['zfs', 'release', tag, ...names];

/** `zfs release` failed, but all that it says is that they are gone or have no such tag. */
export const isReleased = onlyComplaints(/no such tag|does not exist/);

/** Told the names (full) of a command that did not find all of them: they are destroyed, or have other names by now. */
export type OnGone = (snapshots: readonly string[]) => void;

/** What is fine of a `zfs release` that failed. */
export function ignoreReleased(onGone?: OnGone): (result: CommandResult, argv: readonly string[]) => boolean {
  return (result, argv) => {
    if (!isReleased(result)) return false;
    if (says(result.stderr, /does not exist/)) onGone?.(argv.slice(releaseArgv('', []).length));
    return true;
  };
}

/** Holds snapshots (full names) with `tag`; one that has the tag already is fine. Returns the errors. */
export async function holdSnapshots(
  host: Host,
  tag: string,
  snapshots: readonly string[],
  signal?: AbortSignal,
): Promise<ZfsFlowError[]> {
  const argvs = groupsAtOnce(snapshots).map((names) => holdArgv(tag, names));
  return runBatch(host, argvs, { commandsPerShare: 1, signal, ignore: isHeld });
}

/** Releases `tag`; a snapshot that is gone or has no such tag is fine. Returns the errors. */
export async function releaseSnapshots(
  host: Host,
  tag: string,
  snapshots: readonly string[],
  signal?: AbortSignal,
  onGone?: OnGone,
): Promise<ZfsFlowError[]> {
  const argvs = groupsAtOnce(snapshots).map((names) => releaseArgv(tag, names));
  return runBatch(host, argvs, { commandsPerShare: 1, signal, ignore: ignoreReleased(onGone) });
}

export interface Hold {
  /** Full name of the snapshot. */
  snapshot: string;
  tag: string;
}

/** Of `zfs holds -H` for one snapshot. A tag may hold tabs and ends of lines: what follows without a name of its own, or has
 * no date, belongs to the tag before. */
function tagsOf(snapshot: string, text: string): string[] {
  const pieces: string[] = [];
  for (const piece of text.replace(/\n$/, '').split('\n')) {
    const last = pieces.at(-1);
    const isWhole = last === undefined || last.split('\t').length > 2;
    if (piece.startsWith(`${snapshot}\t`) && isWhole) pieces.push(piece);
    else if (last !== undefined) pieces[pieces.length - 1] = `${last}\n${piece}`;
  }
  return pieces.map((piece) => piece.slice(snapshot.length + 1, piece.lastIndexOf('\t')));
}

/** By lines; null where there are more or other lines than holds, since some tag spans several, or reads like another hold. */
function holdsByLines(text: string, counts: ReadonlyMap<string, number>): Hold[] | null {
  const holds: Hold[] = [];
  const left = new Map(counts);
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [snapshot = '', tag = '', ...more] = line.split('\t');
    const count = left.get(snapshot) ?? 0;
    if (count === 0 || more.length !== 1) return null;
    left.set(snapshot, count - 1);
    holds.push({ snapshot, tag });
  }
  return [...left.values()].every((count) => count === 0) ? holds : null;
}

/** `zfs holds` failed, but all that it says is that some are gone. */
const isGone = onlyComplaints(/does not exist/);

/** The user holds on these snapshots. A snapshot that is gone has none; any other failure is thrown. */
export async function listHolds(host: Host, snapshots: readonly string[], signal?: AbortSignal): Promise<Hold[]> {
  const groups = groupNames(snapshots, NAMES_PER_COMMAND);
  if (groups.length === 0) return [];
  const list = (names: readonly string[]): string[] => ['zfs', 'holds', '-H', ...names];
  const count = (of: readonly string[]): string[] => getArgv({ of, properties: ['userrefs'] });
  const ask = async (argvs: readonly string[][]): Promise<string[]> => {
    const results = await host.runAll(argvs, { signal });
    return argvs.map((argv, index) => {
      const result = results[index] ?? NO_RESULT;
      const isComplete = result.code === 0 && complaintsOf(result.stderr).length === 0;
      if (!isComplete && !isGone(result)) throw commandError(host, argv, result);
      return result.stdout;
    });
  };
  const texts = await ask(groups.flatMap((names) => [list(names), count(names)]));
  const holds: Hold[] = [];
  const odd: string[] = [];
  for (const [index] of groups.entries()) {
    const values = (texts[2 * index + 1] ?? '').split('\n').flatMap((line) => parseValue(line) ?? []);
    const counts = new Map(values.map(({ name, value }) => [name, Number(value)]));
    const read = holdsByLines(texts[2 * index] ?? '', counts);
    if (read) holds.push(...read);
    else odd.push(...(groups[index] ?? []));
  }
  // One by one, the holds of one snapshot can at least not be taken for those of another.
  const single = await ask(odd.map((name) => list([name])));
  return [
    ...holds,
    ...odd.flatMap((snapshot, index) => tagsOf(snapshot, single[index] ?? '').map((tag) => ({ snapshot, tag }))),
  ];
}

/** True when that is all that ZFS says, so that nothing else hides among it. */
function onlyComplaints(pattern: RegExp): (result: { stderr: string }) => boolean {
  return ({ stderr }) => saysOnly(stderr, pattern);
}
