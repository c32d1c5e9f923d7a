// The speed limit of a run, shared by its transfers and changeable while they go on. The bytes pass through a small
// process between the two ends (limiter-process.ts), never through this one.
import { extname, join } from 'node:path';
import type { Writable } from 'node:stream';
import type { ProcessSpec } from '../host/host';

export class RateLimit {
  private readonly controls = new Set<Writable>();
  private readonly waiting = new Set<() => void>();

  /** `bytesPerSecond` for all transfers together; 0 = no limit. */
  constructor(private bytesPerSecond: number) {}

  get limited(): boolean {
    return this.bytesPerSecond > 0;
  }

  /** Changes the running transfers at once. Those that run without a limiter are told by `onFirstLimit`. */
  set(bytesPerSecond: number): void {
    this.bytesPerSecond = bytesPerSecond;
    this.spread();
    if (bytesPerSecond > 0) for (const tell of this.waiting) tell();
  }

  /** Called when a limit is set while a transfer runs that has no limiter; returns how to stop listening. */
  onFirstLimit(listener: () => void): () => void {
    this.waiting.add(listener);
    return () => this.waiting.delete(listener);
  }

  /** A stage for a pipeline. Transfers that run at the same time share the limit evenly. */
  stage(): ProcessSpec {
    // Compiled it is a .js file beside this one; in tests, run by tsx, a .ts file that needs tsx as well.
    const type = extname(__filename);
    const loader = type === '.ts' ? ['--require', require.resolve('tsx/cjs')] : [];
    let control: Writable | undefined;
    return {
      file: process.execPath,
      args: [...loader, join(__dirname, `limiter-process${type}`)],
      env: { PATH: process.env['PATH'], NODE_OPTIONS: '' },
      control: (stream) => {
        control = stream;
        stream.on('error', () => this.drop(stream));
        this.controls.add(stream);
        this.spread();
      },
      release: () => {
        if (control) this.drop(control);
      },
    };
  }

  private drop(control: Writable): void {
    control.destroy();
    if (this.controls.delete(control)) this.spread();
  }

  private spread(): void {
    const share =
      this.bytesPerSecond === 0 ? 0 : Math.max(1, Math.floor(this.bytesPerSecond / Math.max(1, this.controls.size)));
    for (const control of this.controls) control.write(`${share}\n`);
  }
}
