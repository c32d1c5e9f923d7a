// A process of its own that carries standard input into a TCP connection, or a connection to standard output: this machine's
// end of a stream that does not go over SSH. TLS 1.3 with a key of this transfer alone, or in the clear behind a token.
// What it shall do comes as one line of JSON on file descriptor 3, the secret included; what happens it tells in lines on
// standard error (wire/pipe-words.ts). Started by wire/near-end.ts.
import { once } from 'node:events';
import { connect, createServer, isIPv6, Server, Socket, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { PSK_IDENTITY } from './wire/tls-session';
import { pipeLine, type PipeRequest, type PipeWord } from './wire/pipe-words';

/** Milliseconds that a client has to prove itself; others are listened to meanwhile. */
const PROOF_MS = 10_000;
/** Clients at once that have proved nothing. */
const MOST_UNPROVED = 64;
/** Milliseconds between connects that failed, and how long they are repeated. */
const RETRY_MS = 250;
const REFUSED_MS = 5_000;

function tell(word: PipeWord): void {
  process.stderr.write(`${pipeLine(word)}\n`);
}

function fail(error: NodeJS.ErrnoException): never {
  tell({ error: error.code ?? '', message: error.message });
  process.exit(1);
}

const wait = async (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function readRequest(): Promise<PipeRequest> {
  const lines = createInterface({ input: new Socket({ fd: 3 }) });
  // The one who started this process has ended before it said what to do.
  lines.on('close', () => process.exit(1));
  const [line] = (await once(lines, 'line')) as [string];
  lines.removeAllListeners('close');
  return JSON.parse(line) as PipeRequest;
}

/** Settings that both sides of a TLS connection have. */
function tlsSettings({ cipher }: PipeRequest): { minVersion: 'TLSv1.3'; maxVersion: 'TLSv1.3'; ciphers: string } {
  return { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ciphers: cipher };
}

/** The other side proved that it has the key: a server with a certificate instead is refused, whoever signed it. */
function isProved(socket: TLSSocket): boolean {
  return socket.isSessionReused() || Object.keys(socket.getPeerCertificate()).length === 0;
}

async function connectOnce(request: PipeRequest): Promise<Socket> {
  const { host, port = 0, secret, protocol } = request;
  const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
  await once(socket, 'connect');
  // Of one that is given up for another try.
  socket.on('error', () => undefined);
  if (protocol === 'plain') {
    socket.write(`${secret}\n`);
    return socket;
  }
  const psk = Buffer.from(secret, 'base64');
  const secure = connectTls({
    socket,
    ...tlsSettings(request),
    // No authority at all: nothing but the key counts.
    ca: [],
    checkServerIdentity: () => undefined,
    pskCallback: () => ({ psk, identity: PSK_IDENTITY }),
  });
  await once(secure, 'secureConnect').finally(() => secure.on('error', () => undefined));
  if (!isProved(secure)) fail(new Error('handshake failure: the server showed a certificate'));
  // One that sends waits for a byte, see docs/design/transports.md §0, finding 6.
  if (request.direction === 'receive') secure.write('\n');
  return secure;
}

/** Whoever listens may be busy with a stranger, whom it takes before us, or just getting ready for the next client. */
function isTooEarly({ code = '' }: NodeJS.ErrnoException, { protocol }: PipeRequest): boolean {
  // In the clear a connection that was there may have carried something.
  return code === 'ECONNREFUSED' || (protocol === 'tls' && (code === 'ECONNRESET' || code === 'EPIPE'));
}

async function connectOut(request: PipeRequest): Promise<Socket> {
  const deadline = performance.now() + REFUSED_MS;
  for (;;) {
    try {
      return await connectOnce(request);
    } catch (thrown) {
      const error = thrown as NodeJS.ErrnoException;
      if (!isTooEarly(error, request) || performance.now() > deadline) throw error;
      await wait(RETRY_MS);
    }
  }
}

/** Listens on the first of the ports that is free, and takes the first client that proves itself. */
async function listen(request: PipeRequest): Promise<Socket> {
  let take: (socket: Socket) => void = () => undefined;
  const taken = new Promise<Socket>((resolve) => (take = resolve));
  const server = request.protocol === 'tls' ? tlsServer(request, take) : plainServer(request, take);
  server.maxConnections = MOST_UNPROVED;
  await bind(server, request);
  const { port, address } = server.address() as AddressInfo;
  tell({ listening: port, address });
  const socket = await taken;
  server.close();
  return socket;
}

async function bind(server: Server, { host, ports = [] }: PipeRequest): Promise<void> {
  let last: NodeJS.ErrnoException | undefined;
  for (const port of ports) {
    try {
      server.listen({
        port,
        exclusive: true,
        // Without an address: on all, of IPv4 and IPv6.
        ...(host === '' || host === '::' ? {} : { host }),
        ...(isIPv6(host) && host !== '::' ? { ipv6Only: true } : {}),
      });
      await once(server, 'listening');
      return;
    } catch (error) {
      last = error as NodeJS.ErrnoException;
      if (last.code !== 'EADDRINUSE' && last.code !== 'EACCES') break;
    }
  }
  tell({ noPort: true });
  fail(last ?? new Error('no port to listen on'));
}

function plainServer({ secret }: PipeRequest, take: (socket: Socket) => void): Server {
  return createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const token = Buffer.from(`${secret}\n`);
    const timer = setTimeout(() => socket.destroy(), PROOF_MS);
    socket.on('error', () => undefined);
    socket.on('close', () => clearTimeout(timer));
    const gone = (): void => void socket.destroy();
    const look = (): void => {
      // As much as the token and no more: what follows is the stream's.
      const shown = socket.read(token.length) as Buffer | null;
      if (shown === null) return;
      clearTimeout(timer);
      socket.off('readable', look).off('end', gone);
      if (shown.equals(token)) take(socket);
      else socket.destroy();
    };
    socket.on('readable', look);
    socket.on('end', gone);
  });
}

function tlsServer(request: PipeRequest, take: (socket: Socket) => void): Server {
  const psk = Buffer.from(request.secret, 'base64');
  const options = {
    ...tlsSettings(request),
    handshakeTimeout: PROOF_MS,
    noDelay: true,
    pskCallback: (_socket: TLSSocket, identity: string) => (identity === PSK_IDENTITY ? psk : null),
  };
  const server = createTlsServer(options, take);
  // A stranger, or a scan: the right one may still come.
  server.on('tlsClientError', ({ message }) => tell({ refused: message }));
  return server;
}

/** Everything of standard input into the connection, then its end; resolves when the other side has closed it. */
async function send(socket: Socket): Promise<void> {
  socket.resume();
  let isWhole = false;
  process.stdin.on('end', () => (isWhole = true));
  process.stdin.on('error', () => socket.destroy());
  process.stdin.pipe(socket);
  await new Promise<void>((resolve) => socket.on('close', () => resolve()));
  if (!isWhole || socket.writableLength > 0) fail(new Error('the connection ended before the stream did'));
}

/** Everything that comes, to standard output. That it was all is for the reader to say. */
async function receive(socket: Socket): Promise<void> {
  // Not `process.stdout`, which never ends.
  const output = new Socket({ fd: 1, readable: false });
  // Nobody reads any more: like any program in a pipe, end.
  output.on('error', () => process.exit(141));
  socket.on('end', () => socket.end());
  socket.pipe(output);
  await once(output, 'finish');
}

async function main(): Promise<void> {
  const request = await readRequest();
  const socket = await (request.listens ? listen(request) : connectOut(request));
  let broken: NodeJS.ErrnoException | undefined;
  socket.on('error', (error: NodeJS.ErrnoException) => {
    broken ??= error;
    tell({ error: error.code ?? '', message: error.message });
    if (request.direction === 'receive') process.exit(1);
  });
  const cipher = 'getCipher' in socket ? (socket as TLSSocket).getCipher().standardName : '';
  tell({ connected: true, address: socket.remoteAddress ?? '', ...(cipher === '' ? {} : { cipher }) });
  await (request.direction === 'send' ? send(socket) : receive(socket));
  process.exit(broken ? 1 : 0);
}

main().catch(fail);
