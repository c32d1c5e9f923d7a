// A reverse proxy as people put before Node-RED: the editor is below a path that Node-RED does not know of.
import { type ClientRequest, type IncomingMessage, type ServerResponse, createServer, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface ReverseProxy {
  /** Where Node-RED is behind it, with a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

class PathProxy {
  private readonly server = createServer((incoming, answer) => this.answer(incoming, answer));
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly target: string,
    private readonly prefix: string,
    private readonly headers: Readonly<Record<string, string>>,
  ) {
    this.server.on('connection', (socket: Socket) => this.sockets.add(socket));
    this.server.on('upgrade', (incoming, socket: Socket) => this.join(incoming, socket));
  }

  async open(): Promise<number> {
    await new Promise<void>((resolve) => {
      this.server.listen(0, '127.0.0.1', resolve);
    });
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
  }

  /** The same request to Node-RED; null for what is not below our path. */
  private forward({ url = '', method, headers }: IncomingMessage): ClientRequest | null {
    if (!url.startsWith(`${this.prefix}/`)) return null;
    return request(new URL(url.slice(this.prefix.length), this.target), { method, headers });
  }

  private answer(incoming: IncomingMessage, answer: ServerResponse): void {
    const outgoing = this.forward(incoming);
    if (outgoing === null) {
      answer.writeHead(404).end();
      return;
    }
    outgoing.once('error', () => answer.destroy());
    outgoing.once('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, { ...response.headers, ...this.headers });
      response.pipe(answer);
    });
    incoming.pipe(outgoing);
  }

  /** The editor's websocket. */
  private join(incoming: IncomingMessage, near: Socket): void {
    const outgoing = this.forward(incoming);
    if (outgoing === null) {
      near.destroy();
      return;
    }
    near.on('error', () => outgoing.destroy());
    outgoing.once('error', () => near.destroy());
    outgoing.once('upgrade', (response, far: Socket) => {
      const lines = Object.entries(response.headers).map(([name, value]) => `${name}: ${String(value)}`);
      near.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
      far.on('error', () => near.destroy());
      far.once('close', () => near.destroy());
      near.once('close', () => far.destroy());
      near.pipe(far).pipe(near);
    });
    outgoing.end();
  }
}

/** `prefix` is cut off; `headers` are added to every answer. */
export async function reverseProxy(
  target: string,
  prefix: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<ReverseProxy> {
  const proxy = new PathProxy(target, prefix, headers);
  const port = await proxy.open();
  return { url: `http://127.0.0.1:${port}${prefix}/`, close: () => proxy.close() };
}
