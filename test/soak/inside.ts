// What a soak has inside of the Node-RED that it watches: a clock that can be set, the memory as it is after a collection,
// how late the event loop is, and a voice for the flows. Bundled into the user directory and begun by its settings.js (red.ts).
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes, and what keeps the process busy or awake. */
export interface Inside {
  heapUsed: number;
  external: number;
  rss: number;
  /** Open resources of the event loop, by kind. */
  resources: Record<string, number>;
  /** Milliseconds since the last look: the 99th percentile, and the worst. */
  loopP99: number;
  loopMax: number;
}

/** Milliseconds that this process's wall clock is ahead. */
let ahead = 0;

/** Everything in this process that asks for the time gets the time of a clock that somebody sets; timers go on as they were. */
function bendTheClock(): void {
  const RealDate = Date;
  const now = (): number => RealDate.now() + ahead;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given: unknown[], newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as Date,
    apply: () => new RealDate(now()).toString(),
    get: (target, name, receiver) => (name === 'now' ? now : (Reflect.get(target, name, receiver) as unknown)),
  });
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
/** Milliseconds between samples; the histogram holds the time from one to the next, this included. */
const RESOLUTION = 5;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION });

function look(): Inside {
  const { max } = delay;
  const p99 = delay.percentile(99);
  // A collection on demand stops the loop; what it does is ours and is not counted.
  delay.disable();
  collect();
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  setImmediate(() => {
    delay.reset();
    delay.enable();
  });
  const [loopP99, loopMax] = [p99, max].map((ns) => Math.max(0, ns / 1e6 - RESOLUTION)) as [number, number];
  return { heapUsed, external, rss, resources, loopP99, loopMax };
}

/** One line on standard output for each message that the flows pass on. */
function say(kind: string, id: string, told: unknown): void {
  process.stdout.write(`SOAK ${JSON.stringify({ kind, id, told })}\n`);
}

/** `clockFile` has the milliseconds that the clock was ahead when an earlier process ended. */
export function begin(clockFile: string): { say: typeof say } {
  ahead = Number(readFileSync(clockFile, 'utf8'));
  bendTheClock();
  delay.enable();
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://soak');
    if (pathname === '/clock') ahead = Number(searchParams.get('ahead'));
    response.end(JSON.stringify(pathname === '/clock' ? { ahead } : look()));
  });
  server.unref().listen(0, '127.0.0.1', () => {
    say('inside', '', { port: (server.address() as { port: number }).port });
  });
  return { say };
}
