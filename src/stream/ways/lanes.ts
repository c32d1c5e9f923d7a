// The lanes of a run's small streams (lane.ts), kept for the next stream. One that nothing runs on is given up as soon as
// somebody else waits for a channel of its connection, so that it never keeps the run's own commands waiting.
import type { Channels } from '../../host/channels';
import type { Endpoint } from './endpoint';
import { Lane } from './lane';

export class Lanes {
  private readonly idle = new Map<Channels, Lane[]>();
  private readonly forget: (() => void)[] = [];
  private closed = false;

  /** Runs a command on a free lane of these channels, or a new one; see `Lane.start`. Throws the connection codes. */
  async start(
    channels: Channels,
    argv: readonly string[],
    options: { tag: string; reads: boolean; signal?: AbortSignal | undefined },
  ): Promise<Endpoint> {
    const lane =
      this.take(channels) ?? (await Lane.open(channels, (free) => this.keep(channels, free), options.signal));
    return lane.start(argv, options.tag, options.reads);
  }

  /** Gives up those that wait; those in use go when their streams have ended. */
  close(): void {
    this.closed = true;
    for (const channels of this.idle.keys()) this.giveUp(channels);
    for (const forget of this.forget) forget();
  }

  private take(channels: Channels): Lane | undefined {
    if (!this.idle.has(channels)) {
      this.idle.set(channels, []);
      this.forget.push(channels.onCrowded(() => this.giveUp(channels)));
    }
    const lanes = this.idle.get(channels) ?? [];
    for (let lane = lanes.pop(); lane; lane = lanes.pop()) if (lane.idle) return lane;
    return undefined;
  }

  private keep(channels: Channels, lane: Lane): void {
    if (this.closed || channels.isCrowded) lane.close();
    else this.idle.get(channels)?.push(lane);
  }

  private giveUp(channels: Channels): void {
    for (const lane of this.idle.get(channels)?.splice(0) ?? []) lane.close();
  }
}
