// Exec channels of a remote host, for who follows a script of ours while it runs: a stream that rides a channel, a
// pipeline over there. What is only run to its end goes through `Host.run`. A host that has them is a remote one.
import type { Duplex, Readable } from 'node:stream';
import type { ZfsFlowError } from '../base/errors';
import type { Ended } from './command-log';
import type { CommandSetup } from './shell/marked-output';

/**
 * A script on the host as streams: what is written is its standard input, what is read its standard output. `exit` with
 * exit code (null: none) and name of the signal where the host tells them, then `close` once all was read.
 */
export interface Channel extends Duplex {
  readonly stderr: Readable;
  /** Closes both directions; what runs over there sees it at its streams and is left to end by itself. */
  close(): void;
}

/** An open channel. `release` gives its slot back and must be called when it has closed. */
export interface Session {
  readonly channel: Channel;
  /** Called once when the connection breaks. */
  onLost(listener: (error: ZfsFlowError) => void): void;
  release(): void;
}

export interface Channels {
  /** Host name or address that the connection leads to, as this machine knows it. */
  readonly address: string;
  /** Whose rights everything here has: two connections of one account to one machine can do the same. */
  readonly account: string;
  /** For scripts: PATH, and how `zfs` gets its rights. */
  readonly setup: CommandSetup;
  /**
   * Runs a script (printable ASCII, see shell/quote.ts) wrapped under `tag`, waiting for a free channel. The caller owns
   * the channel. Throws the connection codes, CANCELLED.
   */
  open(script: string, tag: string, signal?: AbortSignal): Promise<Session>;
  /** Tells who listens to `Host.onCommand` of a command that a script starts. */
  note(line: string): Ended;
  /** Somebody waits for a channel. */
  readonly isCrowded: boolean;
  /** Called whenever somebody has to wait for a channel; returns how to stop listening. */
  onCrowded(listener: () => void): () => void;
}
