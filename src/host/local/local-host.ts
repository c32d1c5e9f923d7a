// The machine that runs Node-RED. Commands are started directly, without a shell.
import type { LogLevel } from '../../base/events';
import { CommandLog, followed, type Ended } from '../command-log';
import { changingScript, FACTS, factsScript, parseFacts, stillHolds, updateFacts, type KnownFacts } from '../facts';
import type { CommandResult, Host, HostFacts, PipeCommandOptions, ProcessSpec, RunOptions } from '../host';
import { runProcess } from './local-process';
import { abortable } from '../run-options';
import { localPipelineScript } from '../shell/pipeline-script';
import { displayCommand, splitPath, SYSTEM_PATH, WRAPPER } from '../shell/quote';
import { checkTag, LOCAL_WRAPPER } from '../tagged-processes';

export class LocalHost implements Host {
  readonly id = 'local';
  readonly label = 'local';
  readonly isLocal = true;
  readonly counters = { commands: 0, connections: 0 };
  private readonly env: NodeJS.ProcessEnv;
  private readonly log = new CommandLog(this.label);
  private known: KnownFacts | undefined;
  private asking: Promise<HostFacts> | undefined;

  /** `zfsPath`: further directories for PATH. */
  constructor(options: { zfsPath?: string } = {}) {
    const path = [process.env['PATH'] ?? '', ...SYSTEM_PATH, ...splitPath(options.zfsPath ?? '')];
    this.env = { ...process.env, LC_ALL: 'C', PATH: path.filter((directory) => directory !== '').join(':') };
  }

  async run(argv: readonly string[], options?: RunOptions): Promise<CommandResult> {
    return this.start(argv, options, 0);
  }

  async runAll(argvs: readonly (readonly string[])[], options?: RunOptions): Promise<CommandResult[]> {
    const results: CommandResult[] = [];
    for (const [index, argv] of argvs.entries()) results.push(await this.start(argv, options, index));
    return results;
  }

  async runScript(script: string, options?: RunOptions): Promise<CommandResult> {
    return this.start(['/bin/sh', '-c', script], options, 0);
  }

  async facts(options: { refresh?: boolean; signal?: AbortSignal } = {}): Promise<HostFacts> {
    if (this.known && options.refresh !== true) return this.known.facts;
    // Both ends of a run within this machine ask at the same time.
    this.asking ??= this.askFacts().finally(() => (this.asking = undefined));
    return abortable(this.asking, options.signal);
  }

  async pipeCommand(argv: readonly string[], options: PipeCommandOptions): Promise<ProcessSpec> {
    checkTag(options.tag);
    const commands = [...(options.before ?? []), argv, ...(options.after ?? [])];
    this.counters.commands++;
    const release = this.log.started(commands.map(displayCommand).join(' | '));
    const args =
      commands.length === 1
        ? [LOCAL_WRAPPER, options.tag, ...argv]
        : [WRAPPER, options.tag, localPipelineScript(commands)];
    return Promise.resolve({ file: '/bin/sh', args: ['-c', ...args], env: this.env, release });
  }

  onCommand(listener: (line: string, level: LogLevel) => void): () => void {
    return this.log.onCommand(listener);
  }

  async close(): Promise<void> {
    this.known = undefined;
    await Promise.resolve();
  }

  private async askFacts(): Promise<HostFacts> {
    if (stillHolds(this.known)) {
      const facts = updateFacts(this.known.facts, await this.ask(changingScript('none')), false);
      if (facts) return (this.known = { ...this.known, facts }).facts;
    }
    const facts = parseFacts(await this.ask(factsScript('none')), false, this.label);
    this.known = { facts, asked: performance.now() };
    return facts;
  }

  private async ask(script: string): Promise<CommandResult> {
    return this.execute(this.log.asked(FACTS), ['/bin/sh', '-c', script], { timeoutMs: 60_000 });
  }

  private async start(argv: readonly string[], options: RunOptions | undefined, index: number): Promise<CommandResult> {
    return this.execute(this.log.started(displayCommand(argv)), argv, options, index);
  }

  private async execute(
    ended: Ended,
    argv: readonly string[],
    options: RunOptions | undefined,
    index = 0,
  ): Promise<CommandResult> {
    this.counters.commands++;
    const work = runProcess(argv, { env: this.env, host: this.label, index }, options);
    return followed([ended], work, (result) => [result]);
  }
}
