// What a soak has seen and done, as plain data with times of its own: seconds since its beginning, by a clock that nobody sets. The
// judges (judge/) go by it and by nothing else.

/** A result, an error or an event of a task, as it came out of the node. */
export interface Heard {
  at: number;
  kind: 'result' | 'error' | 'log';
  id: string;
  jobId?: string;
  /** Of an error. */
  code?: string;
  /** Of an event. */
  event?: string;
  message?: string;
}

export interface Span {
  from: number;
  /** Infinity: not over yet. */
  to: number;
}

export interface Life extends Span {
  end?: 'SIGTERM' | 'SIGKILL';
}

export interface MemorySample {
  at: number;
  heap: number;
  rss: number;
}

export class Book {
  private readonly began = performance.now();
  /** What the wall clock showed at the beginning, ms since the epoch. */
  readonly wall = Date.now();
  readonly heard: Heard[] = [];
  readonly lives: Life[] = [];
  readonly deploys: Span[] = [];
  /** When the clock of Node-RED was set. */
  readonly clockSets: number[] = [];
  readonly pauses = new Map<string, Span[]>();
  readonly memory: MemorySample[] = [];
  /** Whether the list of tasks called it late, and which success it told of. */
  readonly lateShown: { at: number; id: string; late: boolean; success?: string | undefined }[] = [];
  /** What was wrong the moment it was seen. */
  readonly faults: string[] = [];
  /** Seconds by which this process itself was late at the most; whoever watches is as slow as the host. */
  lag = 0;

  now(): number {
    return (performance.now() - this.began) / 1000;
  }

  pause(id: string, paused: boolean): void {
    const spans = this.pauses.get(id) ?? [];
    this.pauses.set(id, spans);
    const open = spans.findLast(({ to }) => to === Infinity);
    if (paused && open === undefined) spans.push({ from: this.now(), to: Infinity });
    if (!paused && open !== undefined) open.to = this.now();
  }

  of(id: string): Heard[] {
    return this.heard.filter((one) => one.id === id);
  }
}

export const overlaps = ({ from, to }: Span, least: number, most: number): boolean => from <= most && to >= least;
