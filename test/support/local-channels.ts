// A "remote" machine that is this one: its channels run what sshd would run, under the same login-shell string, in a session
// of its own. For what a far end does without ZFS: the scripts and programs are real, only the way to them is short.
import { spawn } from 'node:child_process';
import { Duplex, Writable } from 'node:stream';
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
  /** What was written to the scripts, line by line. */
  written: string[];
  /** Waited for before a line is written. */
  beforeLine?: (line: string) => Promise<void>;
}

/** `shell`: the login shell; `env`: its environment. */
export function localMachine(label: string, { shell = '/bin/sh', env = {} } = {}): LocalMachine {
  const groups: number[] = [];
  const commands: string[] = [];
  const machine: LocalMachine = { host: new LocalHost(), groups, commands, written: [] };
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
      const { session, pid } = open(machine, shell, command, env);
      groups.push(pid);
      return Promise.resolve(session);
    },
  };
  machine.host = Object.assign(Object.create(machine.host) as Host, { id: label, label, isLocal: false, channels });
  return machine;
}

function open(
  machine: LocalMachine,
  shell: string,
  command: string,
  env: NodeJS.ProcessEnv,
): { session: Session; pid: number } {
  const child = spawn(shell, ['-c', command], {
    cwd: '/',
    env: { PATH: process.env['PATH'], SSH_CONNECTION: '127.0.0.1 40000 127.0.0.1 22', ...env },
    stdio: 'pipe',
    detached: true,
  });
  const { stdin, stdout, stderr } = child;
  stdin.on('error', () => undefined);
  const input = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      const line = chunk.toString();
      machine.written.push(line.trim());
      const waited = machine.beforeLine?.(line) ?? Promise.resolve();
      void waited.then(() => stdin.write(chunk, () => done()));
    },
    final: (done) => void stdin.end(done),
  });
  const duplex = Duplex.from({ readable: stdout, writable: input });
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
