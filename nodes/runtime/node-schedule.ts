// The schedule of one node instance: its timer, and what an unchanged successor takes over at a deploy. When a schedule
// is due is `src/time` (loaded with the first one that starts); what a run does, the node.
import type { ZfsFlowError } from '../../src/base/errors';
import { readBoolean } from '../../src/options/read';
import { checkSchedule } from '../../src/time/check-schedule';
import type { Schedule } from '../../src/time/schedule';
import { ScheduleTimer } from '../../src/time/timer';
import { attempt } from './attempt';
import { engine } from './engine';
import { forgetLastLook, loadLastLook, saveLastLook } from './remembered';
import type { Red } from './red';

/** Up to where the closed instance of a node had looked; a run that fell due during the deploy is made up for. */
const handedOver = new Map<string, { configHash: string; lastLook: Date }>();

/** Milliseconds a deploy may take. After a longer pause (flows stopped, a restart) `catchUp` decides. */
const HANDOVER = 30_000;

const PROPERTIES = ['schedule', 'scheduleTimeZone', 'scheduleBegin', 'scheduleEnd'] as const;

export class NodeSchedule {
  /** What is wrong with it. */
  readonly problem: ZfsFlowError | undefined;
  /** There is a schedule, and it can be used. */
  private readonly scheduled: boolean;
  private timer: ScheduleTimer | undefined;
  /** When it is due; null before it starts, and where there is none. */
  rule: Schedule | null = null;
  /** Its own properties, which tell whether it is still the same schedule after a restart. */
  readonly text: string;
  private readonly catchUp: boolean;

  constructor(
    private readonly RED: Red,
    private readonly nodeId: string,
    private readonly configHash: string,
    private readonly config: Readonly<Record<string, unknown>>,
    private readonly run: (scheduledAt: Date) => void,
  ) {
    this.text = JSON.stringify(PROPERTIES.map((name) => config[name] ?? ''));
    const checked = attempt(() => checkSchedule(config));
    const catchUp = attempt(() => readBoolean(config, 'catchUp', false));
    this.scheduled = (checked.value ?? null) !== null;
    this.catchUp = catchUp.value ?? false;
    this.problem = checked.error ?? catchUp.error;
  }

  get next(): Date | null {
    return this.timer?.next ?? null;
  }

  start(): void {
    this.rule = this.scheduled ? engine.schedules().parseSchedule(this.config) : null;
    if (this.rule !== null) this.timer = new ScheduleTimer(this.rule, (at) => this.due(at));
    const before = handedOver.get(this.nodeId);
    handedOver.delete(this.nodeId);
    const fits = before?.configHash === this.configHash && Date.now() - before.lastLook.getTime() < HANDOVER * 2;
    const missedSince = this.catchUp ? loadLastLook(this.RED, this.nodeId, this.text) : undefined;
    this.timer?.start(fits ? before.lastLook : missedSince);
    if (!this.catchUp || this.timer === undefined) forgetLastLook(this.RED, this.nodeId);
    // From now on, what is missed is known to be missed.
    else if (missedSince === undefined) saveLastLook(this.RED, this.nodeId, this.text, this.timer.lastLook);
  }

  private due(scheduledAt: Date): void {
    if (this.catchUp && this.timer) saveLastLook(this.RED, this.nodeId, this.text, this.timer.lastLook);
    this.run(scheduledAt);
  }

  /** `removed`: the node is gone for good. */
  stop(removed: boolean): void {
    if (this.timer !== undefined && this.timer.next !== null && !removed) {
      handedOver.set(this.nodeId, { configHash: this.configHash, lastLook: this.timer.lastLook });
    }
    this.timer?.stop();
    if (removed) forgetLastLook(this.RED, this.nodeId);
  }
}
