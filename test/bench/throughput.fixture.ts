// Runs inside a lab machine for throughput.ts: a Node-RED with our nodes, told by lines on standard input which node gets a
// message; answers each with one JSON line: what the node said, and what the transfer cost this process.
// Arguments: the nodes of the flow and the credentials of its connections, as JSON.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { FlowBench, flowOf, type FlowNode } from '../support/flow-bench';

/** Milliseconds between samples; the histogram holds the time from one to the next, this included. */
const RESOLUTION = 10;

const [nodes, connections, credentials] = process.argv.slice(2).map((text) => JSON.parse(text) as unknown) as [
  FlowNode[],
  FlowNode[],
  Record<string, object>,
];

async function run(bench: FlowBench, id: string): Promise<Record<string, unknown>> {
  const before = { results: bench.at(id, 'result').length, errors: bench.at(id, 'error').length };
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  const cpu = process.cpuUsage();
  const begun = performance.now();
  delay.enable();
  bench.send(id);
  const done = (): boolean =>
    bench.at(id, 'result').length > before.results || bench.at(id, 'error').length > before.errors;
  await bench.until(`the end of ${id}`, done, 600_000);
  const seconds = (performance.now() - begun) / 1000;
  delay.disable();
  const { user, system } = process.cpuUsage(cpu);
  const error = bench.at(id, 'error')[before.errors]?.['error'];
  const result = bench.at(id, 'result')[before.results]?.payload as { bytes: number } | undefined;
  return {
    ...(error === undefined ? {} : { error }),
    bytes: result?.bytes,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    delayP99: delay.percentile(99) / 1e6 - RESOLUTION,
  };
}

async function main(): Promise<void> {
  const bench = new FlowBench();
  await bench.open();
  await bench.start(flowOf(nodes, ...connections), credentials);
  console.log(JSON.stringify({ ready: true }));
  for await (const id of createInterface({ input: process.stdin })) console.log(JSON.stringify(await run(bench, id)));
  await bench.stop();
  await bench.close();
}

void main();
