// A stream over a TCP connection of its own, from the source straight to the target, encrypted or in the clear: the control
// connections carry only what its ends are told and tell. Neither end, nor what carries between them, proves by its exit
// code that all arrived; `zfs receive` does (docs/design/transports.md §0), and the caller's look at the GUIDs after it.
import { randomBytes } from 'node:crypto';
import type { Host } from '../../host/host';
import { judgedStages } from '../judge';
import { openFarEnd } from '../wire/far-end';
import { openNearEnd } from '../wire/near-end';
import { KEY_BYTES } from '../wire/tls-session';
import type { EndReport, EndTask, WireEnd } from '../wire/wire-end';
import { wireFailure } from '../wire/wire-failure';
import { dataPathOf, portsToTry, type Side, type Wire } from '../wire/wire-plan';
import { GRACE_MS } from './grace';
import { succeeded, type Move, type StageResult, type Watch, type Way } from './way';

/** Until one end listens: a channel, a shell, up to twenty ports. Milliseconds. */
const LISTEN_MS = 15_000;
/** Until the other is connected: within 20 s an attempt must end at a port that is blocked. Milliseconds. */
const CONNECT_MS = 15_000;
/** For removing what a killed end left. Milliseconds. */
const TIDY_MS = 3_000;

/** Takes what is to go this way, and nothing else. */
export const tcp: Way = (move) => {
  const { wire } = move;
  return wire ? async (watch) => runTcp(move, wire, watch) : null;
};

async function runTcp(move: Move, wire: Wire, watch: Watch): Promise<StageResult[]> {
  const key = randomBytes(KEY_BYTES);
  const ports = portsToTry(wire.ports, Math.random());
  const open = async (side: Side): Promise<WireEnd> => {
    const task = taskOf(move, wire, { side, key, ports }, watch);
    const { channels } = task.host;
    return channels ? openFarEnd(channels, task) : openNearEnd(task);
  };
  const ends = await openBoth(open('source'), open('target'));
  return new Junction(move, wire, ends, watch).results();
}

function taskOf(
  move: Move,
  wire: Wire,
  { side, key, ports }: { side: Side; key: Buffer; ports: readonly number[] },
  watch: Watch,
): EndTask {
  const isSource = side === 'source';
  const listens = wire.listen === side;
  const filters = (isSource ? move.sendFilters : move.receiveFilters) ?? [];
  return {
    host: isSource ? move.source : move.target,
    direction: isSource ? 'send' : 'receive',
    listens,
    protocol: wire.transport === 'ssh+tls' ? 'tls' : 'plain',
    cipher: wire.cipher,
    carrier: wire.carriers[side],
    commands: { argv: isSource ? move.sendArgv : move.receiveArgv, filters },
    address: listens ? wire.listenAddress : wire.connectAddress,
    ports,
    key,
    tag: move.tag,
    rateLimit: move.rateLimit,
    signal: watch.signal,
    onLine: (line) => watch.onLine(isSource ? 'send' : 'receive', line),
  };
}

/** Both at the same time: each costs a round trip. Neither is left behind when the other cannot be had. */
async function openBoth(source: Promise<WireEnd>, target: Promise<WireEnd>): Promise<Record<Side, WireEnd>> {
  try {
    const [from, to] = await Promise.all([source, target]);
    return { source: from, target: to };
  } catch (error) {
    const opened = await Promise.allSettled([source, target]);
    for (const result of opened) if (result.status === 'fulfilled') await finish(result.value);
    throw error;
  }
}

async function finish(end: WireEnd): Promise<void> {
  end.end();
  await end.ended.catch(() => undefined);
}

/** Removes what a script left that was killed with its watchdog, best effort. */
async function tidyUp(host: Host, { directory }: EndReport): Promise<void> {
  if (directory === '') return;
  // A script that is still ending may do it first.
  await host.run(['rm', '-rf', directory], { timeoutMs: TIDY_MS }).catch(() => undefined);
}

class Junction {
  private readonly labels: Readonly<Record<Side, string>>;
  private readonly connects: Side;
  private port = 0;
  private isConnected = false;
  /** Seconds that nobody was heard of. */
  private silentFor = 0;
  private timer: NodeJS.Timeout | undefined;
  private grace: NodeJS.Timeout | undefined;

  constructor(
    private readonly move: Move,
    private readonly wire: Wire,
    private readonly ends: Readonly<Record<Side, WireEnd>>,
    private readonly watch: Watch,
  ) {
    this.labels = { source: move.source.label, target: move.target.label };
    this.connects = wire.listen === 'source' ? 'target' : 'source';
  }

  async results(): Promise<StageResult[]> {
    const { watch, ends } = this;
    const stop = (): void => this.endBoth();
    watch.signal.addEventListener('abort', stop, { once: true });
    if (watch.signal.aborted) stop();
    this.patience(LISTEN_MS);
    void ends[this.wire.listen].listening.then(({ port }) => this.onListening(port));
    for (const side of ['source', 'target'] as const) void ends[side].connected.then(() => this.onConnected());
    try {
      const [source, target] = await Promise.all([this.follow('source'), this.follow('target')]);
      await Promise.all([tidyUp(this.move.source, source), tidyUp(this.move.target, target)]);
      return this.judged({ source, target });
    } finally {
      clearTimeout(this.timer);
      clearTimeout(this.grace);
      watch.signal.removeEventListener('abort', stop);
    }
  }

  private judged(reports: Record<Side, EndReport>): StageResult[] {
    const { source, target } = reports;
    const results = [source.stage, ...source.between, ...target.between, target.stage];
    // A program that takes no input for all of it would be content with a connection that never was.
    const met = source.connected || target.connected;
    if ((succeeded(results) && met) || this.watch.signal.aborted) return results;
    const { wire, labels, port, silentFor } = this;
    const failure = wireFailure({ wire, labels, port, reports, silentFor, wordsOf: this.move.wordsOf });
    if (!failure) return results;
    throw failure.with({ details: { stages: judgedStages(results, this.move) } });
  }

  /** An end's end; one that failed ends the other, at once where they never met. */
  private async follow(side: Side): Promise<EndReport> {
    const other = this.ends[side === 'source' ? 'target' : 'source'];
    try {
      const report = await this.ends[side].ended;
      const hasMet = side === this.connects ? this.isConnected || report.connected : this.port > 0;
      if (hasMet && report.stage.code === 0 && report.stage.signal === null) return report;
      if (this.isConnected) this.grace ??= setTimeout(() => this.endBoth(), GRACE_MS);
      else other.end();
      return report;
    } catch (error) {
      await finish(other);
      throw error;
    }
  }

  private onListening(port: number): void {
    this.port = port;
    if (this.isConnected) return;
    this.patience(CONNECT_MS);
    this.ends[this.connects].connect(port);
  }

  private onConnected(): void {
    if (this.isConnected) return;
    this.isConnected = true;
    clearTimeout(this.timer);
    this.watch.onPath?.(dataPathOf(this.wire, this.port, this.labels));
  }

  private patience(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.silentFor = ms / 1000;
      this.endBoth();
    }, ms);
  }

  private endBoth(): void {
    this.ends.source.end();
    this.ends.target.end();
  }
}
