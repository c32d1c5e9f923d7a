// A reverse proxy as people put before Node-RED: the editor is below a path that Node-RED does not know of.
import { type IncomingMessage, type ServerResponse, createServer, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface ReverseProxy {
  /** Where Node-RED is behind it, with a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

/** `headers` are added to every answer. */
export async function reverseProxy(
  target: string,
  prefix: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<ReverseProxy> {
  const forward = (incoming: IncomingMessage): ReturnType<typeof request> =>
    request(new URL((incoming.url ?? '').slice(prefix.length), target), {
      method: incoming.method,
      headers: incoming.headers,
    });
  const isBelow = ({ url = '' }: IncomingMessage): boolean => url.startsWith(`${prefix}/`);

  const server = createServer((incoming: IncomingMessage, answer: ServerResponse) => {
    if (!isBelow(incoming)) {
      answer.writeHead(404).end();
      return;
    }
    const outgoing = forward(incoming);
    outgoing.once('error', () => answer.destroy());
    outgoing.once('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, { ...response.headers, ...headers });
      response.pipe(answer);
    });
    incoming.pipe(outgoing);
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  // The editor's websocket.
  server.on('upgrade', (incoming: IncomingMessage, socket: Socket) => {
    if (!isBelow(incoming)) {
      socket.destroy();
      return;
    }
    const outgoing = forward(incoming);
    outgoing.once('error', () => socket.destroy());
    outgoing.once('upgrade', (response, farSocket: Socket) => {
      const lines = Object.entries(response.headers).map(([name, value]) => `${name}: ${String(value)}`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
      for (const [from, to] of [
        [socket, farSocket],
        [farSocket, socket],
      ] as const) {
        // prettier-ignore
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
    });
    outgoing.end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}/`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
