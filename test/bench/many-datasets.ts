// Many datasets with many snapshots, relayed from one machine to another by way of this host: nothing to do, and one small
// new snapshot each; beside them bare listings and syncoid with a target of its own; then a thousand pending snapshots.
// `npx tsx test/bench/many-datasets.ts [datasets] [snapshots] [pending]`; PARALLEL=n sets parallelDatasets (default 2, the node's).
import { copyFileSync, constants, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Host } from '../../src/host/host';
import { Lab } from '../lab/lab';
import { disksOf } from '../lab/leftovers';
import type { Machine } from '../lab/machine';
import { assertSame, Engine } from '../support/engine';
import { main, median, report, requireSyncoid, round, seconds, SshClient, surroundings, type Row } from './support';

const [datasets, snapshots] = [Number(process.argv[2] ?? 100), Number(process.argv[3] ?? 100)];
const parallelDatasets = Number(process.env['PARALLEL'] ?? 2);
/** How often the small snapshots are measured; syncoid takes minutes. */
const turns = Number(process.env['TURNS'] ?? 1);
/** Snapshots of the last part, one after the other. */
const PENDING = Number(process.argv[4] ?? 1000);

/**
 * The source with its history, and a machine with two pools that are copies of the source's disks: receiving 10,000
 * snapshots takes minutes, copying them seconds. Pools get new GUIDs, snapshots keep theirs, as after a replication.
 */
async function machines(lab: Lab): Promise<{ a: Machine; b: Machine }> {
  const a = await lab.up('a', { pool: 'tank', mem: 1536 });
  await a.sh(
    `zfs create tank/t; i=1; while [ $i -lt "$1" ]; do zfs create tank/t/d$i; i=$((i+1)); done
     i=0; while [ $i -lt "$2" ]; do zfs snapshot -r tank/t@s$i; i=$((i+1)); done; zpool sync; zpool export tank`,
    { args: [String(datasets), String(snapshots)] },
  );
  const disks = disksOf(lab.directory);
  const [from, to] = [path.join(disks, 'a.disks'), path.join(disks, 'b.disks')];
  mkdirSync(to);
  // Disks a and b are the first target's, c and d the second's.
  for (const [index, disk] of ['a', 'b', 'a', 'b'].entries()) {
    copyFileSync(path.join(from, disk), path.join(to, 'abcd'.charAt(index)), constants.COPYFILE_FICLONE);
  }
  if (readdirSync(to).length !== 4) throw new Error('the disks could not be copied');
  const b = await lab.up('b', { pool: null, disks: 4, mem: 2048 });
  await b.sh(`zpool import -f -N -d /dev/ubda -d /dev/ubdb tank ours; zpool reguid ours
    zpool import -f -N -d /dev/ubdc -d /dev/ubdd tank theirs; zpool reguid theirs
    zfs set readonly=on ours/t; zfs set readonly=on theirs/t`);
  await a.sh('zpool import tank');
  return { a, b };
}

const list = (machine: Machine, root: string): Promise<unknown> =>
  machine.sh('zfs list -Hp -r -t snapshot -o name,guid,createtxg "$1" | wc -l', { args: [root] });

async function touchAll(a: Machine, name: string): Promise<void> {
  await a.sh('for d in /tank/t /tank/t/d*; do echo "$1" >$d/new; done; zfs snapshot -r tank/t@"$1"', { args: [name] });
}

interface Setting {
  a: Machine;
  b: Machine;
  engine: Engine;
  ssh: SshClient;
}

const ends = { sourceConnection: 'a', targetConnection: 'b', createSnapshot: 'never', parallelDatasets };
const tree = { ...ends, sourceDatasets: ['tank/t'], targetDataset: 'ours/t', recursive: true };

const syncoid = ({ ssh }: Setting): Promise<void> => ssh.syncoid('root@a:tank/t', 'root@b:theirs/t', '-r');

/** Replicates the tree; its time and its remote commands. */
async function replicateTree({ engine }: Setting, what: string): Promise<{ time: number; commands: number }> {
  const commands = (): number =>
    ['a', 'b'].reduce((sum, id) => sum + (engine.hosts.get(id)?.counters.commands ?? 0), 0);
  const before = commands();
  const time = await seconds(() => engine.replicate(tree), what);
  return { time, commands: commands() - before };
}

type Idle = Pick<Figures, 'bare' | 'current' | 'currentCommands' | 'syncoidCurrent' | 'raw'>;

async function nothingToDo(setting: Setting): Promise<Idle> {
  const { a, b } = setting;
  const [bare, current]: [number[], number[]] = [[], []];
  let currentCommands = 0;
  for (let turn = 0; turn < 3; turn++) {
    bare.push(await seconds(() => Promise.all([list(a, 'tank/t'), list(b, 'ours/t')]), 'bare listings'));
    const run = await replicateTree(setting, 'nothing to do');
    current.push(run.time);
    currentCommands = run.commands;
  }
  const syncoidCurrent = await seconds(() => syncoid(setting), 'nothing to do, syncoid');
  return { bare: median(bare), current: median(current), currentCommands, syncoidCurrent, raw: { bare, current } };
}

async function oneSmallEach(
  setting: Setting,
): Promise<Pick<Figures, 'small' | 'smallCommands' | 'syncoidSmall' | 'raw'>> {
  const { a, b } = setting;
  const [small, syncoidSmall]: [number[], number[]] = [[], []];
  let smallCommands = 0;
  for (let turn = 1; turn <= turns; turn++) {
    await touchAll(a, `n${turn}`);
    const run = await replicateTree(setting, 'one small snapshot each');
    small.push(run.time);
    smallCommands = run.commands;
    syncoidSmall.push(await seconds(() => syncoid(setting), 'one small snapshot each, syncoid'));
  }
  for (const copy of ['ours', 'theirs'])
    await assertSame(a, `tank/t/d${datasets - 1}`, b, `${copy}/t/d${datasets - 1}`);
  return { small: median(small), smallCommands, syncoidSmall: median(syncoidSmall), raw: { small, syncoidSmall } };
}

async function manyPending({ a, b, engine }: Setting): Promise<Pick<Figures, 'pending' | 'pendingSends'>> {
  await a.sh('zfs create tank/p; zfs snapshot tank/p@p0');
  const one = { ...ends, sourceDatasets: ['tank/p'], targetDataset: 'ours/p' };
  await engine.replicate(one);
  await a.sh('i=1; while [ $i -le "$1" ]; do zfs snapshot tank/p@p$i; i=$((i+1)); done', { args: [String(PENDING)] });
  const sends = countSends(engine.resolve('a'));
  const pending = await seconds(() => engine.replicate(one), 'pending snapshots');
  const pendingSends = sends();
  for (const { event, message } of engine.events) if (event === 'retry') console.error(message);
  await assertSame(a, 'tank/p', b, 'ours/p');
  return { pending, pendingSends };
}

async function bench(): Promise<void> {
  await requireSyncoid();
  const lab = await Lab.create();
  const engine = new Engine();
  let ssh: SshClient | undefined;
  try {
    const { a, b } = await machines(lab);
    ssh = new SshClient([a, b]);
    const setting = { a, b, engine, ssh };
    engine.add(a);
    engine.add(b);
    // Marks of the copies are made here, once.
    const { time: first } = await replicateTree(setting, 'first run');
    const idle = await nothingToDo(setting);
    const small = await oneSmallEach(setting);
    const pending = await manyPending(setting);
    show(lab, { first, ...idle, ...small, ...pending, raw: { ...idle.raw, ...small.raw } });
  } finally {
    ssh?.close();
    await engine.close();
    await lab.close();
  }
}

/** Counts the `zfs send`s that start on a host from now on. */
function countSends(host: Host): () => number {
  let count = 0;
  host.onCommand((line) => (count += /^zfs send (?!.*-n)/.test(line) ? 1 : 0));
  return () => count;
}

interface Figures {
  bare: number;
  current: number;
  currentCommands: number;
  syncoidCurrent: number;
  small: number;
  syncoidSmall: number;
  smallCommands: number;
  pending: number;
  pendingSends: number;
  first: number;
  raw: Record<string, number[]>;
}

function show(lab: Lab, figures: Figures): void {
  const { bare, current, syncoidCurrent, small, syncoidSmall } = figures;
  const s = (value: number): string => `${value.toFixed(2)} s`;
  const ratios = {
    currentToBare: round(current / bare),
    currentSpeedup: round(syncoidCurrent / current, 2),
    smallSpeedup: round(syncoidSmall / small, 2),
  };
  const rows: Row[] = [
    { what: `bare listings of both sides, ${datasets} × ${snapshots}`, value: s(bare) },
    {
      what: 'nothing to do',
      value: s(current),
      goal: { text: `≤ 1.3 × bare: ${ratios.currentToBare}`, met: current <= 1.3 * bare },
    },
    {
      what: '  remote commands',
      value: String(figures.currentCommands),
      goal: { text: '≤ 6', met: figures.currentCommands <= 6 },
    },
    {
      what: '  syncoid -r',
      value: s(syncoidCurrent),
      goal: { text: `≥ 10 × as long: ${ratios.currentSpeedup}`, met: syncoidCurrent >= 10 * current },
    },
    { what: 'one small new snapshot each', value: s(small) },
    { what: '  remote commands', value: String(figures.smallCommands) },
    {
      what: '  syncoid -r',
      value: s(syncoidSmall),
      goal: { text: `≥ 5 × as long: ${ratios.smallSpeedup}`, met: syncoidSmall >= 5 * small },
    },
    { what: `${PENDING} pending snapshots of one dataset`, value: s(figures.pending) },
    {
      what: '  sends',
      value: String(figures.pendingSends),
      goal: { text: '1', met: figures.pendingSends === 1 },
    },
  ];
  report('many-datasets', rows, { datasets, snapshots, parallelDatasets, ...figures, ...ratios, ...surroundings(lab) });
}

main(bench);
