// A "remote" machine that is this one: its channels run what sshd would run, under the same login-shell string, in a session
// of its own. For what a far end does without ZFS: the scripts and programs are real, only the way to them is short.
import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import type { Channel, Channels, Session } from '../../src/host/channels';
import type { Host } from '../../src/host/host';
import { LocalHost } from '../../src/host/local/local-host';
import { remoteCommand } from '../../src/host/shell/quote';

export interface LocalMachine {
  host: Host;
  /** Process groups that were started, newest last. */
  groups: number[];
  /** Everything that was handed to the login shell. */
  commands: string[];
}

/** `shell`: the login shell; `env`: its environment. */
export function localMachine(label: string, { shell = '/bin/sh', env = {} } = {}): LocalMachine {
  const groups: number[] = [];
  const commands: string[] = [];
  const channels: Channels = {
    address: '127.0.0.1',
    account: 'root',
    setup: { zfsPath: '', privilege: 'none' },
    note: () => () => undefined,
    isCrowded: false,
    onCrowded: () => () => undefined,
    open: async (script, tag) => {
      const command = remoteCommand(script, tag);
      commands.push(command);
      const { session, pid } = open(shell, command, env);
      groups.push(pid);
      return Promise.resolve(session);
    },
  };
  const host = Object.assign(Object.create(new LocalHost()) as Host, { id: label, label, isLocal: false, channels });
  return { host, groups, commands };
}

function open(shell: string, command: string, env: NodeJS.ProcessEnv): { session: Session; pid: number } {
  const child = spawn(shell, ['-c', command], {
    cwd: '/',
    env: { PATH: process.env['PATH'], SSH_CONNECTION: '127.0.0.1 40000 127.0.0.1 22', ...env },
    stdio: 'pipe',
    detached: true,
  });
  const { stdin, stdout, stderr } = child;
  stdin.on('error', () => undefined);
  const duplex = Duplex.from({ readable: stdout, writable: stdin });
  const channel = Object.assign(duplex, {
    stderr,
    close: () => {
      stdin.destroy();
      stdout.destroy();
      stderr.destroy();
    },
  }) as unknown as Channel;
  channel.on('error', () => undefined);
  child.on('exit', (code, signal) => {
    channel.emit('exit', code, signal);
    // As sshd does: nobody is there any more to read it.
    stdin.destroy();
  });
  // The pipes of what outlives the shell keep a channel open.
  child.on('close', () => channel.emit('close'));
  const session: Session = { channel, onLost: () => undefined, release: () => undefined };
  return { session, pid: child.pid ?? 0 };
}
