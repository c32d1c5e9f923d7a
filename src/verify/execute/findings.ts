// What a comparison has found so far, and in which words it is told.

/** How many are told by name: in the result, and in a sentence. */
const MOST_DIFFERENCES = 100;
const MOST_NAMES = 5;

export interface Comparison {
  files?: number;
  /** Compared, on the target. */
  bytes: number;
  differences: string[];
  problems: string[];
}

/** Names of a kind, of which not all are kept. */
class Named {
  count = 0;
  readonly names: string[] = [];

  add(name: string): void {
    this.count++;
    if (this.names.length < MOST_DIFFERENCES) this.names.push(name);
  }

  toString(): string {
    const shown = this.names.slice(0, MOST_NAMES).map((name) => JSON.stringify(name));
    const more = this.count - shown.length;
    return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  }
}

export class Findings {
  private bytes = 0;
  private readonly changed = new Named();
  private readonly closed = { source: new Named(), target: new Named() };
  private readonly problems: string[] = [];

  /** Full names of the snapshots; `unit`: what is compared, `file` or `block`. */
  constructor(
    private readonly source: string,
    private readonly target: string,
    private readonly unit: 'file' | 'block',
  ) {}

  counted(here: number, there: number): void {
    if (here === there) return;
    const { source, target, unit } = this;
    this.problems.push(`"${target}" has ${there} ${unit}s, and "${source}" has ${here}`);
  }

  compared(bytes: number): void {
    this.bytes += bytes;
  }

  different(name: string): void {
    this.changed.add(name);
  }

  unreadable(side: 'source' | 'target', name: string): void {
    this.closed[side].add(name);
  }

  result(): Comparison {
    const { bytes, changed, closed, source, target, unit } = this;
    const problems = [...this.problems];
    if (changed.count > 0) {
      const what = changed.count === 1 ? `1 ${unit} of "${target}" is` : `${changed.count} ${unit}s of "${target}" are`;
      problems.push(`${what} not as in "${source}": ${String(changed)}`);
    }
    for (const [side, name] of [
      ['target', target],
      ['source', source],
    ] as const) {
      const { count } = closed[side];
      if (count > 0) problems.push(`${count} ${unit}s of "${name}" cannot be read: ${String(closed[side])}`);
    }
    const differences = [...changed.names, ...closed.target.names].slice(0, MOST_DIFFERENCES);
    return { bytes, differences, problems };
  }
}
