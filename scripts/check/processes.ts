// The child processes of a test run: started with what the run gives all of them, and ended together when it is stopped.
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';

export const ROOT = path.resolve(__dirname, '../..');
const running = new Set<ChildProcess>();
let stopped = false;

/** Whether the run was asked to end. */
export function isStopped(): boolean {
  return stopped;
}

/** Asks a process to end, then makes it. */
export function end(child: ChildProcess): void {
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
}

/** Asks everything that runs to end. */
export function endAll(): void {
  for (const child of running) end(child);
}

/** Ctrl-C reaches the children by itself, since they are of the same process group; SIGTERM is handed on. */
export function stopOnSignals(): void {
  const stop = (signal: NodeJS.Signals): void => {
    stopped = true;
    if (signal === 'SIGTERM') endAll();
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
}

export interface RunSettings {
  env?: Readonly<Record<string, string>>;
  /** The output comes in one piece when it has ended, instead of going to the terminal at once. */
  collected?: boolean;
  /** What it says on standard error, as it comes. */
  complaint?: (text: string) => void;
  /** Timers that go when it has ended. */
  watch?: (child: ChildProcess) => NodeJS.Timeout[];
}

/** Exit code; a signal counts as 1. */
export function run(argv: readonly string[], settings: RunSettings = {}): Promise<number> {
  const { env = {}, collected = false, complaint, watch = () => [] } = settings;
  const [program = '', ...rest] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      cwd: ROOT,
      stdio: ['inherit', collected ? 'pipe' : 'inherit', 'pipe'],
      env: { ...process.env, ...env },
    });
    const output: Buffer[] = [];
    const hear = (chunk: Buffer): void => void (collected ? output.push(chunk) : process.stderr.write(chunk));
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear).on('data', (chunk: Buffer) => complaint?.(chunk.toString()));
    const timers = watch(child);
    running.add(child);
    child.once('error', reject);
    let done = false;
    const finish = (code: number): void => {
      if (done) return;
      done = true;
      for (const timer of timers) clearInterval(timer);
      running.delete(child);
      process.stdout.write(Buffer.concat(output));
      resolve(code);
    };
    child.once('close', (code) => finish(code ?? 1));
    // What outlives it may hold its pipes open.
    child.once('exit', (code) => setTimeout(() => finish(code ?? 1), 2_000).unref());
  });
}
