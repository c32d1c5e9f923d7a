// A fake TrueNAS on a port of this host: HTTPS with a certificate of its own making, a plain port that redirects or serves, the
// two websockets, and the ways in which a server can be nasty. What it does when called is methods.ts.
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Certificate } from './certificates';
import { OLD, RPC, type Call, type FakeLanguage } from './language';
import { perform } from './methods';
import { PROFILES, type ProfileName } from './profiles';
import type { SshSide } from './ssh-side';
import { Refused, type FakeUser, type Session, type State } from './state';

/** What a test switches on; each about one thing that has been seen in the field or that a hostile server could do. */
export interface Nasty {
  /** Cuts the connection in the middle of the answer to this method. */
  cutIn?: string;
  /** Waits before it answers this method. */
  delay?: { method: string; ms: number };
  /** Says everything twice, the second time something else. */
  twice?: boolean;
  /** Sends events and nonsense in between. */
  chatty?: boolean;
  /** A page for every request and upgrade, as behind a proxy that knows no websockets; or for one path alone. */
  html?: boolean | string;
  /** The allow list of the web interface lacks us. */
  locked?: boolean;
  /** Takes every message for too long. */
  tooLong?: boolean;
  /** Repeats the parameters in its error on this method. */
  repeats?: string;
  binary?: boolean;
  /** The plain port serves pages, and redirects the websocket alone; or never answers a request for a page. */
  pages?: 'served' | 'silent';
  /** Where the plain port leads, instead of to ours. */
  location?: string;
  /** Bytes of an answer. */
  huge?: number;
  /** `auth.login_ex` is not there, although JSON-RPC is. */
  noLoginEx?: boolean;
  /** Shows this certificate from the second connection on. */
  secondCertificate?: Certificate;
  /** Errors of these methods, before anything is done. */
  refuse?: Readonly<Record<string, Refused>>;
}

export interface FakeOptions {
  profile: ProfileName;
  side: SshSide;
  users: readonly FakeUser[];
  certificate: Certificate;
  /** What its plain port does; default `redirect`. */
  plain?: 'redirect' | 'serve';
}

const PAGE = '<!doctype html><html><head><title>TrueNAS</title></head><body></body></html>';

export class FakeTrueNas {
  nasty: Nasty = {};
  readonly state: State;
  /** Everything that was said to it, as it came: what is not in here was not sent. */
  readonly heard: string[] = [];
  /** Methods in the order they were called. */
  readonly called: string[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly upgrades = new WebSocketServer({ noServer: true });
  private connections = 0;

  private constructor(
    private readonly options: FakeOptions,
    private readonly secure: Server,
    private readonly plain: Server,
  ) {
    const { profile, side, users } = options;
    const commands = PROFILES[profile].core
      ? ['/usr/local/sbin/zfs', '/usr/local/sbin/zpool']
      : ['/usr/sbin/zfs', '/usr/sbin/zpool'];
    this.state = {
      profile: PROFILES[profile],
      side,
      users: structuredClone([...users]),
      apiKeys: new Map(),
      revoked: new Set(),
      machineOtp: false,
      unreadableKeys: false,
      sshFails: false,
      ssh: { enable: false, running: false, everStarted: false },
      commands,
      jobs: new Map(),
      redirect: null,
      documents: {},
      wrongMs: 20,
    };
  }

  static async start(options: FakeOptions): Promise<FakeTrueNas> {
    const { key, cert } = options.certificate;
    const [secure, plain] = [createSecure({ key, cert }), createServer()];
    const fake = new FakeTrueNas(options, secure, plain);
    secure.on('connection', (socket: Socket) => fake.watch(socket));
    plain.on('connection', (socket: Socket) => fake.watch(socket));
    secure.on('secureConnection', () => fake.countConnection(secure));
    // Whoever does not like our certificate hangs up.
    secure.on('tlsClientError', () => undefined);
    secure.on('request', fake.page(true)).on('upgrade', (request, socket) => fake.upgrade(request, socket, true));
    plain.on('request', fake.page(false)).on('upgrade', (request, socket) => fake.upgrade(request, socket, false));
    for (const server of [secure, plain]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    return fake;
  }

  get url(): string {
    return `https://127.0.0.1:${portOf(this.secure)}`;
  }

  get plainUrl(): string {
    return `http://127.0.0.1:${portOf(this.plain)}`;
  }

  /** SHA-256 as a browser shows it. */
  get fingerprint(): string {
    return fingerprintOf(this.options.certificate);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await Promise.all(
      [this.secure, this.plain].map((server) => new Promise<void>((resolve) => void server.close(() => resolve()))),
    );
  }

  private watch(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined);
  }

  private countConnection(server: { setSecureContext(certificate: Certificate): void }): void {
    this.connections += 1;
    const { secondCertificate } = this.nasty;
    if (secondCertificate !== undefined && this.connections === 1) server.setSecureContext(secondCertificate);
  }

  private page(secure: boolean): RequestListener {
    return (request: IncomingMessage, response: ServerResponse) => {
      this.heard.push(`${request.method ?? ''} ${request.url ?? ''} ${JSON.stringify(request.headers)}`);
      const { versions } = this.state.profile;
      const send = (status: number, type: string, text: string): void => {
        response.writeHead(status, { 'Content-Type': type }).end(text);
      };
      if (this.nasty.pages === 'silent') return;
      if (!secure && this.options.plain !== 'serve' && this.nasty.pages !== 'served') {
        response.writeHead(307, { Location: this.nasty.location ?? `${this.url}${request.url ?? ''}` }).end();
      } else if (this.nasty.html === true) send(200, 'text/html', PAGE);
      else if (request.url === '/api/versions' && versions !== null)
        send(200, 'application/json', JSON.stringify(versions));
      else send(404, 'text/html', PAGE);
    };
  }

  private upgrade(request: IncomingMessage, socket: Duplex, secure: boolean): void {
    const path = request.url ?? '';
    this.heard.push(`UPGRADE ${path} ${JSON.stringify(request.headers)}`);
    const answer = (head: string, body = ''): void => {
      socket.end(`HTTP/1.1 ${head}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
    };
    const { html } = this.nasty;
    const language = [OLD, RPC].find(
      (one) => one.path === path && (one === OLD || this.state.profile.versions !== null),
    );
    if (!secure && this.options.plain !== 'serve') answer(`307 Temporary Redirect\r\nLocation: ${this.url}${path}`);
    else if (html === true || html === path) answer('200 OK\r\nContent-Type: text/html', PAGE);
    else if (language === undefined) answer('404 Not Found\r\nContent-Type: text/html', PAGE);
    else this.upgrades.handleUpgrade(request, socket, Buffer.alloc(0), (ws) => this.serve(ws, language, secure));
  }

  private serve(ws: WebSocket, language: FakeLanguage, secure: boolean): void {
    ws.on('error', () => undefined);
    if (this.nasty.locked === true) return ws.close(1008, 'You are not allowed to access this resource');
    const session: Session = { user: null, challenged: null, secure };
    let greeted = language === RPC;
    ws.on('message', (data) => {
      const text = (data as Buffer).toString();
      this.heard.push(text);
      const limits = this.state.profile.limits;
      const limit = limits?.[session.user === null ? 0 : 1];
      if (this.nasty.tooLong === true || (limit !== undefined && text.length > limit)) {
        ws.close(session.user === null ? 1007 : 1009, 'Anonymous connection max message length is 8 kB');
        return;
      }
      const message = JSON.parse(text) as Record<string, unknown>;
      if (message['msg'] === 'connect') {
        greeted = message['version'] === '1';
        ws.send(JSON.stringify(greeted ? { msg: 'connected', session: '6d3f0f1e' } : { msg: 'failed', version: '1' }));
        return;
      }
      if (!greeted) return ws.send(JSON.stringify({ msg: 'failed', version: '1' }));
      if (message['msg'] === 'ping' && this.state.profile.core)
        return ws.send(JSON.stringify({ msg: 'pong', id: message['id'] }));
      const call = language.call(message);
      if (call !== null) void this.answer(ws, language, session, call);
    });
  }

  private async answer(ws: WebSocket, language: FakeLanguage, session: Session, call: Call): Promise<void> {
    const { nasty, state } = this;
    const { method } = call;
    this.called.push(method);
    if (nasty.delay?.method === method) await sleep(nasty.delay.ms);
    const text = await this.answerTo(language, session, call);
    if (nasty.cutIn === method) return cut(ws);
    if (nasty.chatty === true) {
      ws.send(JSON.stringify({ msg: 'added', collection: 'alert.list', fields: { id: call.id } }));
      ws.send(JSON.stringify({ jsonrpc: '2.0', method: 'collection_update', params: { id: call.id } }));
      ws.send('not JSON at all');
      ws.send(language.result('of nobody', true));
    }
    if (nasty.binary === true) ws.send(Buffer.from(text), { binary: true });
    if (nasty.huge !== undefined) ws.send(language.result(call.id, 'x'.repeat(nasty.huge)));
    ws.send(text);
    if (nasty.twice === true) ws.send(language.error(call, new Refused(22, 'EINVAL', 'said again'), state.profile));
  }

  private async answerTo(language: FakeLanguage, session: Session, call: Call): Promise<string> {
    const { nasty, state } = this;
    const { method, params } = call;
    try {
      if (nasty.repeats === method) {
        throw new Refused(22, 'EINVAL', `[EINVAL] 1 validation error, input_value=${JSON.stringify(params)}`);
      }
      const refused = nasty.refuse?.[method];
      if (refused !== undefined) throw refused;
      const gone = nasty.noLoginEx === true && method.startsWith('auth.login_ex');
      return language.result(call.id, await perform(state, session, gone ? `no.${method}` : method, params));
    } catch (error) {
      return language.error(call, error, state.profile);
    }
  }
}

/** The head of a frame of 1000 characters, some of them, and nothing more. */
function cut(ws: WebSocket): void {
  const { _socket: socket } = ws as unknown as { _socket: TLSSocket };
  socket.write(Buffer.concat([Buffer.from([0x81, 126, 0x03, 0xe8]), Buffer.from('{"msg": "res')]), () =>
    socket.destroy(),
  );
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

export function fingerprintOf({ cert }: Certificate): string {
  return new X509Certificate(cert).fingerprint256;
}
