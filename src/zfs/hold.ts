// User holds: set, released and listed in batches. A held snapshot cannot be destroyed (EBUSY) by anybody.
import type { ZfsFlowError } from '../base/errors';
import type { Host } from '../host/host';
import { AT_ONCE, groupNames, runBatch } from './batch';
import { commandError, fields, NO_RESULT } from './command';
import { complaintsOf, saysOnly } from './stderr';

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

type ForSnapshots = (
  host: Host,
  tag: string,
  snapshots: readonly string[],
  signal?: AbortSignal,
) => Promise<ZfsFlowError[]>;

const atOnce =
  (argv: typeof holdArgv, ignore: typeof isHeld): ForSnapshots =>
  async (host, tag, snapshots, signal) =>
    runBatch(
      host,
      groupsAtOnce(snapshots).map((names) => argv(tag, names)),
      { commandsPerShare: 1, signal, ignore },
    );

/** Holds snapshots (full names) with `tag`; one that has the tag already is fine. Returns the errors. */
export const holdSnapshots = atOnce(holdArgv, isHeld);

/** Releases `tag`; a snapshot that is gone or has no such tag is fine. Returns the errors. */
export const releaseSnapshots = atOnce(releaseArgv, isReleased);

export interface Hold {
  /** Full name of the snapshot. */
  snapshot: string;
  tag: string;
}

/** `zfs holds` failed, but all that it says is that some are gone. */
const isGone = onlyComplaints(/does not exist/);

/** The user holds on these snapshots. A snapshot that is gone has none; any other failure is thrown. */
export async function listHolds(host: Host, snapshots: readonly string[], signal?: AbortSignal): Promise<Hold[]> {
  const groups = groupNames(snapshots, NAMES_PER_COMMAND).map((names) => ['zfs', 'holds', '-H', ...names]);
  if (groups.length === 0) return [];
  const results = await host.runAll(groups, { signal });
  return groups.flatMap((argv, index) => {
    const result = results[index] ?? NO_RESULT;
    const isComplete = result.code === 0 && complaintsOf(result.stderr).length === 0;
    if (!isComplete && !isGone(result)) throw commandError(host, argv, result);
    return result.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [snapshot = '', tag = ''] = fields(line, 3, host);
        return { snapshot, tag };
      });
  });
}

/** True when that is all that ZFS says, so that nothing else hides among it. */
function onlyComplaints(pattern: RegExp): (result: { stderr: string }) => boolean {
  return ({ stderr }) => saysOnly(stderr, pattern);
}
