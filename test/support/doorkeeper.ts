// SSH servers for tests without machines: one that lets nobody in and remembers what it was offered, and one that lets
// everybody through to the ports of this machine, as a jump host does.
import { generateKeyPairSync } from 'node:crypto';
import { connect, type AddressInfo } from 'node:net';
import { Server } from 'ssh2';
import { opensshEd25519, publicKeyLine, readPrivateKey } from '../../src/host/ssh/private-key';

/** A new pair of keys. Not with ssh2's generator, whose keys now and then lack a byte. */
export function newKeyPair(): { private: string; public: string } {
  const text = opensshEd25519(generateKeyPairSync('ed25519').privateKey, 'test');
  return { private: text, public: publicKeyLine(readPrivateKey(text, undefined)) };
}

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
