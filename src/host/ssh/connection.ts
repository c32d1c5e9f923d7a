// One shared, lazily opened SSH connection: who may use it at once, what happens when it is lost, when to try again.
// How a single attempt is made is `connect.ts`; what runs over it is `ssh-host.ts`.
import type { Client, ClientChannel } from 'ssh2';
import { ZfsFlowError } from '../../base/errors';
import { abortable, throwIfCancelled } from '../run-options';
import type { Session } from '../channels';
import { connectionLost } from '../connection-errors';
import { Slots } from '../slots';
import { connect, type ConnectOptions } from './connect';

const FIRST_DELAY_MS = 500;
/** Short, so that who has mended what was wrong and tries again hardly waits; long waits are for a run's own retries. */
const LONGEST_DELAY_MS = 1_000;
/** Refusals of a channel while none of ours is open, before giving up: sshd frees a session a moment after closing it. */
const REFUSALS = 5;

export class SshConnection {
  /** Counts connections; a new number means that facts learnt before may be old. */
  generation = 0;
  /** Commands that `session` was asked to start. */
  commands = 0;
  private client: Client | undefined;
  private opening: Promise<Client> | undefined;
  private closed = new AbortController();
  private failures = 0;
  private failedAt = 0;
  /** Of its exec channels. */
  readonly slots: Slots;
  private readonly lostListeners = new Set<(error: ZfsFlowError) => void>();

  constructor(private readonly options: ConnectOptions & { maxSessions: number }) {
    this.slots = new Slots(options.maxSessions);
  }

  /** Starts `command` on an exec channel of its own, waiting for a free one. Throws the connection codes, CANCELLED. */
  async session(command: string, signal?: AbortSignal): Promise<Session> {
    this.commands++;
    for (let refusals = 0; ;) {
      const release = await this.slots.acquire(signal);
      try {
        const client = await this.open(signal);
        throwIfCancelled(signal);
        const channel = await this.exec(client, command);
        return this.makeSession(channel, release);
      } catch (error) {
        release();
        if (!(error instanceof Refused)) throw error;
        // sshd's MaxSessions is lower than ours: use as many as it gave us, and wait for one of them.
        if (this.slots.active > 0) this.slots.limit = this.slots.active;
        else if (++refusals > REFUSALS) throw error.explain(this.options.label);
        await delay(50 * (refusals + 1), signal);
      }
    }
  }

  /**
   * The same for what ends another session's command: that one holds its slot until then, perhaps the last, so no slot is
   * waited for. Only over the connection as it is, since after another the same pid may be another process.
   */
  async sessionBeyond(command: string): Promise<Session> {
    for (let refusals = 1; ; refusals++) {
      if (!this.client) throw connectionLost(this.options.label, undefined);
      try {
        return this.makeSession(await this.exec(this.client, command), () => undefined);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (refusals > REFUSALS) throw error.explain(this.options.label);
        await delay(50 * refusals, undefined);
      }
    }
  }

  /** Ends the connection; everything that runs over it fails with CONNECTION_LOST. The next use connects again. */
  async close(): Promise<void> {
    this.closed.abort();
    this.closed = new AbortController();
    const { client } = this;
    if (!client) return;
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => client.destroy(), 1000);
      client.on('close', () => {
        clearTimeout(force);
        resolve();
      });
      client.end();
    });
  }

  private async open(signal: AbortSignal | undefined): Promise<Client> {
    if (this.client) return this.client;
    // Shared by all who wait, so one caller's cancellation must not end it for the others.
    this.opening ??= this.connectAfterDelay().finally(() => (this.opening = undefined));
    return abortable(this.opening, signal);
  }

  private async connectAfterDelay(): Promise<Client> {
    const { signal } = this.closed;
    const wait = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.failures - 1));
    const left = this.failures === 0 ? 0 : this.failedAt + wait - performance.now();
    if (left > 0) await delay(left, signal);
    try {
      const client = await connect(this.options, signal);
      this.failures = 0;
      this.generation++;
      this.adopt(client);
      return client;
    } catch (error) {
      this.failures++;
      this.failedAt = performance.now();
      throw error;
    }
  }

  private adopt(client: Client): void {
    let cause: (Error & { level?: string }) | undefined;
    let over = false;
    const lost = (): void => {
      if (over) return;
      over = true;
      if (this.client === client) this.client = undefined;
      const error = connectionLost(this.options.label, cause);
      for (const listener of this.lostListeners) listener(error);
      this.lostListeners.clear();
    };
    client.on('error', (error) => {
      cause ??= error;
      client.destroy();
    });
    client.on('end', lost);
    client.on('close', lost);
    this.client = client;
  }

  private async exec(client: Client, command: string): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      const lost = (error: ZfsFlowError): void => reject(error);
      this.lostListeners.add(lost);
      const settle = (error: (Error & { reason?: unknown }) | undefined, channel: ClientChannel | undefined): void => {
        this.lostListeners.delete(lost);
        if (channel && !error) {
          resolve(channel);
        } else {
          reject(typeof error?.reason === 'number' ? new Refused(error) : connectionLost(this.options.label, error));
        }
      };
      try {
        client.exec(command, settle);
      } catch (error) {
        // "Not connected": the socket has gone, its `close` event is still to come.
        settle(error as Error, undefined);
      }
    });
  }

  private makeSession(channel: ClientChannel, release: () => void): Session {
    const listeners = new Set<(error: ZfsFlowError) => void>();
    const lost = (error: ZfsFlowError): void => listeners.forEach((listener) => listener(error));
    this.lostListeners.add(lost);
    return {
      channel,
      onLost: (listener) => listeners.add(listener),
      release: () => {
        this.lostListeners.delete(lost);
        release();
      },
    };
  }
}

class Refused extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }

  explain(label: string): ZfsFlowError {
    const message = `${label} refuses to run commands: ${this.message}`;
    const hint = "Check sshd's MaxSessions and the restrictions of the key.";
    return new ZfsFlowError('PERMISSION_DENIED', message, { host: label, hint, cause: this });
  }
}

async function delay(ms: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await abortable(over, signal).finally(() => clearTimeout(timer));
}
