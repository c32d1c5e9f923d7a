// The same copy over each transport, in turns: pushed by the engine inside a machine, beside a bare pipe of two netcats; and
// between two remote machines, straight and through this host. With DELAY=<ms round trip> packets are held on the way
// (delay-line.c, which takes gcc), first with Linux's default TCP buffers and then with 64 MiB.
// `npx tsx test/bench/transports.ts [MiB] [turns]`; ONLY=push or direct does one half.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ReplicationResult } from '../../src/replication/setup/options';
import { Lab } from '../lab/lab';
import type { Machine } from '../lab/machine';
import { connectOptions, Engine } from '../support/engine';
import { discard, main, median, report, round, seconds, surroundings } from './support';

const [size, turns] = [Number(process.argv[2] ?? 2048), Number(process.argv[3] ?? 3)];
const delayMs = Number(process.env['DELAY'] ?? 0);
const only = process.env['ONLY'] ?? '';
const RESOLUTION = 10;

type Ways = Record<string, () => Promise<number>>;

/** Median seconds of each way; the order changes with every turn, and the first round is not counted. */
async function inTurns(what: string, ways: Ways, tidy: () => Promise<void>): Promise<Record<string, number>> {
  const names = Object.keys(ways);
  const times: Record<string, number[]> = {};
  for (let turn = -1; turn < turns; turn++) {
    for (let place = 0; place < names.length; place++) {
      const name = names[(place + turn + names.length) % names.length] ?? '';
      const took = (await ways[name]?.()) ?? Number.NaN;
      console.error(`${what} ${turn < 0 ? 'warm-up' : `turn ${turn + 1}`}  ${name.padEnd(10)} ${took.toFixed(2)} s`);
      if (turn >= 0) (times[name] ??= []).push(took);
      await tidy();
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times[name] ?? [])]));
}

/** Both machines stay on their bridge; the cable of the second gets a bridge of its own and the line in between. */
async function delayed(lab: Lab, machine: Machine): Promise<ChildProcess> {
  const directory = mkdtempSync(path.join(tmpdir(), 'delay-line-'));
  const program = path.join(directory, 'delay-line');
  execFileSync('gcc', ['-O2', '-o', program, path.join(__dirname, 'delay-line.c')]);
  const inside = ['netns', 'exec', lab.namespace];
  const ip = (...argv: string[]): unknown => execFileSync('ip', ['-n', lab.namespace, ...argv]);
  const tap = `tap${machine.address.split('.')[3] ?? ''}`;
  ip('link', 'add', 'br1', 'type', 'bridge');
  ip('link', 'set', 'br1', 'up');
  ip('link', 'set', tap, 'master', 'br1');
  const line = spawn('ip', [...inside, program, 'dl0', 'dl1', String(delayMs / 2)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(line.stdout, 'data');
  lab.adopt(line);
  for (const [device, bridge] of [
    ['dl0', 'br0'],
    ['dl1', 'br1'],
  ] as const) {
    ip('link', 'set', device, 'master', bridge);
    ip('link', 'set', device, 'up', 'txqueuelen', '10000');
  }
  rmSync(directory, { recursive: true });
  return line;
}

async function push(a: Machine, b: Machine, what: string): Promise<Record<string, number>> {
  const host = { ...connectOptions(b), host: b.address, port: 22 };
  const engine = (transport: string) => async (): Promise<number> => {
    const options = {
      sourceDatasets: ['tank/data'],
      targetConnection: 'b',
      targetDataset: 'backup/copy',
      createSnapshot: 'never',
      transport,
    };
    const { stdout } = await a.node('test/zfs/replication/replicate.fixture.ts', {
      args: [JSON.stringify({ options, hosts: [host] })],
    });
    const answer = JSON.parse(stdout) as { result?: ReplicationResult; error?: unknown };
    if (!answer.result) throw new Error(stdout);
    return (answer.result.datasets[0]?.durationMs ?? Number.NaN) / 1000;
  };
  const bare = async (): Promise<number> => {
    const listening = b.sh('nc -l -d -n "$1" 7000 | zfs receive -u backup/copy', { args: [b.address] });
    await new Promise((resolve) => setTimeout(resolve, 500));
    listening.catch(() => undefined);
    return seconds(async () => {
      await a.sh('zfs send -Lc tank/data@s1 | nc -N -n "$1" 7000', { args: [b.address] });
      await listening;
    });
  };
  const ways = {
    ssh: engine('ssh'),
    tls: engine('ssh+tls'),
    netcat: engine('ssh+netcat'),
    ...(delayMs === 0 ? { bare } : {}),
  };
  return inTurns(`push${what}`, ways, () => discard(b, 'backup/copy'));
}

async function direct(a: Machine, b: Machine): Promise<{ times: Record<string, number>; p99: number; core: number }> {
  const engine = new Engine();
  engine.add(a);
  engine.add(b);
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  const spent = { cpu: 0, time: 0 };
  const run = (transport: string) => async (): Promise<number> => {
    const ends = {
      sourceConnection: 'a',
      targetConnection: 'b',
      createSnapshot: 'never',
      netcatConnectAddress: b.address,
    };
    const before = process.cpuUsage();
    if (transport !== 'ssh') delay.enable();
    const result = await engine.replicate({
      ...ends,
      sourceDatasets: ['tank/data'],
      targetDataset: 'backup/copy',
      transport,
    });
    delay.disable();
    const { user, system } = process.cpuUsage(before);
    if (transport !== 'ssh') {
      spent.cpu += (user + system) / 1e6;
      spent.time += result.durationMs / 1000;
    }
    return (result.datasets[0]?.durationMs ?? Number.NaN) / 1000;
  };
  try {
    const ways = { relay: run('ssh'), tls: run('ssh+tls'), netcat: run('ssh+netcat') };
    const times = await inTurns('direct', ways, () => discard(b, 'backup/copy'));
    return { times, p99: delay.percentile(99) / 1e6 - RESOLUTION, core: (100 * spent.cpu) / spent.time };
  } finally {
    await engine.close();
  }
}

async function bench(): Promise<void> {
  const lab = await Lab.create();
  let line: ChildProcess | undefined;
  try {
    const disk = { disks: 2, diskMb: size + 512, mem: 1536 };
    const [a, b] = await Promise.all([
      lab.up('a', { pool: 'tank', ...disk }),
      lab.up('b', { pool: 'backup', ...disk }),
    ]);
    await a.createDataset('tank/data');
    await a.writeRandom('tank/data', 'data', size);
    await a.snapshot('tank/data', 's1');
    if (delayMs > 0) {
      line = await delayed(lab, b);
      // It takes the unsteady pace of a machine without a processor of its own for a full queue, and stops growing.
      for (const machine of [a, b]) await machine.sh('echo 0 >/sys/module/tcp_cubic/parameters/hystart');
    }
    const rows: Parameters<typeof report>[1][number][] = [];
    const figures: Record<string, unknown> = { size, turns, delayMs };
    const goal = (what: string, ratio: number, least: number): void => {
      rows.push({ what, value: ratio.toFixed(2), goal: { text: `≥ ${least}`, met: ratio >= least } });
    };
    const ratio = (times: Record<string, number>, one: string, other: string): number =>
      round((times[other] ?? Number.NaN) / (times[one] ?? Number.NaN), 2);
    const rate = (times: Record<string, number>): void => {
      for (const [name, time] of Object.entries(times))
        rows.push({ what: `  ${name}`, value: `${(size / time).toFixed(0)} MiB/s` });
    };
    if (only !== 'direct') {
      const times = await push(a, b, delayMs > 0 ? ' (default buffers)' : '');
      figures['push'] = times;
      rate(times);
      goal('ssh+tls to ssh', ratio(times, 'tls', 'ssh'), delayMs > 0 ? 1.2 : 1);
      goal('ssh+netcat to ssh', ratio(times, 'netcat', 'ssh'), delayMs > 0 ? 1.2 : 1.3);
      if (delayMs === 0) goal('ssh+netcat to bare netcats', ratio(times, 'netcat', 'bare'), 0.95);
    }
    if (only !== 'direct' && delayMs > 0) {
      for (const machine of [a, b]) {
        await machine.sh('for n in rmem wmem; do echo "4096 131072 67108864" >/proc/sys/net/ipv4/tcp_$n; done');
      }
      const times = await push(a, b, ' (64 MiB buffers)');
      figures['pushLarge'] = times;
      rate(times);
      goal('large buffers: ssh+tls to ssh', ratio(times, 'tls', 'ssh'), 5);
    }
    if (only !== 'push') {
      const { times, p99, core } = await direct(a, b);
      Object.assign(figures, { direct: times, p99, core });
      rate(times);
      goal('two remote: ssh+tls to the relay', ratio(times, 'tls', 'relay'), 1.5);
      goal('two remote: ssh+netcat to the relay', ratio(times, 'netcat', 'relay'), 1.5);
      rows.push({
        what: 'event loop delay, p99',
        value: `${p99.toFixed(1)} ms`,
        goal: { text: '< 20 ms', met: p99 < 20 },
      });
      rows.push({
        what: 'processor time of this process',
        value: `${core.toFixed(2)} % of a core`,
        goal: { text: '< 5 %', met: core < 5 },
      });
    }
    report('transports', rows, { ...figures, ...surroundings(lab) });
  } finally {
    line?.kill('SIGKILL');
    await lab.close();
  }
}

main(bench);
