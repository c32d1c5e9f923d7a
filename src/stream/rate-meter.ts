// Rate and remaining time of a transfer from byte counts that come in about once a second. Pure: the caller has the
// clock.

export interface ProgressReport {
  bytes: number;
  /** 0 = not known. */
  totalBytes: number;
  /** 0–100; 0 while the total is not known. */
  percent: number;
  /** Smoothed bytes per second. */
  rate: number;
  /** Seconds; null while it cannot be said. */
  etaSeconds: number | null;
}

/** Time constant of the smoothing, in seconds: the weight of what is older has fallen to a third. */
const SMOOTHING_SECONDS = 10;

export class ProgressMeter {
  private bytes = 0;
  private rate = 0;
  private last: { time: number; bytes: number } | undefined;

  /**
   * `bytes` so far and expected in all, at `time` (ms). Counts that go back (a new attempt) do not lower the total, so
   * that what a person sees only grows.
   */
  update(bytes: number, totalBytes: number, time: number): ProgressReport {
    this.bytes = Math.max(this.bytes, bytes);
    this.smooth(time);
    const total = totalBytes > 0 ? Math.max(totalBytes, this.bytes) : 0;
    const left = total - this.bytes;
    return {
      bytes: this.bytes,
      totalBytes: total,
      percent: total > 0 ? Math.min(100, (100 * this.bytes) / total) : 0,
      rate: Math.round(this.rate),
      etaSeconds: total > 0 && this.rate > 0 ? Math.ceil(left / this.rate) : null,
    };
  }

  private smooth(time: number): void {
    const { last } = this;
    this.last = { time, bytes: this.bytes };
    if (!last) return;
    const seconds = (time - last.time) / 1000;
    if (seconds <= 0) {
      this.last = { time: last.time, bytes: last.bytes };
      return;
    }
    const current = (this.bytes - last.bytes) / seconds;
    const weight = this.rate === 0 ? 1 : 1 - Math.exp(-seconds / SMOOTHING_SECONDS);
    this.rate += weight * (current - this.rate);
  }
}
