// A chain of processes on this machine, connected by kernel pipes that this process hands over and never reads: the way
// of every stream that no other takes. Tells how each of them ended; what that means is `judge.ts`.
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import type { Writable } from 'node:stream';
import { LineReader, Tail } from '../../host/lines';
import { signalGroup } from '../../host/local/local-process';
import type { ProcessSpec } from '../../host/host';
import { cancelled } from '../../host/run-options';
import { GRACE_MS, KILL_AFTER_MS } from './grace';
import type { Move, StageResult, Way } from './way';

export interface PipelineOptions {
  /** Aborting ends all processes; the results say how. */
  signal?: AbortSignal | undefined;
  /** Each line on a stage's standard error; for the last stage its standard output too. See `Watch.onLine`. */
  onLine?: (stage: number, line: string) => boolean;
}

/** How long standard error may stay open after a process has ended (a grandchild may hold it). Milliseconds. */
const DRAIN_MS = 1_000;

/**
 * Takes every stream: each end is a process of this machine that carries its command, whatever host that is on
 * (`Host.pipeCommand`): the command itself, `ssh`, or our helper. A limiter stands between them.
 */
export const localPipeline: Way = (move) => async (watch) => {
  const specs = await processes(move, watch.signal);
  const last = specs.length - 1;
  return runPipeline(specs, {
    signal: watch.signal,
    // Only the two ends say anything; a limiter in between is silent.
    onLine: (stage, line) => (stage === 0 || stage === last) && watch.onLine(stage === 0 ? 'send' : 'receive', line),
  });
};

async function processes(move: Move, signal: AbortSignal): Promise<ProcessSpec[]> {
  const { source, target, sendArgv, receiveArgv, tag } = move;
  const specs: ProcessSpec[] = [];
  try {
    specs.push(await source.pipeCommand(sendArgv, { tag, after: move.sendFilters ?? [] }));
    if (move.rateLimit?.limited) specs.push(move.rateLimit.stage());
    specs.push(await target.pipeCommand(receiveArgv, { tag, before: move.receiveFilters ?? [] }));
    if (signal.aborted) throw cancelled('the transfer');
    return specs;
  } catch (error) {
    for (const spec of specs) spec.release();
    throw error;
  }
}

/**
 * Runs the stages, first one writing, last one reading. Resolves when all have ended, whatever their exit codes, and
 * leaves no process behind. Standard input of the first is empty. Throws only what `onLine` throws.
 */
export async function runPipeline(
  specs: readonly ProcessSpec[],
  options: PipelineOptions = {},
): Promise<StageResult[]> {
  const stages = specs.map((spec, index) => new Stage(skipNoise(specs, index), spec, index === 0));
  const last = stages.at(-1);
  const end = (): void => stages.forEach((stage) => stage.end());
  const grace: { timer?: NodeJS.Timeout } = {};
  let thrown: { error: unknown } | undefined;
  for (const [index, stage] of stages.entries()) {
    stage.onLine = (line) => {
      try {
        return options.onLine?.(index, line) ?? false;
      } catch (error) {
        // In a stream's event handler it would end the whole process.
        thrown ??= { error };
        end();
        return false;
      }
    };
    stage.onFailure = () => (grace.timer ??= setTimeout(end, GRACE_MS));
  }
  // Readers first. A writer started before its reader would have its first 64 KiB read, and lost, by this process.
  let output: Writable | 'pipe' = 'pipe';
  for (const stage of stages.toReversed()) output = stage.start(output, stage === last) ?? 'pipe';
  if (stages.some((stage) => stage.failedToStart)) end();
  options.signal?.addEventListener('abort', end, { once: true });
  if (options.signal?.aborted) end();
  try {
    const results = await Promise.all(stages.map((stage) => stage.result));
    if (thrown) throw thrown.error;
    return results;
  } finally {
    clearTimeout(grace.timer);
    options.signal?.removeEventListener('abort', end);
  }
}

class Stage {
  onLine: (line: string) => boolean = () => false;
  onFailure: () => void = () => undefined;
  readonly result: Promise<StageResult>;
  private settle: (result: StageResult) => void = () => undefined;
  private child: ChildProcess | undefined;
  private readonly tail = new Tail();
  private spawnError: NodeJS.ErrnoException | undefined;
  private ended = false;
  private done = false;
  private killer: NodeJS.Timeout | undefined;

  constructor(
    private readonly command: { file: string; args: readonly string[] },
    private readonly spec: ProcessSpec,
    private readonly isFirst: boolean,
  ) {
    this.result = new Promise((resolve) => (this.settle = resolve));
  }

  get failedToStart(): boolean {
    return this.child?.pid === undefined;
  }

  /** Starts the process with `output` as its standard output and gives its standard input for the stage before it. */
  start(output: Writable | 'pipe', isLast: boolean): Writable | undefined {
    const { spec } = this;
    const third = spec.secretInput !== undefined || spec.control !== undefined;
    const stdio: StdioOptions = [this.isFirst ? 'ignore' : 'pipe', output, 'pipe', ...(third ? ['pipe' as const] : [])];
    // A process group of its own, so that ending it ends the shell and its child alike.
    const child = spawn(this.command.file, [...this.command.args], { cwd: '/', env: spec.env, stdio, detached: true });
    this.child = child;
    // At once, and not `end()`: this process must not keep the pipe open, and shutting it down would lose data.
    if (output !== 'pipe') output.destroy();
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return;
      this.spawnError = error;
      this.finish(null, null);
    });
    this.follow(child, isLast);
    if (spec.secretInput !== undefined) this.giveSecret(child, spec.secretInput);
    if (spec.control && child.stdio[3]) spec.control(child.stdio[3] as Writable);
    child.stdin?.on('error', () => undefined);
    return child.stdin ?? undefined;
  }

  /** Asks the process to end, then makes it. */
  end(): void {
    if (this.done || !this.child || this.ended) return;
    this.ended = true;
    signalGroup(this.child, 'SIGTERM');
    const { child } = this;
    this.killer = setTimeout(() => signalGroup(child, 'SIGKILL'), KILL_AFTER_MS);
  }

  private giveSecret(child: ChildProcess, secret: string): void {
    const pipe = child.stdio[3] as Writable | null | undefined;
    pipe?.on('error', () => undefined);
    pipe?.end(secret);
  }

  private follow(child: ChildProcess, isLast: boolean): void {
    const streams = [child.stderr, isLast ? child.stdout : null].filter((stream) => stream !== null);
    const readers = streams.map((stream) => {
      const reader = new LineReader((line) => {
        if (!this.onLine(line)) this.tail.add(line);
      });
      stream.on('data', (chunk: Buffer) => reader.push(chunk));
      stream.on('error', () => undefined);
      return reader;
    });
    let drain: NodeJS.Timeout | undefined;
    child.on('exit', (code) => {
      if (code !== 0) this.onFailure();
      drain = setTimeout(() => streams.forEach((stream) => stream.destroy()), DRAIN_MS);
    });
    child.on('close', (code, signal) => {
      clearTimeout(drain);
      for (const reader of readers) reader.end();
      this.finish(code, signal);
    });
  }

  private finish(code: number | null, signal: string | null): void {
    if (this.done) return;
    this.done = true;
    clearTimeout(this.killer);
    // The wrapper shell may have died before its child did.
    if (this.ended && this.child) signalGroup(this.child, 'SIGKILL');
    this.spec.release(this.spawnError ?? { code, signal });
    if (this.spawnError) this.onFailure();
    const stderr = this.tail.toString();
    const failed = this.spawnError ? { spawnError: this.spawnError } : {};
    this.settle({ code, signal, stderr, ended: this.ended, ...failed });
  }
}

/** Behind a noisy login shell: reads up to the marker line (`read` takes single bytes from a pipe), then goes on. */
const SKIP_TO_MARKER =
  'm=$1; shift; while IFS= read -r l; do case $l in *"$m") exec "$@";; esac; done; echo "no data from the login shell" >&2; exit 1';

function skipNoise(specs: readonly ProcessSpec[], index: number): { file: string; args: readonly string[] } {
  const spec = specs[index] as ProcessSpec;
  const marker = specs[index - 1]?.outputMarker;
  if (marker === undefined) return spec;
  return { file: '/bin/sh', args: ['-c', SKIP_TO_MARKER, 'sh', marker, spec.file, ...spec.args] };
}
