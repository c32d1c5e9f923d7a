// Where commands run: on this machine or over SSH, behind one interface. Knows nothing of ZFS beyond the PATH on
// which its tools are found. Quoting for a remote shell is `shell/quote.ts`; how bulk bytes move is `stream/`.
import type { Writable } from 'node:stream';
import type { LogLevel } from '../base/events';
import type { Channels } from './channels';
import type { CommandEnd } from './command-log';
import type { MachineFacts } from './machine-identity';

export interface CommandResult {
  /** Exit code, or null when a signal ended the process. */
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Written to standard input, which is then closed. At most 1 MiB. Without it standard input is empty. */
  stdin?: string | Buffer;
  /** Milliseconds; the process is ended and `TIMEOUT` thrown. Default 600,000. 0 = none. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
  /**
   * Called for each line of standard output instead of collecting it (`stdout` is then ''). `index` is the command's
   * place in `runAll`, 0 for `run`; `whole` is false for a last line that no newline ends. Long listings are read this way.
   */
  onLine?: (line: string, index: number, whole: boolean) => void;
  /** Limit for collected standard output and standard error, bytes each; exceeding it throws. Default 64 MiB. */
  maxBytes?: number;
}

export interface PoolFacts {
  name: string;
  guid: string;
  health: string;
  /** Another one each time the pool is imported; undefined where ZFS does not tell. */
  loadGuid?: string;
  /** What it notes about single datasets stays when they leave memory (feature extensible_dataset). */
  keepsNotes?: boolean;
}

/** What one round trip to the host finds out. Cached for as long as the connection lives; `refresh` asks again. */
export interface HostFacts {
  /** `uname -s`: Linux, FreeBSD, … */
  platform: string;
  hostname: string;
  /** The `zfs` userland and kernel module versions as printed, '' when there is none. */
  zfsVersion: string;
  zfsKernelVersion: string;
  isRoot: boolean;
  /** Helper programs found on PATH (of the list that the probe asks for: lz4, zstd, pigz, xz, mbuffer, openssl …). */
  programs: ReadonlySet<string>;
  /** Imported pools. GUIDs are decimal strings. */
  pools: readonly PoolFacts[];
  /** Its clock, seconds since the epoch, as the question was answered; undefined where it has no `date`. */
  clock?: number;
  /** The CPU has AES instructions. */
  aes: boolean;
  /** The login shell printed something of its own before our command's output (an rc file that echoes). */
  noisyShell: boolean;
  /** What tells this machine from others. The same object for as long as it is believed. */
  machine: MachineFacts;
}

/**
 * A process of *this* machine whose standard input and output are those of the command on the host: the command
 * itself for the local host, the `ssh` binary or our helper process otherwise.
 */
export interface ProcessSpec {
  file: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Written to file descriptor 3 and closed, for a helper process that needs secrets. */
  secretInput?: string;
  /** Gets file descriptor 3 as a stream that stays open, for a helper process that is told things while it runs. */
  control?: (stream: Writable) => void;
  /**
   * Set for a host whose login shell prints something of its own: standard output begins with a line of exactly this
   * text, and everything up to and including it does not belong to the command.
   */
  outputMarker?: string;
  /** Releases what the process needed (agent socket, files). Call once it has ended, with how, or was not started. */
  release(end?: CommandEnd): void;
}

export interface PipeCommandOptions {
  /**
   * Put into the wrapper shell's argument list, so that `ps` on the host shows whose process it is and a later run
   * can find and end it. Characters `[0-9A-Za-z._:-]` only.
   */
  tag: string;
  /** Commands on the host that standard input passes before the command, and that its output passes after it. */
  before?: readonly (readonly string[])[];
  after?: readonly (readonly string[])[];
}

export interface Host {
  /** Stable within this process: `local`, or the id of the connection's configuration node. */
  readonly id: string;
  /** For messages: `local`, or the connection's name or host name. */
  readonly label: string;
  readonly isLocal: boolean;
  /** `zfs` and `zpool` run as root there although the account is not root: through sudo or doas. */
  readonly elevates?: boolean;
  /** Reached through another host, so that no connection but SSH's leads there from here. */
  readonly viaJump?: boolean;
  /** Of a remote host, for `stream/`. */
  readonly channels?: Channels;

  /**
   * Runs a command to its end. Resolves whatever the exit code is: judging it is the caller's duty.
   * Throws CANCELLED, TIMEOUT, and for a remote host HOST_NOT_FOUND, HOST_UNREACHABLE, CONNECTION_REFUSED,
   * CONNECTION_TIMEOUT, CONNECTION_LOST, HOST_KEY_UNKNOWN, HOST_KEY_MISMATCH, AUTHENTICATION_FAILED;
   * COMMAND_NOT_FOUND when the program does not exist.
   */
  run(argv: readonly string[], options?: RunOptions): Promise<CommandResult>;

  /** Runs commands one after the other in **one** remote command (one round trip); a failing one does not stop the next. */
  runAll(argvs: readonly (readonly string[])[], options?: RunOptions): Promise<CommandResult[]>;

  /**
   * Runs a POSIX `sh` script written by a person (hooks). `run` and `runAll` are for everything else.
   */
  runScript(script: string, options?: RunOptions): Promise<CommandResult>;

  facts(options?: { refresh?: boolean; signal?: AbortSignal | undefined }): Promise<HostFacts>;

  /** A local process that carries the command's standard input and output; see `stream/`. */
  pipeCommand(argv: readonly string[], options: PipeCommandOptions): Promise<ProcessSpec>;

  /** Called with every command line as it starts, for the `command` events (level debug). Secrets never in it. */
  onCommand(listener: (line: string, level: LogLevel) => void): () => void;

  /** Counts of remote commands and connections so far, for tests and benchmarks. */
  readonly counters: { commands: number; connections: number };

  /** Ends the connection and whatever runs over it. The next use connects again. */
  close(): Promise<void>;
}

/** Finds the host of a connection id; `''` is the machine that runs Node-RED. Throws `INVALID_OPTIONS` for an unknown id. */
export type HostResolver = (connection: string) => Host;
