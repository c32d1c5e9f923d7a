// The channels of an SSH connection for the stream layer, beside the control commands that `ssh-host.ts` runs on others.
import type { Channels, Session } from '../channels';
import type { CommandSetup } from '../shell/marked-output';
import { remoteCommand } from '../shell/quote';
import { checkTag } from '../tagged-processes';
import type { SshConnection } from './connection';

export class SshChannels implements Channels {
  readonly address: string;
  readonly account: string;
  readonly setup: CommandSetup;
  readonly note: Channels['note'];

  constructor(
    private readonly connection: SshConnection,
    { address, account, setup, note }: Pick<Channels, 'address' | 'account' | 'setup' | 'note'>,
  ) {
    this.address = address;
    this.account = account;
    this.setup = setup;
    this.note = note;
  }

  async open(script: string, tag: string, signal?: AbortSignal): Promise<Session> {
    checkTag(tag);
    return this.connection.session(remoteCommand(script, tag), signal);
  }

  get isCrowded(): boolean {
    return this.connection.slots.isCrowded;
  }

  onCrowded(listener: () => void): () => void {
    return this.connection.slots.onCrowded(listener);
  }
}
