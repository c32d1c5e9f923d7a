// One websocket to a TrueNAS: calls and their answers, in one of the two languages. Whoever is at the other end can say what
// it likes: messages are limited in size, unknown ones ignored, second answers too, and every wait ends.
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { debug } from '../../base/debug-log';
import { ZfsFlowError } from '../../base/errors';
import type { Secret } from '../../base/secret';
import { hostHeader, shownUrl, type Address } from './address';
import { unreachable } from './dial';
import type { Limits } from './limits';
import { apiError } from './refusals';
import type { Language, Refusal } from './wire';

/** The upgrade was answered with an ordinary page: this language, or any, is not spoken there. */
export class NoWebSocket extends Error {
  constructor(
    readonly status: number,
    /** Where a redirect leads. */
    readonly location: string | undefined,
  ) {
    super(`HTTP status ${status}`);
  }
}

/** Characters of what a TrueNAS says that are repeated, and so many complaints about parameters. */
const MOST_WORDS = 1000;
const MOST_FIELDS = 20;

interface Waiting {
  method: string;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class ApiSocket {
  private readonly waiting = new Map<string, Waiting>();
  private readonly secrets: Secret[] = [];
  private readonly socket: WebSocket;
  private readonly ourAddress: string;
  private next = 0;
  private ended: Error | undefined;
  private greeted: ((ok: boolean) => void) | undefined;
  /** What broke, as `ws` says it before it closes. */
  private broke: Error | undefined;

  /** Listens from the first moment: what comes with the answer to the upgrade must not be missed. */
  private constructor(
    over: Socket,
    private readonly address: Address,
    private readonly language: Language,
    limits: Limits,
  ) {
    this.ourAddress = over.localAddress ?? '';
    const options = {
      // Believed already.
      createConnection: () => over,
      maxPayload: limits.maxBytes,
      // What is compressed has no size until it is unpacked.
      perMessageDeflate: false,
      closeTimeout: 1000,
    };
    const socket = new WebSocket(`ws${address.secure ? 's' : ''}://${hostHeader(address)}${language.path}`, options);
    this.socket = socket;
    socket.on('message', (data, isBinary) => {
      if (isBinary) this.end(this.nonsense('it sent something that is no text'));
      // A Buffer: the default of `binaryType`.
      else this.take((data as Buffer).toString());
    });
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      this.end(new NoWebSocket(response.statusCode ?? 0, response.headers.location));
      socket.terminate();
    });
    socket.on('error', (error) => (this.broke = error));
    socket.on('close', (code, reason) => this.end(this.closed(code, reason.toString())));
  }

  /**
   * Over a connection that is already believed. Throws NoWebSocket when the upgrade is refused, CONNECTION_TIMEOUT,
   * CONNECTION_LOST, API_ERROR.
   */
  static async open(over: Socket, address: Address, language: Language, limits: Limits): Promise<ApiSocket> {
    const api = new ApiSocket(over, address, language, limits);
    try {
      await api.opened(limits.connectMs);
      if (language.greeting !== undefined) await api.greet(language.greeting, limits.connectMs);
    } catch (error) {
      await api.close();
      throw error;
    }
    return api;
  }

  get usable(): boolean {
    return this.ended === undefined;
  }

  /** Is never repeated in an error from here on, even where the TrueNAS repeats it. */
  keepSecret(secret: Secret): void {
    if (secret.reveal() !== '') this.secrets.push(secret);
  }

  /** Throws API_ERROR when it is refused, TIMEOUT, CONNECTION_LOST. */
  async call(method: string, params: readonly unknown[], timeoutMs: number): Promise<unknown> {
    if (this.ended) throw this.ended;
    const id = String(++this.next);
    const begun = performance.now();
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        this.waiting.set(id, { method, resolve, reject });
        timer = setTimeout(() => reject(this.tooLate(method, timeoutMs)), timeoutMs);
        this.socket.send(this.language.request(id, method, params));
      });
    } finally {
      clearTimeout(timer);
      this.waiting.delete(id);
      // Never parameters or results: both hold secrets.
      debug('%s: %s took %d ms', this.address.host, method, Math.round(performance.now() - begun));
    }
  }

  /** May be called again; waits for a goodbye for a second at most. */
  async close(): Promise<void> {
    const { socket } = this;
    if (socket.readyState === WebSocket.CLOSED) return;
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.close();
    });
  }

  private async opened(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const late = Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' });
      const timer = setTimeout(() => reject(unreachable(this.address, late)), timeoutMs);
      this.socket.once('open', () => (clearTimeout(timer), resolve()));
      this.socket.once('close', () => (clearTimeout(timer), reject(this.ended ?? late)));
    });
  }

  private async greet(greeting: string, timeoutMs: number): Promise<void> {
    const ok = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.greeted = (answer) => (clearTimeout(timer), resolve(answer));
      if (this.ended) this.greeted(false);
      else this.socket.send(greeting);
    });
    if (!ok) throw this.ended ?? this.nonsense('it did not answer the greeting');
  }

  private take(text: string): void {
    const message = this.language.read(text);
    if (message.kind === 'connected' || message.kind === 'failed') this.greeted?.(message.kind === 'connected');
    if (message.kind !== 'answer' && message.kind !== 'refusal') return;
    const asked = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.kind === 'answer') asked?.resolve(message.value);
    else asked?.reject(apiError(asked.method, this.clean(message.refusal)));
  }

  private clean({ errname, reason, fields }: Refusal): Refusal {
    const clean = (text: string): string => this.withoutSecrets(text).slice(0, MOST_WORDS);
    const some = fields.slice(0, MOST_FIELDS);
    return {
      errname: clean(errname),
      reason: clean(reason),
      fields: some.map(({ field, message }) => ({ field: clean(field), message: clean(message) })),
    };
  }

  /** What the TrueNAS says, where it repeats a secret without it. */
  withoutSecrets(text: string): string {
    return this.secrets.reduce((rest, secret) => {
      const plain = secret.reveal();
      // As it is, and as it stands in JSON or in a Python text.
      const quoted = JSON.stringify(plain).slice(1, -1);
      return rest.replaceAll(plain, '[secret]').replaceAll(quoted, '[secret]');
    }, text);
  }

  private end(error: Error): void {
    this.ended ??= error;
    for (const asked of this.waiting.values()) asked.reject(this.ended);
    this.waiting.clear();
    this.greeted?.(false);
    if (this.socket.readyState === WebSocket.OPEN) this.socket.terminate();
  }

  private closed(code: number, reason: string): ZfsFlowError {
    const where = shownUrl(this.address);
    // First: after a broken rule the peer may repeat the number of our own goodbye.
    if (this.broke) return this.brokeWith(this.broke);
    const [{ method } = { method: 'connect' }] = this.waiting.values();
    const details = { method, errname: `websocket ${code}` };
    if (code === 1008) {
      const hint = `Its setting "Allowed IP Addresses" (System › General › GUI) lets only some addresses in; ours is ${this.ourAddress}.`;
      return new ZfsFlowError('API_ERROR', `${where} does not let this machine in: ${this.withoutSecrets(reason)}`, {
        hint,
        details,
      });
    }
    if (code === 1007 || code === 1009) {
      const message = `${where} refused ${method}: the message is too long for it`;
      const hint =
        'Before a login a TrueNAS takes 8192 characters, afterwards 65536. Is a password or a list of SSH keys that long?';
      return new ZfsFlowError('API_ERROR', message, { hint, details });
    }
    return new ZfsFlowError('CONNECTION_LOST', `${where} closed the connection in the middle of ${method}`, {
      host: this.address.host,
      details: { method },
    });
  }

  /** Errors of the network have the system's codes; the others are of the protocol. */
  private brokeWith(error: Error & { code?: string }): ZfsFlowError {
    const network = error.code !== undefined && !error.code.startsWith('WS_');
    return network ? unreachable(this.address, error) : this.nonsense(error.message);
  }

  private nonsense(what: string): ZfsFlowError {
    const message = `${shownUrl(this.address)} does not speak TrueNAS's language: ${what}`;
    return new ZfsFlowError('API_ERROR', message, { details: { method: 'connect', errname: '' } });
  }

  private tooLate(method: string, timeoutMs: number): ZfsFlowError {
    const message = `${shownUrl(this.address)} did not answer ${method} within ${timeoutMs / 1000} s`;
    return new ZfsFlowError('TIMEOUT', message, { host: this.address.host, details: { method } });
  }
}
