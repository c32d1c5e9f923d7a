// Node-RED inside a machine replicates a large dataset, to the same machine and to another one (push), in turns with the
// same `zfs send | zfs receive` typed in a shell; with the event loop's delay and the processor time of Node. What a run
// costs beside its data (listings, marks, verification) is measured with a dataset of 2 MiB and told apart.
// `npx tsx test/bench/throughput.ts [MiB] [turns]`
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Lab } from '../lab/lab';
import type { Machine } from '../lab/machine';
import { discard, main, median, report, round, seconds, surroundings, type Row } from './support';

const [size, turns] = [Number(process.argv[2] ?? 1024), Number(process.argv[3] ?? 3)];

interface Answer {
  ready?: boolean;
  error?: unknown;
  /** From the message to the result. */
  seconds: number;
  cpuSeconds: number;
  delayP99: number;
}

/** The Node-RED in the machine. */
class Inside {
  private constructor(
    private readonly child: Awaited<ReturnType<Machine['spawn']>>,
    private readonly lines: AsyncIterator<string>,
  ) {}

  static async start(a: Machine, b: Machine): Promise<Inside> {
    const nodes = (['data', 'little'] as const).flatMap((name) => {
      const node = { type: 'zfs-replicate', sourceDatasets: [`tank/${name}`], createSnapshot: 'never', retries: 1 };
      return [
        { ...node, id: `local-${name}`, targetDataset: 'tank/copy' },
        { ...node, id: `push-${name}`, targetConnection: 'b', targetDataset: 'backup/copy' },
      ];
    });
    const ssh = { id: 'b', type: 'zfs-ssh-connection', host: b.address, username: 'root', hostKeys: b.hostKey };
    const args = [nodes, [ssh], { b: { privateKey: b.privateKey } }].map((value) => JSON.stringify(value));
    const argv = a.nodeArgv('test/bench/throughput.fixture.ts', args);
    const child = await a.spawn(argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    if (!child.stdout) throw new Error('no output');
    const inside = new Inside(child, createInterface({ input: child.stdout })[Symbol.asyncIterator]());
    await inside.answer();
    return inside;
  }

  async run(id: string): Promise<Answer> {
    this.child.stdin?.write(`${id}\n`);
    const answer = await this.answer();
    if (answer.error !== undefined) throw new Error(`${id}: ${JSON.stringify(answer.error)}`);
    return answer;
  }

  async end(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.stdin?.end();
    await ended;
  }

  /** Node-RED prints lines of its own. */
  private async answer(): Promise<Answer> {
    for (;;) {
      const { value, done } = (await this.lines.next()) as { value?: string; done?: boolean };
      if (done === true || value === undefined) throw new Error('the Node-RED in the machine has ended');
      if (value.startsWith('{')) return JSON.parse(value) as Answer;
    }
  }
}

const WAYS = {
  local: { shell: (name: string) => `zfs send -L -c tank/${name}@s1 | zfs receive -u tank/copy`, copy: 'tank/copy' },
  push: {
    shell: (name: string) => `zfs send -L -c tank/${name}@s1 | ssh b zfs receive -u backup/copy`,
    copy: 'backup/copy',
  },
} as const;

interface Turn {
  shell: number;
  shellLittle: number;
  node: Answer;
  little: Answer;
}

async function runTurn(way: 'local' | 'push', a: Machine, holder: Machine, inside: Inside): Promise<Turn> {
  const { shell, copy } = WAYS[way];
  const typed = async (name: string): Promise<number> => {
    const took = await seconds(() => a.sh(shell(name)));
    await discard(holder, copy);
    return took;
  };
  const node = async (name: string): Promise<Answer> => {
    const answer = await inside.run(`${way}-${name}`);
    await discard(holder, copy);
    return answer;
  };
  return {
    shell: await typed('data'),
    node: await node('data'),
    shellLittle: await typed('little'),
    little: await node('little'),
  };
}

/** Medians of all turns; `ratio` is for whole runs, `dataRatio` for the data alone, without what a little dataset takes. */
function evaluate(
  all: readonly Turn[],
): Record<'shell' | 'node' | 'fixed' | 'ratio' | 'dataRatio' | 'corePercent' | 'delayP99', number> {
  const middle = (of: (turn: Turn) => number): number => median(all.map(of));
  const [shell, node, fixed] = [
    middle((turn) => turn.shell),
    middle((turn) => turn.node.seconds),
    middle((turn) => turn.little.seconds),
  ];
  const data = middle((turn) => turn.node.seconds - turn.little.seconds);
  const cpu = middle((turn) => turn.node.cpuSeconds - turn.little.cpuSeconds);
  return {
    shell,
    node,
    fixed,
    ratio: round(shell / node),
    dataRatio: round(middle((turn) => turn.shell - turn.shellLittle) / data),
    corePercent: round((100 * cpu) / data, 2),
    delayP99: round(
      middle((turn) => turn.node.delayP99),
      1,
    ),
  };
}

async function bench(): Promise<void> {
  const lab = await Lab.create();
  try {
    const [a, b] = await Promise.all([
      lab.up('a', { pool: 'tank', mem: 2048, diskMb: size + 1024 }),
      lab.up('b', { pool: 'backup', mem: 1536, diskMb: size / 2 + 512 }),
    ]);
    for (const [name, mb] of [
      ['data', size],
      ['little', 2],
    ] as const) {
      await a.createDataset(`tank/${name}`);
      await a.writeRandom(`tank/${name}`, 'data', mb);
      await a.snapshot(`tank/${name}`, 's1');
    }
    const inside = await Inside.start(a, b);
    const figures: Record<string, unknown> = {};
    const rows: Row[] = [];
    for (const way of ['local', 'push'] as const) {
      const all: Turn[] = [];
      // The first round fills caches and opens the connection; it is not counted.
      for (let turn = 0; turn <= turns; turn++) {
        const one = await runTurn(way, a, way === 'local' ? a : b, inside);
        const times = [one.shell, one.node.seconds, one.little.seconds].map((time) => `${time.toFixed(2)} s`);
        console.error(`${way} ${turn === 0 ? 'warm-up' : turn}: shell, node, node with 2 MiB: ${times.join(', ')}`);
        if (turn > 0) all.push(one);
      }
      const found = evaluate(all);
      figures[way] = { ...found, turns: all };
      rows.push(...rowsOf(way, found));
    }
    await inside.end();
    report('throughput', rows, { size, ...figures, ...surroundings(lab) });
  } finally {
    await lab.close();
  }
}

function rowsOf(
  way: string,
  { shell, node, fixed, ratio, dataRatio, corePercent, delayP99 }: ReturnType<typeof evaluate>,
): Row[] {
  const rate = (time: number): string => `${(size / time).toFixed(0)} MiB/s`;
  return [
    { what: `${way}: typed in a shell, ${size} MiB`, value: rate(shell) },
    {
      what: `${way}: the node, message to result`,
      value: rate(node),
      goal: { text: `≥ 0.95 × shell: ${ratio}`, met: ratio >= 0.95 },
    },
    { what: '  of it for anything but data', value: `${fixed.toFixed(2)} s` },
    { what: '  the data alone', value: String(dataRatio), goal: { text: '≥ 0.95 × shell', met: dataRatio >= 0.95 } },
    {
      what: '  event loop delay, p99 (one processor for all)',
      value: `${delayP99} ms`,
      goal: { text: '< 20 ms', met: delayP99 < 20 },
    },
    {
      what: '  processor time of Node for the data',
      value: `${corePercent} % of a core`,
      goal: { text: '< 5 %', met: corePercent < 5 },
    },
  ];
}

main(bench);
