// Runs commands and a job, here and over SSH, for debug-log.test.ts, which looks at what this process says meanwhile. Argument:
// the secret that is given on standard input; the password has it in it too. The server is ssh2's own and runs what it is
// told in a real shell.
import { spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { Server, type ServerChannel } from 'ssh2';
import type { Host } from '../../../src/host/host';
import { LocalHost } from '../../../src/host/local/local-host';
import { SshHost } from '../../../src/host/ssh/ssh-host';
import { JobRegistry } from '../../../src/jobs/registry';
import { newKeyPair } from '../../support/key-pair';

const secret = process.argv[2] ?? '';
const keys = newKeyPair();

function serve(channel: ServerChannel, command: string): void {
  const child = spawn('/bin/sh', ['-c', command]);
  channel.pipe(child.stdin);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr as NodeJS.WritableStream, { end: false });
  child.on('close', (code) => {
    channel.exit(code ?? 1);
    channel.end();
  });
}

const server = new Server({ hostKeys: [keys.private] }, (client) => {
  client.on('error', () => undefined);
  client.on('authentication', (context) => context.accept());
  client.on('session', (accept) => {
    accept().on('exec', (take, _reject, { command }) => serve(take(), command));
  });
});

async function use(host: Host): Promise<void> {
  await host.run(['tee', '/dev/null'], { stdin: secret });
  await host.runAll([['true'], ['sh', '-c', 'exit 3']]);
  await host.run(['no-such-program']).catch(() => undefined);
}

async function main(): Promise<void> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const far = new SshHost({
    id: 'far',
    label: 'far',
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    username: 'root',
    auth: { method: 'password', password: `login ${secret}` },
    hostKeys: keys.public,
    ciphers: 'auto',
    connectTimeout: 10,
    keepaliveInterval: 0,
    sudo: 'none',
    zfsPath: '',
    maxSessions: 8,
  });
  const local = new LocalHost();
  const registry = new JobRegistry<string>();
  const ended = new Promise<void>((resolve) => {
    const node = registry.attach('node', 'hash', { event: () => undefined, ended: () => resolve() });
    node.resume();
    const run = async (): Promise<void> => {
      await use(local);
      await use(far);
    };
    const hosts = (): Host => local;
    node.submit({ task: 'nightly', optionsKey: '', overlap: 'skip', uses: [], hosts, run }, 'ticket');
  });
  await ended;
  await far.close();
  server.close();
}

void main();
