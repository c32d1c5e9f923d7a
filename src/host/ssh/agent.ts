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

/** SSH_AGENTC_REQUEST_IDENTITIES and SSH_AGENTC_SIGN_REQUEST. */
const ANSWERED: ReadonlySet<number> = new Set([11, 13]);
/** Length 1, SSH_AGENT_FAILURE. */
const FAILURE = Buffer.from([0, 0, 0, 1, 5]);
/** A request holds a key and what is signed with it; more than this is no client of ours. */
const MAX_REQUEST = 256 * 1024;

function serve(socket: Socket, key: ParsedKey): void {
  const agent = new AgentProtocol(false);
  socket.on('error', () => socket.destroy());
  agent.on('error', () => socket.destroy());
  agent.on('identities', (request) => agent.getIdentitiesReply(request, [key]));
  agent.on('sign', (request, wanted, data, options) => {
    // Not `equals`: it compares the private halves too, and a request carries only the public one.
    const isOurs = wanted.getPublicSSH().equals(key.getPublicSSH());
    const signature = isOurs ? sign(key, data, options) : undefined;
    if (signature) agent.signReply(request, signature);
    else agent.failureReply(request);
  });
  agent.pipe(socket);
  socket.on('close', () => agent.destroy());
  feedKnownRequests(socket, agent);
}

/**
 * Passes complete requests on. OpenSSH since 8.9 begins with an extension request (session-bind@openssh.com), and
 * ssh2 1.17 answers one that it does not know but then reads its body as the next request.
 */
function feedKnownRequests(socket: Socket, agent: AgentProtocol): void {
  let pending = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 5) {
      const end = 4 + pending.readUInt32BE(0);
      if (end > MAX_REQUEST) {
        socket.destroy();
        return;
      }
      if (pending.length < end) return;
      if (ANSWERED.has(pending.readUInt8(4))) agent.write(pending.subarray(0, end));
      else socket.write(FAILURE);
      pending = pending.subarray(end);
    }
  });
}

function sign(key: ParsedKey, data: Buffer, options: SigningRequestOptions): Buffer | undefined {
  // The declarations know only a string as the hash algorithm; ssh2 takes undefined as "the key type's own".
  const signature: Buffer | Error = options.hash === undefined ? key.sign(data) : key.sign(data, options.hash);
  if (signature instanceof Error) return undefined;
  return key.type.startsWith('ecdsa-') ? ecdsaBlob(signature) : signature;
}

/**
 * Node signs ECDSA as a DER sequence of two integers, SSH wants two strings of the same integers (RFC 5656, section
 * 3.1.2); ssh2 converts it in its client, but not in its agent.
 */
function ecdsaBlob(der: Buffer): Buffer {
  // The length of P-521's sequence takes two bytes.
  let at = der[1] === 0x81 ? 3 : 2;
  const parts = [0, 1].map(() => {
    const length = der.readUInt8(at + 1);
    const integer = der.subarray(at + 2, at + 2 + length);
    at += 2 + length;
    const size = Buffer.alloc(4);
    size.writeUInt32BE(length);
    return Buffer.concat([size, integer]);
  });
  return Buffer.concat(parts);
}
