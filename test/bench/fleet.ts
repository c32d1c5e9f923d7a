// Many machines at once: thirty tasks over ten small machines – each takes snapshots, sends them to its neighbour and prunes –, all
// started in one moment, again and again, in one Node-RED. Every sshd allows just the channels that a connection may use, so one more
// is an error. `npx tsx test/bench/fleet.ts [machines] [rounds]`.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskList } from '../../nodes/admin/task-answers';
import { Lab } from '../lab/lab';
import type { Login, Machine } from '../lab/machine';
import { reloadSshd } from '../lab/sshd';
import { SoakRed } from '../soak/red';
import { main, median, report, round, surroundings } from './support';

const [MACHINES, ROUNDS] = [Number(process.argv[2] ?? 10), Number(process.argv[3] ?? 3)];
/** `maxSessions` of a connection, and `maxParallelJobs`: their defaults. */
const MOST_CHANNELS = 8;
const MOST_JOBS = 5;
const LONGEST_MS = 600_000;
const SNAPSHOTS = 12;

interface Ended {
  /** Seconds from the moment in which all were started. */
  after: number;
  /** '' = well. */
  error: string;
}

function flows(machines: readonly Machine[]): object[] {
  const voice = (id: string, kind: string, what: string): object => ({
    id: `${id}-${kind}`,
    type: 'function',
    z: 'tab',
    x: 300,
    y: 100,
    wires: [],
    func: `global.get('soak').say('${kind}', '${id}', ${what});`,
  });
  const connection = (id: string, { privateKey, ...login }: Login): object => ({
    id,
    type: 'zfs-ssh-connection',
    ...login,
    credentials: { privateKey },
  });
  const tasks = machines.flatMap(({ name }, index): { id: string }[] => {
    const neighbour = machines[(index + 1) % machines.length]?.name ?? '';
    const source = { connection: name, datasets: ['tank/data'], recursive: true };
    const names = { namingSchemas: ['f-%Y-%m-%d_%H-%M-%S'], nameRegex: '' };
    const target = { targetConnection: neighbour, targetDataset: `tank/from-${name}` };
    const copy = { sourceConnection: name, sourceDatasets: ['tank/data'], recursive: true, createSnapshot: 'never' };
    return [
      Object.assign({ id: `snap-${name}`, type: 'zfs-snapshot', namingSchema: names.namingSchemas[0] }, source),
      Object.assign({ id: `copy-${name}`, type: 'zfs-replicate' }, copy, target),
      Object.assign({ id: `thin-${name}`, type: 'zfs-retention-prune', mode: 'execute', scope: names }, source, {
        policy: { keep: [{ type: 'last', count: 10 }] },
        protectFor: [{ connection: neighbour, dataset: target.targetDataset }],
      }),
    ];
  });
  return [
    { id: 'tab', type: 'tab', label: 'fleet' },
    ...machines.map((machine) => connection(machine.name, machine.login())),
    ...tasks.flatMap((task) => [
      { z: 'tab', x: 100, y: 100, wires: [[`${task.id}-result`], [], [`${task.id}-error`]], ...task },
      voice(task.id, 'result', '{}'),
      voice(task.id, 'error', 'msg.error'),
    ]),
  ];
}

async function prepare(machine: Machine): Promise<void> {
  await machine.sh(
    `zfs create tank/data; for c in x y; do zfs create tank/data/$c; done
     i=0; while [ $i -lt "$1" ]; do
       dd if=/dev/urandom of=/tank/data/x/f bs=64k count=1 status=none
       zfs snapshot -r tank/data@f-2026-01-01_00-00-$(printf %02d $i); i=$((i+1)); done
     sed -i 's/^MaxSessions.*/MaxSessions ${MOST_CHANNELS}/' /etc/ssh/sshd_config`,
    { args: [String(SNAPSHOTS)] },
  );
  await reloadSshd(machine);
}

class Fleet {
  private readonly ended = new Map<string, Ended>();
  private began = 0;
  red: SoakRed | undefined;
  /** Of all looks: jobs that ran at once, connections to one machine. */
  mostJobs = 0;
  mostConnections = 0;

  constructor(
    private readonly lab: Lab,
    private readonly machines: readonly Machine[],
  ) {}

  async start(): Promise<SoakRed> {
    const red = await SoakRed.make(
      ({ kind, id, told }) => {
        const after = (performance.now() - this.began) / 1000;
        this.ended.set(id, { after, error: kind === 'result' ? '' : JSON.stringify(told) });
      },
      (child) => this.lab.adopt(child),
    );
    this.red = red;
    await red.start();
    await red.deploy(flows(this.machines));
    await red.untilStarted();
    // What a start costs is start-up.ts.
    await red.inside();
    return red;
  }

  /** All tasks at once; their ends, in order. */
  async round(red: SoakRed, ids: readonly string[]): Promise<Ended[]> {
    this.ended.clear();
    this.began = performance.now();
    await Promise.all(ids.map((id) => red.post('zfs-flows/tasks/run', { id })));
    while (this.ended.size < ids.length) {
      if (performance.now() - this.began > LONGEST_MS) {
        const missing = ids.filter((id) => !this.ended.has(id));
        throw new Error(`these did not come to an end: ${missing.join(', ')}`);
      }
      await this.look(red);
      await sleep(200);
    }
    return [...this.ended.values()].toSorted((a, b) => a.after - b.after);
  }

  private async look(red: SoakRed): Promise<void> {
    const { tasks } = (await red.get('zfs-flows/tasks')) as TaskList;
    const running = tasks.flatMap(({ jobs }) => jobs).filter(({ state }) => state === 'running');
    this.mostJobs = Math.max(this.mostJobs, running.length);
    for (const { link } of this.machines)
      this.mostConnections = Math.max(this.mostConnections, (await link.stats()).open);
  }
}

async function bench(): Promise<void> {
  const lab = await Lab.create();
  let fleet: Fleet | undefined;
  try {
    const machines: Machine[] = [];
    for (let index = 0; index < MACHINES; index++)
      machines.push(await lab.up(`m${index}`, { pool: 'tank', mem: 256, disks: 1, diskMb: 256 }));
    await Promise.all(machines.map(prepare));
    fleet = new Fleet(lab, machines);
    const red = await fleet.start();
    const ids = machines.flatMap(({ name }) => ['snap', 'copy', 'thin'].map((what) => `${what}-${name}`));
    const rounds: Ended[][] = [];
    for (let turn = 0; turn < ROUNDS; turn++) {
      rounds.push(await fleet.round(red, ids));
      console.error(`round ${turn + 1}: ${rounds.at(-1)?.at(-1)?.after.toFixed(1)} s`);
    }
    const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${red.pid}/status`, 'utf8'))?.[1]) / 1024;
    show(lab, fleet, rounds, { peak, ...(await red.inside()) });
  } finally {
    await fleet?.red?.close();
    await lab.close();
  }
}

function show(
  lab: Lab,
  fleet: Fleet,
  rounds: Ended[][],
  figures: { peak: number; loopP99: number; loopMax: number },
): void {
  const all = rounds.flat();
  const errors = all.filter(({ error }) => error !== '');
  for (const { error } of errors.slice(0, 3)) console.error(error.slice(0, 300));
  const last = rounds.map((round) => round.at(-1)?.after ?? Number.NaN);
  const { mostJobs, mostConnections } = fleet;
  const { peak, loopP99, loopMax } = figures;
  const rows = [
    { what: `${MACHINES * 3} tasks, ${ROUNDS} rounds: errors`, value: String(errors.length), goal: { text: '0', met: errors.length === 0 } }, // prettier-ignore
    { what: '  the last of a round', value: `${median(last).toFixed(1)} s` },
    { what: '  the median task', value: `${median(all.map(({ after }) => after)).toFixed(1)} s` },
    { what: '  jobs at once', value: String(mostJobs), goal: { text: `≤ ${MOST_JOBS}`, met: mostJobs <= MOST_JOBS } },
    { what: '  connections to one machine', value: String(mostConnections) },
    { what: '  Node-RED, the most resident', value: `${peak.toFixed(0)} MiB`, goal: { text: '< 200 MiB', met: peak < 200 } }, // prettier-ignore
    { what: '  event loop p99; worst', value: `${loopP99.toFixed(1)}; ${loopMax.toFixed(0)} ms`, goal: { text: '< 20 ms', met: loopP99 < 20 } }, // prettier-ignore
  ];
  const numbers = {
    machines: MACHINES,
    errors: errors.length,
    last,
    mostJobs,
    mostConnections,
    peak,
    loopP99,
    loopMax,
  };
  const rounded = Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [name, typeof value === 'number' ? round(value) : value]),
  );
  report('fleet', rows, { ...rounded, ...surroundings(lab) });
}

main(bench);
