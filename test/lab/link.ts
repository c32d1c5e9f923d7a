// The link between this host and one machine, and the process that carries all links of a lab (forwarder.ts).
// The control connection of machine.run() does not pass here: a cut link leaves the test in charge.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import type { Command, LinkStats, Reply } from './forwarder';
import type { Shape } from './wire';

type Unnumbered<T> = T extends { id: number } ? Omit<T, 'id'> : never;

/** The forwarder process of a lab. */
export class Forwarder {
  private readonly waiting = new Map<number, (reply: Reply) => void>();
  private readonly tripped = new Map<string, () => void>();
  private lastId = 0;

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (reply: Reply) => {
      if ('tripped' in reply) {
        this.tripped.get(reply.tripped)?.();
        this.tripped.delete(reply.tripped);
      } else {
        this.waiting.get(reply.id)?.(reply);
        this.waiting.delete(reply.id);
      }
    });
    child.on('exit', () => {
      for (const [id, answer] of this.waiting) answer({ id, error: 'the forwarder process has ended' });
    });
    child.unref();
    child.channel?.unref();
  }

  static start(namespace: string, directory: string): Forwarder {
    const loader = require.resolve('tsx/cjs');
    const argv = [
      `--net=/run/netns/${namespace}`,
      process.execPath,
      '--require',
      loader,
      path.join(__dirname, 'forwarder.ts'),
      directory,
    ];
    // In a session of its own, so that Ctrl-C does not reach it before its parent has tidied up.
    return new Forwarder(spawn('nsenter', argv, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], detached: true }));
  }

  /** Forwards a free port of 127.0.0.1 to `address:port` inside the lab. */
  async forward(link: string, address: string, port: number): Promise<number> {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const bound = (server.address() as net.AddressInfo).port;
    await this.ask({ do: 'listen', link, address, port }, server);
    server.close();
    return bound;
  }

  async ask(command: Unnumbered<Command>, server?: net.Server): Promise<LinkStats | undefined> {
    const id = ++this.lastId;
    this.child.channel?.ref();
    try {
      const reply = await new Promise<Reply>((resolve, reject) => {
        this.waiting.set(id, resolve);
        this.child.send({ ...command, id }, server, (error) => {
          if (error) reject(error);
        });
      });
      if ('error' in reply) throw new Error(`forwarder: ${reply.error}`);
      return 'stats' in reply ? reply.stats : undefined;
    } finally {
      this.waiting.delete(id);
      if (this.waiting.size === 0) this.child.channel?.unref();
    }
  }

  /** Settles when the fuse of a link has burnt down. */
  whenTripped(link: string): Promise<void> {
    return new Promise((resolve) => this.tripped.set(link, resolve));
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.ref();
    this.child.kill('SIGKILL');
    await ended;
  }
}

/** One forwarded port of a machine, on 127.0.0.1:`port`. All connections through it share its fate. */
export class Link {
  private fuse: Promise<void> | null = null;

  constructor(
    private readonly forwarder: Forwarder,
    private readonly name: string,
    readonly port: number,
  ) {}

  /** Bytes stop, nothing is refused or closed: as if the cable were pulled. New connections hang too. */
  async cut(): Promise<void> {
    await this.shape({ cut: true });
  }

  /** The cable is back in: what was held flows on, and no `cutAfter` is to come any more. */
  async restore(): Promise<void> {
    await this.shape({ cut: false });
  }

  /** Ends all open connections with a TCP reset on both sides; new ones are welcome. */
  async reset(): Promise<void> {
    await this.forwarder.ask({ do: 'reset', link: this.name });
  }

  /** Bytes per second each way, for all connections together; 0: as fast as it goes. */
  async limit(bytesPerSecond: number): Promise<void> {
    await this.shape({ bytesPerSecond });
  }

  /** Milliseconds added each way. */
  async delay(delayMs: number): Promise<void> {
    await this.shape({ delayMs });
  }

  /** Cuts or resets once so many more bytes have passed, both ways counted. Wait for it with `tripped()`. */
  async cutAfter(bytes: number, how: 'cut' | 'reset' = 'cut'): Promise<void> {
    this.fuse = this.forwarder.whenTripped(this.name);
    await this.forwarder.ask({ do: 'cutAfter', link: this.name, bytes, how });
  }

  /** Settles when `cutAfter` has struck. */
  async tripped(): Promise<void> {
    if (this.fuse === null) throw new Error('link.tripped() without link.cutAfter()');
    await this.fuse;
  }

  async stats(): Promise<LinkStats> {
    const stats = await this.forwarder.ask({ do: 'stats', link: this.name });
    if (stats === undefined) throw new Error('the forwarder gave no figures');
    return stats;
  }

  private async shape(shape: Partial<Shape>): Promise<void> {
    await this.forwarder.ask({ do: 'shape', link: this.name, shape });
  }
}
