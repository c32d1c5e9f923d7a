// The status under a node: at most one update a second, only when something changed, the latest always shown in the end.
// What it says is `status-text.ts`.
import type { NodeStatus } from 'node-red';

export class StatusLine {
  private shown: string | undefined;
  private pending: NodeStatus | undefined;
  private timer: NodeJS.Timeout | undefined;
  private clearing: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly show: (status: NodeStatus) => void,
    /** Milliseconds between two updates. */
    private readonly interval = 1_000,
  ) {}

  /**
   * The first status of an instance. An empty one clears what a former instance left, but not at once: a run that starts
   * in this second would have to wait to be shown.
   */
  begin(status: NodeStatus): void {
    if (Object.keys(status).length > 0) {
      this.set(status);
      return;
    }
    this.clearing = setTimeout(() => {
      if (this.shown === undefined) this.set(status);
    }, this.interval);
    this.clearing.unref();
  }

  set(status: NodeStatus): void {
    if (this.closed) return;
    if (this.timer !== undefined) {
      this.pending = status;
      return;
    }
    const text = JSON.stringify(status);
    if (text === this.shown) return;
    this.shown = text;
    this.show(status);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      const next = this.pending;
      this.pending = undefined;
      if (next !== undefined) this.set(next);
    }, this.interval);
    this.timer.unref();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.clearing);
  }
}
