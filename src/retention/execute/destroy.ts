// Destroys what a plan says, oldest first, in rounds: each is looked at once more right before it goes, and what is
// not as it was planned stays (retention.md, rules 18 and 20). One undestroyable snapshot never blocks the others.
import type { RunContext } from '../../base/run-context';
import { type ErrorCode, toZfsFlowError, type ZfsFlowError } from '../../base/errors';
import { groupBy } from '../../base/group-by';
import type { Host } from '../../host/host';
import { destroyAndLook, destroyRounds, snapshotName, type SnapshotState } from '../../zfs/destroy';
import { canDestroyByProgram, destroyByProgram, type Change } from '../../zfs/destroy-program';
import { listSnapshots } from '../../zfs/list';
import { poolSpace, spaceOfSnapshots, waitForFreeing } from '../../zfs/space';
import { snapshotUserProperties } from '../../zfs/user-properties';
import { stale } from './approve';
import { EXPIRY_PREFIX, expiryReasons } from '../plan/guards';
import { formatBytes, wantedBytes, type MinFree } from '../plan/min-free';
import type { PruneItem, PruneRequest, PruneResult } from '../options';
import { poolOf } from '../../zfs/names';

/** Snapshots between two looks at the free space: few, so that little more goes than is needed. */
const ROUND_WITH_TRIGGER = 20;
const FREEING_TIMEOUT_MS = 30_000;
/** Programs at once: they share the transaction groups that each has to wait for. */
const LANES = 2;

export interface ExecuteOptions {
  /** A snapshot that is not as planned ends the run (PLAN_STALE) instead of staying alone. */
  strict: boolean;
  minFree: MinFree | null;
  /** The plan knows nothing of the properties that put off a snapshot's end; they are looked at before each goes. */
  expiriesUnknown: boolean;
}

/** What changed about a snapshot since it was planned, in words. */
const CHANGES: Readonly<Record<Change, string>> = {
  gone: 'it is gone already',
  replaced: 'another snapshot has its name now',
  held: 'it is held now',
  cloned: 'it has a clone now',
};

function difference(item: PruneItem, state: SnapshotState | undefined): Change | null {
  if (!state) return 'gone';
  if (state.guid !== item.guid) return 'replaced';
  if (state.userrefs > 0) return 'held';
  if (state.clones.length > 0) return 'cloned';
  return null;
}

/** Whole datasets, in about equal shares. */
function shareOut(datasets: readonly (readonly PruneItem[])[], most: number): PruneItem[][] {
  const shares: PruneItem[][] = Array.from({ length: Math.max(1, Math.min(most, datasets.length)) }, () => []);
  for (const items of datasets.toSorted((a, b) => b.length - a.length)) {
    shares.reduce((least, share) => (share.length < least.length ? share : least)).push(...items);
  }
  return shares;
}

class Executor {
  private readonly spared = new Set<PruneItem>();
  /** Those that a command which failed on the way, or never answered, may have destroyed. */
  private readonly perhapsDestroyed = new Set<PruneItem>();
  private total = 0;

  constructor(
    private readonly host: Host,
    private readonly result: PruneResult,
    private readonly options: ExecuteOptions,
    private readonly ctx: RunContext,
  ) {}

  async run(items: readonly PruneItem[]): Promise<void> {
    try {
      await this.runRounds(items);
    } catch (error) {
      this.tellUncertain(toZfsFlowError(error).code);
      throw error;
    } finally {
      this.result.destroy = this.result.destroy.filter((item) => !this.spared.has(item));
    }
  }

  private async runRounds(items: readonly PruneItem[]): Promise<void> {
    this.total = items.length;
    // Dataset by dataset, each oldest first, so that a command destroys as many as it can; a run that may stop early
    // goes by age over all of them.
    if (this.options.minFree) return this.inLanes([destroyRounds(items, ROUND_WITH_TRIGGER)]);
    const datasets = [...groupBy(items, ({ dataset }) => dataset).values()];
    // One that is not as approved ends the run, so nothing may be going on beside it.
    const lanes = this.options.strict ? [datasets.flat()] : shareOut(datasets, LANES);
    return this.inLanes(lanes.map((lane) => destroyRounds(lane)));
  }

  /** Each lane in order, beside the others; what programs cannot do comes afterwards. */
  private async inLanes(lanes: readonly (readonly PruneItem[][])[]): Promise<void> {
    const outcomes = await Promise.allSettled(lanes.map((rounds) => this.byPrograms(rounds)));
    const left: PruneItem[][] = [];
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason;
      left.push(...outcome.value);
    }
    await this.byCommands(left);
  }

  /** Compares and destroys in one step, round by round; returns the rounds that are left where that cannot be. */
  private async byPrograms(rounds: readonly PruneItem[][]): Promise<readonly PruneItem[][]> {
    const { signal } = this.ctx;
    if (!(await canDestroyByProgram(this.host, signal))) return rounds;
    for (const [index, round] of rounds.entries()) {
      signal.throwIfAborted();
      const left = await this.byProgram(await this.needed(round), EXPIRY_PREFIX);
      this.progress();
      if (left.length > 0) return [left, ...rounds.slice(index + 1)];
    }
    return [];
  }

  /** One round; returns what the program could not even try. */
  private async byProgram(going: readonly PruneItem[], prefix: string): Promise<PruneItem[]> {
    const { signal } = this.ctx;
    const how = { allOrNone: this.options.strict, prefix, signal };
    const done = await this.watched(going, destroyByProgram(this.host, going, how));
    this.report(going, { destroyed: done.destroyed.map(snapshotName), failed: [] });
    for (const { item, change } of done.changed) this.leave(item, CHANGES[change]);
    // `zfs destroy` can do more (it unmounts), and says why where it cannot.
    if (done.refused.length > 0) await this.inRounds([done.refused]);
    for (const item of done.unknown) this.perhapsDestroyed.add(item);
    const expired = done.marked.filter(({ item, properties }) => !this.keptUntil(item, properties));
    const left = [...done.untried, ...done.unknown];
    if (expired.length === 0) return left;
    const again = await this.byProgram(
      expired.map(({ item }) => item),
      '',
    );
    return [...left, ...again];
  }

  /** Waits for a command that destroys; when it ends without an answer, nobody knows what it did. */
  private async watched<T>(going: readonly PruneItem[], command: Promise<T>): Promise<T> {
    try {
      return await command;
    } catch (error) {
      for (const item of going) this.perhapsDestroyed.add(item);
      throw error;
    }
  }

  /** The run ends here: what may have been destroyed, and was not looked at since, is told as well (rule 23). */
  private tellUncertain(code: ErrorCode): void {
    const { destroyed, failed } = this.result;
    const settled = new Set([...destroyed, ...failed].map(({ dataset, guid }) => `${dataset} ${guid}`));
    for (const item of this.perhapsDestroyed) {
      if (settled.has(`${item.dataset} ${item.guid}`) || this.spared.has(item)) continue;
      this.fail(item, code, 'the run ended meanwhile; it may be gone by now');
    }
  }

  /** Spares one that its own properties keep. */
  private keptUntil(item: PruneItem, properties: Readonly<Record<string, string>>): boolean {
    const [reason] = expiryReasons(properties, this.ctx.now().getTime());
    if (reason === undefined) return false;
    this.spare(item, reason);
    return true;
  }

  /** Asks for the properties that put off the end of snapshots where nobody has, and spares those that have such. */
  private async byCommands(rounds: readonly PruneItem[][]): Promise<void> {
    if (rounds.length === 0) return;
    if (!this.options.expiriesUnknown) return this.inRounds(rounds);
    const options = { mayLeaveTrace: true, signal: this.ctx.signal };
    const properties = await snapshotUserProperties(this.host, rounds.flat(), EXPIRY_PREFIX, options);
    return this.inRounds(
      rounds.map((round) => round.filter((item) => !this.keptUntil(item, properties.get(snapshotName(item)) ?? {}))),
    );
  }

  /** Looks at each round right before it is destroyed, in the same command as the round before it. */
  private async inRounds(rounds: readonly PruneItem[][]): Promise<void> {
    const look = rounds[0] ? await destroyAndLook(this.host, [], rounds[0], this.ctx.signal) : undefined;
    let states = look?.states ?? new Map<string, SnapshotState>();
    for (const [index, round] of rounds.entries()) {
      this.ctx.signal.throwIfAborted();
      const going = await this.needed(this.compare(round, states));
      const next = rounds[index + 1] ?? [];
      const done = await this.watched(going, destroyAndLook(this.host, going, next, this.ctx.signal));
      this.report(going, done.outcome);
      states = done.states;
      this.progress();
    }
  }

  /** Those that are as planned; the others stay, and are said. */
  private compare(round: readonly PruneItem[], states: ReadonlyMap<string, SnapshotState>): PruneItem[] {
    return round.filter((item) => {
      const change = difference(item, states.get(snapshotName(item)));
      if (change === null) {
        this.perhapsDestroyed.delete(item);
        return true;
      }
      if (change === 'gone' && this.perhapsDestroyed.has(item)) {
        this.report([item], { destroyed: [snapshotName(item)], failed: [] });
        return false;
      }
      this.leave(item, CHANGES[change]);
      return false;
    });
  }

  /** Says that one stays because it is not as planned, which in strict mode ends the run. */
  private leave(item: PruneItem, why: string): void {
    if (this.options.strict) {
      const { length } = this.result.destroyed;
      throw stale(
        `${snapshotName(item)} is no longer as approved: ${why}`,
        { differences: [{ ...item, why }] },
        length,
      );
    }
    this.spare(item, `${why}, which was not so when the plan was made`);
    const message = `${snapshotName(item)} was left alone: ${why}`;
    this.result.warnings.push(message);
    this.say('warning', item, message);
  }

  /** Those whose pool still has less free space than asked for; all, when nothing was asked for. */
  private async needed(items: readonly PruneItem[]): Promise<readonly PruneItem[]> {
    const { minFree } = this.options;
    if (minFree === null) return items;
    const pools = [...new Set(items.map(({ dataset }) => poolOf(dataset)))];
    if (pools.length === 0) return [];
    for (const pool of pools) await waitForFreeing(this.host, pool, FREEING_TIMEOUT_MS, this.ctx.signal);
    const space = await poolSpace(this.host, pools, this.ctx.signal);
    return items.filter((item) => {
      const pool = space.get(poolOf(item.dataset));
      if (pool && pool.free < wantedBytes(minFree, pool)) return true;
      this.spare(item, `pool ${poolOf(item.dataset)} has ${formatBytes(pool?.free ?? 0)} free by now, which is enough`);
      return false;
    });
  }

  private spare(item: PruneItem, why: string): void {
    this.result.keep.push({ ...item, reasons: [`kept: ${why}`] });
    this.spared.add(item);
  }

  private report(
    going: readonly PruneItem[],
    outcome: { destroyed: readonly string[]; failed: readonly { snapshot: string; error: ZfsFlowError }[] },
  ): void {
    const items = new Map(going.map((item) => [snapshotName(item), item]));
    for (const snapshot of outcome.destroyed) {
      const item = items.get(snapshot);
      if (!item) continue;
      this.result.destroyed.push(item);
      this.say('destroyed', item, `destroyed ${snapshot} (${item.reasons.join('; ')})`);
    }
    for (const { snapshot, error } of outcome.failed) {
      const item = items.get(snapshot);
      if (item) this.fail(item, error.code, error.message);
    }
  }

  fail(item: PruneItem, code: ErrorCode, message: string): void {
    this.result.failed.push({ ...item, code, message });
    this.say('warning', item, `${snapshotName(item)} could not be destroyed: ${message}`);
  }

  private say(event: 'destroyed' | 'warning', item: PruneItem, message: string): void {
    this.ctx.emit({
      event,
      level: event === 'warning' ? 'warn' : 'info',
      message,
      host: this.host.label,
      dataset: item.dataset,
      snapshot: snapshotName(item),
      guid: item.guid,
      reasons: item.reasons,
    });
  }

  private progress(): void {
    const snapshotCount = this.total;
    const snapshotIndex = this.result.destroyed.length + this.result.failed.length;
    this.ctx.emit({
      event: 'progress',
      level: 'info',
      message: `destroyed ${this.result.destroyed.length} of ${snapshotCount} snapshots`,
      host: this.host.label,
      snapshotIndex,
      snapshotCount,
      percent: Math.floor((100 * snapshotIndex) / Math.max(1, snapshotCount)),
    });
  }
}

/** What is said to be destroyed must be gone from a new listing, else it failed. */
async function verify(
  host: Host,
  request: PruneRequest,
  result: PruneResult,
  executor: Executor,
  ctx: RunContext,
): Promise<void> {
  const { datasets: roots, recursive, exclude } = request;
  const { snapshots } = await listSnapshots(host, {
    roots,
    recursive,
    exclude,
    kinds: ['snapshot'],
    signal: ctx.signal,
  });
  const there = new Set(snapshots.map(({ dataset, guid }) => `${dataset} ${guid}`));
  const remaining = result.destroyed.filter(({ dataset, guid }) => there.has(`${dataset} ${guid}`));
  result.destroyed = result.destroyed.filter((item) => !remaining.includes(item));
  for (const item of remaining)
    executor.fail(item, 'VERIFICATION_FAILED', 'ZFS said that it is destroyed, but it is still there');
}

/**
 * Destroys `items`, filling `destroyed`, `failed`, `keep`, `warnings` and `reclaimedBytes` of `result` as it goes, so
 * that whoever holds `result` knows what was done when this throws: connection errors, CANCELLED, PLAN_STALE.
 */
export async function execute(
  host: Host,
  request: PruneRequest,
  items: readonly PruneItem[],
  result: PruneResult,
  options: ExecuteOptions,
  ctx: RunContext,
): Promise<void> {
  if (items.length === 0) return;
  const { datasets, recursive } = request;
  const before = await spaceOfSnapshots(host, datasets, recursive, ctx.signal);
  const executor = new Executor(host, result, options, ctx);
  await executor.run(items);
  const [after] = await Promise.all([
    spaceOfSnapshots(host, datasets, recursive, ctx.signal),
    verify(host, request, result, executor, ctx),
  ]);
  for (const dataset of new Set(result.destroyed.map((item) => item.dataset))) {
    result.reclaimedBytes += Math.max(0, (before.get(dataset) ?? 0) - (after.get(dataset) ?? 0));
  }
}
