// A host with datasets in memory whose `zfs get`, `zfs list` and `zfs holds` print what the real ones print for any value:
// unescaped, in the order of the datasets and of what was asked for. For tests of everything that reads those lines.
import type { CommandResult, Host, RunOptions } from '../../src/host/host';

export interface FakeDataset {
  name: string;
  /** Property → value and source; native ones first, as ZFS tells them. */
  properties: Map<string, { value: string; source: string }>;
  /** Tags, of a snapshot. */
  holds?: string[];
}

const TIME = 'Thu Nov 26 01:45 2026';

/** Options of a command with their words, and the words that are left. */
function parse(args: readonly string[], withWord: string): { options: Map<string, string>; rest: string[] } {
  const options = new Map<string, string>();
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (rest.length > 0 || !arg.startsWith('-')) rest.push(arg);
    else if (withWord.includes(arg.charAt(1))) options.set(arg, args[++i] ?? '');
    else options.set(arg, '');
  }
  return { options, rest };
}

export class FakeZfs implements Pick<Host, 'run' | 'runAll' | 'label'> {
  readonly label = 'fake';
  readonly commands: string[][] = [];

  constructor(private readonly datasets: readonly FakeDataset[]) {}

  get host(): Host {
    return this as unknown as Host;
  }

  async facts(): Promise<{ isRoot: boolean }> {
    return Promise.resolve({ isRoot: false });
  }

  async run(argv: readonly string[], options?: RunOptions): Promise<CommandResult> {
    return Promise.resolve(this.one(argv, options, 0));
  }

  async runAll(argvs: readonly (readonly string[])[], options?: RunOptions): Promise<CommandResult[]> {
    return Promise.resolve(argvs.map((argv, index) => this.one(argv, options, index)));
  }

  private one(argv: readonly string[], { onLine }: RunOptions = {}, index: number): CommandResult {
    this.commands.push([...argv]);
    const [, verb = '', ...args] = argv;
    const text = verb === 'get' ? this.get(args) : verb === 'holds' ? this.holds(args) : this.list(args);
    if (!onLine) return { code: 0, signal: null, stdout: text, stderr: '' };
    for (const line of text.split('\n').slice(0, -1)) onLine(line, index, true);
    return { code: 0, signal: null, stdout: '', stderr: '' };
  }

  private below(options: ReadonlyMap<string, string>, roots: readonly string[]): FakeDataset[] {
    const types = options.get('-t') ?? '';
    const deep = options.has('-r');
    return this.datasets.filter(({ name }) => {
      if (types === 'filesystem,volume' && name.includes('@')) return false;
      if (types.includes('snapshot') && !name.includes('@')) return false;
      return roots.some(
        (root) => name === root || (deep && /^[/@]/.test(name.slice(root.length)) && name.startsWith(root)),
      );
    });
  }

  private get(args: readonly string[]): string {
    const { options, rest } = parse(args, 'odst');
    const [asked = '', ...roots] = rest;
    const sources = options.get('-s')?.split(',');
    const columns = (options.get('-o') ?? '').split(',');
    let text = '';
    for (const { name, properties } of this.below(options, roots)) {
      const names = asked === 'all' ? [...properties.keys()] : asked.split(',');
      for (const property of names) {
        const { value, source } = properties.get(property) ?? { value: '-', source: '-' };
        if (sources && !sources.includes(source === '-' ? 'none' : source)) continue;
        const line: Record<string, string> = { name, property, value, source };
        text += `${columns.map((column) => line[column] ?? '').join('\t')}\n`;
      }
    }
    return text;
  }

  private list(args: readonly string[]): string {
    const { options, rest } = parse(args, 'odst');
    const columns = (options.get('-o') ?? '').split(',');
    const line = ({ name, properties }: FakeDataset): string =>
      columns.map((column) => (column === 'name' ? name : (properties.get(column)?.value ?? '-'))).join('\t');
    return this.below(options, rest)
      .map((dataset) => `${line(dataset)}\n`)
      .join('');
  }

  private holds(args: readonly string[]): string {
    const { rest } = parse(args, '');
    return this.datasets
      .filter(({ name }) => rest.includes(name))
      .flatMap(({ name, holds }) => (holds ?? []).map((tag) => `${name}\t${tag}\t${TIME}\n`))
      .join('');
  }
}
