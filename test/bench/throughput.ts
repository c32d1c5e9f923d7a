// Node-RED inside a machine replicates a large dataset, to the same machine and to another one (push), in turns with the
// same `zfs send | zfs receive` typed in a shell; with the event loop's delay and the processor time of Node.
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
    const replicate = { type: 'zfs-replicate', sourceDatasets: ['tank/data'], createSnapshot: 'never', retries: 1 };
    const nodes = [
      { ...replicate, id: 'local', targetDataset: 'tank/copy' },
      { ...replicate, id: 'push', targetConnection: 'b', targetDataset: 'backup/copy' },
    ];
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
  local: { shell: 'zfs send -L -c tank/data@s1 | zfs receive -u tank/copy', copy: 'tank/copy' },
  push: { shell: 'zfs send -L -c tank/data@s1 | ssh b zfs receive -u backup/copy', copy: 'backup/copy' },
} as const;

async function bench(): Promise<void> {
  const lab = await Lab.create();
  try {
    const [a, b] = await Promise.all([
      lab.up('a', { pool: 'tank', mem: 2048, diskMb: size + 1024 }),
      lab.up('b', { pool: 'backup', mem: 1536, diskMb: size / 2 + 512 }),
    ]);
    await a.createDataset('tank/data');
    await a.writeRandom('tank/data', 'data', size);
    await a.snapshot('tank/data', 's1');
    const inside = await Inside.start(a, b);
    const figures: Record<string, unknown> = {};
    const rows: Row[] = [];
    for (const way of ['local', 'push'] as const) {
      const { shell, copy } = WAYS[way];
      const holder = way === 'local' ? a : b;
      const times: { shell: number[]; node: number[] } = { shell: [], node: [] };
      const answers: Answer[] = [];
      // The first round fills caches and opens the connection; it is not counted.
      for (let turn = 0; turn <= turns; turn++) {
        const typed = await seconds(() => a.sh(shell));
        await discard(holder, copy);
        let answer: Answer | undefined;
        const node = await seconds(async () => (answer = await inside.run(way)));
        await discard(holder, copy);
        console.error(
          `${way} ${turn === 0 ? 'warm-up' : turn}: shell ${typed.toFixed(2)} s, node ${node.toFixed(2)} s`,
        );
        if (turn === 0 || !answer) continue;
        times.shell.push(typed);
        times.node.push(node);
        answers.push(answer);
      }
      const [typed, node] = [median(times.shell), median(times.node)];
      const ratio = round(typed / node);
      const corePercent = round((100 * median(answers.map((one) => one.cpuSeconds))) / node, 2);
      const delayP99 = round(median(answers.map((one) => one.delayP99)), 1);
      figures[way] = { shell: typed, node, ratio, corePercent, delayP99, times, answers };
      const rate = (time: number): string => `${(size / time).toFixed(0)} MiB/s`;
      rows.push(
        { what: `${way}: typed in a shell, ${size} MiB`, value: rate(typed) },
        { what: `${way}: the node`, value: rate(node), goal: { text: `≥ 0.95 × shell: ${ratio}`, met: ratio >= 0.95 } },
        {
          what: '  event loop delay, p99 (one processor for all)',
          value: `${delayP99} ms`,
          goal: { text: '< 20 ms', met: delayP99 < 20 },
        },
        {
          what: '  processor time of Node',
          value: `${corePercent} % of a core`,
          goal: { text: '< 5 %', met: corePercent < 5 },
        },
      );
    }
    await inside.end();
    report('throughput', rows, { size, turns, ...figures, ...surroundings(lab) });
  } finally {
    await lab.close();
  }
}

main(bench);
