// Many datasets with many snapshots, relayed from one machine to another: taking a copy over, nothing to do, one small new snapshot
// each; beside them the bare listing. Prints JSON. `npx tsx test/bench/many-datasets.ts [datasets] [snapshots]`
import { performance } from 'node:perf_hooks';
import { Lab } from '../lab/lab';
import type { Machine } from '../lab/machine';
import { Engine } from '../zfs/engine';

const [datasets, snapshots] = [Number(process.argv[2] ?? 100), Number(process.argv[3] ?? 100)];

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return Math.round(performance.now() - begun) / 1000;
}

async function bareListing(machine: Machine, root: string): Promise<number> {
  return seconds(() => machine.sh('zfs list -Hp -r -t snapshot -o name,guid,createtxg "$1" | wc -l', { args: [root] }));
}

async function main(): Promise<void> {
  const lab = await Lab.create();
  const engine = new Engine();
  try {
    const [a, b] = await Promise.all([
      lab.up('a', { pool: 'tank', mem: 1024 }),
      lab.up('b', { pool: 'backup', mem: 1024 }),
    ]);
    const [hostA, hostB] = [engine.add(a), engine.add(b)];
    await a.sh('zfs create tank/t; i=1; while [ $i -lt "$1" ]; do zfs create tank/t/d$i; i=$((i+1)); done', {
      args: [String(datasets)],
    });
    await a.sh('i=0; while [ $i -lt "$1" ]; do zfs snapshot -r tank/t@s$i; i=$((i+1)); done', {
      args: [String(snapshots)],
    });
    const options = {
      sourceConnection: 'a',
      targetConnection: 'b',
      sourceDatasets: ['tank/t'],
      targetDataset: 'backup/t',
      recursive: true,
      parallelDatasets: Number(process.env['PARALLEL'] ?? 2),
    };
    const seed = await seconds(() =>
      a.sh('zfs send -R tank/t@"$1" | ssh b zfs receive -u backup/t', { args: [`s${snapshots - 1}`] }),
    );
    const first = await seconds(() => engine.replicate(options));
    const commands = (): number => hostA.counters.commands + hostB.counters.commands;
    let before = commands();
    const current = await seconds(() => engine.replicate(options));
    const currentCommands = commands() - before;
    const bare = Math.max(...(await Promise.all([bareListing(a, 'tank/t'), bareListing(b, 'backup/t')])));
    await a.sh('for d in $(zfs list -H -o name -r tank/t); do echo x >/$d/new; done; zfs snapshot -r tank/t@new');
    before = commands();
    const small = await seconds(() => engine.replicate(options));
    console.log(
      JSON.stringify({
        datasets,
        snapshots,
        first,
        current,
        bare,
        ratio: current / bare,
        currentCommands,
        small,
        smallCommands: commands() - before,
      }),
    );
  } finally {
    await engine.close();
    await lab.close();
  }
}

void main();
