// Commands in a machine over one multiplexed OpenSSH connection per machine and user: a `zfs list` costs about 40 ms.
// The connection enters the lab's namespace by itself, so it neither uses nor suffers from the links under test.
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RunOptions {
  /** Account in the machine; default root. */
  user?: string;
  stdin?: string | Buffer;
  /** Throw when the exit code is not 0 (default true). */
  check?: boolean;
}

export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

export class CommandFailed extends Error {
  constructor(
    readonly command: string,
    readonly result: RunResult,
  ) {
    super(`${command}: exit code ${result.code}: ${(result.stderr || result.stdout).trim()}`);
    this.name = 'CommandFailed';
  }
}

/** One word of a POSIX shell command line. (The lab has its own: the one in src/ is what is being tested.) */
const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** The ssh connections into one machine. */
export class Control {
  private readonly masters = new Map<string, Promise<ChildProcess>>();

  constructor(
    private readonly machine: string,
    private readonly namespace: string,
    private readonly config: string,
    private readonly socketPrefix: string,
  ) {}

  /** Runs argv; arguments reach it as they are (accounts with csh or fish: plain words only). */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const child = await this.spawn(argv, options.user, ['pipe', 'pipe', 'pipe']);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin?.on('error', () => undefined); // a command need not read its input; its exit code says how it went
    child.stdin?.end(options.stdin);
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    const result = {
      code: code ?? -1,
      stdout: Buffer.concat(out).toString(),
      stderr: Buffer.concat(err).toString() + (signal === null ? '' : `ssh was ended by ${signal}`),
    };
    if (options.check !== false && result.code !== 0)
      throw new CommandFailed(`${this.machine}: ${argv.join(' ')}`, result);
    return result;
  }

  /** The local ssh process of a command, for streams and for what runs long. */
  async spawn(argv: readonly string[], user = 'root', stdio: StdioOptions = 'pipe'): Promise<ChildProcess> {
    await this.master(user);
    const options = ['-F', this.config, '-S', this.socket(user), '-o', 'ProxyCommand=false', '-l', user];
    return spawn('ssh', [...options, this.machine, '--', argv.map(quote).join(' ')], { stdio });
  }

  /** Forgets all connections; the machine need not be there any more. */
  async close(): Promise<void> {
    const masters = [...this.masters.values()];
    this.masters.clear();
    for (const starting of masters) {
      const master = await starting.catch(() => null);
      if (master === null || master.exitCode !== null || master.signalCode !== null) continue;
      const ended = once(master, 'exit');
      master.ref();
      master.kill('SIGTERM');
      await ended;
    }
  }

  private socket(user: string): string {
    return `${this.socketPrefix}-${user}`;
  }

  private master(user: string): Promise<ChildProcess> {
    let master = this.masters.get(user);
    if (master === undefined) {
      master = this.connect(user);
      this.masters.set(user, master);
      const forget = (): void => {
        if (this.masters.get(user) === master) this.masters.delete(user);
      };
      master.then((child) => child.once('exit', forget), forget);
    }
    return master;
  }

  private async connect(user: string): Promise<ChildProcess> {
    const ssh = ['ssh', '-F', this.config, '-o', 'ProxyCommand=none', '-M', '-N', '-S', this.socket(user)];
    const child = spawn('nsenter', [`--net=/run/netns/${this.namespace}`, ...ssh, '-l', user, this.machine], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.unref();
    while (!existsSync(this.socket(user))) {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`${this.machine}: no ssh connection as ${user}: ${said.trim()}`);
      }
      await sleep(10);
    }
    (child.stderr as unknown as { unref(): void }).unref();
    return child;
  }
}
