// Many datasets with many snapshots, relayed from one machine to another by way of this host: nothing to do, and one small
// new snapshot each; beside them bare listings, the bare pipe of one `zfs send -R -I`, syncoid and bzfs, each with a target of its
// own; then a thousand pending snapshots. `npx tsx test/bench/many-datasets.ts [datasets] [snapshots] [pending]`; PARALLEL=n sets
// parallelDatasets (default 2, the node's), ONLY=idle|small|pending runs one part, BZFS=<folder of a checkout> measures bzfs too.
import { copyFileSync, constants, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../../src/host/host';
import { Lab } from '../lab/lab';
import { disksOf } from '../lab/leftovers';
import type { Machine } from '../lab/machine';
import { assertSame, Engine } from '../support/engine';
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
  type Row,
} from './support';

const [datasets, snapshots] = [Number(process.argv[2] ?? 100), Number(process.argv[3] ?? 100)];
const parallelDatasets = Number(process.env['PARALLEL'] ?? 2);
/** How often each part is measured; syncoid takes minutes. */
const turns = Number(process.env['TURNS'] ?? 1);
/** Snapshots of the last part, one after the other. */
const PENDING = Number(process.argv[4] ?? 1000);
const only = process.env['ONLY'] ?? '';
/** Pools on the target's machine, one for each who replicates to it. */
const POOLS = ['ours', 'theirs', 'bare', ...(hasBzfs ? ['bzfs'] : [])];
/** Until the copies of the source's disks count as unchanged for long (`discover/unchanged.ts`). */
const SETTLED_MS = 8_000;

/**
 * The source with its history, and a machine with pools that are copies of the source's disks: receiving 10,000
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
  const letters = POOLS.map((_, index) =>
    ['a', 'b'].map((disk, half) => [disk, String.fromCodePoint(97 + 2 * index + half)] as const),
  );
  for (const [disk, letter] of letters.flat()) {
    copyFileSync(path.join(from, disk), path.join(to, letter), constants.COPYFILE_FICLONE);
  }
  if (readdirSync(to).length !== 2 * POOLS.length) throw new Error('the disks could not be copied');
  const b = await lab.up('b', { pool: null, disks: 2 * POOLS.length, mem: 2560 });
  for (const [index, pool] of POOLS.entries()) {
    const devices = (letters[index] ?? []).map(([, letter]) => `-d /dev/ubd${letter}`).join(' ');
    await b.sh(`zpool import -f -N ${devices} tank ${pool}; zpool reguid ${pool}; zfs set readonly=on ${pool}/t`);
  }
  await a.sh('zpool import tank');
  return { a, b };
}

const listSnapshots = (machine: Machine, root: string): Promise<unknown> =>
  machine.sh('zfs list -Hp -r -t snapshot -o name,guid,createtxg "$1" | wc -l', { args: [root] });

const listDatasets = (machine: Machine, root: string): Promise<unknown> =>
  machine.sh('zfs list -r -t filesystem,volume "$1" | wc -l', { args: [root] });

const onBoth = ({ a, b }: Setting, list: typeof listDatasets): Promise<unknown> =>
  Promise.all([list(a, 'tank/t'), list(b, 'ours/t')]);

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
const bzfs = ({ ssh }: Setting): Promise<void> => ssh.bzfs('root@a:tank/t', 'root@b:bzfs/t', '--recursive');

/** Replicates the tree; its time and its remote commands. */
async function replicateTree({ engine }: Setting, what: string): Promise<{ time: number; commands: number }> {
  const commands = (): number =>
    ['a', 'b'].reduce((sum, id) => sum + (engine.hosts.get(id)?.counters.commands ?? 0), 0);
  const before = commands();
  const time = await seconds(() => engine.replicate(tree), what);
  return { time, commands: commands() - before };
}

/** Seconds of each way, by its name, and remote commands of the engine's last run. */
interface Times {
  commands: number;
  [way: string]: number[] | number;
}

const medianOf = (times: Times, way: string): number => {
  const all = times[way];
  return Array.isArray(all) ? median(all) : Number.NaN;
};

/** The others are measured once, since they take long; those between which it matters in turns. */
async function nothingToDo(setting: Setting): Promise<Times> {
  const [snapshotLists, inFull, datasetLists, engine]: number[][] = [[], [], [], []];
  snapshotLists?.push(await seconds(() => onBoth(setting, listSnapshots), 'bare listings of snapshots'));
  await sleep(SETTLED_MS);
  inFull?.push((await replicateTree(setting, 'nothing to do, listed in full')).time);
  let commands = 0;
  for (let turn = 0; turn < 5; turn++) {
    datasetLists?.push(await seconds(() => onBoth(setting, listDatasets), 'bare listings of datasets'));
    const run = await replicateTree(setting, 'nothing to do');
    engine?.push(run.time);
    commands = run.commands;
  }
  const times = { commands, snapshotLists, inFull, datasetLists, engine } as Times;
  for (let turn = 0; turn < turns; turn++) await others(setting, times, 'nothing to do');
  return times;
}

/** Adds what the other tools take. */
async function others(setting: Setting, times: Times, what: string): Promise<void> {
  const ways = { syncoid, ...(hasBzfs ? { bzfs } : {}) };
  for (const [way, work] of Object.entries(ways)) {
    const before = times[way];
    times[way] = [...(Array.isArray(before) ? before : []), await seconds(() => work(setting), `${what}, ${way}`)];
  }
}

async function oneSmallEach(setting: Setting): Promise<Times> {
  const { a, b, ssh } = setting;
  const [engine, pipe]: number[][] = [[], []];
  let [last, commands] = [`s${snapshots - 1}`, 0];
  const times = { commands, engine, pipe } as Times;
  for (let turn = 1; turn <= turns; turn++) {
    const next = `n${turn}`;
    // The copies have not changed for a while, and a run has seen them since.
    await sleep(SETTLED_MS);
    await replicateTree(setting, 'nothing to do');
    await touchAll(a, next);
    const run = await replicateTree(setting, 'one small snapshot each');
    engine?.push(run.time);
    commands = run.commands;
    const stream = `ssh a zfs send -R -I @${last} tank/t@${next} | ssh b zfs receive -u bare/t`;
    pipe?.push(await seconds(() => ssh.shell(stream), 'one small snapshot each, bare pipe'));
    await others(setting, times, 'one small snapshot each');
    last = next;
  }
  for (const copy of POOLS) await assertSame(a, `tank/t/d${datasets - 1}`, b, `${copy}/t/d${datasets - 1}`);
  return { ...times, commands };
}

async function manyPending({ a, b, engine }: Setting): Promise<{ pending: number; pendingSends: number }> {
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
    const is = (part: string): boolean => only === '' || only === part;
    const idle = is('idle') ? await nothingToDo(setting) : null;
    const small = is('small') ? await oneSmallEach(setting) : null;
    const pending = is('pending') ? await manyPending(setting) : null;
    const rows = [
      ...(idle ? idleRows(idle) : []),
      ...(small ? smallRows(small) : []),
      ...(pending ? pendingRows(pending) : []),
    ];
    report('many-datasets', rows, {
      datasets,
      snapshots,
      parallelDatasets,
      first,
      idle,
      small,
      pending,
      ...surroundings(lab),
    });
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

const s = (value: number): string => `${value.toFixed(2)} s`;

/** A row of another way: so many times as long as the engine, at least. */
function slower(times: Times, way: string, what: string, goal: number): Row[] {
  const ratio = medianOf(times, way) / medianOf(times, 'engine');
  if (Number.isNaN(ratio)) return [];
  const text = `≥ ${goal} × as long: ${round(ratio, 2)}`;
  return [{ what: `  ${what}`, value: s(medianOf(times, way)), goal: { text, met: ratio >= goal } }];
}

/** A row of the engine: at most so many times as long as another way. */
function within(times: Times, what: string, goal: number, way: string, own = 'engine'): Row {
  const ratio = medianOf(times, own) / medianOf(times, way);
  return {
    what,
    value: s(medianOf(times, own)),
    goal: { text: `≤ ${goal} × that: ${round(ratio)}`, met: ratio <= goal },
  };
}

function idleRows(times: Times): Row[] {
  return [
    {
      what: `bare listings of all snapshots of both sides, ${datasets} × ${snapshots}`,
      value: s(medianOf(times, 'snapshotLists')),
    },
    within(times, 'nothing to do, listed in full', 1.3, 'snapshotLists', 'inFull'),
    { what: 'bare listings of the datasets of both sides', value: s(medianOf(times, 'datasetLists')) },
    within(times, 'nothing to do', 2, 'datasetLists'),
    { what: '  remote commands', value: String(times.commands), goal: { text: '≤ 6', met: times.commands <= 6 } },
    ...slower(times, 'syncoid', 'syncoid -r', 40),
    ...slower(times, 'bzfs', 'bzfs', 10),
  ];
}

function smallRows(times: Times): Row[] {
  return [
    { what: 'zfs send -R -I | zfs receive of one small new snapshot each', value: s(medianOf(times, 'pipe')) },
    within(times, 'one small new snapshot each', 0.5, 'pipe'),
    { what: '  remote commands', value: String(times.commands) },
    ...slower(times, 'syncoid', 'syncoid -r', 6),
    ...slower(times, 'bzfs', 'bzfs', 4),
  ];
}

function pendingRows({ pending, pendingSends }: { pending: number; pendingSends: number }): Row[] {
  return [
    { what: `${PENDING} pending snapshots of one dataset`, value: s(pending) },
    { what: '  sends', value: String(pendingSends), goal: { text: '≤ 2', met: pendingSends <= 2 } },
  ];
}

main(bench);
