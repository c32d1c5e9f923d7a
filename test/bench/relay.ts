// First copy of a large dataset from one machine to another by way of this host: the engine against the bare pipe of two
// ssh processes and against syncoid and, with BZFS=<folder of a checkout>, bzfs, in turns; with the event loop's delay and the processor time of this process.
// `npx tsx test/bench/relay.ts [MiB] [turns]`. Both machines have mbuffer; NO_MBUFFER=1 takes it from the receiver.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Lab } from '../lab/lab';
import { Engine } from '../support/engine';
import {
  hasBzfs,
  main,
  median,
  report,
  requireSyncoid,
  round,
  seconds,
  SshClient,
  surroundings,
  discard,
} from './support';

const [size, turns] = [Number(process.argv[2] ?? 1536), Number(process.argv[3] ?? 3)];
/** Milliseconds between samples of the event loop; the histogram holds the time from one to the next, this included. */
const RESOLUTION = 10;

async function bench(): Promise<void> {
  await requireSyncoid();
  const lab = await Lab.create();
  const engine = new Engine();
  let client: SshClient | undefined;
  try {
    const disk = { disks: 2, diskMb: size + 512, mem: 1536 };
    const [a, b] = await Promise.all([
      lab.up('a', { pool: 'tank', ...disk }),
      lab.up('b', { pool: 'backup', ...disk }),
    ]);
    if (process.env['NO_MBUFFER'] === '1') await b.sh('rm -f /usr/bin/mbuffer');
    engine.add(a);
    engine.add(b);
    const ssh = new SshClient([a, b]);
    client = ssh;
    await a.createDataset('tank/data');
    await a.writeRandom('tank/data', 'data', size);
    await a.snapshot('tank/data', 's1');
    const ends = { sourceConnection: 'a', targetConnection: 'b', createSnapshot: 'never' };
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
    let cpu = 0;
    const ways: Record<string, () => Promise<unknown>> = {
      bare: () => ssh.shell('ssh a zfs send -Lc tank/data@s1 | ssh b zfs receive -u backup/copy'),
      engine: async () => {
        const before = process.cpuUsage();
        delay.enable();
        await engine.replicate({ ...ends, sourceDatasets: ['tank/data'], targetDataset: 'backup/copy' });
        delay.disable();
        const { user, system } = process.cpuUsage(before);
        cpu += (user + system) / 1e6;
      },
      syncoid: () => ssh.syncoid('root@a:tank/data', 'root@b:backup/copy'),
      ...(hasBzfs ? { bzfs: () => ssh.bzfs('root@a:tank/data', 'root@b:backup/copy') } : {}),
    };
    const times: Record<string, number[]> = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
    for (let turn = -1; turn < turns; turn++) {
      // The order changes, so that none always follows the same one. The first round fills the caches and is not counted.
      const names = Object.keys(ways);
      for (let place = 0; place < names.length; place++) {
        const name = names[(place + turn + names.length) % names.length] ?? '';
        const took = await seconds(() => ways[name]?.() ?? Promise.reject(new Error(name)));
        console.error(`${turn < 0 ? 'warm-up' : `turn ${turn + 1}`}  ${name.padEnd(8)} ${took.toFixed(2)} s`);
        if (turn >= 0) times[name]?.push(took);
        await discard(b, 'backup/copy');
        if (turn < 0 && name === 'engine') {
          cpu = 0;
          delay.reset();
        }
      }
    }
    show(lab, times, cpu, delay.percentile(99) / 1e6 - RESOLUTION);
  } finally {
    client?.close();
    await engine.close();
    await lab.close();
  }
}

function show(lab: Lab, times: Record<string, number[]>, cpu: number, delayP99: number): void {
  const middle = (name: string): number => median(times[name] ?? []);
  const [bare, engine, syncoid] = [middle('bare'), middle('engine'), middle('syncoid')];
  const ran = (times['engine'] ?? []).reduce((sum, time) => sum + time, 0);
  const ratios = {
    toBare: round(bare / engine),
    toSyncoid: round(syncoid / engine),
    toBzfs: round(middle('bzfs') / engine),
  };
  const rate = (time: number): string => `${(size / time).toFixed(0)} MiB/s`;
  const corePercent = round((100 * cpu) / ran, 2);
  const rows = [
    { what: `ssh A zfs send | ssh B zfs receive, ${size} MiB`, value: rate(bare) },
    {
      what: 'the engine',
      value: rate(engine),
      goal: { text: `≥ 0.98 × bare: ${ratios.toBare}`, met: ratios.toBare >= 0.98 },
    },
    {
      what: 'syncoid',
      value: rate(syncoid),
      goal: { text: `engine ≥ 1.0 × syncoid: ${ratios.toSyncoid}`, met: ratios.toSyncoid >= 1 },
    },
    ...(hasBzfs
      ? [
          {
            what: 'bzfs',
            value: rate(middle('bzfs')),
            goal: { text: `engine ≥ 1.0 × bzfs: ${ratios.toBzfs}`, met: ratios.toBzfs >= 1 },
          },
        ]
      : []),
    {
      what: 'event loop delay, p99',
      value: `${delayP99.toFixed(1)} ms`,
      goal: { text: '< 20 ms', met: delayP99 < 20 },
    },
    {
      what: 'processor time of this process',
      value: `${corePercent} % of a core`,
      goal: { text: '< 5 %', met: corePercent < 5 },
    },
  ];
  const mbuffer = process.env['NO_MBUFFER'] !== '1';
  const figures = { size, turns, mbuffer, bare, engine, syncoid, ...ratios, delayP99, corePercent, times };
  report('relay', rows, { ...figures, ...surroundings(lab) });
}

main(bench);
