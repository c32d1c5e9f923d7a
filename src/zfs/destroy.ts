// Destroys snapshots in batches, `zfs destroy ds@a,b,c`, and empty datasets: never recursively, never forced, never
// deferred. ZFS destroys such a batch as a whole or not at all, so a batch with an undestroyable member is taken apart until
// that one is alone. Which snapshots may go is decided in `retention/`; here they are looked at once more and destroyed.
import type { ZfsFlowError } from '../base/errors';
import type { CommandResult, Host } from '../host/host';
import { commandError, fields, missingIn, NO_RESULT, zfs } from './command';
import { saysOnly, wordsOf } from './stderr';

/** zfs-destroy(8) takes more, but this is what TrueNAS does, and one failure then costs little (truenas.md B.11). */
const NAMES_PER_BATCH = 100;
/** Linux takes 128 KiB in one argument; a shell line and the SSH channel carry it too. */
const CHARACTERS_PER_BATCH = 100_000;

export interface SnapshotName {
  readonly dataset: string;
  readonly name: string;
}

/** Names of one dataset that one command destroys. */
export interface DestroyBatch {
  readonly dataset: string;
  readonly names: readonly string[];
}

/** How a snapshot looks right now. */
export interface SnapshotState {
  guid: string;
  userrefs: number;
  clones: readonly string[];
}

export interface DestroyOutcome {
  /** Full names; one that was gone already counts as destroyed. */
  destroyed: string[];
  /** Full name and why. */
  failed: { snapshot: string; error: ZfsFlowError }[];
}

export const snapshotName = ({ dataset, name }: SnapshotName): string => `${dataset}@${name}`;

/**
 * Groups snapshots into rounds of at most `most` (default 100), each of one or more batches. Order is kept, except that
 * within a round those of one dataset come together.
 */
export function destroyRounds<T extends SnapshotName>(snapshots: readonly T[], most = NAMES_PER_BATCH): T[][] {
  const rounds: T[][] = [];
  let characters = 0;
  for (const snapshot of snapshots) {
    const length = snapshot.dataset.length + snapshot.name.length + 2;
    const round = rounds.at(-1);
    if (!round || round.length >= most || characters + length > CHARACTERS_PER_BATCH) {
      rounds.push([snapshot]);
      characters = length;
    } else {
      round.push(snapshot);
      characters += length;
    }
  }
  return rounds;
}

function batchesOf(snapshots: readonly SnapshotName[]): DestroyBatch[] {
  const names = new Map<string, string[]>();
  for (const { dataset, name } of snapshots) {
    const list = names.get(dataset);
    if (list) list.push(name);
    else names.set(dataset, [name]);
  }
  return [...names].map(([dataset, list]) => ({ dataset, names: list }));
}

function destroyArgv({ dataset, names }: DestroyBatch): string[] {
  // A comma or a percent sign would name more than one snapshot, an empty name the dataset itself (zfs-destroy(8)).
  const bad = names.length === 0 || /[@#,%]/.test(dataset) || names.some((name) => !/^[^@#,%/]+$/.test(name));
  if (bad) throw new TypeError(`not snapshots: ${dataset}@${names.join(',')}`);
  return ['zfs', 'destroy', `${dataset}@${names.join(',')}`];
}

function stateArgv(snapshots: readonly SnapshotName[]): string[] {
  const columns = 'name,guid,userrefs,clones';
  return ['zfs', 'list', '-Hp', '-t', 'snapshot', '-o', columns, ...snapshots.map(snapshotName)];
}

function parseStates(host: Host, argv: readonly string[], result: CommandResult): Map<string, SnapshotState> {
  // A snapshot that is gone is a fact; any other failure means that nothing is known.
  missingIn(host, argv, result);
  const states = new Map<string, SnapshotState>();
  for (const line of result.stdout.split('\n')) {
    if (line === '') continue;
    const [name = '', guid = '', userrefs = '', clones = ''] = fields(line, 4, host);
    // Anything but a plain count is taken for a hold.
    const count = /^\d+$/.test(userrefs) ? Number(userrefs) : 1;
    states.set(name, { guid, userrefs: count, clones: clones === '-' || clones === '' ? [] : clones.split(',') });
  }
  return states;
}

/** Failures that hold for the whole dataset, so that trying its snapshots one by one would tell nothing. */
const OF_THE_DATASET = new Set(['PERMISSION_DENIED', 'POOL_UNAVAILABLE', 'COMMAND_NOT_FOUND', 'UNSUPPORTED']);

/** "could not find any snapshots to destroy": somebody else was faster, which is what was wanted. */
const gone = ({ stderr }: CommandResult): boolean => saysOnly(stderr, /could not find any snapshots to destroy/);

/** Smaller batches after a failed one: those that the message names by themselves, or else two halves. */
function split({ dataset, names }: DestroyBatch, words: string): DestroyBatch[] {
  const named = names.filter((name) =>
    [`'`, ':', '\n'].some((end) => `${words}\n`.includes(`${dataset}@${name}${end}`)),
  );
  const rest = names.filter((name) => !named.includes(name));
  if (named.length > 0 && rest.length > 0)
    return [{ dataset, names: rest }, ...named.map((name) => ({ dataset, names: [name] }))];
  const half = Math.ceil(names.length / 2);
  return [names.slice(0, half), names.slice(half)].map((part) => ({ dataset, names: part }));
}

function judge(host: Host, batch: DestroyBatch, result: CommandResult, outcome: DestroyOutcome): DestroyBatch[] {
  const full = batch.names.map((name) => `${batch.dataset}@${name}`);
  if (result.code === 0 || gone(result)) {
    outcome.destroyed.push(...full);
    return [];
  }
  const error = commandError(host, destroyArgv(batch), result, batch.dataset);
  if (batch.names.length > 1 && !OF_THE_DATASET.has(error.code)) return split(batch, wordsOf(result.stderr));
  outcome.failed.push(...full.map((snapshot) => ({ snapshot, error })));
  return [];
}

/**
 * Destroys `now` and looks at `next`, all in one remote command when nothing fails, so that each round of a long run
 * is looked at right before it is destroyed without a round trip of its own. Both may be empty.
 *
 * Failures of single snapshots are in the outcome. Connection errors and a failed look at `next` are thrown.
 */
export async function destroyAndLook(
  host: Host,
  now: readonly SnapshotName[],
  next: readonly SnapshotName[],
  signal?: AbortSignal,
): Promise<{ outcome: DestroyOutcome; states: Map<string, SnapshotState> }> {
  const outcome: DestroyOutcome = { destroyed: [], failed: [] };
  let batches = batchesOf(now);
  let looking: string[] | null = next.length > 0 ? stateArgv(next) : null;
  let states = new Map<string, SnapshotState>();
  const options = { signal };
  while (batches.length > 0 || looking) {
    const argvs = [...batches.map(destroyArgv), ...(looking ? [looking] : [])];
    const results = await host.runAll(argvs, options);
    const again = batches.flatMap((batch, index) => judge(host, batch, results[index] ?? NO_RESULT, outcome));
    if (looking) states = parseStates(host, looking, results[batches.length] ?? NO_RESULT);
    looking = null;
    batches = again;
  }
  return { outcome, states };
}

/**
 * Destroys a dataset that has neither snapshots nor children any more; anything that is there after all makes it fail.
 * Throws the classified error.
 */
export async function destroyDataset(host: Host, dataset: string, signal?: AbortSignal): Promise<void> {
  if (/[@#%,]/.test(dataset)) throw new TypeError(`not a dataset: ${dataset}`);
  await zfs(host, ['destroy', dataset], { dataset, signal });
}
