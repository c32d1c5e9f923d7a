// How time and memory grow with what there is to look at: many datasets, many snapshots, many snapshots of one dataset, each half as
// large first, through the nodes of a real Node-RED on this host. `npx tsx test/bench/growth.ts [1000x50 100x1000 1x20000]`.
// Many machines at once are fleet.ts.
import { constants, copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Flavour, Lab } from '../lab/lab';
import { disksOf } from '../lab/leftovers';
import type { Login, Machine } from '../lab/machine';
import { SoakRed } from '../soak/red';
import { main, report, round, type Row, seconds, surroundings } from './support';

interface Shape {
  datasets: number;
  snapshots: number;
}

/** Each of these is one task. */
const TASKS = ['list', 'copy', 'thin'] as const;
type TaskName = (typeof TASKS)[number];

interface Measured {
  shape: Shape;
  /** Seconds from the request to the result. */
  times: Record<TaskName, number>;
  /** Seconds of a bare listing of the source, typed in a shell of the machine. */
  bare: number;
  /** MiB: the most that Node-RED ever had resident, by the end of the first run and of each task. */
  peaks: number[];
  /** Milliseconds. */
  loopP99: number;
  loopMax: number;
}

const MOST_MIB = 200;
const MOST_LOOP_MS = 20;
/** Twice as much may take so many times as long. */
const LINEAR = 2.4;
const LONGEST_MS = 1_800_000;

/** MiB of a disk: each snapshot has a list with a place for every older one, so 3,000 of one dataset take 0.3 GB, 20,000 12. */
const diskFor = ({ snapshots }: Shape): number => (snapshots > 5000 ? 10_240 : 2048);

const countOf = ({ datasets, snapshots }: Shape): number => datasets * snapshots;
const nameOf = ({ datasets, snapshots }: Shape): string => `${datasets} × ${snapshots}`;

function readShapes(): Shape[] {
  const given = process.argv.slice(2);
  return (given.length > 0 ? given : ['1000x50', '100x1000', '1x20000']).map((text) => {
    const [datasets = Number.NaN, snapshots = Number.NaN] = text.split('x').map(Number);
    if (!(datasets > 0) || !(snapshots > 1))
      throw new Error(`what is ${text}? 1000x50 are 1,000 datasets with 50 snapshots each`);
    return { datasets, snapshots };
  });
}

/** Snapshots from one number up to before another, each in a transaction group of its own; the tree's in one command. */
async function take(a: Machine, from: number, to: number): Promise<void> {
  const script = 'i=$1; while [ $i -lt "$2" ]; do zfs snapshot -r tank/t@s$i; i=$((i+1)); done; zpool sync';
  await a.sh(script, { args: [String(from), String(to)] });
}

async function makeTree(a: Machine, { datasets }: Shape): Promise<void> {
  const script =
    'zfs create -o canmount=off tank/t; i=1; while [ $i -lt "$1" ]; do zfs create -o canmount=off tank/t/d$i; i=$((i+1)); done';
  await a.sh(script, { args: [String(datasets)] });
}

/** A machine whose pool is a copy of the source's disks: receiving so many snapshots takes an hour, copying them seconds. */
async function copyOf(lab: Lab, a: Machine, name: string, diskMb: number): Promise<Machine> {
  await a.sh('zpool export tank');
  const [from, to] = ['a', name].map((one) => path.join(disksOf(lab.directory), `${one}.disks`));
  mkdirSync(to ?? '');
  for (const disk of ['a', 'b'])
    copyFileSync(path.join(from ?? '', disk), path.join(to ?? '', disk), constants.COPYFILE_FICLONE);
  const b = await lab.up(name, { pool: null, disks: 2, diskMb, mem: 3072 });
  // It has the address of its predecessor, whose absence is remembered for a moment.
  for (let turn = 0; turn < 20 && (await b.run(['true']).catch(() => undefined)) === undefined; turn++)
    await sleep(1_000);
  await Promise.all([
    a.sh('zpool import -N tank'),
    b.sh('zpool import -f -N -d /dev/ubda -d /dev/ubdb tank backup; zpool reguid backup; zfs set readonly=on backup/t'),
  ]);
  return b;
}

function flows(a: Machine, b: Machine, { snapshots }: Shape): object[] {
  const connection = (id: string, { privateKey, ...login }: Login): object => ({
    id,
    type: 'zfs-ssh-connection',
    ...login,
    credentials: { privateKey },
  });
  const tree = { connection: 'a', datasets: ['tank/t'], recursive: true };
  const nodes: Readonly<Record<TaskName, object>> = {
    list: { type: 'zfs-list-snapshots', ...tree, columns: 'identity', output: 'count' },
    copy: {
      type: 'zfs-replicate',
      sourceConnection: 'a',
      sourceDatasets: ['tank/t'],
      targetConnection: 'b',
      targetDataset: 'backup/t',
      recursive: true,
      createSnapshot: 'never',
    },
    thin: {
      type: 'zfs-retention-prune',
      ...tree,
      mode: 'plan',
      scope: { namingSchemas: [], nameRegex: '^s', all: false },
      // As large a share of each shape, or they would not be compared.
      policy: { keep: [{ type: 'last', count: Math.ceil(snapshots / 2) }] },
      protectFor: [{ connection: 'b', dataset: 'backup/t' }],
    },
  };
  const voice = (id: string, kind: string, what: string): object => ({
    id: `${id}-${kind}`,
    type: 'function',
    z: 'tab',
    x: 300,
    y: 100,
    wires: [],
    func: `global.get('soak').say('${kind}', '${id}', ${what});`,
  });
  return [
    { id: 'tab', type: 'tab', label: 'growth' },
    connection('a', a.login()),
    connection('b', b.login()),
    ...TASKS.flatMap((id) => [
      { id, z: 'tab', x: 100, y: 100, wires: [[`${id}-result`], [], [`${id}-error`]], ...nodes[id] },
      voice(id, 'result', '{}'),
      voice(id, 'error', 'msg.error'),
    ]),
  ];
}

/** Runs a task and waits for what comes of it. */
async function run(red: SoakRed, outcomes: Map<string, string>, id: TaskName): Promise<void> {
  outcomes.delete(id);
  const answer = (await red.post('zfs-flows/tasks/run', { id })) as { ok: boolean };
  if (!answer.ok) throw new Error(`${id}: ${JSON.stringify(answer)}`);
  for (const until = performance.now() + LONGEST_MS; !outcomes.has(id);) {
    if (performance.now() > until || !red.isUp) throw new Error(`${id} did not end:\n${red.log}`);
    await sleep(20);
  }
  const said = outcomes.get(id) ?? '';
  if (said !== '') throw new Error(`${id}: ${said}`);
}

/** The highest that the kernel has seen, since what is looked at now and then misses the top. */
const peakOf = (red: SoakRed): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${red.pid}/status`, 'utf8'))?.[1]) / 1024;

/** MiB. */
const most = ({ peaks }: Measured): number => Math.max(...peaks);

async function measure(lab: Lab, a: Machine, b: Machine, shape: Shape): Promise<Measured> {
  const outcomes = new Map<string, string>();
  const red = await SoakRed.make(
    ({ kind, id, told }) => outcomes.set(id, kind === 'result' ? '' : JSON.stringify(told)),
    (child) => lab.adopt(child),
  );
  try {
    await red.start();
    await red.deploy(flows(a, b, shape));
    await red.untilStarted();
    // Marks of the copy are made here, once.
    await seconds(() => run(red, outcomes, 'copy'), `${nameOf(shape)}: first run`);
    const peaks = [peakOf(red)];
    await red.inside();
    const bare = await seconds(() => bareListing(a), `${nameOf(shape)}: bare listing`);
    const times = { list: 0, copy: 0, thin: 0 };
    for (const id of TASKS) {
      times[id] = await seconds(() => run(red, outcomes, id), `${nameOf(shape)}: ${id}`);
      peaks.push(peakOf(red));
    }
    const { loopP99, loopMax } = await red.inside();
    return { shape, times, bare, peaks, loopP99, loopMax };
  } finally {
    await red.close();
  }
}

const bareListing = (a: Machine): Promise<unknown> =>
  a.sh('zfs list -Hp -r -t snapshot -o name,guid,createtxg tank/t | wc -l');

async function growth(shape: Shape): Promise<Measured[]> {
  const lab = await Lab.create();
  try {
    const diskMb = diskFor(shape);
    const a = await lab.up('a', { pool: 'tank', disks: 2, diskMb, mem: 3072 });
    const half = { ...shape, snapshots: Math.floor(shape.snapshots / 2) };
    await makeTree(a, shape);
    await seconds(() => take(a, 0, half.snapshots), `${nameOf(half)}: snapshots taken`);
    const b = await copyOf(lab, a, 'b', diskMb);
    const first = await measure(lab, a, b, half);
    await b.down();
    // Marks of the first copy would be looked at again; those of the second are its own.
    await seconds(() => take(a, half.snapshots, shape.snapshots), `${nameOf(shape)}: snapshots taken`);
    const c = await copyOf(lab, a, 'c', diskMb);
    return [first, await measure(lab, a, c, shape)];
  } finally {
    await lab.close();
  }
}

function rows([half, whole]: readonly Measured[]): Row[] {
  if (half === undefined || whole === undefined) return [];
  const s = (value: number): string => `${value.toFixed(2)} s`;
  const times = countOf(whole.shape) / countOf(half.shape);
  const grown = (small: number, large: number): NonNullable<Row['goal']> => {
    const ratio = large / small / (times / 2);
    return { text: `twice as much takes ≤ ${LINEAR} × as long: ${round(ratio, 2)}`, met: ratio <= LINEAR };
  };
  return [
    { what: `${nameOf(whole.shape)}: bare listing`, value: s(whole.bare), goal: grown(half.bare, whole.bare) },
    ...TASKS.map((id) => ({
      what: `  ${NAMES[id]}`,
      value: s(whole.times[id]),
      goal: grown(half.times[id], whole.times[id]),
    })),
    {
      what: '  Node-RED, the most resident',
      value: `${whole.peaks.map((peak) => peak.toFixed(0)).join(', ')} MiB`,
      goal: { text: `< ${MOST_MIB} MiB; half as much: ${most(half).toFixed(0)}`, met: most(whole) < MOST_MIB },
    },
    {
      what: '  event loop p99; worst',
      value: `${whole.loopP99.toFixed(1)}; ${whole.loopMax.toFixed(0)} ms`,
      goal: { text: `< ${MOST_LOOP_MS} ms`, met: whole.loopP99 < MOST_LOOP_MS },
    },
  ];
}

const NAMES: Readonly<Record<TaskName, string>> = {
  list: 'counting the snapshots',
  copy: 'a replication with nothing to do',
  thin: 'a plan of pruning',
};

async function bench(): Promise<void> {
  const all: Measured[][] = [];
  for (const shape of readShapes()) all.push(await growth(shape));
  const flavour = (process.env['ZFS_LAB_FLAVOUR'] ?? 'newest') as Flavour;
  report('growth', all.flatMap(rows), { measured: all, ...surroundings({ flavour }) });
}

main(bench);
