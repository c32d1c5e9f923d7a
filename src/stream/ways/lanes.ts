// The lanes of a run's small streams (lane.ts), kept for the next stream. One that nothing runs on is given up as soon as
// somebody else waits for a channel of its connection, so that it never keeps the run's own commands waiting.
import type { SshHost } from '../../host/ssh/ssh-host';
import { Lane, type Endpoint } from './lane';

export class Lanes {
  private readonly idle = new Map<SshHost, Lane[]>();
  private readonly forget: (() => void)[] = [];
  private closed = false;

  /** Runs a command on a free lane of the host, or a new one; see `Lane.start`. Throws the connection codes. */
  async start(
    host: SshHost,
    argv: readonly string[],
    options: { tag: string; reads: boolean; signal?: AbortSignal | undefined },
  ): Promise<Endpoint> {
    const lane = this.take(host) ?? (await Lane.open(host, (free) => this.keep(host, free), options.signal));
    return lane.start(argv, options.tag, options.reads);
  }

  /** Gives up those that wait; those in use go when their streams have ended. */
  close(): void {
    this.closed = true;
    for (const host of this.idle.keys()) this.giveUp(host);
    for (const forget of this.forget) forget();
  }

  private take(host: SshHost): Lane | undefined {
    if (!this.idle.has(host)) {
      this.idle.set(host, []);
      this.forget.push(host.onCrowded(() => this.giveUp(host)));
    }
    const lanes = this.idle.get(host) ?? [];
    for (let lane = lanes.pop(); lane; lane = lanes.pop()) if (lane.idle) return lane;
    return undefined;
  }

  private keep(host: SshHost, lane: Lane): void {
    if (this.closed || host.isCrowded) lane.close();
    else this.idle.get(host)?.push(lane);
  }

  private giveUp(host: SshHost): void {
    for (const lane of this.idle.get(host)?.splice(0) ?? []) lane.close();
  }
}
