// Keeps account of an execution: what became of each snapshot of the plan, told as an event the moment it is known and
// kept in the result. Nothing that may have been destroyed goes unsaid (retention.md, rule 23). Destroys nothing.
import type { ErrorCode } from '../../base/errors';
import type { RunContext } from '../../base/run-context';
import type { Host } from '../../host/host';
import { snapshotName } from '../../zfs/destroy';
import type { Change } from '../../zfs/destroy-program';
import type { PruneItem, PruneResult } from '../options';
import { expiryReasons } from '../plan/guards';
import { stale } from './approve';

/** What changed about a snapshot since it was planned, in words. */
const CHANGES: Readonly<Record<Change, string>> = {
  gone: 'it is gone already',
  replaced: 'another snapshot has its name now',
  held: 'it is held now',
  cloned: 'it has a clone now',
};

/** Every change of `result` is made here. */
export class Ledger {
  private readonly spared = new Set<PruneItem>();
  /** Those that a command which failed on the way, or never answered, may have destroyed. */
  private readonly perhaps = new Set<PruneItem>();
  private readonly total: number;

  constructor(
    private readonly host: Host,
    private readonly result: PruneResult,
    /** The first change ends the run. */
    private readonly strict: boolean,
    private readonly ctx: RunContext,
  ) {
    this.total = result.destroy.length;
  }

  destroyed(item: PruneItem): void {
    this.result.destroyed.push(item);
    this.say('destroyed', item, `destroyed ${snapshotName(item)} (${item.reasons.join('; ')})`);
  }

  failed(item: PruneItem, code: ErrorCode, message: string): void {
    this.result.failed.push({ ...item, code, message });
    this.say('warning', item, `${snapshotName(item)} could not be destroyed: ${message}`);
  }

  /** It stays, and is no longer of the plan. */
  spare(item: PruneItem, why: string): void {
    this.result.keep.push({ ...item, reasons: [`kept: ${why}`] });
    this.spared.add(item);
  }

  /** Whether properties of its own keep it; then it is spared. */
  sparedBy(item: PruneItem, properties: Readonly<Record<string, string>>): boolean {
    const [reason] = expiryReasons(properties, this.ctx.now().getTime());
    if (reason === undefined) return false;
    this.spare(item, reason);
    return true;
  }

  /** It stays because it is not as planned; throws PLAN_STALE where that ends the run. */
  changed(item: PruneItem, change: Change): void {
    const why = CHANGES[change];
    if (this.strict) {
      const differences = [{ ...item, why }];
      throw stale(
        `${snapshotName(item)} is no longer as approved: ${why}`,
        { differences },
        this.result.destroyed.length,
      );
    }
    this.spare(item, `${why}, which was not so when the plan was made`);
    const message = `${snapshotName(item)} was left alone: ${why}`;
    this.result.warnings.push(message);
    this.say('warning', item, message);
  }

  /** Waits for a command that destroys; when it ends without an answer, nobody knows what it did. */
  async watch<T>(going: readonly PruneItem[], command: Promise<T>): Promise<T> {
    try {
      return await command;
    } catch (error) {
      this.perhapsDestroyed(going);
      throw error;
    }
  }

  /** A command that failed on the way may have destroyed them. */
  perhapsDestroyed(items: readonly PruneItem[]): void {
    for (const item of items) this.perhaps.add(item);
  }

  /** Whether a command of ours may be why it is gone. */
  isPerhapsDestroyed(item: PruneItem): boolean {
    return this.perhaps.has(item);
  }

  /** It was seen as it was planned, so no command of ours has destroyed it. */
  seen(item: PruneItem): void {
    this.perhaps.delete(item);
  }

  /** The run ends here: what may have been destroyed, and was not looked at since, is told as well. */
  tellUncertain(code: ErrorCode): void {
    const { destroyed, failed } = this.result;
    const settled = new Set([...destroyed, ...failed].map(({ dataset, guid }) => `${dataset} ${guid}`));
    for (const item of this.perhaps) {
      if (settled.has(`${item.dataset} ${item.guid}`) || this.spared.has(item)) continue;
      this.failed(item, code, 'the run ended meanwhile; it may be gone by now');
    }
  }

  /** Takes what was spared out of the plan. */
  close(): void {
    this.result.destroy = this.result.destroy.filter((item) => !this.spared.has(item));
  }

  /** What ZFS called destroyed, but a new listing has, was not. `there`: `dataset GUID`. */
  verify(there: ReadonlySet<string>): void {
    const remaining = this.result.destroyed.filter(({ dataset, guid }) => there.has(`${dataset} ${guid}`));
    this.result.destroyed = this.result.destroyed.filter((item) => !remaining.includes(item));
    for (const item of remaining) {
      this.failed(item, 'VERIFICATION_FAILED', 'ZFS said that it is destroyed, but it is still there');
    }
  }

  progress(): void {
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
}
