// SSH servers for tests without machines: one that lets nobody in and remembers what it was offered, one that lets everybody
// through to the ports of this machine, as a jump host does, and one with a home directory and its authorized_keys.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import path from 'node:path';
import { Server } from 'ssh2';
import { newKeyPair } from './key-pair';

export const HOST_KEYS = newKeyPair();

class TestServer {
  port = 0;

  protected constructor(private readonly server: Server) {}

  async open(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.server.listen(0, '127.0.0.1', resolve);
    });
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
  }
}

export class Doorkeeper extends TestServer {
  readonly passwords: string[] = [];
  /** The public key that was offered last, in base64. */
  offered = '';

  constructor() {
    const server = new Server({ hostKeys: [HOST_KEYS.private] }, (client) => {
      client.on('error', () => undefined);
      client.on('authentication', (context) => {
        if (context.method === 'password') this.passwords.push(context.password);
        if (context.method === 'publickey') this.offered = context.key.data.toString('base64');
        context.reject(['password', 'publickey']);
      });
    });
    super(server);
  }
}

export class Gatekeeper extends TestServer {
  constructor() {
    const server = new Server({ hostKeys: [HOST_KEYS.private] }, (client) => {
      client.on('error', () => undefined);
      client.on('authentication', (context) => context.accept());
      client.on('ready', () => {
        client.on('tcpip', (accept, _reject, { destPort }) => {
          const channel = accept();
          const socket = connect(destPort, '127.0.0.1');
          socket.on('error', () => channel.destroy());
          channel.on('error', () => socket.destroy());
          socket.pipe(channel).pipe(socket);
        });
      });
    });
    super(server);
  }
}

/** An account of this machine's user with a home of its own: by password, or by a key that it finds there. */
export class Homekeeper extends TestServer {
  /** The public keys that were let in, in base64. */
  readonly keys: string[] = [];

  constructor(home: string, password: string) {
    const isKnown = (blob: string): boolean => {
      try {
        return readFileSync(path.join(home, '.ssh/authorized_keys'), 'utf8').includes(blob);
      } catch {
        return false;
      }
    };
    const server = new Server({ hostKeys: [HOST_KEYS.private] }, (client) => {
      client.on('error', () => undefined);
      client.on('authentication', (context) => {
        const blob = context.method === 'publickey' ? context.key.data.toString('base64') : '';
        if (context.method === 'password' ? context.password !== password : blob === '' || !isKnown(blob)) {
          context.reject(['password', 'publickey']);
          return;
        }
        if (context.method === 'publickey' && context.signature !== undefined) this.keys.push(blob);
        context.accept();
      });
      client.on('session', (accept) => {
        accept().on('exec', (acceptExec, _reject, { command }) => {
          const channel = acceptExec();
          const child = spawn('/bin/sh', ['-c', command], { env: { PATH: process.env['PATH'], HOME: home } });
          channel.pipe(child.stdin);
          child.stdin.on('error', () => undefined);
          child.stdout.pipe(channel, { end: false });
          child.stderr.pipe(channel.stderr, { end: false });
          child.on('close', (code) => {
            channel.exit(code ?? 1);
            channel.end();
          });
        });
      });
    });
    super(server);
  }
}
