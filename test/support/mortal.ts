// A controller that dies before its n-th change on any host: from then on nothing that it does has an effect any more,
// its cleaning up neither. Exact and quick; a process that is really killed is in test/zfs/replication/crash.test.ts too.
import { ZfsFlowError } from '../../src/base/errors';
import type { Channels } from '../../src/host/channels';
import type { CommandResult, PipeCommandOptions, ProcessSpec, RunOptions } from '../../src/host/host';
import { SshHost } from '../../src/host/ssh/ssh-host';
import type { SshHostOptions } from '../../src/host/ssh/ssh-options';
import type { Machine } from '../lab/machine';
import { connectOptions, Engine } from './engine';

const READS = /^(zfs (list|get|holds|userspace|send -n)|zpool (list|sync|get)|ps |date )/;

export class Life {
  private changes = 0;
  /** What it was about to do when it died; '' while it lives. */
  last = '';
  constructor(private readonly most: number) {}

  /** Throws when it is dead, or dies of this. */
  act(what: string): void {
    if (this.last === '' && READS.test(what)) return;
    if (this.last === '' && this.changes++ < this.most) return;
    if (this.last === '') this.last = what;
    throw new ZfsFlowError('CANCELLED', 'the controller is dead');
  }
}

export class MortalHost extends SshHost {
  constructor(
    options: SshHostOptions,
    private readonly life: Life,
  ) {
    super(options);
    Object.assign(this, { channels: mortalChannels(this.channels, life) });
  }

  override async runAll(argvs: readonly (readonly string[])[], options?: RunOptions): Promise<CommandResult[]> {
    const done: (readonly string[])[] = [];
    for (const argv of argvs) {
      try {
        this.life.act(argv.join(' '));
      } catch (dead) {
        // Part of one remote command, as when the connection goes in the middle of it.
        if (done.length > 0) await super.runAll(done, options);
        throw dead;
      }
      done.push(argv);
    }
    return super.runAll(argvs, options);
  }

  override async runScript(script: string, options?: RunOptions): Promise<CommandResult> {
    this.life.act('a script');
    return super.runScript(script, options);
  }

  override async pipeCommand(argv: readonly string[], options: PipeCommandOptions): Promise<ProcessSpec> {
    this.life.act(argv.join(' '));
    return super.pipeCommand(argv, options);
  }
}

/** The same channels, opened and given commands only while it lives. */
function mortalChannels(channels: Channels, life: Life): Channels {
  return Object.assign(Object.create(channels) as Channels, {
    note: (line: string) => {
      life.act(line);
      return channels.note(line);
    },
    open: async (...given: Parameters<Channels['open']>) => {
      life.act('a stream');
      return channels.open(...given);
    },
  });
}

/** A run whose controller makes `steps` changes and dies; what it died of, '' when it came to its end. */
export async function dieAfter(
  steps: number,
  machines: readonly Machine[],
  options: Record<string, unknown>,
): Promise<string> {
  const life = new Life(steps);
  const mortal = new Engine();
  for (const machine of machines) mortal.hosts.set(machine.name, new MortalHost(connectOptions(machine), life));
  try {
    await mortal.replicate({ ...options, retries: 1 });
    // What fails in the end alone, when all is there, is a warning of a run that succeeded.
    return life.last;
  } catch (error) {
    if (life.last === '') throw error;
    return life.last;
  } finally {
    await mortal.close();
  }
}
