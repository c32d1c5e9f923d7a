// Watches one task while its instance lives: whether it is late, what is told of that, and when its pause ends. What late means
// is src/monitoring/lateness.ts, what is told and when late-alarm.ts there.
import type { EventInput } from '../../src/base/events';
import { nextLook, nextStep } from '../../src/monitoring/late-alarm';
import { lateSince, missedRuns, type Expectation, type Gap, type Missed } from '../../src/monitoring/lateness';
import { LookOut, type Moment } from '../../src/monitoring/look-out';
import { sinceBoot } from '../../src/time/clock-watch';
import type { Schedule } from '../../src/time/schedule';
import type { Red } from './red';
import { memories, pauseOf, type TaskMemory } from './task-memory';

export interface WatchSettings {
  RED: Red;
  id: string;
  /** Turned off: nothing is expected of it. */
  off: boolean;
  /** The schedule's own properties, as they are stored. */
  scheduleText: string;
  /** Milliseconds. */
  alertAfter: number | null;
  schedule: () => Schedule | null;
  tell: (event: EventInput) => void;
  /** Whether it is late, or paused, is not what it was. */
  changed: () => void;
}

/** A clock may be put back by so much (ms) without anything being made of it. */
const PUT_RIGHT_MS = 60_000;

/** Milliseconds after a deploy or a start: what sends alarms on is not connected before. */
const SETTLE_MS = 5_000;

/** Of this process. */
const lookOut = new LookOut({
  now: () => Date.now(),
  steady: sinceBoot(),
  setTimeout: (callback, ms) => {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return timer;
  },
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
});

const iso = (ms: number): string => new Date(ms).toISOString();

export class TaskWatch {
  private stopLooking: (() => void) | undefined;
  private startedAt = 0;
  private missed: (Missed & { key: string }) | undefined;

  constructor(private readonly settings: WatchSettings) {}

  start(): void {
    this.startedAt = Date.now();
    this.stopLooking = lookOut.add(this.look);
  }

  stop(): void {
    this.stopLooking?.();
  }

  /** A run has ended, a pause has begun or ended. */
  ask(): void {
    lookOut.ask(this.look);
  }

  late(): { since: string; missed: number } | undefined {
    const { alarm } = this.memory;
    if (alarm === undefined || this.settings.off) return undefined;
    return { since: iso(alarm.since), missed: this.missed?.count ?? 0 };
  }

  private get memory(): TaskMemory {
    return memories.of(this.settings.RED, this.settings.id);
  }

  private readonly look = (moment: Moment): number | null => {
    const { memory } = this;
    this.endPause(memory, moment.now);
    const until = memory.pause?.until === undefined ? null : Date.parse(memory.pause.until);
    const due = this.settings.off ? this.rest(memory) : this.judge(memory, moment);
    return due === null || until === null ? (due ?? until) : Math.min(due, until);
  };

  private endPause(memory: TaskMemory, now: number): void {
    const { pause } = memory;
    if (pause?.until === undefined || pauseOf(memory, now) !== undefined) return;
    memories.setPause(memory, undefined, pause.until);
    this.settings.changed();
  }

  private rest(memory: TaskMemory): null {
    memories.rest(memory);
    return null;
  }

  private judge(memory: TaskMemory, { now, hold, gaps }: Moment): number | null {
    const expected = this.expectation(memory, now, gaps);
    const limit = lateSince(expected);
    // What was due a moment ago gets its chance first.
    const isNew = memory.alarm === undefined && limit !== null && limit <= now;
    if (isNew && hold) return limit;
    const settled = this.startedAt + SETTLE_MS;
    if (isNew && limit <= this.startedAt && now >= this.startedAt && now < settled) return settled;
    const { scheduleText, alertAfter } = this.settings;
    const of = JSON.stringify([memory.lastSuccess ?? null, scheduleText, alertAfter]);
    const { alarm, tell } = nextStep(memory.alarm, limit, now, of);
    if (JSON.stringify(alarm) !== JSON.stringify(memory.alarm)) {
      delete memory.alarm;
      if (alarm !== undefined) memory.alarm = alarm;
      memories.keep();
    }
    const counted = alarm === undefined ? 0 : this.count(expected, now);
    if (tell === 'late' && alarm !== undefined) this.tellLate(memory, alarm.since, counted);
    if (tell === 'recovered') this.tellRecovered(memory);
    if (tell !== undefined) this.settings.changed();
    const next = nextLook(alarm, limit);
    const due = alarm === undefined ? undefined : expected.schedule?.nextRun(new Date(now))?.getTime();
    return next === null || due === undefined ? next : Math.min(next, due);
  }

  private expectation(memory: TaskMemory, now: number, clock: readonly Gap[]): Expectation {
    const schedule = this.settings.schedule();
    const base = Date.parse(memory.base ?? memory.lastSuccess ?? memory.since);
    if (base > now + PUT_RIGHT_MS) {
      // The clock was ahead when it was written down: from now on it counts.
      memory.base = iso(now);
      memories.keep();
    }
    const scheduleSince = this.scheduleSince(memory, now);
    const { pauses, pause } = memory;
    const gaps: Gap[] = pauses.map(({ from, to }) => ({ from: Date.parse(from), to: Date.parse(to), kind: 'pause' }));
    if (pause !== undefined) {
      const to = pause.until === undefined ? Infinity : Date.parse(pause.until);
      gaps.push({ from: Date.parse(pause.at), to, kind: 'pause' });
    }
    const { alertAfter } = this.settings;
    return { schedule, alertAfter, base: Math.min(base, now), scheduleSince, gaps: [...gaps, ...clock] };
  }

  private scheduleSince(memory: TaskMemory, now: number): number {
    const { scheduleText: text } = this.settings;
    const known = memory.schedule;
    if (known?.text === text && Date.parse(known.since) <= now) return Date.parse(known.since);
    memory.schedule = { text, since: iso(now) };
    memories.keep();
    return now;
  }

  private count(expected: Expectation, now: number): number {
    const { gaps, schedule: _schedule, ...rest } = expected;
    const key = JSON.stringify([rest, gaps]);
    const before = this.missed?.key === key ? this.missed : undefined;
    this.missed = { ...missedRuns(expected, now, before), key };
    return this.missed.count;
  }

  private tellLate({ lastSuccess }: TaskMemory, limit: number, missed: number): void {
    const since = iso(limit);
    const last = lastSuccess === undefined ? 'there has been no success yet' : `the last success was at ${lastSuccess}`;
    const message = `late since ${since}: ${last}`;
    this.settings.tell({ event: 'late', level: 'warn', message, since, missed, lastSuccess: lastSuccess ?? null });
  }

  private tellRecovered({ lastSuccess }: TaskMemory): void {
    const message =
      lastSuccess === undefined ? 'no longer late' : `no longer late: the last success was at ${lastSuccess}`;
    this.settings.tell({ event: 'recovered', level: 'info', message, lastSuccess: lastSuccess ?? null });
  }
}
