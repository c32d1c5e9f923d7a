// Destroys rounds of snapshots by channel program, which compares and destroys in one step (retention.md, rule 18). What
// it cannot even try is left to `by-commands.ts`.
import { canDestroyByProgram, destroyByProgram } from '../../zfs/destroy-program';
import type { PruneItem } from '../options';
import { EXPIRY_PREFIX } from '../plan/guards';
import { lookAndDestroy } from './by-commands';
import type { Execution, Round } from './execution';
import { stillNeeded } from './free-space';

/** Round by round; returns the rounds that are left where that cannot be. Throws connection errors, CANCELLED, PLAN_STALE. */
export async function destroyByPrograms(rounds: readonly Round[], execution: Execution): Promise<readonly Round[]> {
  const { host, ledger, ctx } = execution;
  if (!(await canDestroyByProgram(host, ctx.signal))) return rounds;
  for (const [index, round] of rounds.entries()) {
    ctx.signal.throwIfAborted();
    const left = await oneRound(await stillNeeded(round, execution), EXPIRY_PREFIX, execution);
    ledger.progress();
    if (left.length > 0) return [left, ...rounds.slice(index + 1)];
  }
  return [];
}

/** Returns what the program could not try, or may have done without an answer. `prefix`: as in `ProgramOptions`. */
async function oneRound(going: Round, prefix: string, execution: Execution): Promise<PruneItem[]> {
  const { host, ledger, strict: allOrNone, ctx } = execution;
  const how = { allOrNone, prefix, signal: ctx.signal };
  const done = await ledger.watch(going, destroyByProgram(host, going, how));
  for (const item of done.destroyed) ledger.destroyed(item);
  for (const { item, change } of done.changed) ledger.changed(item, change);
  // `zfs destroy` can do more (it unmounts), and says why where it cannot.
  if (done.refused.length > 0) await lookAndDestroy([done.refused], execution);
  ledger.perhapsDestroyed(done.unknown);
  const left = [...done.untried, ...done.unknown];
  const expired = done.marked.filter(({ item, properties }) => !ledger.sparedBy(item, properties));
  if (expired.length === 0) return left;
  // Their time is over, so the marks do not count any more.
  const items = expired.map(({ item }) => item);
  return [...left, ...(await oneRound(items, '', execution))];
}
