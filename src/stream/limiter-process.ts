// A process of its own that lets standard input through to standard output at a limited rate (token bucket). The limit
// comes in lines on file descriptor 3 and may change at any time; it ends with its input. Started by `rate-limit.ts`.
import { once } from 'node:events';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** Most that may pass at once after a pause, in seconds of the limit. */
const BURST_SECONDS = 0.1;
const SLICE = 64 * 1024;

let limit = 0;
let tokens = 0;
let last = process.hrtime.bigint();

function refill(): void {
  const now = process.hrtime.bigint();
  tokens = Math.min(Math.max(SLICE, limit * BURST_SECONDS), tokens + (Number(now - last) / 1e9) * limit);
  last = now;
}

async function take(bytes: number): Promise<void> {
  for (;;) {
    // 0: as fast as it goes.
    if (limit <= 0) return;
    refill();
    if (tokens > 0) {
      tokens -= bytes;
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(200, Math.max(5, (-tokens / limit) * 1000))));
  }
}

async function main(): Promise<void> {
  // A socket, not a file stream: a read that blocks in the thread pool would keep this process from ending.
  const control = createInterface({ input: new Socket({ fd: 3 }) });
  control.on('line', (line) => {
    limit = Number(line) || 0;
    tokens = 0;
    last = process.hrtime.bigint();
  });
  await once(control, 'line');
  process.stdout.on('error', () => process.exit(141));
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    for (let start = 0; start < chunk.length; start += SLICE) {
      const slice = chunk.subarray(start, start + SLICE);
      await take(slice.length);
      if (!process.stdout.write(slice)) await once(process.stdout, 'drain');
    }
  }
  process.stdout.end(() => process.exit(0));
}

main().catch((error: unknown) => {
  process.stderr.write(`limiter: ${String(error)}\n`);
  process.exit(1);
});
