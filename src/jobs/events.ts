// The event stream of one job: adds time and identity, keeps progress to one event a second and never drops anything
// else. Where events go is the owner's matter.
import type { EventInput, JobEvent, LogLevel } from '../base/events';

const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];

/** True when an event of `level` is to be shown at `threshold`. */
export function isShown(level: LogLevel, threshold: LogLevel): boolean {
  return LEVELS.indexOf(level) <= LEVELS.indexOf(threshold);
}

export interface EventStreamOptions {
  jobId: string;
  task: string;
  now: () => Date;
  deliver: (event: JobEvent) => void;
  /** Milliseconds between two progress events. */
  progressInterval: number;
}

export class EventStream {
  private pending: EventInput | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(private readonly options: EventStreamOptions) {}

  emit(event: EventInput): void {
    if (this.closed) return;
    if (event.event !== 'progress') this.deliver(event);
    else if (this.timer !== undefined) this.pending = event;
    else this.deliverProgress(event);
  }

  /** Nothing is delivered any more; a progress that still waits for its second is superseded by the end. */
  close(): void {
    this.closed = true;
    this.pending = undefined;
    clearTimeout(this.timer);
  }

  private deliverProgress(event: EventInput): void {
    this.deliver(event);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      const next = this.pending;
      this.pending = undefined;
      if (next !== undefined) this.deliverProgress(next);
    }, this.options.progressInterval);
    this.timer.unref();
  }

  private deliver(event: EventInput): void {
    const { jobId, task, now } = this.options;
    // Identity last: a capability cannot pose as another job.
    this.options.deliver({ ...event, time: now().toISOString(), jobId, task });
  }
}
