// Adds up what the parallel sends of a run have moved into one `progress` event: monotonic, also over a resumed start and
// over retries. Throttling to once a second is the job's.
import type { RunContext } from '../../base/run-context';
import { ProgressMeter } from '../../stream/rate-meter';

export interface ProgressStep {
  dataset: string;
  snapshot: string;
  snapshotIndex: number;
  snapshotCount: number;
}

export class RunProgress {
  private bytes = 0;
  private total = 0;
  private datasetsDone = 0;
  private datasetCount = 0;
  /** Highest percentage told so far: another attempt may find that more is left than it seemed. */
  private percent = 0;
  private last: ProgressStep | undefined;
  private readonly meter = new ProgressMeter();

  constructor(private readonly ctx: RunContext) {}

  /** A new attempt: what is still to come, beside what has been moved already. */
  expect(bytes: number, datasets: number): void {
    this.total = this.bytes + bytes;
    this.datasetCount = datasets;
    this.datasetsDone = 0;
  }

  datasetDone(): void {
    this.datasetsDone++;
  }

  /** `more` bytes have been moved for `step`. */
  moved(more: number, step: ProgressStep): void {
    this.bytes += more;
    this.last = step;
    this.tell(step);
  }

  /** Everything is there: what was estimated to come, and did not, does not count. */
  complete(): void {
    if (!this.last || this.percent === 100) return;
    this.total = this.bytes;
    this.tell(this.last);
  }

  private tell(step: ProgressStep): void {
    const { percent, ...report } = this.meter.update(this.bytes, this.total, this.ctx.now().getTime());
    const rounded = Math.max(this.percent, Math.floor(percent * 10) / 10);
    this.percent = rounded;
    this.ctx.emit({
      event: 'progress',
      level: 'info',
      message: `${step.dataset}@${step.snapshot}: ${rounded} %`,
      ...step,
      ...report,
      percent: rounded,
      datasetIndex: Math.min(this.datasetsDone + 1, this.datasetCount),
      datasetCount: this.datasetCount,
    });
  }
}
