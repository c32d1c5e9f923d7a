// A hand that interferes while a run goes on: something happens right before a command of it.
import type { Channels } from '../../src/host/channels';
import type { CommandResult, PipeCommandOptions, ProcessSpec, RunOptions } from '../../src/host/host';
import { SshHost } from '../../src/host/ssh/ssh-host';
import type { SshHostOptions } from '../../src/host/ssh/ssh-options';

/** What happens before a command; undefined for nothing. */
type Hook = (command: string) => (() => Promise<unknown>) | undefined;

export class HandHost extends SshHost {
  private hook: Hook = () => undefined;
  /** What `once` was given has happened. */
  isDone = true;

  constructor(options: SshHostOptions) {
    super(options);
    Object.assign(this, { channels: watched(this.channels, (command) => this.hook(command)) });
  }

  /** Calls `hand` right before the first command that matches. */
  once(matches: RegExp, hand: () => Promise<unknown>): void {
    this.isDone = false;
    this.hook = (command) => {
      if (this.isDone || !matches.test(command)) return undefined;
      this.isDone = true;
      return hand;
    };
  }

  /** Calls `hook` before each command, and waits for it. */
  each(hook: Hook): void {
    this.hook = hook;
  }

  override async runAll(argvs: readonly (readonly string[])[], options?: RunOptions): Promise<CommandResult[]> {
    // What is before it in one remote command has been done when the hand acts.
    const results: CommandResult[] = [];
    let waiting: (readonly string[])[] = [];
    const flush = async (): Promise<void> => {
      if (waiting.length === 0) return;
      const first = results.length;
      const onLine = options?.onLine;
      const lines = onLine && {
        onLine: (line: string, index: number, whole: boolean) => onLine(line, first + index, whole),
      };
      results.push(...(await super.runAll(waiting, { ...options, ...lines })));
      waiting = [];
    };
    for (const argv of argvs) {
      const acting = this.hook(argv.join(' '));
      if (acting !== undefined) {
        await flush();
        await acting();
      }
      waiting.push(argv);
    }
    await flush();
    return results;
  }

  override async runScript(script: string, options?: RunOptions): Promise<CommandResult> {
    await this.hook('a script')?.();
    return super.runScript(script, options);
  }

  override async pipeCommand(argv: readonly string[], options: PipeCommandOptions): Promise<ProcessSpec> {
    await this.hook(argv.join(' '))?.();
    return super.pipeCommand(argv, options);
  }
}

/** The same channels; what goes through them is told first. */
function watched(channels: Channels, hook: Hook): Channels {
  return Object.assign(Object.create(channels) as Channels, {
    open: async (...given: Parameters<Channels['open']>) => {
      await hook('a stream')?.();
      return channels.open(...given);
    },
  });
}
