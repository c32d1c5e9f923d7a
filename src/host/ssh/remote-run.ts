// Follows a marked script (shell/marked-output.ts) over one exec channel to its end: results, limits, cancellation, and what
// to say when the login shell or the connection did not play along.
import { ZfsFlowError } from '../../base/errors';
import { MarkedOutput } from '../shell/marked-output';
import { abortable, cancelled, DEFAULT_MAX_BYTES, DEFAULT_TIMEOUT_MS, timedOut, watchForStop } from '../run-options';
import type { CommandResult, RunOptions } from '../host';
import type { Session } from '../channels';

export interface RemoteRun {
  label: string;
  marker: string;
  argvs: readonly (readonly string[])[];
  /** Everything to write to the channel, the script included where it travels that way. */
  stdin: Buffer;
  /** Ends the remote process group of this shell; called after the channel was closed. */
  kill: (pid: number) => Promise<void>;
}

export interface RemoteRunResult {
  results: CommandResult[];
  noisy: boolean;
}

/** Milliseconds that a channel may stay open after the last result: a background child may hold it. */
const LINGER_MS = 500;
/** Milliseconds that ending a command may take, which a host that no longer answers cannot do. */
const KILL_MS = 6_000;

/** Resolves when all commands have ended. Gives the session back in every case. */
export async function followRemoteRun(session: Session, run: RemoteRun, options: RunOptions): Promise<RemoteRunResult> {
  return new Follower(session, run, options).result();
}

class Follower {
  private readonly stdout: MarkedOutput;
  private readonly stderr: MarkedOutput;
  private failure: Error | undefined;
  private settle: (error?: Error) => void = () => undefined;

  constructor(
    private readonly session: Session,
    private readonly run: RemoteRun,
    private readonly options: RunOptions,
  ) {
    const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.stdout = new MarkedOutput({ marker: run.marker, maxBytes, onLine: options.onLine });
    this.stderr = new MarkedOutput({ marker: run.marker, maxBytes });
  }

  async result(): Promise<RemoteRunResult> {
    const { run, options, session, stdout, stderr } = this;
    let linger: NodeJS.Timeout | undefined;
    const watch = watchForStop(options, (reason) => {
      const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
      this.fail(reason === 'cancelled' ? cancelled() : timedOut(run.argvs[0] ?? [], run.label, timeoutMs));
    });
    try {
      await new Promise<void>((resolve, reject) => {
        this.settle = (error) => (error ? reject(error) : resolve());
        this.attach(() => {
          linger ??= setTimeout(() => this.settle(), LINGER_MS);
        });
        session.channel.end(run.stdin);
        if (options.signal?.aborted) this.fail(cancelled());
      });
    } finally {
      clearTimeout(linger);
      watch.clear();
      session.channel.close();
      session.release();
    }
    return { results: pairUp(stdout, stderr), noisy: stdout.noisy };
  }

  private attach(onComplete: () => void): void {
    const { channel } = this.session;
    const read = (output: MarkedOutput) => (chunk: Buffer) => {
      if (this.failure) return;
      try {
        output.push(chunk);
      } catch (error) {
        // Too much output, or the caller's `onLine` threw.
        this.fail(error as Error);
      }
      if (this.isComplete()) onComplete();
    };
    channel.on('data', read(this.stdout));
    channel.stderr.on('data', read(this.stderr));
    channel.on('error', () => undefined);
    channel.stderr.on('error', () => undefined);
    channel.on('close', (code: number | null, signal?: string) => {
      if (this.failure) return;
      this.settle(this.isComplete() ? undefined : this.incomplete(code, signal));
    });
    this.session.onLost((error) => this.settle(this.failure ?? error));
  }

  private isComplete(): boolean {
    const { length } = this.run.argvs;
    return this.stdout.results.length === length && this.stderr.results.length === length;
  }

  /** The shell ended before it had told the ends of all commands. */
  private incomplete(code: number | null | undefined, signal: string | undefined): ZfsFlowError {
    const { run, stdout, stderr } = this;
    const said = [stderr.unfinished, stdout.unfinished].filter((text) => text !== '').join('\n');
    const how = signal ? `was ended by ${signal}` : `ended with exit code ${code ?? 'unknown'}`;
    const more = { host: run.label, exitCode: code ?? null, stderr: said };
    if (stdout.started) {
      const command = run.argvs[stdout.results.length] ?? [];
      return new ZfsFlowError('ZFS_ERROR', `the shell on ${run.label} ${how} before the command was done`, {
        ...more,
        command,
      });
    }
    const output = said.trim() === '' ? '' : `: ${said.trim().slice(0, 500)}`;
    return new ZfsFlowError(
      'UNSUPPORTED',
      `the login shell on ${run.label} did not run our command, it ${how}${output}`,
      {
        ...more,
        hint: "The account needs an ordinary login shell (sh, bash, zsh, csh, tcsh, fish) and no forced command; see the server's log.",
      },
    );
  }

  /** Ends what runs on the host, then rejects. */
  private fail(error: Error): void {
    if (this.failure) return;
    this.failure = error;
    this.session.channel.close();
    void this.endRemote(error);
  }

  private async endRemote(error: Error): Promise<void> {
    try {
      if (this.stdout.pid > 0) await abortable(this.run.kill(this.stdout.pid), AbortSignal.timeout(KILL_MS));
    } catch {
      // The connection is gone, or the host too busy: sshd ends the command when it notices.
    }
    this.settle(error);
  }
}

function pairUp(stdout: MarkedOutput, stderr: MarkedOutput): CommandResult[] {
  return stdout.results.map(({ text, code }, index) => {
    return { code, signal: null, stdout: text, stderr: stderr.results[index]?.text ?? '' };
  });
}
