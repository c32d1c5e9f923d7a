// Very many small pending snapshots of one dataset, relayed: the engine beside the bare pipe of one `zfs send -I`, without and with
// the flags that the engine gives (properties cost a receive about as much again for each snapshot), in turns, each to a
// copy of its own. What is above the pipe with its flags is protection: marks made and removed, looks before and after.
// `npx tsx test/bench/pending.ts [snapshots] [turns]`
import assert from 'node:assert/strict';
import type { Host } from '../../src/host/host';
import { Lab } from '../lab/lab';
import type { Machine } from '../lab/machine';
import { assertSame, Engine } from '../support/engine';
import { main, median, report, round, seconds, SshClient, surroundings } from './support';

const [pending, turns] = [Number(process.argv[2] ?? 1000), Number(process.argv[3] ?? 2)];
const GOAL = 1.5;
const SOURCE = 'tank/p';
const copy = (way: Way, turn: number): string => `backup/${way}${turn}`;
const WAYS = ['bare', 'same', 'engine'] as const;
type Way = (typeof WAYS)[number];
/** Flags of `zfs send` and `zfs receive`. */
const PIPES = {
  bare: ['-L -c', '-s -u'],
  same: ['-p -L -c', '-s -u -x mountpoint -x sharenfs -x sharesmb -o readonly=on'],
} as const;

const jobTo = (targetDataset: string): Record<string, unknown> => ({
  sourceConnection: 'a',
  targetConnection: 'b',
  sourceDatasets: [SOURCE],
  targetDataset,
  createSnapshot: 'never',
});

/** How many commands of each kind start on a host from now on. */
function countCommands(host: Host): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  host.onCommand((line) => {
    const kind = /^zfs (send(?!.*-n)|hold|release|bookmark|destroy|program)\b/.exec(line)?.[1];
    if (kind !== undefined) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  });
  return counts;
}

/** The source with one snapshot that every copy has, and `pending` that none has. */
async function prepare(a: Machine, engine: Engine, ssh: SshClient): Promise<void> {
  await a.createDataset(SOURCE);
  await a.snapshot(SOURCE, 'p0');
  for (let turn = 0; turn < turns; turn++) {
    await engine.replicate(jobTo(copy('engine', turn)));
    for (const way of ['bare', 'same'] as const) await pipe(ssh, way, turn, `${SOURCE}@p0`);
  }
  const script = 'i=1; while [ $i -le "$2" ]; do echo $i >"/$1/file"; zfs snapshot "$1@p$i"; i=$((i+1)); done';
  await a.sh(script, { args: [SOURCE, String(pending)] });
}

/** No hold, no tentative bookmark, at most 16 bookmarks for each copy. */
async function assertNothingLeft(a: Machine): Promise<void> {
  const held = await a.read(['zfs', 'list', '-Hp', '-t', 'snapshot', '-o', 'userrefs', SOURCE]);
  assert.deepEqual([...new Set(held.trim().split('\n'))], ['0']);
  const bookmarks = (await a.bookmarks(SOURCE)).map(({ name }) => name);
  assert.ok(bookmarks.length <= 16 * turns && bookmarks.every((name) => !name.includes('tmp')), bookmarks.join());
}

async function pipe(ssh: SshClient, way: 'bare' | 'same', turn: number, what: string): Promise<void> {
  const [send, receive] = PIPES[way];
  await ssh.shell(`ssh a zfs send ${send} ${what} | ssh b zfs receive ${receive} ${copy(way, turn)}`);
}

async function bench(): Promise<void> {
  const lab = await Lab.create();
  const engine = new Engine();
  let client: SshClient | undefined;
  try {
    const [a, b] = await Promise.all([
      lab.up('a', { pool: 'tank', mem: 1536 }),
      lab.up('b', { pool: 'backup', mem: 1536 }),
    ]);
    engine.add(a);
    engine.add(b);
    const ssh = new SshClient([a, b]);
    client = ssh;
    await prepare(a, engine, ssh);
    const commands = countCommands(engine.resolve('a'));
    const steps = `-I @p0 ${SOURCE}@p${pending}`;
    const times: Times = { engine: [], bare: [], same: [] };
    for (let turn = 0; turn < turns; turn++) {
      const ways: Record<Way, () => Promise<unknown>> = {
        bare: () => pipe(ssh, 'bare', turn, steps),
        same: () => pipe(ssh, 'same', turn, steps),
        engine: () => engine.replicate(jobTo(copy('engine', turn))),
      };
      // The load changes, so that none always comes first.
      const order = turn % 2 === 0 ? WAYS : WAYS.toReversed();
      for (const way of order) times[way].push(await seconds(ways[way], `turn ${turn + 1}, ${way}`));
      await assertSame(a, SOURCE, b, copy('engine', turn));
    }
    await assertNothingLeft(a);
    show(lab, times, Object.fromEntries([...commands].map(([kind, count]) => [kind, round(count / turns, 1)])));
  } finally {
    client?.close();
    await engine.close();
    await lab.close();
  }
}

type Times = Record<Way, number[]>;

function show(lab: Lab, times: Times, commands: Record<string, number>): void {
  const [engine, bare, same] = [median(times.engine), median(times.bare), median(times.same)];
  const [ratio, toSame] = [round(engine / bare, 2), round(engine / same, 2)];
  const rows = [
    { what: `zfs send -I | zfs receive of ${pending} snapshots`, value: `${bare.toFixed(1)} s` },
    { what: 'the same with properties, as the engine sends', value: `${same.toFixed(1)} s` },
    {
      what: 'engine',
      value: `${engine.toFixed(1)} s`,
      goal: { text: `≤ ${GOAL} × as long: ${ratio}; than with properties: ${toSame}`, met: ratio <= GOAL },
    },
    { what: '  commands on the source, each run', value: Object.entries(commands).flat().join(' ') },
  ];
  report('pending', rows, { pending, turns, ...times, ratio, toSame, commands, ...surroundings(lab) });
}

main(bench);
