// A hand that interferes while a run goes on: something happens right before a command of it.
import type { Channels } from '../../src/host/channels';
import type { CommandResult, PipeCommandOptions, ProcessSpec, RunOptions } from '../../src/host/host';
import { SshHost } from '../../src/host/ssh/ssh-host';
import type { SshHostOptions } from '../../src/host/ssh/ssh-options';

type Hook = (command: string) => Promise<unknown>;

export class HandHost extends SshHost {
  private hook: Hook = async () => undefined;
  /** What `once` was given has happened. */
  isDone = true;

  constructor(options: SshHostOptions) {
    super(options);
    Object.assign(this, { channels: watched(this.channels, (command) => this.hook(command)) });
  }

  /** Calls `hand` right before the first command that matches. */
  once(matches: RegExp, hand: () => Promise<unknown>): void {
    this.isDone = false;
    this.hook = async (command) => {
      if (this.isDone || !matches.test(command)) return;
      this.isDone = true;
      await hand();
    };
  }

  /** Calls `hook` before each command, and waits for it. */
  each(hook: Hook): void {
    this.hook = hook;
  }

  override async runAll(argvs: readonly (readonly string[])[], options?: RunOptions): Promise<CommandResult[]> {
    for (const argv of argvs) await this.hook(argv.join(' '));
    return super.runAll(argvs, options);
  }

  override async runScript(script: string, options?: RunOptions): Promise<CommandResult> {
    await this.hook('a script');
    return super.runScript(script, options);
  }

  override async pipeCommand(argv: readonly string[], options: PipeCommandOptions): Promise<ProcessSpec> {
    await this.hook(argv.join(' '));
    return super.pipeCommand(argv, options);
  }
}

/** The same channels; what goes through them is told first. */
function watched(channels: Channels, hook: Hook): Channels {
  return Object.assign(Object.create(channels) as Channels, {
    open: async (...given: Parameters<Channels['open']>) => {
      await hook(`a stream ${JSON.stringify(given[0])}`);
      return channels.open(...given);
    },
  });
}
