// What the five node files cost when Node-RED loads them: modules, processor time, memory. Each measurement is a process of
// its own that has loaded Node.js's own modules before, as Node-RED has. Arguments: folders with a build (default: dist), which
// take turns, so that two builds are compared under the same load.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { main, median, report, round, type Row } from './support';

const RUNS = 7;
const FOLDERS = ['ssh-connection', 'snapshot', 'list-snapshots', 'replicate', 'retention-prune', 'verify'];

/** Runs in the child: prints one JSON line. */
const MEASURE = `
  const path = require('node:path');
  const [dist, ...folders] = process.argv.slice(1);
  for (const name of require('node:module').builtinModules) if (!name.startsWith('_')) require('node:' + name.replace('node:', ''));
  const memory = () => { gc(); gc(); return process.memoryUsage(); };
  const before = { memory: memory(), cpu: process.cpuUsage(), modules: Object.keys(require.cache).length };
  for (const folder of folders) require(path.join(dist, 'nodes', folder, folder + '.js'));
  const cpu = process.cpuUsage(before.cpu);
  const after = memory();
  console.log(JSON.stringify({
    modules: Object.keys(require.cache).length - before.modules,
    cpuMs: (cpu.user + cpu.system) / 1000,
    heapMb: (after.heapUsed - before.memory.heapUsed) / 2 ** 20,
    rssMb: (after.rss - before.memory.rss) / 2 ** 20,
  }));`;

interface Sample {
  modules: number;
  cpuMs: number;
  heapMb: number;
  rssMb: number;
}

function measure(dist: string): Sample {
  const argv = ['--no-deprecation', '--no-warnings', '--expose-gc', '-e', MEASURE, dist, ...FOLDERS];
  return JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8' })) as Sample;
}

/** All builds in turn, and what came of it. */
function compare(builds: readonly string[]): void {
  const samples = new Map<string, Sample[]>(builds.map((build) => [build, []]));
  for (const build of builds) measure(build);
  for (let run = 0; run < RUNS; run++) for (const build of builds) samples.get(build)?.push(measure(build));
  const rows: Row[] = [];
  const figures: Record<string, unknown> = {};
  for (const [build, taken] of samples) {
    const of = (name: keyof Sample): number[] => taken.map((sample) => sample[name]);
    const [modules = 0] = of('modules');
    const heapMb = round(median(of('heapMb')), 2);
    const cpu = { min: round(Math.min(...of('cpuMs')), 1), median: round(median(of('cpuMs')), 1) };
    const name = path.relative(process.cwd(), build);
    rows.push(
      { what: `${name}: modules`, value: String(modules), goal: { text: '< 60', met: modules < 60 } },
      {
        what: `${name}: processor time, min / median`,
        value: `${cpu.min} / ${cpu.median} ms`,
        goal: { text: '< 60 ms', met: cpu.median < 60 },
      },
      { what: `${name}: heap after a collection`, value: `${heapMb} MB`, goal: { text: '< 2 MB', met: heapMb < 2 } },
    );
    figures[name] = { modules, cpu, heapMb, rssMb: round(median(of('rssMb')), 1) };
  }
  report('start-up', rows, { node: process.version, runs: RUNS, ...figures });
}

main(() => {
  const given = process.argv.slice(2);
  compare((given.length > 0 ? given : ['dist']).map((folder) => path.resolve(folder)));
  return Promise.resolve();
});
