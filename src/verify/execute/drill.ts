// A restore drill of one dataset: the copy is opened, looked into, given to the command of the flow's author, compared with the
// source, and closed again whatever happened. What makes the drill fail is a problem of the backup, not of the run, unless a
// machine cannot be reached or the run was cancelled.
import type { RunContext } from '../../base/run-context';
import { toZfsFlowError, type ErrorCode } from '../../base/errors';
import { LOOK_INSIDE } from '../../host/shell/drill-scripts';
import type { PairFacts } from '../../replication/plan/target-state';
import type { Run } from '../../replication/setup/run';
import { fullName, type SnapshotRecord } from '../../zfs/records';
import type { DrillResult, VerifyOptions } from '../options';
import { LONGEST_DRILL_MS } from '../plan/dead-drill';
import { runDrillCommand } from './command';
import { compareBlocks } from './compare-blocks';
import { compareFiles } from './compare-files';
import type { Comparison } from './findings';
import { openClone, openSnapshotDirectory, type Opened, type Place } from './open';
import { runDrillScript } from './script';

/** The snapshots that a drill looks at; `source`: null where only the copy is opened. */
export interface DrillTask {
  pair: PairFacts;
  target: SnapshotRecord;
  source: SnapshotRecord | null;
}

export interface Drilled {
  drill: DrillResult;
  problems: string[];
  warnings: string[];
}

/** After these nothing more can be found out. */
const OF_THE_RUN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CANCELLED',
  'HOST_NOT_FOUND',
  'HOST_UNREACHABLE',
  'CONNECTION_REFUSED',
  'CONNECTION_TIMEOUT',
  'CONNECTION_LOST',
  'HOST_KEY_UNKNOWN',
  'HOST_KEY_MISMATCH',
  'AUTHENTICATION_FAILED',
]);

class Drill {
  readonly problems: string[] = [];
  readonly warnings: string[] = [];
  private readonly found: Partial<DrillResult> = {};
  private readonly ctx: RunContext;
  private readonly limit = AbortSignal.timeout(LONGEST_DRILL_MS);
  private readonly signal: AbortSignal;

  constructor(
    private readonly run: Run,
    private readonly options: VerifyOptions,
    private readonly task: DrillTask,
  ) {
    this.ctx = run.ctx;
    this.signal = AbortSignal.any([run.ctx.signal, this.limit]);
  }

  async result(): Promise<Drilled> {
    const begun = performance.now();
    const kind = this.task.source === null ? 'open' : 'compare';
    try {
      await this.lookIntoTarget();
    } catch (thrown) {
      this.problems.push(this.failure(thrown));
    }
    const durationMs = Math.round(performance.now() - begun);
    const drill = { kind, ok: this.problems.length === 0, ...this.found, durationMs } as const;
    return { drill, problems: this.problems, warnings: this.warnings };
  }

  private failure(thrown: unknown): string {
    this.ctx.signal.throwIfAborted();
    const error = toZfsFlowError(thrown);
    const what = `the restore drill of "${fullName(this.task.target)}"`;
    if (this.limit.aborted) return `${what} did not end within ${LONGEST_DRILL_MS / 3_600_000} hours`;
    if (OF_THE_RUN.has(error.code)) throw error;
    return `${what} failed: ${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`;
  }

  private async lookIntoTarget(): Promise<void> {
    const { run, task, signal } = this;
    const dataset = task.pair.targetDataset;
    if (dataset === null) throw new TypeError('a dataset with snapshots exists');
    const opened = await this.open({ host: run.target, dataset, snapshot: task.target }, 'clone');
    await this.using(opened, async () => {
      const { host, mountpoint, device, snapshot } = opened;
      await runDrillScript(host, `"${snapshot}" cannot be read`, LOOK_INSIDE, [mountpoint, device], { signal });
      await this.command(opened);
      if (task.source !== null) await this.compare(opened, task.source);
    });
  }

  /** What cannot be closed is a warning: the backup is not worse for it. */
  private async using(opened: Opened, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } finally {
      const left = await opened.close();
      if (left !== null) this.warnings.push(left);
    }
  }

  /**
   * `first`: the way that is tried first. ZFS's own directory of a snapshot is there only for a file system that is mounted; it
   * needs no rights and writes nothing.
   */
  private async open(place: Place, first: 'clone' | 'directory'): Promise<Opened> {
    const { jobId } = this.ctx;
    if (first === 'directory') {
      const there = await openSnapshotDirectory(place, this.signal);
      return there ?? openClone(place, jobId, this.signal);
    }
    try {
      return await openClone(place, jobId, this.signal);
    } catch (thrown) {
      const { code } = toZfsFlowError(thrown);
      const there =
        code === 'UNSUPPORTED' || code === 'PERMISSION_DENIED' ? await openSnapshotDirectory(place, this.signal) : null;
      if (there === null) throw thrown;
      return there;
    }
  }

  private async command(opened: Opened): Promise<void> {
    const { drillCommand: command, drillTimeout: timeoutMs } = this.options;
    if (command.trim() === '') return;
    const source = this.task.pair.source.name;
    const { exitCode, output, problem } = await runDrillCommand(opened, { source, command, timeoutMs }, this.signal);
    Object.assign(this.found, { exitCode, output });
    if (problem !== null) this.problems.push(`the command of the restore drill of "${opened.snapshot}" ${problem}`);
  }

  private async compare(target: Opened, snapshot: SnapshotRecord): Promise<void> {
    const { run, task } = this;
    // The source is not written to where that can be avoided; a snapshot of a volume has no device of its own.
    const source = await this.open({ host: run.source, dataset: task.pair.source, snapshot }, 'directory');
    await this.using(source, async () => {
      const compare = target.device === '' ? compareFiles : compareBlocks;
      const count = this.options.drillSample;
      const { problems, ...found }: Comparison = await compare(source, target, {
        count,
        progress: (done, all) => this.progress(done, all),
        signal: this.signal,
      });
      Object.assign(this.found, found);
      this.problems.push(...problems);
    });
  }

  private progress(done: number, all: number): void {
    const dataset = this.task.pair.target;
    const percent = Math.floor((1000 * done) / Math.max(1, all)) / 10;
    const message = `${dataset}: compared ${done} of ${all}`;
    this.ctx.emit({ event: 'progress', level: 'info', message, dataset, compared: done, count: all, percent });
  }
}

/** Throws CANCELLED and what keeps a machine from being reached; nothing is left then where it can be reached. */
export function drill(run: Run, options: VerifyOptions, task: DrillTask): Promise<Drilled> {
  return new Drill(run, options, task).result();
}
