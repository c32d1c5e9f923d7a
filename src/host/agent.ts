// An SSH agent inside this process (draft-miller-ssh-agent), so that the `ssh` program can sign with a key that lives
// in Node-RED's credentials. It answers for one key, on a socket in a private directory.
import { createServer, type Server, type Socket } from 'node:net';
import { AgentProtocol, type ParsedKey, type SigningRequestOptions } from 'ssh2';

export interface RunningAgent {
  socket: string;
  close(): void;
}

/** Serves `key` on the socket path, which must not exist. Throws what listening throws. */
export async function startAgent(key: ParsedKey, socketPath: string): Promise<RunningAgent> {
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    serve(socket, key);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  server.on('error', () => undefined);
  // Whoever waits for a transfer keeps the process alive, not this.
  server.unref();
  return {
    socket: socketPath,
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

function serve(socket: Socket, key: ParsedKey): void {
  const agent = new AgentProtocol(false);
  socket.on('error', () => socket.destroy());
  agent.on('error', () => socket.destroy());
  agent.on('identities', (request) => agent.getIdentitiesReply(request, [key]));
  agent.on('sign', (request, wanted, data, options) => {
    const signature = wanted.equals(key) ? sign(key, data, options) : undefined;
    if (signature) agent.signReply(request, signature);
    else agent.failureReply(request);
  });
  socket.pipe(agent).pipe(socket);
}

function sign(key: ParsedKey, data: Buffer, options: SigningRequestOptions): Buffer | undefined {
  // The declarations know only a string as the hash algorithm; ssh2 takes undefined as "the key type's own".
  const signature: Buffer | Error = options.hash === undefined ? key.sign(data) : key.sign(data, options.hash);
  return signature instanceof Error ? undefined : signature;
}
