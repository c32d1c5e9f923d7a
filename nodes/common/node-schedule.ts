// The schedule of one node instance: its timer, and what an unchanged successor takes over at a deploy. When a schedule
// is due is `src/schedule`; what a run does, the node.
import type { ZfsFlowError } from '../../src/errors';
import { toZfsFlowError } from '../../src/errors';
import { parseSchedule } from '../../src/schedule/schedule';
import { ScheduleTimer } from '../../src/schedule/timer';

/** Up to where the closed instance of a node had looked; a run that fell due during the deploy is made up for. */
const handedOver = new Map<string, { configHash: string; lastLook: Date }>();

/** Milliseconds a deploy may take. After a longer pause (flows stopped, a restart) missed runs are missed. */
const HANDOVER = 30_000;

export class NodeSchedule {
  /** Why the schedule cannot be used. */
  readonly problem: ZfsFlowError | undefined;
  private readonly timer: ScheduleTimer | undefined;

  constructor(
    private readonly nodeId: string,
    private readonly configHash: string,
    config: Readonly<Record<string, unknown>>,
    run: (scheduledAt: Date) => void,
  ) {
    try {
      const schedule = parseSchedule(config);
      if (schedule !== null) this.timer = new ScheduleTimer(schedule, run);
    } catch (thrown) {
      this.problem = toZfsFlowError(thrown);
    }
  }

  get next(): Date | null {
    return this.timer?.next ?? null;
  }

  start(): void {
    const before = handedOver.get(this.nodeId);
    handedOver.delete(this.nodeId);
    const fits = before?.configHash === this.configHash && Date.now() - before.lastLook.getTime() < HANDOVER * 2;
    this.timer?.start(fits ? before.lastLook : undefined);
  }

  /** `removed`: the node is gone for good. */
  stop(removed: boolean): void {
    if (this.timer !== undefined && this.timer.next !== null && !removed) {
      handedOver.set(this.nodeId, { configHash: this.configHash, lastLook: this.timer.lastLook });
    }
    this.timer?.stop();
  }
}
