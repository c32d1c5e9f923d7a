// Destroys rounds of snapshots with `zfs destroy`, for hosts and snapshots where no channel program can. Each round is
// looked at right before it goes, in the same remote command as the round before it (retention.md, rule 18).
import { destroyAndLook, snapshotName, type DestroyOutcome, type SnapshotState } from '../../zfs/destroy';
import type { Change } from '../../zfs/destroy-program';
import { snapshotUserProperties } from '../../zfs/user-properties';
import type { PruneItem } from '../options';
import { EXPIRY_PREFIX } from '../plan/guards';
import type { Execution, Round } from './execution';
import { stillNeeded } from './free-space';
import type { Ledger } from './ledger';

type States = ReadonlyMap<string, SnapshotState>;

/** Rounds that no look has preceded: the properties that put off a snapshot's end are asked for where nobody has. */
export async function destroyByCommands(rounds: readonly Round[], execution: Execution): Promise<void> {
  if (rounds.length === 0) return;
  const going = execution.expiriesUnknown ? await withoutExpiring(rounds, execution) : rounds;
  await lookAndDestroy(going, execution);
}

async function withoutExpiring(rounds: readonly Round[], { host, ledger, ctx }: Execution): Promise<Round[]> {
  const options = { mayLeaveTrace: true, signal: ctx.signal };
  const properties = await snapshotUserProperties(host, rounds.flat(), EXPIRY_PREFIX, options);
  return rounds.map((round) =>
    round.filter((item) => !ledger.sparedBy(item, properties.get(snapshotName(item)) ?? {})),
  );
}

/** Compares and destroys, round by round. Throws connection errors, CANCELLED, PLAN_STALE. */
export async function lookAndDestroy(rounds: readonly Round[], execution: Execution): Promise<void> {
  const { host, ledger, ctx } = execution;
  const look = rounds[0] ? await destroyAndLook(host, [], rounds[0], ctx.signal) : undefined;
  let states: States = look?.states ?? new Map<string, SnapshotState>();
  for (const [index, round] of rounds.entries()) {
    ctx.signal.throwIfAborted();
    const going = await stillNeeded(asPlanned(round, states, ledger), execution);
    const next = rounds[index + 1] ?? [];
    const done = await ledger.watch(going, destroyAndLook(host, going, next, ctx.signal));
    enter(going, done.outcome, ledger);
    states = done.states;
    ledger.progress();
  }
}

/** Those that are as planned; the others stay, and are said. */
function asPlanned(round: Round, states: States, ledger: Ledger): PruneItem[] {
  return round.filter((item) => {
    const change = changeOf(item, states.get(snapshotName(item)));
    if (change === null) ledger.seen(item);
    else if (change === 'gone' && ledger.isPerhapsDestroyed(item)) ledger.destroyed(item);
    else ledger.changed(item, change);
    return change === null;
  });
}

function changeOf(item: PruneItem, state: SnapshotState | undefined): Change | null {
  if (!state) return 'gone';
  if (state.guid !== item.guid) return 'replaced';
  if (state.userrefs > 0) return 'held';
  if (state.clones.length > 0) return 'cloned';
  return null;
}

function enter(going: Round, { destroyed, failed }: DestroyOutcome, ledger: Ledger): void {
  const items = new Map(going.map((item) => [snapshotName(item), item]));
  for (const snapshot of destroyed) {
    const item = items.get(snapshot);
    if (item) ledger.destroyed(item);
  }
  for (const { snapshot, error } of failed) {
    const item = items.get(snapshot);
    if (item) ledger.failed(item, error.code, error.message);
  }
}
