// The cable between this host and a lab's machines: a process inside the lab's network namespace that accepts on
// 127.0.0.1 of the host and connects to a machine, and that can hold, drop, slow down or delay what passes.
// It is also the lab's guardian: when its parent is gone without a word, it removes the lab. link.ts talks to it.
import net from 'node:net';
import { removeLab } from './leftovers';
import { Bucket, Wire, type Shape } from './wire';

export type Command =
  | { id: number; do: 'listen'; link: string; address: string; port: number }
  | { id: number; do: 'shape'; link: string; shape: Partial<Shape> }
  | { id: number; do: 'cutAfter'; link: string; bytes: number; how: 'cut' | 'reset' }
  | { id: number; do: 'reset' | 'stats'; link: string };

export interface LinkStats {
  /** Bytes that have passed since the link was made. */
  toMachine: number;
  toHost: number;
  /** Connections open now, and accepted in all. */
  open: number;
  accepted: number;
}

export type Reply = { id: number; stats?: LinkStats } | { id: number; error: string } | { tripped: string };

/** One forwarded port: its listener, its shape, and the connections through it. */
class Cable {
  readonly shape: Shape = { cut: false, bytesPerSecond: 0, delayMs: 0 };
  readonly stats: LinkStats = { toMachine: 0, toHost: 0, open: 0, accepted: 0 };
  private readonly pairs = new Set<{ client: net.Socket; machine: net.Socket | null; wires: Wire[] }>();
  private readonly waiting = new Set<() => void>();
  private readonly buckets = { toMachine: new Bucket(this.shape), toHost: new Bucket(this.shape) };
  private fuse: { bytes: number; how: 'cut' | 'reset' } | null = null;

  constructor(
    private readonly name: string,
    server: net.Server,
    private readonly address: string,
    private readonly port: number,
  ) {
    // Half-closed connections stay open the other way, as TCP has it.
    Object.assign(server, { allowHalfOpen: true });
    server.on('connection', (client) => {
      this.accept(client);
    });
  }

  set(shape: Partial<Shape>): void {
    Object.assign(this.shape, shape);
    if (this.shape.cut) return;
    if (shape.cut === false) this.fuse = null;
    for (const dial of this.waiting) dial();
    this.waiting.clear();
    for (const pair of this.pairs) for (const wire of pair.wires) wire.pump();
  }

  light(bytes: number, how: 'cut' | 'reset'): void {
    if (bytes <= 0) this.blow(how);
    else this.fuse = { bytes, how };
  }

  reset(): void {
    this.waiting.clear();
    for (const pair of this.pairs) {
      pair.client.resetAndDestroy();
      pair.machine?.resetAndDestroy();
    }
  }

  /** How many of `bytes` may pass now; blows the fuse when it has burnt down. */
  private passing(direction: 'toMachine' | 'toHost', bytes: number): number {
    const allowed = this.fuse === null ? bytes : Math.min(bytes, this.fuse.bytes);
    this.stats[direction] += allowed;
    if (this.fuse !== null) {
      this.fuse.bytes -= allowed;
      if (this.fuse.bytes <= 0) this.blow(this.fuse.how);
    }
    return allowed;
  }

  private blow(how: 'cut' | 'reset'): void {
    this.fuse = null;
    if (how === 'cut') this.shape.cut = true;
    else setImmediate(() => this.reset());
    process.send?.({ tripped: this.name } satisfies Reply);
  }

  // A new connection during a cut is left hanging: it is dialled when the link is restored.
  private accept(client: net.Socket): void {
    const pair = { client, machine: null as net.Socket | null, wires: [] as Wire[] };
    this.pairs.add(pair);
    this.stats.open++;
    this.stats.accepted++;
    client.setNoDelay(true);
    const dial = (): void => {
      pair.machine = net.connect({ host: this.address, port: this.port, noDelay: true, allowHalfOpen: true });
      pair.wires = [
        new Wire(client, pair.machine, this.buckets.toMachine, (bytes) => this.passing('toMachine', bytes)),
        new Wire(pair.machine, client, this.buckets.toHost, (bytes) => this.passing('toHost', bytes)),
      ];
      this.tie(pair.machine, () => client);
    };
    this.tie(client, () => pair.machine);
    client.once('close', () => {
      this.pairs.delete(pair);
      this.waiting.delete(dial);
      this.stats.open--;
    });
    if (this.shape.cut) this.waiting.add(dial);
    else dial();
  }

  // What breaks one side breaks the other; an orderly end passes through the wires.
  private tie(from: net.Socket, to: () => net.Socket | null): void {
    from.on('error', () => to()?.resetAndDestroy());
    from.on('close', () => {
      if (!from.readableEnded) to()?.destroy();
    });
  }
}

const cables = new Map<string, Cable>();

function obey(command: Command, server: net.Server | undefined): LinkStats | undefined {
  if (command.do === 'listen') {
    if (server === undefined) throw new Error('no listening socket came along');
    cables.set(command.link, new Cable(command.link, server, command.address, command.port));
    return undefined;
  }
  const cable = cables.get(command.link);
  if (cable === undefined) throw new Error(`no such link: ${command.link}`);
  if (command.do === 'shape') cable.set(command.shape);
  else if (command.do === 'cutAfter') cable.light(command.bytes, command.how);
  else if (command.do === 'reset') cable.reset();
  return cable.stats;
}

process.on('message', (command: Command, handle: unknown) => {
  let reply: Reply;
  try {
    const stats = obey(command, handle instanceof net.Server ? handle : undefined);
    reply = stats === undefined ? { id: command.id } : { id: command.id, stats };
  } catch (error) {
    reply = { id: command.id, error: String(error) };
  }
  process.send?.(reply);
});

process.on('disconnect', () => {
  const directory = process.argv[2];
  if (directory !== undefined) removeLab(directory);
  process.exit(0);
});
