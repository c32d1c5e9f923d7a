// A machine reached over SSH. Control commands share one ssh2 connection; bulk data gets a process of its own, so that
// it never passes through this one's event loop (ssh-pipes.ts).
import type { LogLevel } from '../../base/events';
import { ZfsFlowError } from '../../base/errors';
import type { Channels } from '../channels';
import { CommandLog, followed, type Ended } from '../command-log';
import { changingScript, FACTS, factsScript, parseFacts, stillHolds, updateFacts, type KnownFacts } from '../facts';
import type { CommandResult, Host, HostFacts, PipeCommandOptions, ProcessSpec, RunOptions } from '../host';
import { abortable, checkStdin, requireProgram } from '../run-options';
import { endGroup } from '../shell/process-scripts';
import { markedScript, newMarker, type CommandSetup } from '../shell/marked-output';
import { displayCommand, MAX_REMOTE_COMMAND, remoteCommand, stdinCommand } from '../shell/quote';
import { checkTag } from '../tagged-processes';
import { SshConnection } from './connection';
import { followRemoteRun, type RemoteRunResult } from './remote-run';
import { SshChannels } from './ssh-channels';
import type { SshHostOptions } from './ssh-options';
import { SshPipes } from './ssh-pipes';

export class SshHost implements Host {
  readonly id: string;
  readonly label: string;
  readonly isLocal = false;
  readonly elevates: boolean;
  readonly viaJump: boolean;
  readonly channels: Channels;
  private readonly connection: SshConnection;
  private readonly pipes: SshPipes;
  private readonly setup: CommandSetup;
  private readonly log: CommandLog;
  private known: (KnownFacts & { generation: number }) | undefined;
  private asking: Promise<HostFacts> | undefined;

  constructor(options: SshHostOptions) {
    this.id = options.id;
    this.label = options.label;
    this.viaJump = options.jump !== undefined;
    this.log = new CommandLog(options.label);
    this.connection = new SshConnection(options);
    this.setup = { zfsPath: options.zfsPath, privilege: options.username === 'root' ? 'none' : options.sudo };
    this.elevates = this.setup.privilege !== 'none';
    this.pipes = new SshPipes(options, this.setup);
    this.channels = new SshChannels(this.connection, {
      address: options.host,
      account: options.username,
      setup: this.setup,
      note: (line) => this.log.started(line),
    });
  }

  get counters(): { commands: number; connections: number } {
    return { commands: this.connection.commands, connections: this.connection.generation + this.pipes.count };
  }

  async run(argv: readonly string[], options?: RunOptions): Promise<CommandResult> {
    const [result] = await this.runAll([argv], options);
    if (!result) throw new TypeError('one command has one result');
    return result;
  }

  async runAll(argvs: readonly (readonly string[])[], options: RunOptions = {}): Promise<CommandResult[]> {
    if (argvs.length === 0) return [];
    const commands = argvs.map((argv) => this.log.started(displayCommand(argv)));
    const { results } = await this.execute(commands, argvs, options);
    return results.map((result, index) => requireProgram(argvs[index] ?? [], result, this.label));
  }

  async runScript(script: string, options: RunOptions = {}): Promise<CommandResult> {
    const commands = [this.log.started(displayCommand(['sh', '-c', script]))];
    const { results } = await this.execute(commands, [['/bin/sh', '-c', script]], options);
    return results[0] as CommandResult;
  }

  async facts(options: { refresh?: boolean; signal?: AbortSignal | undefined } = {}): Promise<HostFacts> {
    const { known } = this;
    if (known && options.refresh !== true && known.generation === this.connection.generation) return known.facts;
    // Shared by all who ask at the same time, so one caller's cancellation must not end it for the others.
    this.asking ??= this.askFacts().finally(() => (this.asking = undefined));
    return abortable(this.asking, options.signal);
  }

  async pipeCommand(argv: readonly string[], options: PipeCommandOptions): Promise<ProcessSpec> {
    checkTag(options.tag);
    // Also finds out, with precise errors, whether the host can be reached at all.
    const facts = await this.facts();
    const argvs = [...(options.before ?? []), argv, ...(options.after ?? [])];
    const ended = this.log.started(argvs.map(displayCommand).join(' | '));
    try {
      const spec = await this.pipes.carry(argvs, options.tag, facts);
      return { ...spec, release: (end) => (spec.release(), ended(end)) };
    } catch (error) {
      ended(error as Error);
      throw error;
    }
  }

  onCommand(listener: (line: string, level: LogLevel) => void): () => void {
    return this.log.onCommand(listener);
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  private async execute(
    commands: readonly Ended[],
    argvs: readonly (readonly string[])[],
    options: RunOptions,
  ): Promise<RemoteRunResult> {
    return followed(commands, this.carryOut(argvs, options), ({ results }) => results);
  }

  private async carryOut(argvs: readonly (readonly string[])[], options: RunOptions): Promise<RemoteRunResult> {
    checkStdin(options.stdin);
    const marker = newMarker();
    const script = markedScript(argvs, marker, this.setup, options.stdin !== undefined);
    let command: string;
    let stdin = Buffer.from(options.stdin ?? '');
    try {
      command = remoteCommand(script);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (options.stdin !== undefined) {
        throw new ZfsFlowError(
          'UNSUPPORTED',
          `a command with standard input is limited to ${MAX_REMOTE_COMMAND} bytes`,
        );
      }
      command = stdinCommand();
      stdin = Buffer.from(script);
    }
    const session = await this.connection.session(command, options.signal);
    const kill = async (pid: number): Promise<void> => this.killGroup(pid);
    return followRemoteRun(session, { label: this.label, marker, argvs, stdin, kill }, options);
  }

  private async askFacts(): Promise<HostFacts> {
    const { known } = this;
    // Another connection may lead to another machine, or to one that was started anew.
    if (known?.generation === this.connection.generation && stillHolds(known)) {
      const { results, noisy } = await this.ask(changingScript(this.setup.privilege));
      const facts = updateFacts(known.facts, results[0] as CommandResult, noisy);
      if (facts && known.generation === this.connection.generation) return (this.known = { ...known, facts }).facts;
    }
    const { results, noisy } = await this.ask(factsScript(this.setup.privilege));
    const facts = parseFacts(results[0] as CommandResult, noisy, this.label);
    this.known = { facts, asked: performance.now(), generation: this.connection.generation };
    return facts;
  }

  private async ask(script: string): Promise<RemoteRunResult> {
    return this.execute([this.log.asked(FACTS)], [['/bin/sh', '-c', script]], { timeoutMs: 60_000 });
  }

  /** sshd makes each command the leader of a session and process group of its own, so the group is the command. */
  private async killGroup(pid: number): Promise<void> {
    const argvs = [['/bin/sh', '-c', endGroup(pid)]];
    const marker = newMarker();
    const session = await this.connection.sessionBeyond(remoteCommand(markedScript(argvs, marker, this.setup, false)));
    // It ends by itself, so nobody has to end it.
    const run = { label: this.label, marker, argvs, stdin: Buffer.alloc(0), kill: () => Promise.resolve() };
    await followRemoteRun(session, run, { timeoutMs: 5_000 });
  }
}
